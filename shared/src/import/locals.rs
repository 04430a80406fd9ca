//! Services that are another Kubernetes Service in some clusters. Their published names tell that they are
//! one: there is no name that two services have.

use std::collections::{BTreeMap, BTreeSet};

use super::federated::World;
use super::services::Found;
use crate::mesh::Override;
use crate::resolved::DEFAULT_NAMESPACE;

/// What stands behind a service's names in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The cluster's index.
    pub(super) cluster: usize,
    /// Name and namespace of the Kubernetes Service.
    pub(super) service: (String, String),
    pub(super) port: u32,
}

/// Makes one of those that have the same published names in different clusters.
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
        // The one that the names are of.
        if found.prefixes.contains(&found.id()) {
            std::mem::swap(one, &mut found);
        }
        one.places.extend(found.places);
        one.service.hostname = one.service.hostname.take().or(found.service.hostname);
    }
    joined
}

/// Gives a service the name and namespace that its published names start with, where names start with
/// services: in all of its clusters it is another one.
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

/// Writes down what differs from the service.
pub(super) fn write(world: &World, services: &mut [Found]) {
    for found in services {
        found.places.sort_by_key(|place| place.cluster);
        let (name, namespace) = found.id();
        let usual_port = found.service.port;
        let mut overrides: Vec<(&Place, Vec<String>)> = Vec::new();
        for place in &found.places {
            let is_usual = place.service == (name.clone(), namespace.clone())
                && Some(place.port) == usual_port;
            if is_usual {
                continue;
            }
            let cluster = world.clusters[place.cluster].clone();
            let same = overrides
                .iter_mut()
                .find(|(one, _)| (&one.service, one.port) == (&place.service, place.port));
            match same {
                Some((_, clusters)) => clusters.push(cluster),
                None => overrides.push((place, vec![cluster])),
            }
        }
        let differing = |value: &String, usual: &str| (value != usual).then(|| value.clone());
        found.service.overrides = overrides
            .into_iter()
            .map(|(place, clusters)| Override {
                clusters: Some(clusters),
                name: differing(&place.service.0, &name),
                namespace: differing(&place.service.1, &namespace),
                port: (Some(place.port) != usual_port).then_some(place.port),
                ..Override::default()
            })
            .collect();
    }
}
