//! The objects of the document that replace a given one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::difference::{Loss, losses};
use super::dns::is_external_dns;
use super::gateways;
use super::names::{self, Names};
use super::services::{destination, is_at_gateway, local};
use crate::manifests::{Object, field, list};
use crate::resolved::local_host;

/// The objects of a cluster, given and rendered.
pub(super) struct InCluster<'a> {
    pub(super) given: &'a [&'a Object],
    pub(super) rendered: &'a [&'a Object],
    pub(super) names: &'a Names,
}

impl<'a> InCluster<'a> {
    /// The rendered objects that replace a given one: first the one with its name, then those with other names. Of kinds
    /// whose lists the document distributes to several objects, all of them.
    pub(super) fn of(&self, object: &Object) -> Vec<&'a Object> {
        let same = self.with_its_name(object);
        let same = same.filter(|one| has_same_role(object, one));
        if object.is_ours() && same.is_some() {
            return same.into_iter().collect();
        }
        let others = self.stand_ins(object);
        let others = others
            .into_iter()
            .filter(|one| Some(id(one)) != same.map(id));
        let all = same.into_iter().chain(others);
        let is_distributed = ["DNSEndpoint", "Gateway", "ServiceEntry"].contains(&object.kind());
        all.take(if is_distributed { usize::MAX } else { 1 })
            .collect()
    }

    /// The rendered object with the group, kind, namespace and name of a given one.
    pub(super) fn with_its_name(&self, object: &Object) -> Option<&'a Object> {
        let mut rendered = self.rendered.iter().copied();
        rendered.find(|one| id(one) == id(object))
    }

    /// Whether rendered objects for sidecars have all hosts of a given one.
    pub(super) fn has_hosts_of(&self, object: &Object) -> bool {
        let rendered = self.rendered.iter().filter(|one| {
            one.is("ServiceEntry") || one.is("VirtualService") && !is_at_gateway(one)
        });
        let known: BTreeSet<&str> = rendered.flat_map(|one| names::hosts(one)).collect();
        let is_known = |host: &str| {
            let mut wider = host.match_indices('.').map(|(dot, _)| &host[dot..]);
            known.contains(host) || wider.any(|end| known.contains(format!("*{end}").as_str()))
        };
        let hosts = names::hosts(object).into_iter();
        hosts
            .map(|host| self.names.meant(host))
            .all(|host| is_known(&host))
    }

    /// The first of some objects that is a ServiceEntry of all hosts of a given one.
    pub(super) fn entry_of(&self, object: &Object, among: &'a [&'a Object]) -> Option<&'a Object> {
        let hosts = self.meant(object);
        let is_of_all = |one: &Object| one.is("ServiceEntry") && hosts.is_subset(&self.meant(one));
        among
            .iter()
            .copied()
            .find(|one| is_of_all(one))
            .filter(|_| !hosts.is_empty())
    }

    fn stand_ins(&self, object: &Object) -> Vec<&'a Object> {
        let hosts = self.meant(object);
        let shares_hosts = |one: &Object| !self.meant(one).is_disjoint(&hosts);
        let about = destination(object);
        let found = self.rendered.iter().copied().filter(|&one| {
            // Old API groups of these kinds have the same objects.
            let any_group = ["DNSEndpoint", "Deployment"].contains(&one.kind());
            if one.kind() != object.kind() || !any_group && one.group() != object.group() {
                return false;
            }
            match object.kind() {
                "VirtualService" if is_at_gateway(object) => {
                    is_at_gateway(one) && destination(one) == about
                }
                "VirtualService" => !is_at_gateway(one) && shares_hosts(one),
                "Gateway" | "ServiceEntry" | "DestinationRule" | "DNSEndpoint" => shares_hosts(one),
                "Deployment" => is_external_dns(object) && is_external_dns(one),
                _ => false,
            }
        });
        let found: Vec<&Object> = found.collect();
        if found.is_empty() && object.is("Gateway") {
            return self.gateways_of_routes(object);
        }
        found
    }

    /// The rendered Gateways of the routes that replace those of a given Gateway.
    fn gateways_of_routes(&self, gateway: &Object) -> Vec<&'a Object> {
        let given = self.given.iter().filter(|one| refers_to(one, gateway));
        let routes: Vec<&Object> = given.flat_map(|one| self.of(one)).collect();
        let gateways = self
            .rendered
            .iter()
            .copied()
            .filter(|one| one.is("Gateway"));
        gateways
            .filter(|one| routes.iter().any(|route| refers_to(route, one)))
            .collect()
    }

    /// The hosts of an object, as the document has them.
    fn meant(&self, object: &Object) -> BTreeSet<String> {
        let hosts = names::hosts(object).into_iter();
        hosts
            .map(|host| match local(&host.into(), object) {
                Some((name, namespace)) => local_host(name, namespace, &object.domain),
                None => self.names.meant(host),
            })
            .collect()
    }
}

/// Group, kind, namespace and name.
fn id(object: &Object) -> (&str, &str, &str, &str) {
    (
        object.group(),
        object.kind(),
        object.namespace(),
        object.name(),
    )
}

/// VirtualServices of one name may be for sidecars in the manifests, and for gateways in the document.
fn has_same_role(object: &Object, rendered: &Object) -> bool {
    !object.is("VirtualService") || is_at_gateway(object) == is_at_gateway(rendered)
}

/// Whether a VirtualService is for a Gateway.
fn refers_to(object: &Object, gateway: &Object) -> bool {
    object.is("VirtualService")
        && gateways::references(object)
            .any(|(name, namespace)| (&*name, &*namespace) == (gateway.name(), gateway.namespace()))
}

/// The fields of the first of several objects, with the lists of all of them, and a resolution other than `NONE`, which
/// hosts with wildcards have.
pub(super) fn together(mut all: impl Iterator<Item = Value>) -> Value {
    let mut first = all.next().unwrap_or_default();
    for mut other in all {
        if first["spec"]["resolution"] == "NONE" {
            first["spec"]["resolution"] = other["spec"]["resolution"].take();
        }
        for list in ["addresses", "endpoints", "hosts", "ports", "servers"] {
            if let Some(Value::Array(more)) = other["spec"].get_mut(list)
                && let Some(Value::Array(items)) = first["spec"].get_mut(list)
            {
                items.append(more);
            }
        }
    }
    first
}

/// Whether the rendered DestinationRule has a given TLS policy of all ports at each of its own: a document has one for
/// each port of an external host.
pub(super) fn is_at_ports(loss: &Loss, rendered: &Value) -> bool {
    let settings = list(field(
        rendered,
        &["spec", "trafficPolicy", "portLevelSettings"],
    ));
    let mut policies = settings.iter().map(|one| &one["tls"]);
    loss.path == "spec.trafficPolicy.tls"
        && policies.len() > 0
        && policies.all(|policy| losses(&loss.given, policy).is_empty())
}
