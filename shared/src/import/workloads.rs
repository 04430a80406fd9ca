//! WorkloadEntries: the endpoints of the ServiceEntries that select them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Value, json};

use super::names::{self, Names};
use super::world::World;
use crate::kubernetes::ownership::{self, CLUSTER_LABEL, GATEWAY_LABEL, GATEWAY_NAMESPACE_LABEL};
use crate::manifests::{Object, field};
use crate::mesh::{Cluster, Endpoints};
use crate::resolved::local_host;

/// `addresses` if fedmesh's own entries select gateways, and `names` if the entry of a name has host names as
/// endpoints.
pub(super) fn endpoints(world: &World, names: &Names) -> Option<Endpoints> {
    let mut ours = world.of_kind("WorkloadEntry");
    if ours.any(|(_, one)| one.is_ours()) {
        return Some(Endpoints::Addresses);
    }
    let is_host = |endpoint: &Value| {
        let address = endpoint["address"].as_str();
        address.is_some_and(|address| address.parse::<IpAddr>().is_err())
    };
    // Wildcard entries have their own endpoints in either case.
    let is_name = |host: &str| !host.starts_with('*') && names.read(host).is_some();
    let mut entries = world.of_kind("ServiceEntry");
    entries
        .any(|(_, one)| {
            names::hosts(one).into_iter().any(is_name) && one.endpoints().iter().any(is_host)
        })
        .then_some(Endpoints::Names)
}

/// Adds the selected endpoints to ServiceEntries. A cluster's own gateway is then its Service, as in entries with
/// endpoints of their own.
pub(super) fn select(world: &mut World) {
    let mut selected = Vec::new();
    for (index, (cluster, entry)) in world.all().enumerate() {
        let selector = field(&entry.value, &["spec", "workloadSelector", "labels"]);
        let Some(labels) = selector.as_object().filter(|_| entry.is("ServiceEntry")) else {
            continue;
        };
        let workloads = world.of_kind("WorkloadEntry").filter(|(at, workload)| {
            let has = |(name, value)| workload.value["spec"]["labels"].get(name) == Some(value);
            let is_there = *at == cluster && workload.namespace() == entry.namespace();
            is_there && labels.iter().all(has)
        });
        let name = &world.clusters[cluster];
        let endpoints = workloads.map(|(_, workload)| endpoint(workload, name));
        selected.push((index, endpoints.collect::<Vec<Value>>()));
    }
    for (index, endpoints) in selected {
        world.objects[index].selected = endpoints;
    }
}

/// Whether it is for an east-west gateway, and an address → the clusters whose gateway has it for others.
pub(super) fn outside(world: &World) -> BTreeMap<(bool, String), BTreeSet<usize>> {
    let mut outside: BTreeMap<(bool, String), BTreeSet<usize>> = BTreeMap::new();
    for (index, workload) in world.of_kind("WorkloadEntry") {
        let of = workload.label(CLUSTER_LABEL);
        let owner = world
            .clusters
            .iter()
            .position(|name| Some(name.as_str()) == of);
        let address = workload.value["spec"]["address"].as_str();
        if let (Some(owner), Some(address)) = (owner.filter(|owner| *owner != index), address) {
            let of = (is_east_west(workload), address.to_owned());
            outside.entry(of).or_default().insert(owner);
        }
    }
    outside
}

fn is_east_west(workload: &Object) -> bool {
    workload.name().starts_with(&ownership::east_west_name(""))
}

/// The addresses of gateways inside their own clusters, if they differ there.
pub(super) fn inside(world: &World, clusters: &mut [Cluster]) {
    for (index, workload) in world.of_kind("WorkloadEntry") {
        let cluster = &mut clusters[index];
        if workload.label(CLUSTER_LABEL) != Some(&cluster.name) {
            continue;
        }
        let address = workload.value["spec"]["address"].as_str();
        let Some(address) = address.filter(|text| text.parse::<IpAddr>().is_ok()) else {
            continue;
        };
        let (addresses, inside) = if is_east_west(workload) {
            let gateway = cluster.east_west_gateway.get_or_insert_default();
            (&gateway.addresses, &mut gateway.cluster_ip)
        } else {
            let gateway = cluster.gateway.get_or_insert_default();
            (&gateway.addresses, &mut gateway.cluster_ip)
        };
        if !addresses.iter().any(|one| one == address) {
            *inside = Some(address.to_owned());
        }
    }
}

fn endpoint(workload: &Object, cluster: &str) -> Value {
    let spec = &workload.value["spec"];
    let mut address = spec["address"].clone();
    if workload.label(CLUSTER_LABEL) == Some(cluster)
        && let Some(service) = workload.label(GATEWAY_LABEL)
        && let Some(namespace) = workload.label(GATEWAY_NAMESPACE_LABEL)
    {
        address = local_host(service, namespace, &workload.domain).into();
    }
    json!({ "address": address, "ports": spec["ports"], "locality": spec["locality"] })
}
