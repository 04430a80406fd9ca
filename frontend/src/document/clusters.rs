//! Changes that concern more than one field: references to a cluster follow its name, region and zones.

use serde_json::{Value, json};
use shared::Mesh;

use super::change;
use super::path;
use super::value;

/// The path of the clusters.
pub(crate) const CLUSTERS: &str = "spec.clusters";
/// The path of the services.
pub(crate) const SERVICES: &str = "spec.services";

/// Sets a field, and what refers to the cluster whose name, region or zones it is; `None` removes the field.
pub(crate) fn set_field(document: &mut Value, path: &str, new: Option<Value>) {
    if let Some((index, field)) = cluster_field(path) {
        let text = new.as_ref().and_then(Value::as_str).unwrap_or_default();
        match field {
            "name" => typed(document, |mesh| mesh.spec.rename_cluster(index, text)),
            "region" => typed(document, |mesh| {
                if let Some(cluster) = mesh.spec.clusters.get(index) {
                    let zones = cluster.all_zones().map(str::to_owned).collect();
                    mesh.spec.move_cluster(index, text, zones);
                }
            }),
            _ => {}
        }
    }
    match new {
        Some(new) => value::set(document, path, new),
        None => value::remove(document, path),
    }
}

/// Sets the zones of a cluster: `zone`, or `zones` for several.
pub(crate) fn set_zones(document: &mut Value, index: usize, zones: &[String]) {
    typed(document, |mesh| {
        if let Some(cluster) = mesh.spec.clusters.get(index) {
            let region = cluster.region.clone();
            mesh.spec.move_cluster(index, &region, zones.to_vec());
        }
    });
    let cluster = path::item(CLUSTERS, index);
    if zones.is_empty() {
        value::remove(document, &path::key(&cluster, "zone"));
        value::remove(document, &path::key(&cluster, "zones"));
    }
}

/// All zones of a cluster.
pub(crate) fn zones(document: &Value, index: usize) -> Vec<String> {
    let cluster = path::item(CLUSTERS, index);
    let zone = value::text(document, &path::key(&cluster, "zone"));
    let zones = value::items(document, &path::key(&cluster, "zones"));
    let zone = Some(zone).filter(|zone| !zone.is_empty());
    zone.into_iter()
        .chain(zones.iter().filter_map(Value::as_str))
        .map(str::to_owned)
        .collect()
}

/// Removes a cluster, and what refers to it alone.
pub(crate) fn remove(document: &mut Value, index: usize) {
    typed(document, |mesh| mesh.spec.remove_cluster(index));
}

/// Adds a cluster, in the region of the last one.
pub(crate) fn add(document: &mut Value) {
    let index = value::count(document, CLUSTERS);
    let last = index
        .checked_sub(1)
        .map(|last| path::key(&path::item(CLUSTERS, last), "region"));
    let region = last
        .map(|last| value::text(document, &last).to_owned())
        .unwrap_or_default();
    let cluster = if region.is_empty() {
        json!({})
    } else {
        json!({ "region": region })
    };
    value::insert(document, CLUSTERS, index, cluster);
}

/// Changes the document as a [`Mesh`]; fields that are not in one, such as a port that is no number yet, stay.
pub(crate) fn typed(document: &mut Value, change: impl FnOnce(&mut Mesh)) {
    let (mut mesh, _) = Mesh::from_value(document);
    let before = as_value(&mesh);
    change(&mut mesh);
    for change in change::between(&before, &as_value(&mesh)) {
        change.apply(document);
    }
}

/// A document as a value: only with fields that are set.
pub(crate) fn as_value(mesh: &Mesh) -> Value {
    // A Mesh has text keys only, so this does not fail.
    serde_json::to_value(mesh).unwrap_or_default()
}

fn cluster_field(path: &str) -> Option<(usize, &str)> {
    let (index, field) = path
        .strip_prefix(CLUSTERS)?
        .strip_prefix('[')?
        .split_once("].")?;
    Some((index.parse().ok()?, field))
}

/// The names of the clusters, without empty ones.
pub(crate) fn names(document: &Value) -> Vec<String> {
    let clusters = value::items(document, CLUSTERS).iter();
    let names = clusters.filter_map(|cluster| cluster.get("name")?.as_str());
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::start;

    #[test]
    fn references_follow_the_name_and_what_is_invalid_stays() {
        let mut document = start::walkthrough();
        let services = "spec.services[0]";
        value::set(
            &mut document,
            &path::key(services, "clusters"),
            json!(["cluster1"]),
        );
        value::set(&mut document, &path::key(services, "port"), json!("80a"));
        set_field(&mut document, "spec.clusters[0].name", Some(json!("west")));
        assert_eq!(
            value::text(&document, "spec.services[0].clusters[0]"),
            "west"
        );
        assert_eq!(value::text(&document, "spec.services[0].port"), "80a");
        set_field(&mut document, "spec.clusters[0].name", None);
        assert_eq!(value::get(&document, "spec.clusters[0].name"), None);
        assert_eq!(names(&document), ["cluster2"]);
    }

    #[test]
    fn one_field_is_for_one_zone_or_several() {
        let mut document = start::walkthrough();
        assert_eq!(zones(&document, 0), ["us-west2-a"]);
        set_zones(&mut document, 0, &["a".to_owned(), "b".to_owned()]);
        assert_eq!(zones(&document, 0), ["a", "b"]);
        assert_eq!(value::get(&document, "spec.clusters[0].zone"), None);
        set_zones(&mut document, 0, &["c".to_owned()]);
        assert_eq!(value::text(&document, "spec.clusters[0].zone"), "c");
        set_zones(&mut document, 0, &[]);
        assert_eq!(zones(&document, 0), [""; 0]);
    }

    #[test]
    fn clusters_are_added_and_removed() {
        let mut document = start::walkthrough();
        add(&mut document);
        assert_eq!(
            value::text(&document, "spec.clusters[2].region"),
            "us-west2"
        );
        remove(&mut document, 0);
        assert_eq!(names(&document), ["cluster2"]);
        assert_eq!(value::count(&document, CLUSTERS), 2);
    }
}
