//! The DNS domain of each cluster: that of the Services to which its objects lead.

use std::collections::{BTreeMap, BTreeSet};

use super::services::in_full;
use super::virtual_services::SECTIONS;
use super::world::World;
use crate::manifests::{Object, field, list, texts};

/// Sets the domains of the objects. A cluster without a Service's host has the default.
pub(super) fn find(world: &mut World) {
    let clusters = world.by_cluster();
    let domains: Vec<Option<String>> = clusters
        .iter()
        .map(|objects| most_frequent(objects, hosts).or_else(|| most_frequent(objects, seen)))
        .collect();
    world.set_domains(&domains);
}

/// The domain of most hosts. An entry's own hosts are no Services of the cluster: they may have the domain of another.
fn most_frequent<'a>(
    objects: &[&'a Object],
    hosts: impl Fn(&'a Object) -> Vec<&'a str>,
) -> Option<String> {
    let entries = objects.iter().filter(|one| one.is("ServiceEntry"));
    let of_entries: BTreeSet<&str> = entries
        .flat_map(|one| texts(field(&one.value, &["spec", "hosts"])))
        .collect();
    let all = objects.iter().flat_map(|one| hosts(one));
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for host in all.filter(|host| !of_entries.contains(host)) {
        if let Some((_, domain)) = in_full(host) {
            *times.entry(domain).or_default() += 1;
        }
    }
    let most = times.into_iter().max_by_key(|(_, times)| *times);
    most.map(|(domain, _)| domain.to_owned())
}

/// The hosts to which an object leads.
fn hosts(object: &Object) -> Vec<&str> {
    let (kind, spec) = (object.kind(), &object.value["spec"]);
    if !object.is(kind) {
        return Vec::new();
    }
    match kind {
        "DestinationRule" => spec["host"].as_str().into_iter().collect(),
        "Gateway" => {
            let servers = list(&spec["servers"]).iter();
            let hosts = servers.flat_map(|server| texts(&server["hosts"]));
            hosts.filter_map(|host| host.rsplit('/').next()).collect()
        }
        "ServiceEntry" => {
            let endpoints = list(&spec["endpoints"]).iter();
            let addresses = endpoints.map(|endpoint| endpoint["address"].as_str());
            addresses.flatten().collect()
        }
        "WorkloadEntry" => spec["address"].as_str().into_iter().collect(),
        "VirtualService" => {
            let routes = SECTIONS.iter().flat_map(|section| list(&spec[*section]));
            let to = routes.flat_map(|route| list(&route["route"]));
            let to = to.filter_map(|one| one["destination"]["host"].as_str());
            // The form of Istio 1.0.
            let gateways = texts(&spec["gateways"]).filter(|gateway| gateway.contains('.'));
            to.chain(gateways).collect()
        }
        _ => Vec::new(),
    }
}

/// The hosts that a Sidecar lists, which may be those of other clusters.
fn seen(object: &Object) -> Vec<&str> {
    if !object.is("Sidecar") {
        return Vec::new();
    }
    let egress = list(&object.value["spec"]["egress"]).iter();
    let hosts = egress.flat_map(|listener| texts(&listener["hosts"]));
    hosts.filter_map(|host| host.rsplit('/').next()).collect()
}
