//! ExternalDNS, its cluster, and the records' time to live.

use super::federated::World;
use super::objects::{Object, field, list, texts};
use crate::mesh::{ExternalDns, Policy};
use crate::render::external_dns::OWN_FLAGS;
use crate::resolved::{DEFAULT_EXTERNAL_DNS_NAMESPACE, DEFAULT_TTL, EXTERNAL_DNS_IMAGE};

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

/// The arguments of all of them.
pub(super) fn arguments(world: &World) -> impl Iterator<Item = &str> {
    deployments(world).flat_map(|(_, object)| texts(&container(object)["args"]))
}

/// `spec.dns.externalDns`; `mesh` is the mesh's name, which the owner's id is by default.
pub(super) fn external_dns(world: &World, mesh: &str) -> Option<ExternalDns> {
    let (_, object) = deployments(world).next()?;
    let container = container(object);
    let all: Vec<&str> = texts(&container["args"]).collect();
    let value = |flag: &str| {
        all.iter()
            .find_map(|argument| {
                argument
                    .strip_prefix("--")?
                    .strip_prefix(flag)?
                    .strip_prefix('=')
            })
            .map(str::to_owned)
    };
    let is_own = |argument: &str| {
        let flag = argument.trim_start_matches('-');
        let flag = flag.split('=').next().unwrap_or_default();
        OWN_FLAGS.contains(&flag.strip_prefix("no-").unwrap_or(flag))
    };
    let args = all.iter().copied().filter(|argument| !is_own(argument));
    let namespace = object.namespace();
    let mut secrets = list(&container["envFrom"]).iter();
    Some(ExternalDns {
        provider: value("provider").unwrap_or_default(),
        owner_id: value("txt-owner-id").filter(|id| id != mesh),
        namespace: (namespace != DEFAULT_EXTERNAL_DNS_NAMESPACE).then(|| namespace.to_owned()),
        args: args.map(str::to_owned).collect(),
        policy: value("policy")
            .filter(|policy| policy == Policy::UpsertOnly.as_str())
            .map(|_| Policy::UpsertOnly),
        secret: secrets.find_map(|from| from["secretRef"]["name"].as_str().map(str::to_owned)),
        ..ExternalDns::default()
    })
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

/// Seconds, unless they are the default.
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
