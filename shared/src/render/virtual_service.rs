//! The VirtualService of a service: every one of its names, at the gateway, to the local service.
//!
//! Every serving cluster takes every name, those of other zones too: a name falls back by DNS, so
//! a request for another zone's name can arrive anywhere. Of several ports, each published one leads to
//! its own.

use serde_json::{Value, json};

use super::{Istio, gateway};
use crate::mesh::{PathMatch, Protocol};
use crate::object::Object;
use crate::placed::Placed;
use crate::resolved::{Cluster, Port, Resolved, Service};

/// The response header by which a gateway names its cluster, so that whoever asks sees who answered.
pub const ANSWER_HEADER: &str = "x-fedmesh-cluster";

pub(super) fn render(service: &Service, resolved: &Resolved) -> Placed {
    let hosts: Vec<&str> = service
        .names
        .iter()
        .map(|name| name.host.as_str())
        .collect();
    let template = Object::new(
        Istio(resolved.istio).virtual_service(),
        Some(service.namespace.as_str()),
        service.name.as_str(),
        json!({ "spec": { "hosts": hosts, "gateways": [] } }),
    );
    let mut paths: Vec<&[&'static str]> = vec![&["spec", "gateways"]];
    for section in [HTTP, TLS, TCP] {
        if service.ports.iter().any(|port| section_of(port) == section) {
            paths.push(section);
        }
    }
    let fields = service
        .clusters
        .iter()
        .map(|&index| {
            let cluster = &resolved.clusters[index];
            let mut values = vec![json!([gateway::reference(cluster, resolved)])];
            for section in &paths[1..] {
                let ports = service.ports.iter();
                let routes: Vec<Value> = ports
                    .filter(|port| section_of(port) == *section)
                    .map(|port| route(port, service, cluster, resolved))
                    .collect();
                values.push(routes.into());
            }
            (index, values)
        })
        .collect();
    Placed::with_fields(template, service.id(), &paths, fields)
}

const HTTP: &[&str] = &["spec", "http"];
const TLS: &[&str] = &["spec", "tls"];
const TCP: &[&str] = &["spec", "tcp"];

/// Where the routes of a port stand.
fn section_of(port: &Port) -> &'static [&'static str] {
    match port.protocol {
        Protocol::Http | Protocol::Http2 | Protocol::Grpc => HTTP,
        Protocol::Tls => TLS,
        Protocol::Tcp => TCP,
    }
}

/// From a port of a cluster's gateway to the service.
fn route(port: &Port, service: &Service, cluster: &Cluster, resolved: &Resolved) -> Value {
    let mut matches: Vec<Value> = Vec::new();
    if port.protocol.is_http() {
        matches.extend(service.routes.iter().map(|path| match path {
            PathMatch::Exact(path) => json!({ "uri": { "exact": path } }),
            PathMatch::Prefix(path) => json!({ "uri": { "prefix": path } }),
        }));
    }
    // One port with requests needs no match: the gateway's server has it alone.
    let http = service.ports.iter().filter(|port| port.protocol.is_http());
    if !port.protocol.is_http() || http.count() > 1 {
        if matches.is_empty() {
            matches.push(json!({}));
        }
        for one in &mut matches {
            one["port"] = port.at(&cluster.gateway).into();
        }
    }
    if port.protocol == Protocol::Tls {
        let hosts = service.names.iter().map(|name| name.host.as_str());
        matches[0]["sniHosts"] = hosts.collect();
    }
    let mut route = json!({});
    if !matches.is_empty() {
        route["match"] = matches.into();
    }
    route["route"] = json!([{
        "destination": {
            "host": format!("{}.{}.svc.cluster.local", service.name, service.namespace),
            "port": { "number": port.number },
        },
    }]);
    if resolved.answer_header && port.protocol.is_http() {
        route["headers"] =
            json!({ "response": { "set": { ANSWER_HEADER: cluster.name.as_str() } } });
    }
    route
}
