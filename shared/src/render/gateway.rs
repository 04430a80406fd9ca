//! The Gateway of each serving cluster: one, whose servers list the real hosts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Istio, skeleton};
use crate::mesh::Protocol;
use crate::object::Object;
use crate::ownership;
use crate::placed::Placed;
use crate::resolved::{Cluster, Port, Resolved};

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    // A Gateway stands beside the pods it selects: Istio can be set to look nowhere else.
    let mut by_namespace: BTreeMap<&str, Vec<(usize, Vec<Value>)>> = BTreeMap::new();
    for (index, cluster) in resolved.clusters.iter().enumerate() {
        let servers = servers(index, resolved);
        if servers.is_empty() {
            continue;
        }
        by_namespace
            .entry(cluster.gateway.namespace.as_str())
            .or_default()
            .push((index, vec![json!(cluster.gateway.selector), servers.into()]));
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

/// The servers of a cluster's gateway: one for each published port, by number. A server accepts every
/// name, sorted, of every service that runs there and is published on its port.
fn servers(cluster: usize, resolved: &Resolved) -> Vec<Value> {
    let mut servers: Vec<(Port, Vec<&str>)> = Vec::new();
    for service in &resolved.services {
        if !service.clusters.contains(&cluster) {
            continue;
        }
        for port in &service.ports {
            let place = servers
                .iter()
                .position(|(other, _)| other.published >= port.published)
                .unwrap_or(servers.len());
            let is_there = servers
                .get(place)
                .is_some_and(|(other, _)| other.published == port.published);
            if !is_there {
                let protocol = port.protocol.family();
                servers.insert(place, (Port { protocol, ..*port }, Vec::new()));
            }
            let hosts = &mut servers[place].1;
            hosts.extend(service.names.iter().map(|name| name.host.as_str()));
        }
    }
    let gateway = &resolved.clusters[cluster].gateway;
    servers
        .into_iter()
        .map(|(port, mut hosts)| {
            hosts.sort_unstable();
            let mut server = skeleton(r#"{"port":{}}"#);
            server["port"]["number"] = port.at(gateway).into();
            server["port"]["name"] = port.name().into();
            server["port"]["protocol"] = port.protocol.as_str().to_uppercase().into();
            server["hosts"] = hosts.into();
            if port.protocol == Protocol::Tls {
                server["tls"] = skeleton(r#"{"mode":"PASSTHROUGH"}"#);
            }
            server
        })
        .collect()
}

/// `namespace/name` of a cluster's Gateway, as a VirtualService refers to it.
pub(super) fn reference(cluster: &Cluster, resolved: &Resolved) -> String {
    format!(
        "{}/{}",
        cluster.gateway.namespace,
        ownership::object_name(resolved.name.as_str())
    )
}
