//! The Gateway of each cluster for mutual TLS from other clusters: it is passed through to the services of the
//! document, and to no other.
//!
//! Callers of a service have one SNI, which contains a DNS domain (`resolved::mutual`). In a cluster with another one, an
//! entry for the gateway alone gives the service that name too: its endpoint is the Service, whose pods accept any SNI.
//! An endpoint without the label `security.istio.io/tlsMode` gets no such session (istio
//! `pilot/pkg/xds/endpoints/ep_filters.go`, `EndpointsWithMTLSFilter`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::entry::rendered_port;
use super::{EXPORT_TO, Istio, gateway, skeleton};
use crate::defaults::ISTIO_NAMESPACE;
use crate::kubernetes::object::Object;
use crate::kubernetes::ownership;
use crate::placed::Placed;
use crate::resolved::mutual::aliases;
use crate::resolved::{Port, Resolved, Service};

/// The Gateways of some clusters.
pub(super) fn render(clusters: &[usize], resolved: &Resolved) -> Vec<Placed> {
    let mut by_namespace: BTreeMap<&str, Vec<(usize, Vec<Value>)>> = BTreeMap::new();
    for &index in clusters {
        let cluster = &resolved.clusters[index];
        let here = resolved
            .services
            .iter()
            .filter(|service| service.is_mutual() && service.clusters.contains(&index));
        let mut hosts: Vec<String> = here
            .flat_map(|service| {
                let own = service.local(index).host(cluster);
                aliases(service, cluster, resolved).into_iter().chain([own])
            })
            .collect();
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

const ENDPOINTS: &[&str] = &["spec", "endpoints"];

/// The entries for the further hosts of a service in some clusters.
pub(super) fn render_aliases(
    clusters: &[usize],
    service: &Service,
    resolved: &Resolved,
) -> Vec<Placed> {
    if !service.is_mutual() {
        return Vec::new();
    }
    let mut by_host: BTreeMap<String, Vec<(usize, Vec<Value>)>> = BTreeMap::new();
    for &index in service.clusters.iter().filter(|at| clusters.contains(at)) {
        let cluster = &resolved.clusters[index];
        let mut endpoint =
            skeleton(r#"{"address":"","labels":{"security.istio.io/tlsMode":"istio"}}"#);
        endpoint["address"] = service.local(index).host(cluster).into();
        let gateway = cluster.east_west_gateway.namespace.as_str();
        for host in aliases(service, cluster, resolved) {
            let fields = vec![json!([gateway]), json!([endpoint])];
            by_host.entry(host).or_default().push((index, fields));
        }
    }
    let ports = service.ports.iter().map(|port| {
        let own = Port::new(port.number, port.protocol, port.number);
        rendered_port(&own, own.number)
    });
    let ports: Value = ports.collect();
    by_host
        .into_iter()
        .map(|(host, fields)| {
            let mut body = skeleton(
                r#"{"spec":{"hosts":[""],"exportTo":[],"location":"MESH_INTERNAL","ports":[],
                "resolution":"DNS","endpoints":[]}}"#,
            );
            body["spec"]["hosts"][0] = host.as_str().into();
            body["spec"]["ports"] = ports.clone();
            let kind = Istio(resolved.istio).service_entry();
            let template = Object::new(kind, Some(ISTIO_NAMESPACE), host, body);
            Placed::with_fields(template, service.id(), &[EXPORT_TO, ENDPOINTS], fields)
        })
        .collect()
}
