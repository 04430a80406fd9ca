//! Rendering: from a [`Resolved`] to placed objects; one file per kind of object.

mod app;
mod authorization_policy;
mod bookinfo;
mod coverage;
pub(crate) mod destination_rule;
pub(crate) mod dns_endpoint;
mod dns_endpoint_definition;
mod east_west;
mod egress_gateway;
mod entry;
mod external;
pub(crate) mod external_dns;
mod gateway;
mod gateway_api;
mod mesh_routes;
mod mutual;
mod namespace;
mod pods;
mod samples;
mod service_entry;
mod service_export;
pub(crate) mod sidecar;
mod virtual_service;
mod wildcard;
mod workload_entry;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::istio::IstioVersion;
use crate::kubernetes::object::{Kind, Object, Wave};
use crate::kubernetes::ownership;
use crate::origin::Origin;
use crate::placed::Placed;
use crate::resolved::{Resolved, Service};

pub use authorization_policy::SUFFIX as CALLERS_SUFFIX;
pub use coverage::WIDE;
pub use dns_endpoint::controller_publishes;
pub use gateway_api::render as render_gateway_api;
pub(crate) use namespace::makes_namespace;
pub use virtual_service::ANSWER_HEADER;
pub(crate) use wildcard::shared_ports;

/// All objects of all clusters, in no particular order.
///
/// It has parts, which can be rendered one by one if the whole is too large: no file has objects of two of them, since
/// their subjects differ.
pub fn render(resolved: &Resolved) -> Vec<Placed> {
    let mut placed = of_mesh(resolved);
    let clusters = all(resolved);
    placed.extend(at_gateways(&clusters, resolved));
    for index in 0..resolved.services.len() {
        placed.extend(of_service(&clusters, index, resolved));
    }
    placed
}

/// Objects that belong to no single service and to no gateway of services.
pub(crate) fn of_mesh(resolved: &Resolved) -> Vec<Placed> {
    let mut placed = namespace::render(resolved);
    placed.extend(with_origin(Origin::Samples, samples::render(resolved)));
    for (index, host) in resolved.external.iter().enumerate() {
        let of_host = external::render(host, resolved);
        placed.extend(with_origin(Origin::ExternalHost(index), of_host));
    }
    placed.extend(egress_gateway::render(resolved));
    placed.extend(with_origin(Origin::Dns, wildcard::render(resolved)));
    placed.extend(workload_entry::render(resolved));
    placed.extend(with_origin(Origin::Sidecars, sidecar::render(resolved)));
    placed.extend(with_origin(
        Origin::Dns,
        destination_rule::render_wide(resolved),
    ));
    let definition = dns_endpoint_definition::render(resolved);
    placed.extend(with_origin(Origin::ExternalDns, definition));
    placed.extend(with_origin(
        Origin::ExternalDns,
        external_dns::render(resolved),
    ));
    labelled(placed, resolved)
}

/// The objects of the ingress and east-west gateways of some clusters, given by index: each lists all services that run
/// there.
pub(crate) fn at_gateways(clusters: &[usize], resolved: &Resolved) -> Vec<Placed> {
    let mut placed = if resolved.gateway_api {
        gateway_api::gateways(clusters, resolved)
    } else {
        gateway::render(clusters, resolved)
    };
    placed.extend(east_west::render(clusters, resolved));
    for one in &mut placed {
        one.origin = Origin::of_clusters(&one.clusters);
    }
    labelled(placed, resolved)
}

/// The objects of one service in some clusters, all given by index.
pub(crate) fn of_service(clusters: &[usize], index: usize, resolved: &Resolved) -> Vec<Placed> {
    let service = &resolved.services[index];
    let mut placed = if resolved.gateway_api {
        gateway_api::routes(clusters, service, resolved)
    } else {
        virtual_service::render(clusters, service, resolved)
    };
    placed.extend(service_export::render(clusters, service));
    placed.extend(pods::render(clusters, service, resolved));
    placed.extend(east_west::render_aliases(clusters, service, resolved));
    placed.extend(authorization_policy::render(clusters, service, resolved));
    let calling = service.called_from(clusters);
    placed.extend(service_entry::render(&calling, service, resolved));
    placed.extend(destination_rule::render(&calling, service, resolved));
    placed.extend(mesh_routes::render(&calling, service, resolved));
    placed.extend(dns_endpoint::render(clusters, service, resolved));
    let placed = with_origin(Origin::Service(index), placed).collect();
    labelled(placed, resolved)
}

