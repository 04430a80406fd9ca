//! The Gateway API's form of Istio's Gateway and VirtualService: a Gateway for each serving cluster, and for each port
//! of a service a route of its protocol's kind. Features that it lacks are findings (`check::gateway_api`).
//!
//! A route is in its service's namespace and refers to nothing in another namespace except the Gateway, whose listeners
//! list the allowed namespaces; so no ReferenceGrant is needed.

mod gateway;
mod rules;

use serde_json::{Value, json};

use super::all;
use crate::kubernetes::object::{Kind, Object};
use crate::kubernetes::ownership;
use crate::mesh::Protocol;
use crate::name::Label;
use crate::placed::Placed;
use crate::resolved::{Cluster, Port, Resolved, Service};

pub(super) use gateway::render as gateways;

/// Limit of host names of a route, and of its rules.
const ROUTE_MAX: usize = 16;

/// All objects of the Gateway API; none without `spec.gatewayApi`.
pub fn render(resolved: &Resolved) -> Vec<Placed> {
    if !resolved.gateway_api {
        return Vec::new();
    }
    let clusters = all(resolved);
    let mut placed = gateways(&clusters, resolved);
    for service in &resolved.services {
        placed.extend(routes(&clusters, service, resolved));
    }
    placed
}

/// The routes of a service: several for a port with more names or rules than one may have. They have the namespace and
/// name of the local Service, so clusters with another one have other routes.
pub(super) fn routes(clusters: &[usize], service: &Service, resolved: &Resolved) -> Vec<Placed> {
    let mut placed = Vec::new();
    if service.is_mutual() {
        // An east-west gateway passes it through, which only Istio's own Gateway can configure.
        return placed;
    }
    for ((namespace, name), clusters) in service.locals_in(clusters) {
        for (at, port) in service.ports.iter().enumerate() {
            let mut name = name.to_string();
            if service.ports.len() > 1 {
                name = format!("{name}.{}", port.published);
            }
            let rules = clusters.iter().map(|&index| {
                let local = service.local(index);
                let cluster = &resolved.clusters[index];
                let rules = rules::rules(&local.ports[at], service, local, cluster, resolved);
                (index, rules)
            });
            let routes = Routes {
                namespace,
                name: &name,
                rules: rules.collect(),
            };
            placed.extend(routes.of_port(port, service, resolved));
        }
    }
    placed
}

/// The routes of one port of a service, for one Service.
struct Routes<'a> {
    namespace: &'a Label,
    name: &'a str,
    /// The rules in each of its clusters; the same number in each.
    rules: Vec<(usize, Vec<Value>)>,
}

impl Routes<'_> {
    fn of_port(&self, port: &Port, service: &Service, resolved: &Resolved) -> Vec<Placed> {
        let kind = match port.protocol {
            Protocol::Http | Protocol::Http2 => Kind::gateway_api("HTTPRoute", "httproutes"),
            Protocol::Grpc => Kind::gateway_api("GRPCRoute", "grpcroutes"),
            Protocol::Tls => Kind::gateway_api("TLSRoute", "tlsroutes"),
            Protocol::Tcp => Kind::gateway_api("TCPRoute", "tcproutes"),
        };
        let count = self.rules.first().map_or(0, |(_, rules)| rules.len());
        let names: Vec<&str> = service
            .names
            .iter()
            .map(|name| name.host.as_str())
            .collect();
        let mut placed: Vec<Placed> = Vec::new();
        for hosts in names.chunks(ROUTE_MAX) {
            // Plain TCP has no host name.
            let carries_name = port.protocol != Protocol::Tcp;
            if !carries_name && !placed.is_empty() {
                break;
            }
            for first in (0..count).step_by(ROUTE_MAX) {
                let values = self.rules.iter().map(|(index, rules)| {
                    let some = rules.iter().skip(first).take(ROUTE_MAX).cloned();
                    let parents = json!([parent(port, &resolved.clusters[*index], resolved)]);
                    (*index, vec![parents, some.collect()])
                });
                let mut body = json!({ "spec": { "parentRefs": [] } });
                if carries_name {
                    body["spec"]["hostnames"] = hosts.into();
                }
                let name = match placed.len() {
                    0 => self.name.to_owned(),
                    others => format!("{}.{}", self.name, others + 1),
                };
                let template = Object::new(kind.clone(), Some(self.namespace.as_str()), name, body);
                let fields: &[&[&str]] = &[&["spec", "parentRefs"], &["spec", "rules"]];
                placed.push(Placed::with_fields(
                    template,
                    service.id(),
                    fields,
                    values.collect(),
                ));
            }
        }
        placed
    }
}

/// The listener of a cluster's Gateway to which a route of a port attaches.
fn parent(port: &Port, cluster: &Cluster, resolved: &Resolved) -> Value {
    json!({
        "name": ownership::object_name(resolved.name.as_str()),
        "namespace": cluster.gateway.namespace.as_str(),
        "sectionName": gateway::listener_name(port, resolved),
    })
}
