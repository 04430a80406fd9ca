//! The Gateway of each serving cluster: one, whose servers list the real hosts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Istio, skeleton};
use crate::defaults::{DEFAULT_GATEWAY_PORT, DEFAULT_TLS_PORT};
use crate::kubernetes::object::Object;
use crate::kubernetes::ownership;
use crate::mesh::Protocol;
use crate::name::Label;
use crate::placed::Placed;
use crate::resolved::{Cluster, Port, Resolved, Service, Tls};

/// The Gateways of some clusters.
pub(super) fn render(clusters: &[usize], resolved: &Resolved) -> Vec<Placed> {
    // A Gateway is in the namespace of its pods: Istio may be configured to require that.
    let mut by_namespace: BTreeMap<&str, Vec<(usize, Vec<Value>)>> = BTreeMap::new();
    for &index in clusters {
        let cluster = &resolved.clusters[index];
        let servers = servers(index, resolved);
        if servers.is_empty() {
            continue;
        }
        by_namespace
            .entry(cluster.gateway.namespace.as_str())
            .or_default()
            .push((index, vec![json!(cluster.gateway.selector), servers.into()]));
    }
    let name = ownership::object_name(resolved.name.as_str());
    place(&name, "gateway", by_namespace, resolved)
}

/// Gateways with one name: in each namespace its clusters, with selector and servers.
pub(super) fn place(
    name: &str,
    subject: &str,
    by_namespace: BTreeMap<&str, Vec<(usize, Vec<Value>)>>,
    resolved: &Resolved,
) -> Vec<Placed> {
    const FIELDS: &[&[&str]] = &[&["spec", "selector"], &["spec", "servers"]];
    by_namespace
        .into_iter()
        .map(|(namespace, values)| {
            let kind = Istio(resolved.istio).gateway();
            let template = Object::new(kind, Some(namespace), name, json!({ "spec": {} }));
            Placed::with_fields(template, subject, FIELDS, values)
        })
        .collect()
}

/// The published ports at a cluster's gateway, by number, each with its services.
pub(super) fn published(cluster: usize, resolved: &Resolved) -> Vec<(Port, Vec<&Service>)> {
    let mut published: Vec<(Port, Vec<&Service>)> = Vec::new();
    for service in &resolved.services {
        if !service.clusters.contains(&cluster) || service.is_mutual() {
            continue;
        }
        for port in &service.ports {
            let place = published
                .iter()
                .position(|(other, _)| other.published >= port.published)
                .unwrap_or(published.len());
            let is_there = published
                .get(place)
                .is_some_and(|(other, _)| other.published == port.published);
            if !is_there {
                let protocol = port.protocol.family();
                published.insert(place, (Port { protocol, ..*port }, Vec::new()));
            }
            published[place].1.push(service);
        }
    }
    published
}

/// Whether plain requests to port 80 are redirected to a port, which is at `number` of the gateway.
pub(super) fn is_led_to(port: &Port, number: u16, tls: &Tls) -> bool {
    tls.redirect
        && port.published == DEFAULT_GATEWAY_PORT
        // The target of the redirect.
        && number == DEFAULT_TLS_PORT
}

/// The servers of a cluster's gateway: one for each published port, by number. A server has every name, sorted, of
/// every service that runs there and is published on its port. With TLS, one more redirects plain requests.
fn servers(cluster: usize, resolved: &Resolved) -> Vec<Value> {
    let gateway = &resolved.clusters[cluster].gateway;
    let mut rendered = Vec::new();
    for (port, services) in published(cluster, resolved) {
        let names = services.iter().flat_map(|service| &service.names);
        let mut hosts: Vec<&str> = names.map(|name| name.host.as_str()).collect();
        hosts.sort_unstable();
        let number = port.at(gateway);
        let mut server = skeleton(r#"{"port":{}}"#);
        server["port"]["number"] = number.into();
        server["port"]["name"] = port.name().into();
        server["port"]["protocol"] = port.protocol.as_str().to_uppercase().into();
        server["hosts"] = hosts.into();
        match (port.protocol, &resolved.tls) {
            (Protocol::Tls, _) => server["tls"] = skeleton(r#"{"mode":"PASSTHROUGH"}"#),
            (Protocol::Http, Some(tls)) => {
                if is_led_to(&port, number, tls) {
                    let mut redirect = server.clone();
                    redirect["port"]["number"] = DEFAULT_GATEWAY_PORT.into();
                    redirect["tls"] = skeleton(r#"{"httpsRedirect":true}"#);
                    rendered.push(redirect);
                }
                server["port"]["name"] = port.name().replacen("http", "https", 1).into();
                server["port"]["protocol"] = "HTTPS".into();
                server["tls"] = skeleton(r#"{"mode":"SIMPLE"}"#);
                server["tls"]["credentialName"] = tls.credential.as_str().into();
                server["tls"]["minProtocolVersion"] = tls.min_version.as_str().into();
            }
            _ => {}
        }
        rendered.push(server);
    }
    rendered
}

/// The reference to a cluster's Gateway in a VirtualService.
pub(super) fn reference(cluster: &Cluster, resolved: &Resolved) -> String {
    let name = ownership::object_name(resolved.name.as_str());
    named(&cluster.gateway.namespace, &name, cluster, resolved)
}

/// The reference to a Gateway of a cluster in a VirtualService of another namespace.
pub(super) fn named(
    namespace: &Label,
    name: &str,
    cluster: &Cluster,
    resolved: &Resolved,
) -> String {
    if resolved.istio.is_oldest() {
        // It accepts host names only (`validateGatewayNames` of its Pilot).
        return cluster.local_host(name, namespace);
    }
    format!("{namespace}/{name}")
}
