//! Turns contexts that the agent reported into rows of the clusters table.

use shared::api::{Clusters, Context};
use shared::mesh::{Cluster, Gateway, Mesh};

/// The context of a cluster, if the agent reported it.
pub(crate) fn context_of<'a>(clusters: &'a Clusters, cluster: &Cluster) -> Option<&'a Context> {
    let name = cluster.context.as_ref().unwrap_or(&cluster.name);
    clusters
        .contexts
        .iter()
        .find(|context| context.name == *name)
}

/// Contexts that no cluster of the document uses.
pub(crate) fn unused<'a>(clusters: &'a Clusters, mesh: &Mesh) -> Vec<&'a Context> {
    let is_used = |context: &Context| {
        mesh.spec
            .clusters
            .iter()
            .any(|c| c.context.as_ref().unwrap_or(&c.name) == &context.name)
    };
    clusters
        .contexts
        .iter()
        .filter(|context| !is_used(context))
        .collect()
}

/// Fills empty regions and zones with those of the contexts; values that the user entered stay.
pub(crate) fn fill(mesh: &mut Mesh, clusters: &Clusters) {
    for cluster in &mut mesh.spec.clusters {
        let Some(context) = context_of(clusters, cluster).cloned() else {
            continue;
        };
        if cluster.region.is_empty() {
            cluster.region = context.region.unwrap_or_default();
        }
        if has_no_zone(cluster) {
            cluster.set_zones(context.zones);
        }
    }
}

fn has_no_zone(cluster: &Cluster) -> bool {
    cluster.all_zones().next().is_none()
}

/// Whether [`fill`] would change anything.
pub(crate) fn can_fill(mesh: &Mesh, clusters: &Clusters) -> bool {
    mesh.spec.clusters.iter().any(|cluster| {
        context_of(clusters, cluster).is_some_and(|context| {
            cluster.region.is_empty() && context.region.is_some()
                || has_no_zone(cluster) && !context.zones.is_empty()
        })
    })
}

/// The gateway addresses that the agent found for a cluster, if the document has none.
pub(crate) fn found_addresses(clusters: &Clusters, cluster: &Cluster) -> Vec<String> {
    // A `clusterIP` belongs to the same gateway.
    let is_default = cluster.gateway.as_ref().is_none_or(|gateway| {
        let cluster_ip = gateway.cluster_ip.clone();
        *gateway
            == Gateway {
                cluster_ip,
                ..Gateway::default()
            }
    });
    let found = context_of(clusters, cluster).and_then(|context| context.gateway.clone());
    found.filter(|_| is_default).unwrap_or_default()
}

/// Adds a row for a context; the first row that is still empty is used for it.
pub(crate) fn add(mesh: &mut Mesh, context: &Context, known: &Clusters) {
    let name = label(&context.name);
    let blank = |c: &Cluster| {
        let unwritten = c.region.is_empty() && has_no_zone(c) && c.context.is_none();
        unwritten && context_of(known, c).is_none()
    };
    let mut cluster = Cluster {
        context: (name != context.name).then(|| context.name.clone()),
        name,
        region: context.region.clone().unwrap_or_default(),
        ..Cluster::default()
    };
    cluster.set_zones(context.zones.clone());
    match mesh.spec.clusters.iter().position(blank) {
        Some(index) => mesh.spec.clusters[index] = cluster,
        None => mesh.spec.clusters.push(cluster),
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
    use serde_json::json;

    use super::*;
    use crate::form::template;

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

    #[test]
    fn only_empty_cells_are_filled() {
        let mut mesh = template::start();
        mesh.spec.clusters[0].zone = "mine".to_owned();
        let clusters = Clusters {
            error: None,
            contexts: vec![context("cluster1", "a"), context("other", "b")],
        };
        assert!(can_fill(&mesh, &clusters));
        fill(&mut mesh, &clusters);
        assert!(!can_fill(&mesh, &clusters));
        assert_eq!(
            (
                mesh.spec.clusters[0].region.as_str(),
                mesh.spec.clusters[0].zone.as_str()
            ),
            ("r", "mine")
        );
        assert_eq!(mesh.spec.clusters[1].region, "");
        assert_eq!(
            found_addresses(&clusters, &mesh.spec.clusters[0]),
            ["203.0.113.1"]
        );
        for (gateway, found) in [
            (json!({ "clusterIP": "10.96.0.10" }), 1),
            (json!({ "service": "other" }), 0),
        ] {
            mesh.spec.clusters[0].gateway = serde_json::from_value(gateway).unwrap();
            let addresses = found_addresses(&clusters, &mesh.spec.clusters[0]);
            assert_eq!(addresses.len(), found);
        }
        assert_eq!(unused(&clusters, &mesh).len(), 1);
    }

    #[test]
    fn a_context_becomes_a_row_with_a_valid_name() {
        let mut mesh = template::start();
        for name in ["gke_project_us-west2-a_one", "user@host:6443", "third"] {
            add(&mut mesh, &context(name, "a"), &Clusters::default());
        }
        let rows: Vec<(&str, Option<&str>)> = mesh
            .spec
            .clusters
            .iter()
            .map(|c| (&*c.name, c.context.as_deref()))
            .collect();
        assert_eq!(
            rows,
            [
                (
                    "gke-project-us-west2-a-one",
                    Some("gke_project_us-west2-a_one")
                ),
                ("user-host-6443", Some("user@host:6443")),
                ("third", None)
            ]
        );
        assert!(
            unused(
                &Clusters {
                    error: None,
                    contexts: vec![context("third", "a")]
                },
                &mesh
            )
            .is_empty()
        );
    }
}
