//! The Gateway of a VirtualService, and the Service of its pods.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ports::number;
use super::services::local;
use super::world::World;
use crate::manifests::{Object, field, list, texts};

/// Labels of a Gateway's pods.
pub(super) fn selector(spec: &Value) -> BTreeMap<String, String> {
    let labels = spec["selector"].as_object().into_iter().flatten();
    labels
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// The first Gateway of a VirtualService that its cluster has.
pub(super) fn gateway_of<'a>(
    world: &'a World,
    cluster: usize,
    object: &Object,
) -> Option<&'a Object> {
    gateways_of(world, cluster, object).next()
}

/// The Gateways of a VirtualService that its cluster has.
pub(super) fn gateways_of<'a>(
    world: &'a World,
    cluster: usize,
    object: &Object,
) -> impl Iterator<Item = &'a Object> {
    texts(field(&object.value, &["spec", "gateways"])).filter_map(move |reference| {
        let (name, namespace) = match reference.split_once('/') {
            Some((namespace, name)) => (name.to_owned(), namespace.to_owned()),
            // The form of Istio 1.0.
            None => local(&reference.into(), object)?,
        };
        let mut gateways = world.of_kind("Gateway");
        let found = gateways
            .find(|(at, one)| *at == cluster && one.namespace() == namespace && one.name() == name);
        found.map(|(_, one)| one)
    })
}

/// The Service of a cluster that leads to a Gateway's pods; of several, the first with a load balancer.
pub(super) fn of<'a>(world: &'a World, cluster: usize, gateway: &Object) -> Option<&'a Object> {
    let services = world.of_kind("Service");
    services
        .filter(|(at, one)| *at == cluster && leads_to(one, gateway))
        .map(|(_, one)| one)
        .min_by_key(|one| one.value["spec"]["type"] != "LoadBalancer")
}

/// Whether a Service selects pods that a Gateway selects.
pub(super) fn leads_to(service: &Object, gateway: &Object) -> bool {
    let labels = |object: &Object| selector(field(&object.value, &["spec"]));
    let (of_service, of_gateway) = (labels(service), labels(gateway));
    let (fewer, more) = if of_service.len() < of_gateway.len() {
        (&of_service, &of_gateway)
    } else {
        (&of_gateway, &of_service)
    };
    !fewer.is_empty()
        && fewer
            .iter()
            .all(|(name, value)| more.get(name) == Some(value))
}

/// The port of a Service that leads to a port of a Gateway. Istio takes the number of a Gateway for a port of the
/// Service and, if the Service lacks it, for a port of the pods (`resolvePorts` in `pilot/pkg/model/gateway.go`).
pub(super) fn port(service: &Object, of_gateway: u32) -> Option<u32> {
    let ports = list(field(&service.value, &["spec", "ports"]));
    let leading = |name: &str| {
        let is_it = |port: &&Value| number(&port[name]) == Some(of_gateway);
        ports.iter().find(is_it)
    };
    number(&leading("port").or_else(|| leading("targetPort"))?["port"])
}
