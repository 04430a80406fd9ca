//! The clusters that run a service, or that something else of the document is for.

use serde_json::{Value, json};

use crate::document::clusters;
use crate::document::value;

/// Whether a list of clusters has one; no list means all of them.
pub(crate) fn has(document: &Value, path: &str, cluster: &str) -> bool {
    match value::get(document, path) {
        Some(Value::Array(chosen)) => chosen.iter().any(|name| name == cluster),
        _ => true,
    }
}

/// Sets whether a list of clusters has one. All clusters are written as no list, so that it also holds for clusters
/// that are added later.
pub(crate) fn set(document: &mut Value, path: &str, cluster: &str, has: bool) {
    let all = clusters::names(document);
    let chosen = match value::get(document, path) {
        Some(Value::Array(chosen)) => chosen
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => all.clone(),
    };
    let is_chosen = |name: &String| {
        if name == cluster {
            has
        } else {
            chosen.contains(name)
        }
    };
    let unknown = chosen
        .iter()
        .filter(|name| !all.contains(name) && *name != cluster);
    let in_order: Vec<String> = all
        .iter()
        .filter(|name| is_chosen(name))
        .chain(unknown)
        .cloned()
        .collect();
    if in_order == all {
        value::remove(document, path);
    } else {
        value::set(document, path, json!(in_order));
    }
}

/// The clusters of the document, and unknown clusters of a list.
pub(crate) fn shown(document: &Value, path: &str) -> Vec<String> {
    let mut shown = clusters::names(document);
    for name in value::items(document, path)
        .iter()
        .filter_map(Value::as_str)
    {
        if !name.is_empty() && !shown.iter().any(|known| known == name) {
            shown.push(name.to_owned());
        }
    }
    shown.dedup();
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::start;

    const PATH: &str = "spec.services[0].clusters";

    #[test]
    fn all_clusters_are_written_as_no_list() {
        let mut document = start::walkthrough();
        set(&mut document, PATH, "cluster1", false);
        assert_eq!(value::get(&document, PATH), Some(&json!(["cluster2"])));
        assert!(!has(&document, PATH, "cluster1") && has(&document, PATH, "cluster2"));
        set(&mut document, PATH, "cluster1", true);
        assert_eq!(value::get(&document, PATH), None);
    }

    #[test]
    fn unknown_clusters_are_shown_and_can_be_left_out() {
        let mut document = start::walkthrough();
        value::set(&mut document, PATH, json!(["old", "cluster1"]));
        assert_eq!(shown(&document, PATH), ["cluster1", "cluster2", "old"]);
        set(&mut document, PATH, "old", false);
        assert_eq!(value::get(&document, PATH), Some(&json!(["cluster1"])));
        set(&mut document, PATH, "cluster1", false);
        assert_eq!(value::get(&document, PATH), Some(&json!([])));
    }
}
