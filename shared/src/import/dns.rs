//! The Deployments of ExternalDNS, its cluster, and the records' time to live.

use serde_json::Value;

use super::world::World;
use crate::defaults::{DEFAULT_TTL, EXTERNAL_DNS_IMAGE};
use crate::manifests::{Object, field, list};
use crate::render::external_dns::SOURCE;

/// The Deployments of ExternalDNS for the records of a document.
pub(super) fn deployments(world: &World) -> impl Iterator<Item = (usize, &Object)> {
    world
        .of_kind("Deployment")
        .filter(|(_, object)| is_external_dns(object))
}

/// Whether a Deployment runs ExternalDNS for DNSEndpoints alone, as fedmesh's does. Records of other sources would be
/// deleted with their Deployment.
pub(super) fn is_external_dns(object: &Object) -> bool {
    let mut sources = values(container(object), "source").peekable();
    runs_external_dns(object) && sources.peek().is_some() && sources.all(|source| source == SOURCE)
}

fn runs_external_dns(object: &Object) -> bool {
    let container = container(object);
    let image = container["image"].as_str().unwrap_or_default();
    let has = |flag: &str| values(container, flag).next().is_some();
    super::samples::program(image) == super::samples::program(EXTERNAL_DNS_IMAGE)
        || has("source") && has("provider") && has("registry")
}

/// The values of a flag: `--<flag>=<value>`, or in two arguments.
pub(super) fn values<'a>(container: &'a Value, flag: &str) -> impl Iterator<Item = &'a str> {
    let args = list(&container["args"]);
    args.iter()
        .enumerate()
        .filter_map(move |(index, argument)| {
            let rest = argument.as_str()?.strip_prefix("--")?.strip_prefix(flag)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None if rest.is_empty() => args.get(index + 1)?.as_str(),
                None => None,
            }
        })
}

/// The first container of a Deployment.
pub(super) fn container(object: &Object) -> &Value {
    let containers = field(&object.value, &["spec", "template", "spec", "containers"]);
    &containers[0]
}

/// The zones to which ExternalDNS is limited, for the records of a document or for others.
pub(super) fn zones(world: &World, is_own: bool) -> impl Iterator<Item = &str> {
    let deployments = world.of_kind("Deployment").map(|(_, object)| object);
    deployments
        .filter(move |object| runs_external_dns(object) && is_external_dns(object) == is_own)
        .flat_map(|object| values(container(object), "domain-filter"))
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
    let ttl = records.chain(federated).find_map(Value::as_u64)?;
    u32::try_from(ttl).ok().filter(|ttl| *ttl != DEFAULT_TTL)
}
