//! From a [`Resolved`] to placed objects; one file per kind of object.

mod destination_rule;
pub(crate) mod dns_endpoint;
mod dns_endpoint_definition;
pub(crate) mod external_dns;
mod failover;
mod gateway;
mod namespace;
mod samples;
mod service_entry;
mod virtual_service;

use serde_json::Value;

use crate::object::Kind;
use crate::ownership;
use crate::placed::Placed;
use crate::resolved::{IstioVersion, Resolved};

pub use destination_rule::WIDE;
pub use dns_endpoint::controller_publishes;
pub use virtual_service::ANSWER_HEADER;

/// Everything that the clusters get, in no order that matters.
pub fn render(resolved: &Resolved) -> Vec<Placed> {
    let mut placed = namespace::render(resolved);
    placed.extend(samples::render(resolved));
    placed.extend(gateway::render(resolved));
    for service in &resolved.services {
        placed.push(virtual_service::render(service, resolved));
        placed.extend(service_entry::render(service, resolved));
        placed.extend(destination_rule::render(service, resolved));
        placed.extend(failover::render(service, resolved));
        placed.extend(dns_endpoint::render(service, resolved));
    }
    placed.extend(destination_rule::render_wide(resolved));
    placed.extend(dns_endpoint_definition::render(resolved));
    placed.extend(external_dns::render(resolved));
    for one in &mut placed {
        one.template = ownership::label(one.template.clone(), resolved);
    }
    placed
}

/// JSON that is written here as text, to be filled in: code that builds a value field by field is
/// several times as long, and all of it is part of the page.
fn skeleton(text: &'static str) -> Value {
    match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => unreachable!("{error} in {text}"),
    }
}

/// Indices of all clusters.
fn all(resolved: &Resolved) -> Vec<usize> {
    (0..resolved.clusters.len()).collect()
}

/// Istio's kinds, in the API version that goes with Istio's version.
struct Istio(IstioVersion);

impl Istio {
    fn gateway(&self) -> Kind {
        Kind::istio(self.0.networking_api(), "Gateway", "gateways")
    }

    fn virtual_service(&self) -> Kind {
        Kind::istio(self.0.networking_api(), "VirtualService", "virtualservices")
    }

    fn service_entry(&self) -> Kind {
        Kind::istio(self.0.networking_api(), "ServiceEntry", "serviceentries")
    }

    fn destination_rule(&self) -> Kind {
        Kind::istio(
            self.0.networking_api(),
            "DestinationRule",
            "destinationrules",
        )
    }
}
