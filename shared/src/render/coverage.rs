//! Which entries of a sidecar cover a service's names: entries of its own, or those of many services by wildcard.

use std::collections::BTreeSet;

use crate::istio::OLDEST_ISTIO_WITH_TARGET_PORTS;
use crate::mesh::Protocol;
use crate::resolved::published::{Level, PublishedName};
use crate::resolved::{Resolved, Service};
use crate::traffic::endpoints::{ports_of, usually_at};

/// Prefix of the names of objects for many names: it is no label of a service.
pub const WIDE: &str = "any.";

/// The file of all these entries.
pub(super) const SUBJECT: &str = "names";

/// Whether the entry for the names of the own zones and the own cluster covers those of a service.
pub(super) fn has_own_zone_of(service: &Service, resolved: &Resolved) -> bool {
    let ports = ports_of(false, service);
    let mut speaks = ports.iter().map(|port| {
        let shared = resolved.shared_ports.get(&port.published);
        shared.is_some_and(|shared| speak_alike(*shared, port.protocol))
    });
    !service.is_mutual() && is_identified_by_name(service) && speaks.all(|alike| alike)
}

/// Whether the entry for the names of other regions and zones covers those of a service.
pub(super) fn has_others_of(service: &Service, resolved: &Resolved) -> bool {
    let mut ports = ports_of(false, service).into_iter();
    has_own_zone_of(service, resolved)
        && (resolved.istio >= OLDEST_ISTIO_WITH_TARGET_PORTS
            || ports.all(|port| usually_at(port, service, resolved) == port.published))
}

fn speak_alike(one: Protocol, other: Protocol) -> bool {
    one.family() == other.family() && (one == Protocol::Http) == (other == Protocol::Http)
}

/// Whether a sidecar can route by the service's names, on at least one of its ports.
pub(super) fn is_identified_by_name(service: &Service) -> bool {
    !ports_of(false, service).is_empty()
}

/// Whether a port is routed by SNI: no route leads its calls to another name, so each name is a host of an entry, and
/// Envoy has a cluster for each.
pub(super) fn is_identified_by_tls(service: &Service) -> bool {
    let mut ports = service.ports.iter();
    ports.any(|port| port.protocol == Protocol::Tls)
}

/// Whether sidecars resolve a name at all, so that other objects can refer to it.
pub(super) fn has_entry(name: &PublishedName, service: &Service) -> bool {
    name.level == Level::Global || is_identified_by_name(service)
}

/// The suffix of all names of a region, for each region that has names.
pub(super) fn region_endings(resolved: &Resolved) -> BTreeSet<String> {
    let is_in_region = |name: &PublishedName| !matches!(name.level, Level::Vanity | Level::Global);
    let mut services = resolved.services.iter();
    if !services.any(|service| service.names.iter().any(is_in_region)) {
        return BTreeSet::new();
    }
    let clusters = resolved.clusters.iter();
    let endings = clusters.map(|one| format!("{}.{}", one.region, resolved.dns.suffix));
    endings.collect()
}

/// The suffix after the labels of service and namespace in a published name.
pub(super) fn behind_service(name: &PublishedName) -> &str {
    name.host.as_str().splitn(3, '.').nth(2).unwrap_or_default()
}
