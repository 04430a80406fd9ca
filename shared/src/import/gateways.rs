//! The Gateway of a VirtualService, and the Service of its pods.

use std::collections::BTreeMap;

use serde_json::Value;

use super::external::is_egress;
use super::ports::number;
use super::services::{destination, is_at_gateway, local};
use super::world::World;
use crate::check::{Findings, code};
use crate::defaults::{
    DEFAULT_EAST_WEST_SELECTOR, DEFAULT_EAST_WEST_SERVICE, DEFAULT_EGRESS_SELECTOR,
    DEFAULT_GATEWAY_SELECTOR, DEFAULT_GATEWAY_SERVICE, ISTIO_NAMESPACE,
};
use crate::manifests::{Object, field, list, texts};
use crate::mesh::Cluster;

/// Labels of a Gateway's pods.
pub(super) fn selector(spec: &Value) -> BTreeMap<String, String> {
    let labels = spec["selector"].as_object().into_iter().flatten();
    labels
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn selector_of(object: &Object) -> BTreeMap<String, String> {
    selector(&object.value["spec"])
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
    references(object).filter_map(move |id| named(world, cluster, &id))
}

/// Name and namespace of each Gateway of a VirtualService.
pub(super) fn references(object: &Object) -> impl Iterator<Item = (String, String)> {
    let gateways = texts(field(&object.value, &["spec", "gateways"]));
    gateways
        .filter(|reference| *reference != "mesh")
        .filter_map(|reference| match reference.split_once('/') {
            Some((namespace, name)) => Some((name.to_owned(), namespace.to_owned())),
            // The form of Istio 1.0.
            None => local(&reference.into(), object),
        })
}

fn named<'a>(
    world: &'a World,
    cluster: usize,
    (name, namespace): &(String, String),
) -> Option<&'a Object> {
    let mut gateways = world.of_kind("Gateway");
    let found = gateways
        .find(|(at, one)| *at == cluster && one.namespace() == namespace && one.name() == name);
    found.map(|(_, one)| one)
}

/// Reports the Gateways of imported routes whose pods are unknown: those that the manifests do not have, and those
/// without a selector.
pub(super) fn assumed_pods(world: &World, clusters: &[Cluster], findings: &mut Findings) {
    let mut found = Findings::default();
    for (index, object) in world.of_kind("VirtualService") {
        let cluster = &clusters[index];
        let (at, selector, usual) = match &cluster.egress_gateway {
            Some(egress) if is_egress(object) => (
                "egressGateway",
                Some(&egress.selector),
                DEFAULT_EGRESS_SELECTOR,
            ),
            _ if is_at_gateway(object) && destination(object).is_some() => {
                let gateway = cluster.gateway.as_ref();
                let selector = gateway.map(|gateway| &gateway.selector);
                ("gateway", selector, DEFAULT_GATEWAY_SELECTOR)
            }
            _ => continue,
        };
        for id in references(object) {
            let reason = match named(world, index, &id) {
                Some(gateway) if !selector_of(gateway).is_empty() => continue,
                Some(_) => "has no selector, so it is for the pods of every gateway",
                None => {
                    "is not among the manifests: the pods and ports of the Gateway that replaces it are assumed"
                }
            };
            found.warning(
                code::ASSUMED,
                &format!("spec.clusters[{index}].{at}.selector"),
                format!(
                    "Gateway `{}/{}` of cluster `{}` {reason}",
                    id.1, id.0, cluster.name
                ),
                format!(
                    "set `{at}.selector` to the labels of its pods, which are `{}` in the document",
                    labels(selector.filter(|labels| !labels.is_empty()), usual)
                ),
            );
        }
    }
    findings.add_new(found);
}

/// Labels as text, or the default ones.
fn labels(labels: Option<&BTreeMap<String, String>>, (name, value): (&str, &str)) -> String {
    let Some(labels) = labels else {
        return format!("{name}: {value}");
    };
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    labels.join(", ")
}

/// Whether labels are a single one.
pub(super) fn is_only(labels: &BTreeMap<String, String>, (name, value): (&str, &str)) -> bool {
    labels.len() == 1 && labels.get(name).is_some_and(|of| of == value)
}

/// Reports a port that is the Gateway's, for lack of a Service.
pub(super) fn assumed_port(
    world: &World,
    cluster: usize,
    gateway: &Object,
    port: u32,
    findings: &mut Findings,
) {
    findings.warning(
        code::ASSUMED,
        &format!("spec.clusters[{cluster}].gateway.port"),
        format!(
            "the manifests of cluster `{}` have no Service with a port for port {port} of Gateway `{}/{}`",
            world.clusters[cluster],
            gateway.namespace(),
            gateway.name()
        ),
        format!("set the port of the gateway's Service, which is `{port}` in the document"),
    );
}

/// The Service of a Gateway's pods, for lack of one with their labels, which is reported: Istio's own east-west gateway
/// has another one than its ingress gateway.
pub(super) fn assumed_service(
    world: &World,
    cluster: usize,
    gateway: &Object,
    findings: &mut Findings,
) -> Option<String> {
    let selector = selector_of(gateway);
    if selector.is_empty() || is_only(&selector, DEFAULT_GATEWAY_SELECTOR) {
        return None;
    }
    let is_east_west = is_only(&selector, DEFAULT_EAST_WEST_SELECTOR);
    let other = is_east_west.then_some(DEFAULT_EAST_WEST_SERVICE);
    findings.warning(
        code::ASSUMED,
        &format!("spec.clusters[{cluster}].gateway.service"),
        format!(
            "the manifests of cluster `{}` have no Service for the pods of Gateway `{}/{}`",
            world.clusters[cluster],
            gateway.namespace(),
            gateway.name()
        ),
        format!(
            "set the name and namespace of the gateway's Service, which are `{}` and `{ISTIO_NAMESPACE}` in the document",
            other.unwrap_or(DEFAULT_GATEWAY_SERVICE)
        ),
    );
    other.map(str::to_owned)
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
    let (of_service, of_gateway) = (selector_of(service), selector_of(gateway));
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
