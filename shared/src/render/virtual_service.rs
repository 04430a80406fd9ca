//! The VirtualService of a service: every one of its names, at the gateway, to the local service.
//!
//! Every serving cluster takes every name, those of other zones too: a name falls back by DNS, so
//! a request for another zone's name can arrive anywhere.

use serde_json::{Value, json};

use super::{Istio, gateway};
use crate::mesh::PathMatch;
use crate::object::Object;
use crate::placed::Placed;
use crate::resolved::{Resolved, Service};

/// The response header by which a gateway names its cluster, so that whoever asks sees who answered.
pub const ANSWER_HEADER: &str = "x-fedmesh-cluster";

pub(super) fn render(service: &Service, resolved: &Resolved) -> Placed {
    let hosts: Vec<&str> = service
        .names
        .iter()
        .map(|name| name.host.as_str())
        .collect();
    let mut route = json!({
        "route": [{
            "destination": {
                "host": format!("{}.{}.svc.cluster.local", service.name, service.namespace),
                "port": { "number": service.port },
            },
        }],
    });
    if !service.routes.is_empty() {
        let matches: Vec<Value> = service
            .routes
            .iter()
            .map(|path| match path {
                PathMatch::Exact(path) => json!({ "uri": { "exact": path } }),
                PathMatch::Prefix(path) => json!({ "uri": { "prefix": path } }),
            })
            .collect();
        route = json!({ "match": matches, "route": route["route"] });
    }
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
            let mut route = route.clone();
            if resolved.answer_header {
                route["headers"] =
                    json!({ "response": { "set": { ANSWER_HEADER: cluster.name.as_str() } } });
            }
            (
                index,
                vec![
                    json!([gateway::reference(cluster, resolved)]),
                    json!([route]),
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
