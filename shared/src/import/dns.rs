//! The Deployments of ExternalDNS, its cluster, and the records' time to live.

use super::world::World;
use crate::defaults::{DEFAULT_TTL, EXTERNAL_DNS_IMAGE};
use crate::manifests::{Object, field, list, texts};

/// The Deployments of ExternalDNS.
pub(super) fn deployments(world: &World) -> impl Iterator<Item = (usize, &Object)> {
    world
        .of_kind("Deployment")
        .filter(|(_, object)| is_external_dns(object))
}

/// Whether a Deployment runs ExternalDNS.
pub(super) fn is_external_dns(object: &Object) -> bool {
    let container = container(object);
    let image = container["image"].as_str().unwrap_or_default();
    let flag = |flag: &str| texts(&container["args"]).any(|argument| argument.starts_with(flag));
    super::samples::program(image) == super::samples::program(EXTERNAL_DNS_IMAGE)
        || flag("--source=") && flag("--provider=") && flag("--registry=")
}

/// The first container of a Deployment.
pub(super) fn container(object: &Object) -> &serde_json::Value {
    let containers = field(&object.value, &["spec", "template", "spec", "containers"]);
    &containers[0]
}

/// The arguments of all Deployments of ExternalDNS.
pub(super) fn arguments(world: &World) -> impl Iterator<Item = &str> {
    deployments(world).flat_map(|(_, object)| texts(&container(object)["args"]))
}

/// The cluster with the records, unless it is the first, which is the default.
pub(super) fn cluster(world: &World) -> Option<String> {
    let mut records = world.of_kind("DNSEndpoint").map(|(cluster, _)| cluster);
    let mut deployments = deployments(world).map(|(cluster, _)| cluster);
    let cluster = world
        .hub
        .or_else(|| records.next())
        .or_else(|| deployments.next())?;
    (cluster != 0).then(|| world.clusters[cluster].clone())
}

/// Seconds; `None` for the default.
pub(super) fn ttl(world: &World) -> Option<u32> {
    let records = world.of_kind("DNSEndpoint").flat_map(|(_, object)| {
        let endpoints = list(field(&object.value, &["spec", "endpoints"])).iter();
        endpoints.map(|endpoint| &endpoint["recordTTL"])
    });
    let federated = world
        .of_kind("ServiceDNSRecord")
        .map(|(_, object)| field(&object.value, &["spec", "recordTTL"]));
    let ttl = records
        .chain(federated)
        .find_map(serde_json::Value::as_u64)?;
    u32::try_from(ttl).ok().filter(|ttl| *ttl != DEFAULT_TTL)
}
