//! The VirtualService of a service: all its names, at the gateway, to the local service.
//!
//! Every serving cluster accepts every name, including those of other zones: a name falls back by DNS, so a request for
//! another zone's name can arrive anywhere. Of several ports, each published one is routed to its own. It has the
//! namespace and name of the local Service, so clusters with another one have another object.

use serde_json::{Value, json};

use super::{Istio, gateway};
use crate::kubernetes::object::Object;
use crate::mesh::Protocol;
use crate::placed::Placed;
use crate::resolved::{Cluster, Local, Port, Resolved, Route, Service};

/// The response header in which a gateway identifies its cluster.
pub const ANSWER_HEADER: &str = "x-fedmesh-cluster";

const HTTP: &[&str] = &["spec", "http"];
const TLS: &[&str] = &["spec", "tls"];
const TCP: &[&str] = &["spec", "tcp"];

pub(super) fn render(clusters: &[usize], service: &Service, resolved: &Resolved) -> Vec<Placed> {
    if service.is_mutual() {
        // The gateway only routes its SNI.
        return Vec::new();
    }
    let hosts: Vec<&str> = service
        .names
        .iter()
        .map(|name| name.host.as_str())
        .collect();
    let mut paths: Vec<&[&'static str]> = vec![&["spec", "gateways"]];
    for section in [HTTP, TLS, TCP] {
        if service.ports.iter().any(|port| section_of(port) == section) {
            paths.push(section);
        }
    }
    let fields = |index: usize| {
        let gateway = gateway::reference(&resolved.clusters[index], resolved);
        let mut values = vec![json!([gateway])];
        let local = service.local(index);
        for section in &paths[1..] {
            let mut routes: Vec<Value> = Vec::new();
            for port in local.ports {
                if section_of(port) == *section {
                    routes.extend(routes_of(port, local, service, index, resolved));
                }
            }
            values.push(routes.into());
        }
        (index, values)
    };
    let locals = service.locals_in(clusters).into_iter();
    locals
        .map(|((namespace, name), clusters)| {
            let template = Object::new(
                Istio(resolved.istio).virtual_service(),
                Some(namespace.as_str()),
                name.as_str(),
                json!({ "spec": { "hosts": hosts, "gateways": [] } }),
            );
            let fields = clusters.into_iter().map(fields).collect();
            Placed::with_fields(template, service.id(), &paths, fields)
        })
        .collect()
}

/// The section with the routes of a port.
fn section_of(port: &Port) -> &'static [&'static str] {
    match port.protocol {
        Protocol::Http | Protocol::Http2 | Protocol::Grpc => HTTP,
        Protocol::Tls => TLS,
        Protocol::Tcp => TCP,
    }
}

/// Routes from a port of a cluster's gateway to the service there.
fn routes_of(
    port: &Port,
    local: Local<'_>,
    service: &Service,
    cluster: usize,
    resolved: &Resolved,
) -> Vec<Value> {
    let cluster = &resolved.clusters[cluster];
    let at = port.at(&cluster.gateway);
    if !port.protocol.is_http() {
        let mut taken = json!({ "port": at });
        if port.protocol == Protocol::Tls {
            let hosts = service.names.iter().map(|name| name.host.as_str());
            taken["sniHosts"] = hosts.collect();
        }
        let to = destination(port, local, cluster, &Value::Null);
        return vec![json!({ "match": [taken], "route": [{ "destination": to }] })];
    }
    // The only port with requests needs no match: the gateway's server has no other.
    let http = service.ports.iter().filter(|port| port.protocol.is_http());
    let matches_port = http.count() > 1;
    let routes = service.routes.iter().map(|route| {
        let mut route = http_route(route, port, local, cluster);
        if matches_port {
            if let Value::Object(fields) = &mut route
                && !fields.contains_key("match")
            {
                fields.shift_insert(0, "match".into(), json!([{}]));
            }
            for one in route["match"].as_array_mut().into_iter().flatten() {
                one["port"] = at.into();
            }
        }
        if resolved.answer_header {
            route["headers"]["response"]["set"][ANSWER_HEADER] = cluster.name.as_str().into();
        }
        route
    });
    routes.collect()
}

/// The service in its cluster, or the `subset` or other `service` of `of`.
fn destination(port: &Port, local: Local<'_>, cluster: &Cluster, of: &Value) -> Value {
    let host = match of["service"].as_str() {
        Some(other) => cluster.local_host(other, local.namespace),
        None => local.host(cluster),
    };
    let mut destination = json!({ "host": host, "port": { "number": port.number } });
    if let Some(subset) = of.get("subset") {
        destination["subset"] = subset.clone();
    }
    destination
}

/// Istio's route: that of the document, with the local service as the destination.
fn http_route(route: &Route, port: &Port, local: Local<'_>, cluster: &Cluster) -> Value {
    let destination = |of: &Value| destination(port, local, cluster, of);
    let mut action = route.action.clone();
    let shares = action.shift_remove("to");
    let mut http = json!({});
    if !route.matches.is_empty() {
        http["match"] = route.matches.clone().into();
    }
    if let Some(Value::Array(shares)) = shares {
        let shares = shares.into_iter().map(|mut share| {
            share["destination"] = destination(&share);
            if let Value::Object(fields) = &mut share {
                fields.shift_remove("subset");
                fields.shift_remove("service");
            }
            share
        });
        http["route"] = shares.collect();
    } else if !action.contains_key("redirect") && !action.contains_key("directResponse") {
        http["route"] = json!([{ "destination": destination(&Value::Null) }]);
    }
    // Mirrored requests go to the service itself without another host.
    let to_ourselves = |mirror: &mut Value| {
        if mirror["host"].is_null() {
            *mirror = destination(mirror);
        }
    };
    if let Some(mirror) = action.get_mut("mirror") {
        to_ourselves(mirror);
    }
    if let Some(Value::Array(mirrors)) = action.get_mut("mirrors") {
        for mirror in mirrors {
            to_ourselves(&mut mirror["destination"]);
        }
    }
    if let Value::Object(fields) = &mut http {
        fields.extend(action);
    }
    http
}
