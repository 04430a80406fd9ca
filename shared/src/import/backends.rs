//! The Services behind published names, which are no gateways.

use std::collections::BTreeSet;

use super::mutual;
use super::names::Names;
use super::services;
use super::world::World;
use crate::manifests::{Object, field, texts};

/// The Services that are no gateways, although they are endpoints of published names.
pub(super) struct Backends {
    /// Those behind the gateways' routes, and in the SNI of calls with mutual TLS.
    routed: BTreeSet<(String, String)>,
    /// The first two labels of names that gateways route: their own, if those are not the Service's.
    prefixes: BTreeSet<(String, String)>,
}

impl Backends {
    pub(super) fn new(world: &World, names: &Names) -> Self {
        let virtual_services = || {
            let all = world.of_kind("VirtualService").map(|(_, object)| object);
            all.filter(|object| services::is_at_gateway(object))
        };
        let hosts = virtual_services().flat_map(|one| texts(field(&one.value, &["spec", "hosts"])));
        let prefixes = hosts.filter_map(|host| names.read(host)?.prefix);
        let rules = world.of_kind("DestinationRule").map(|(_, object)| object);
        let in_sni = rules
            .filter(|rule| !rule.is_ours())
            .flat_map(|rule| mutual::backends(field(&rule.value, &["spec", "trafficPolicy"])));
        let routed = virtual_services().filter_map(services::destination);
        Self {
            routed: routed.chain(in_sni).collect(),
            prefixes: prefixes
                .map(|(first, second)| (first.to_owned(), second.to_owned()))
                .collect(),
        }
    }

    /// Whether an endpoint of an entry is the Service itself.
    pub(super) fn has(&self, service: &(String, String), entry: &Object, names: &Names) -> bool {
        let mut hosts = texts(field(&entry.value, &["spec", "hosts"]));
        let mut is_named = || {
            hosts.any(|host| {
                let name = names.read(host);
                name.and_then(|name| name.prefix) == Some(services::pair(service))
            })
        };
        !entry.is_ours()
            && (self.routed.contains(service) || !self.prefixes.contains(service) && is_named())
    }
}
