//! Sidecars of callers' namespaces, from fedmesh's own objects: a Sidecar of another tool may have other reasons.

use std::collections::{BTreeMap, BTreeSet};

use super::world::World;
use crate::defaults::ISTIO_NAMESPACE;
use crate::manifests::{Object, list, texts};
use crate::mesh::Sidecars;
use crate::render::sidecar::{NAME, OWN_NAMESPACE, called};
use crate::resolved::Resolved;

fn ours(world: &World) -> impl Iterator<Item = (usize, &Object)> {
    let all = world.of_kind("Sidecar");
    all.filter(|(_, one)| one.is_ours() && one.name() == NAME)
}

fn hosts(sidecar: &Object) -> impl Iterator<Item = &str> {
    let egress = list(&sidecar.value["spec"]["egress"]).iter();
    egress.flat_map(|listener| texts(&listener["hosts"]))
}

/// The namespaces with a Sidecar of fedmesh, each with its cluster.
pub(super) fn namespaces(world: &World) -> BTreeSet<(usize, &str)> {
    let ours = ours(world);
    ours.map(|(cluster, one)| (cluster, one.namespace()))
        .collect()
}

/// All hosts in fedmesh's Sidecars that are not always included, for [`without_called`].
pub(super) fn find(world: &World) -> Option<Sidecars> {
    let mut ours = ours(world).peekable();
    ours.peek()?;
    let is_always = |host: &str| {
        let namespace = host.split('/').next();
        host == OWN_NAMESPACE || namespace == Some(ISTIO_NAMESPACE)
    };
    let hosts: BTreeSet<&str> = ours.flat_map(|(_, one)| hosts(one)).collect();
    let hosts = hosts.into_iter().filter(|host| !is_always(host));
    Some(Sidecars {
        hosts: hosts.map(str::to_owned).collect(),
    })
}

/// Removes the hosts that are rendered for the services that a namespace calls. Returns whether there was one.
pub(super) fn without_called(world: &World, resolved: &Resolved, sidecars: &mut Sidecars) -> bool {
    let clusters = 0..resolved.clusters.len();
    let called: Vec<BTreeMap<_, _>> = clusters.map(|index| called(index, resolved)).collect();
    let mut given = BTreeSet::new();
    for (cluster, sidecar) in ours(world) {
        let called = called.get(cluster);
        let called = called.and_then(|of| of.get(sidecar.namespace()));
        let is_called = |host: &str| called.is_some_and(|hosts| hosts.contains(host));
        given.extend(hosts(sidecar).filter(|host| !is_called(host)));
    }
    let before = sidecars.hosts.len();
    sidecars.hosts.retain(|host| given.contains(host.as_str()));
    sidecars.hosts.len() < before
}
