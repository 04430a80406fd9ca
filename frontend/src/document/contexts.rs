//! Turns contexts that the agent reported into clusters of the document.

use serde_json::{Map, Value, json};
use shared::api::{Clusters, Context};

use super::clusters::{self, CLUSTERS};
use super::path::{item, key};
use super::value::{self, text};

/// The context of a cluster: its name, if it has no other.
fn name_of(document: &Value, index: usize) -> &str {
    let cluster = item(CLUSTERS, index);
    match text(document, &key(&cluster, "context")) {
        "" => text(document, &key(&cluster, "name")),
        context => context,
    }
}

/// The context of a cluster, if the agent reported it.
fn context_of<'a>(reported: &'a Clusters, document: &Value, index: usize) -> Option<&'a Context> {
    let name = name_of(document, index);
    reported
        .contexts
        .iter()
        .find(|context| context.name == name)
}

fn indexes(document: &Value) -> std::ops::Range<usize> {
    0..value::count(document, CLUSTERS)
}

/// Contexts that no cluster of the document uses.
pub(crate) fn unused<'a>(reported: &'a Clusters, document: &Value) -> Vec<&'a Context> {
    let is_used = |context: &&Context| {
        !indexes(document).any(|index| name_of(document, index) == context.name)
    };
    reported.contexts.iter().filter(is_used).collect()
}

/// Fills empty regions and zones with those of the contexts; values that the user entered stay.
pub(crate) fn fill(document: &mut Value, reported: &Clusters) {
    for index in indexes(document) {
        let Some(context) = context_of(reported, document, index).cloned() else {
            continue;
        };
        if lacks_region(document, index)
            && let Some(region) = context.region
        {
            value::set(
                document,
                &key(&item(CLUSTERS, index), "region"),
                json!(region),
            );
        }
        if lacks_zone(document, index) && !context.zones.is_empty() {
            clusters::set_zones(document, index, &context.zones);
        }
    }
}

fn lacks_region(document: &Value, index: usize) -> bool {
    text(document, &key(&item(CLUSTERS, index), "region")).is_empty()
}

fn lacks_zone(document: &Value, index: usize) -> bool {
    clusters::zones(document, index).is_empty()
}

/// Whether [`fill`] would change anything.
pub(crate) fn can_fill(document: &Value, reported: &Clusters) -> bool {
    indexes(document).any(|index| {
        context_of(reported, document, index).is_some_and(|context| {
            lacks_region(document, index) && context.region.is_some()
                || lacks_zone(document, index) && !context.zones.is_empty()
        })
    })
}

/// The gateway addresses that the agent found for a cluster, if the document has none and its gateway is the default
/// one.
pub(crate) fn found_addresses(reported: &Clusters, document: &Value, index: usize) -> Vec<String> {
    let gateway = value::get(document, &key(&item(CLUSTERS, index), "gateway"));
    // A `clusterIP` belongs to the same gateway.
    let is_default = gateway
        .and_then(Value::as_object)
        .is_none_or(|gateway| gateway.keys().all(|name| name == "clusterIP"));
    let found = context_of(reported, document, index).and_then(|context| context.gateway.clone());
    found.filter(|_| is_default).unwrap_or_default()
}

/// Adds a cluster for a context; the first one that is still empty is used for it.
pub(crate) fn add(document: &mut Value, context: &Context, reported: &Clusters) {
    let is_blank = |index: &usize| {
        let context = text(document, &key(&item(CLUSTERS, *index), "context"));
        let is_unwritten =
            lacks_region(document, *index) && lacks_zone(document, *index) && context.is_empty();
        is_unwritten && context_of(reported, document, *index).is_none()
    };
    let index = indexes(document).find(is_blank);
    let index = index.unwrap_or_else(|| value::count(document, CLUSTERS));
    let name = label(&context.name);
    let mut cluster = Map::new();
    if name != context.name {
        cluster.insert("context".to_owned(), json!(context.name));
    }
    cluster.insert("name".to_owned(), json!(name));
    if let Some(region) = &context.region {
        cluster.insert("region".to_owned(), json!(region));
    }
    value::set(document, &item(CLUSTERS, index), Value::Object(cluster));
    if !context.zones.is_empty() {
        clusters::set_zones(document, index, &context.zones);
    }
}

/// A DNS label from the name of a context: `gke_project_us-west2-a_one` gives `gke-project-us-west2-a-one`.
fn label(context: &str) -> String {
    let mut label = String::new();
    for c in context.to_ascii_lowercase().chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '-' };
        if c != '-' || !label.ends_with('-') {
            label.push(c);
        }
    }
    label.truncate(63);
    label.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::start;

    fn context(name: &str, zone: &str) -> Context {
        Context {
            name: name.to_owned(),
            error: None,
            version: None,
            region: Some("r".to_owned()),
            zones: vec![zone.to_owned()],
            gateway: Some(vec!["203.0.113.1".to_owned()]),
        }
    }

    fn reported(contexts: Vec<Context>) -> Clusters {
        Clusters {
            error: None,
            contexts,
        }
    }

    #[test]
    fn only_empty_cells_are_filled() {
        let mut document = start::empty();
        value::set(
            &mut document,
            "spec.clusters[0]",
            json!({ "name": "cluster1", "zone": "mine" }),
        );
        value::set(
            &mut document,
            "spec.clusters[1]",
            json!({ "name": "cluster2" }),
        );
        let reported = reported(vec![context("cluster1", "a"), context("other", "b")]);
        assert!(can_fill(&document, &reported));
        fill(&mut document, &reported);
        assert!(!can_fill(&document, &reported));
        assert_eq!(
            value::get(&document, CLUSTERS),
            Some(&json!([
                { "name": "cluster1", "region": "r", "zone": "mine" },
                { "name": "cluster2" },
            ]))
        );
        assert_eq!(found_addresses(&reported, &document, 0), ["203.0.113.1"]);
        for (gateway, found) in [
            (json!({ "clusterIP": "10.96.0.10" }), 1),
            (json!({ "service": "other" }), 0),
        ] {
            value::set(&mut document, "spec.clusters[0].gateway", gateway);
            assert_eq!(found_addresses(&reported, &document, 0).len(), found);
        }
        assert_eq!(unused(&reported, &document).len(), 1);
    }

    #[test]
    fn a_context_becomes_a_cluster_with_a_valid_name() {
        let mut document = start::empty();
        for name in ["gke_project_us-west2-a_one", "user@host:6443", "third"] {
            add(&mut document, &context(name, "a"), &Clusters::default());
        }
        let names: Vec<(&str, &str)> = value::items(&document, CLUSTERS)
            .iter()
            .map(|cluster| (text(cluster, "name"), text(cluster, "context")))
            .collect();
        assert_eq!(
            names,
            [
                ("gke-project-us-west2-a-one", "gke_project_us-west2-a_one"),
                ("user-host-6443", "user@host:6443"),
                ("third", ""),
            ]
        );
        assert!(unused(&reported(vec![context("third", "a")]), &document).is_empty());
    }
}
