//! The Gateway of each serving cluster: one, whose servers list the real hosts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Istio;
use crate::object::Object;
use crate::ownership;
use crate::placed::Placed;
use crate::resolved::{Cluster, Resolved};

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    // A Gateway stands beside the pods it selects: Istio can be set to look nowhere else.
    let mut by_namespace: BTreeMap<&str, Vec<(usize, Vec<Value>)>> = BTreeMap::new();
    for (index, cluster) in resolved.clusters.iter().enumerate() {
        let hosts = hosts(index, resolved);
        if hosts.is_empty() {
            continue;
        }
        let server = json!({
            "port": { "number": cluster.gateway.port, "name": "http", "protocol": "HTTP" },
            "hosts": hosts,
        });
        by_namespace
            .entry(cluster.gateway.namespace.as_str())
            .or_default()
            .push((
                index,
                vec![json!(cluster.gateway.selector), json!([server])],
            ));
    }
    by_namespace
        .into_iter()
        .map(|(namespace, values)| {
            let name = ownership::object_name(resolved.name.as_str());
            let template = Object::new(
                Istio(resolved.istio).gateway(),
                Some(namespace),
                name,
                json!({ "spec": {} }),
            );
            Placed::with_fields(
                template,
                "gateway",
                &[&["spec", "selector"], &["spec", "servers"]],
                values,
            )
        })
        .collect()
}

/// The names that a cluster's gateway accepts: every name of every service that runs there, sorted.
fn hosts(cluster: usize, resolved: &Resolved) -> Vec<&str> {
    let mut hosts: Vec<&str> = resolved
        .services
        .iter()
        .filter(|service| service.clusters.contains(&cluster))
        .flat_map(|service| service.names.iter().map(|name| name.host.as_str()))
        .collect();
    hosts.sort_unstable();
    hosts
}

/// `namespace/name` of a cluster's Gateway, as a VirtualService refers to it.
pub(super) fn reference(cluster: &Cluster, resolved: &Resolved) -> String {
    format!(
        "{}/{}",
        cluster.gateway.namespace,
        ownership::object_name(resolved.name.as_str())
    )
}
