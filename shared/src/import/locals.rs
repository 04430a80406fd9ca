//! Services with different Kubernetes Services in some clusters. Their published names identify them: no two services
//! share a name.

use std::collections::{BTreeMap, BTreeSet};

use super::names::Names;
use super::ports::{self, Known};
use super::services::Found;
use super::world::World;
use crate::defaults::DEFAULT_NAMESPACE;
use crate::manifests::Object;
use crate::mesh::{OverriddenPort, Override};

/// The backend of a service's names in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocalService {
    /// The cluster's index.
    pub(super) cluster: usize,
    /// Name and namespace of the Kubernetes Service.
    pub(super) service: (String, String),
    /// Its ports, in the order of the service's.
    pub(super) ports: Vec<Known>,
}

/// Joins services with the same published names in different clusters.
pub(super) fn join(services: Vec<Found>) -> Vec<Found> {
    let mut joined: Vec<Found> = Vec::new();
    let mut by_names: BTreeMap<Vec<(String, String)>, usize> = BTreeMap::new();
    for mut found in services {
        let first = by_names.get(&found.prefixes).copied();
        let Some(first) = first.filter(|&first| {
            let clusters = joined[first].clusters();
            !found.prefixes.is_empty() && clusters.is_disjoint(&found.clusters())
        }) else {
            by_names.insert(found.prefixes.clone(), joined.len());
            joined.push(found);
            continue;
        };
        let one = &mut joined[first];
        // The one whose name the published names have.
        if found.prefixes.contains(&found.id()) {
            std::mem::swap(one, &mut found);
        }
        one.places.extend(found.places);
        one.service.hostname = one.service.hostname.take().or(found.service.hostname);
    }
    joined
}

/// Names a service after its published names, if names start with services: it has another name in all of its clusters.
pub(super) fn rename(services: &mut [Found]) {
    if !services.iter().any(|one| one.prefixes.contains(&one.id())) {
        return;
    }
    let mut claimed: BTreeMap<(String, String), usize> = BTreeMap::new();
    for one in services.iter() {
        let ids: BTreeSet<_> = one.prefixes.iter().cloned().chain([one.id()]).collect();
        for id in ids {
            *claimed.entry(id).or_default() += 1;
        }
    }
    for one in services {
        if let [prefix] = &one.prefixes[..]
            && *prefix != one.id()
            && claimed.get(prefix) == Some(&1)
        {
            let (name, namespace) = prefix.clone();
            one.service.name = name;
            one.service.namespace = (namespace != DEFAULT_NAMESPACE).then_some(namespace);
        }
    }
}

/// Names the only service after itself if published names start with the gateway: fedmesh's records and entries of
/// zones are named after the service.
pub(super) fn named(world: &World, names: &Names, services: &mut [Found]) {
    let [only] = services else {
        return;
    };
    let id = |(_, object): (usize, &Object)| {
        let name = object.name();
        if !object.is_ours() || names.read(name).is_some() {
            return None;
        }
        let id = match object.kind() {
            "DNSEndpoint" => name,
            "ServiceEntry" => name.strip_suffix(".zones").or(name.strip_suffix(".zone"))?,
            _ => return None,
        };
        let (name, namespace) = id.split_once('.')?;
        Some((name.to_owned(), namespace.to_owned()))
    };
    if let Some((name, namespace)) = world.all().find_map(id) {
        only.service.name = name;
        only.service.namespace = (namespace != DEFAULT_NAMESPACE).then_some(namespace);
    }
}

/// Sets the ports, and the overrides of some clusters.
pub(super) fn write(world: &World, services: &mut [Found]) {
    for found in services {
        let (name, namespace) = found.id();
        // The ports of the place from which the service was taken.
        let usual = found.places.first().map(|place| place.ports.clone());
        let usual = usual.unwrap_or_default();
        found.places.sort_by_key(|place| place.cluster);
        let mut overrides: Vec<Override> = Vec::new();
        for place in &found.places {
            let mut one = differing(place, (&name, &namespace), &usual);
            if one == Override::default() {
                continue;
            }
            let cluster = world.clusters[place.cluster].clone();
            let same = overrides.iter_mut().find_map(|other| {
                let clusters = other.clusters.take()?;
                let same = *other == one;
                let clusters = other.clusters.insert(clusters);
                same.then_some(clusters)
            });
            if let Some(clusters) = same {
                clusters.push(cluster);
            } else {
                one.clusters = Some(vec![cluster]);
                overrides.push(one);
            }
        }
        found.service.overrides = overrides;
        ports::write(&usual, &mut found.service);
    }
}

/// The override of a service in a place, without its clusters. Ports that only one of them publishes are not
/// overridden: the comparison reports them.
fn differing(place: &LocalService, (name, namespace): (&str, &str), usual: &[Known]) -> Override {
    let other = |value: &String, usual: &str| (value != usual).then(|| value.clone());
    let there = |published: u32| {
        place
            .ports
            .iter()
            .find(move |one| one.published == published)
    };
    let mut ports: Vec<OverriddenPort> = usual
        .iter()
        .filter_map(|one| {
            let there = there(one.published).filter(|there| there.number != one.number)?;
            Some(OverriddenPort {
                published: one.published,
                port: there.number,
            })
        })
        .collect();
    // A single port needs no number.
    let port = if usual.len() == 1 {
        ports.pop().map(|only| only.port)
    } else {
        None
    };
    Override {
        name: other(&place.service.0, name),
        namespace: other(&place.service.1, namespace),
        port,
        ports,
        ..Override::default()
    }
}
