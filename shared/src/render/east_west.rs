//! The Gateway of each cluster for mutual TLS from other clusters: it is passed through to the services of the
//! document, and to no other.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{gateway, skeleton};
use crate::kubernetes::ownership;
use crate::placed::Placed;
use crate::resolved::Resolved;

/// The Gateways of some clusters.
pub(super) fn render(clusters: &[usize], resolved: &Resolved) -> Vec<Placed> {
    let mut by_namespace: BTreeMap<&str, Vec<(usize, Vec<Value>)>> = BTreeMap::new();
    for &index in clusters {
        let cluster = &resolved.clusters[index];
        let here = resolved
            .services
            .iter()
            .filter(|service| service.is_mutual() && service.clusters.contains(&index));
        let mut hosts: Vec<String> = here.map(|service| service.local(index).host()).collect();
        if hosts.is_empty() {
            continue;
        }
        hosts.sort_unstable();
        let gateway = &cluster.east_west_gateway;
        let mut servers = skeleton(
            r#"[{"port":{"number":0,"name":"tls","protocol":"TLS"},"hosts":[],"tls":{"mode":"AUTO_PASSTHROUGH"}}]"#,
        );
        servers[0]["port"]["number"] = gateway.port.into();
        servers[0]["hosts"] = hosts.into();
        by_namespace
            .entry(gateway.namespace.as_str())
            .or_default()
            .push((index, vec![json!(gateway.selector), servers]));
    }
    let name = ownership::east_west_name(resolved.name.as_str());
    gateway::place(&name, "gateway", by_namespace, resolved)
}