/// Objects that derive from one part of the document.
fn with_origin(
    origin: Origin,
    placed: impl IntoIterator<Item = Placed>,
) -> impl Iterator<Item = Placed> {
    placed.into_iter().map(move |one| one.with_origin(origin))
}

fn labelled(placed: Vec<Placed>, resolved: &Resolved) -> Vec<Placed> {
    let labelled = placed.into_iter().map(|one| Placed {
        template: ownership::label(one.template, &resolved.name),
        ..one
    });
    labelled.collect()
}

/// Parses a JSON literal to be filled in: code that builds a value field by field, such as that of `json!`, is several
/// times as long, and all of it is part of the page (decision 21).
pub(crate) fn skeleton(text: &'static str) -> Value {
    match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => unreachable!("{error} in {text}"),
    }
}

const EXPORT_TO: &[&str] = &["spec", "exportTo"];

/// An object for a service's names, in its clusters, each with the values of some fields; exported only to the
/// namespaces that see the names.
fn exported(
    mut template: Object,
    service: &Service,
    paths: &[&[&'static str]],
    mut fields: Vec<(usize, Vec<Value>)>,
    resolved: &Resolved,
) -> Placed {
    let mut paths = paths.to_vec();
    if !service.export_to.is_empty() {
        template.body["spec"]["exportTo"] = service.export_to.clone().into();
    }
    let calling = service.called_from(&all(resolved)).into_iter();
    let seen_by = calling.map(|cluster| (cluster, service.seen_by(cluster)));
    let exports = exports(seen_by.collect());
    if service.callers.is_some() && !exports.is_empty() {
        paths.push(EXPORT_TO);
        for (cluster, values) in &mut fields {
            values.push(exports[cluster].clone());
        }
    }
    Placed::with_fields(template, service.id(), &paths, fields)
}

/// `exportTo` in each cluster, from the namespaces that see an object there, `None` for all. Empty if all namespaces do
/// in all clusters, which is the default.
fn exports(seen_by: BTreeMap<usize, Option<BTreeSet<&str>>>) -> BTreeMap<usize, Value> {
    if seen_by.values().all(Option::is_none) {
        return BTreeMap::new();
    }
    let in_words = |namespaces| match namespaces {
        Some(namespaces) => json!(namespaces),
        None => json!(["*"]),
    };
    let exports = seen_by.into_iter();
    exports
        .map(|(cluster, namespaces)| (cluster, in_words(namespaces)))
        .collect()
}

/// Indices of all clusters.
pub(crate) fn all(resolved: &Resolved) -> Vec<usize> {
    (0..resolved.clusters.len()).collect()
}

/// Istio's kinds, in the API version of Istio's version.
pub(crate) struct Istio(pub(crate) IstioVersion);

impl Istio {
    fn gateway(&self) -> Kind {
        Kind::istio(self.0.networking_api(), "Gateway", "gateways")
    }

    pub(crate) fn virtual_service(&self) -> Kind {
        Kind::istio(self.0.networking_api(), "VirtualService", "virtualservices")
    }

    pub(crate) fn service_entry(&self) -> Kind {
        Kind::istio(self.0.networking_api(), "ServiceEntry", "serviceentries")
    }

    /// Applied before the entries that select them, which have no endpoints otherwise.
    pub(crate) fn workload_entry(&self) -> Kind {
        Kind {
            wave: Wave::Services,
            ..Kind::istio(self.0.networking_api(), "WorkloadEntry", "workloadentries")
        }
    }

    fn sidecar(&self) -> Kind {
        Kind::istio(self.0.networking_api(), "Sidecar", "sidecars")
    }

    fn authorization_policy(&self) -> Kind {
        Kind::authorization_policy(self.0.security_api())
    }

    fn destination_rule(&self) -> Kind {
        Kind::istio(
            self.0.networking_api(),
            "DestinationRule",
            "destinationrules",
        )
    }
}
