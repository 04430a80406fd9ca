//! The VirtualService of a service: every one of its names, at the gateway, to the local service.
//!
//! Every serving cluster takes every name, those of other zones too: a name falls back by DNS, so
//! a request for another zone's name can arrive anywhere.

use serde_json::{Value, json};

use super::{Istio, gateway};
use crate::object::Object;
use crate::placed::Placed;
use crate::resolved::{Resolved, Route, Service};

/// The response header by which a gateway names its cluster, so that whoever asks sees who answered.
pub const ANSWER_HEADER: &str = "x-fedmesh-cluster";

pub(super) fn render(service: &Service, resolved: &Resolved) -> Placed {
    let hosts: Vec<&str> = service
        .names
        .iter()
        .map(|name| name.host.as_str())
        .collect();
    let routes: Vec<Value> = service
        .routes
        .iter()
        .map(|route| http_route(route, service))
        .collect();
    let template = Object::new(
        Istio(resolved.istio).virtual_service(),
        Some(service.namespace.as_str()),
        service.name.as_str(),
        json!({ "spec": { "hosts": hosts, "gateways": [], "http": [] } }),
    );
    let fields = service
        .clusters
        .iter()
        .map(|&index| {
            let cluster = &resolved.clusters[index];
            let mut routes = routes.clone();
            if resolved.answer_header {
                for route in &mut routes {
                    route["headers"]["response"]["set"][ANSWER_HEADER] =
                        cluster.name.as_str().into();
                }
            }
            (
                index,
                vec![
                    json!([gateway::reference(cluster, resolved)]),
                    json!(routes),
                ],
            )
        })
        .collect();
    Placed::with_fields(
        template,
        service.id(),
        &[&["spec", "gateways"], &["spec", "http"]],
        fields,
    )
}

/// Istio's route: what the document says, with the local service as the destination.
fn http_route(route: &Route, service: &Service) -> Value {
    let host = local_host(service);
    let mut action = route.action.clone();
    let destination = |part: &Value| {
        let mut destination = json!({ "host": host, "port": { "number": service.port } });
        if let Some(subset) = part.get("subset") {
            destination["subset"] = subset.clone();
        }
        destination
    };
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
            }
            share
        });
        http["route"] = shares.collect();
    } else if !action.contains_key("redirect") && !action.contains_key("directResponse") {
        http["route"] = json!([{ "destination": destination(&Value::Null) }]);
    }
    // Copies go to the service itself where no other host is named.
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

/// The service's own name inside its cluster.
pub(super) fn local_host(service: &Service) -> String {
    format!("{}.{}.svc.cluster.local", service.name, service.namespace)
}
