//! The levels of a service's names, from the names in fedmesh's own objects. Manifests of other tools may lack unused
//! names, so they are no evidence of levels.

use std::collections::BTreeSet;

use super::names::{self, At, Names};
use super::services::{Found, Index, is_at_gateway};
use super::world::World;
use crate::mesh::{NameLevel, Protocol, Service};

/// Sets the levels of services that have others than the default.
pub(super) fn add(world: &World, names: &Names, services: &mut [Found]) {
    let index = Index::new(services);
    let mut seen: Vec<BTreeSet<NameLevel>> = vec![BTreeSet::new(); services.len()];
    let mut complete: BTreeSet<usize> = BTreeSet::new();
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
                // Gateways have every name; and if the global name has a record, all others have one.
                let is_of_records = kind == "DNSEndpoint" && matches!(name.at, At::Global);
                if is_of_records || kind == "VirtualService" && is_at_gateway(object) {
                    complete.insert(at);
                }
            }
        }
    }
    // An endpoint that is the name of a cluster, where no other object has it.
    let mut with_clusters: BTreeSet<usize> = BTreeSet::new();
    let entries = world.of_kind("ServiceEntry").map(|(_, object)| object);
    for object in entries.filter(|object| object.is_ours()) {
        for endpoint in object.endpoints() {
            let address = endpoint["address"].as_str().unwrap_or_default();
            if names
                .read(address)
                .is_some_and(|name| matches!(name.at, At::Cluster(..)))
            {
                with_clusters.extend(index.published(address, names));
            }
        }
    }
    for (at, found) in services.iter_mut().enumerate() {
        if with_clusters.contains(&at) && !complete.contains(&at) && !has_names_in_meshes(found) {
            found.service.levels = Some(NameLevel::ALL.to_vec());
            continue;
        }
        let is_complete = complete.contains(&at) || has_names_in_meshes(found);
        if is_complete
            && !seen[at].iter().eq(&NameLevel::DEFAULT)
            && seen[at].contains(&NameLevel::Global)
        {
            found.service.levels = Some(seen[at].iter().copied().collect());
        }
    }
}

/// Moves the levels to the document if all services have the same.
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

/// Whether the meshes have every name of a service: in mutual TLS each has a rule, or is routed to a name that has one.
/// For plain TCP they have only the global name.
fn has_names_in_meshes(found: &Found) -> bool {
    let mut ports = found.places.iter().flat_map(|place| &place.ports);
    found.service.transport.is_some() && ports.any(|port| port.protocol != Protocol::Tcp)
}

fn level(at: &At) -> Option<NameLevel> {
    match at {
        At::Vanity(_) => None,
        At::Global => Some(NameLevel::Global),
        At::Region(_) => Some(NameLevel::Region),
        At::Zone(..) => Some(NameLevel::Zone),
        At::Cluster(..) => Some(NameLevel::Cluster),
    }
}
