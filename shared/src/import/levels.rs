//! The levels of a service's names that exist, from the names in objects of fedmesh's own. Manifests of others may
//! lack names because nobody needed them, so they say nothing of levels.

use std::collections::BTreeSet;

use super::names::{self, At, Names};
use super::services::{Found, Index, is_at_gateway};
use super::world::World;
use crate::mesh::{NameLevel, Protocol, Service};

/// Adds them to the services that do not have all.
pub(super) fn add(world: &World, names: &Names, services: &mut [Found]) {
    let index = Index::new(services);
    let mut seen: Vec<BTreeSet<NameLevel>> = vec![BTreeSet::new(); services.len()];
    let mut are_told: BTreeSet<usize> = BTreeSet::new();
    let kinds = [
        "VirtualService",
        "ServiceEntry",
        "DestinationRule",
        "DNSEndpoint",
    ];
    for kind in kinds {
        for (_, object) in world.of_kind(kind).filter(|(_, object)| object.is_ours()) {
            for host in names::hosts(object) {
                let (Some(name), Some(at)) = (names.read(host), index.published(host, names))
                else {
                    continue;
                };
                seen[at].extend(level(&name.at));
                // Gateways take every name; and where the global name has a record, all others have one.
                let is_of_records = kind == "DNSEndpoint" && matches!(name.at, At::Global);
                if is_of_records || kind == "VirtualService" && is_at_gateway(object) {
                    are_told.insert(at);
                }
            }
        }
    }
    for (at, found) in services.iter_mut().enumerate() {
        let is_told = are_told.contains(&at) || told_in_meshes(found);
        if is_told && seen[at].len() < NameLevel::ALL.len() && seen[at].contains(&NameLevel::Global)
        {
            found.service.levels = Some(seen[at].iter().copied().collect());
        }
    }
}

/// Takes the levels from the services where all have the same.
pub(super) fn shared(services: &mut [Service]) -> Option<Vec<NameLevel>> {
    let levels = services.first()?.levels.clone()?;
    let mut others = services.iter();
    if !others.all(|service| service.levels.as_ref() == Some(&levels)) {
        return None;
    }
    for service in services {
        service.levels = None;
    }
    Some(levels)
}

/// Whether the meshes have every name of a service: in mutual TLS each has a rule, or is led to a name that has
/// one. Of plain TCP they have the global name alone.
fn told_in_meshes(found: &Found) -> bool {
    let mut ports = found.places.iter().flat_map(|place| &place.ports);
    found.service.transport.is_some() && ports.any(|port| port.protocol != Protocol::Tcp)
}

fn level(at: &At) -> Option<NameLevel> {
    match at {
        At::Vanity(_) => None,
        At::Global => Some(NameLevel::Global),
        At::Region(_) => Some(NameLevel::Region),
        At::Zone(..) => Some(NameLevel::Zone),
    }
}
