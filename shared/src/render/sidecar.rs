//! The Sidecar of each namespace that callers list: its proxies receive the namespace's own Services, the entries of
//! fedmesh, and the local Services that the namespace calls. Without one, every proxy receives every Service of its
//! cluster.
//!
//! `exportTo` already limits the entries to their callers, so the whole namespace of the entries is listed. The root
//! namespace gets none: a Sidecar there applies to every namespace without one, and gateways use none (istio
//! `pilot/pkg/model/push_context.go`, `doGetSidecarScope`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Istio, all, skeleton};
use crate::defaults::ISTIO_NAMESPACE;
use crate::kubernetes::object::Object;
use crate::name::Label;
use crate::placed::Placed;
use crate::resolved::Resolved;

/// The file of all Sidecars.
const SUBJECT: &str = "sidecars";
/// The usual name of a namespace's Sidecar.
pub(crate) const NAME: &str = "default";
/// All of the Sidecar's own namespace.
pub(crate) const OWN_NAMESPACE: &str = "./*";
/// All exports of a namespace, as a suffix of its name.
pub(crate) const ALL_OF: &str = "/*";

/// A list whose first item has the hosts.
const EGRESS: &[&str] = &["spec", "egress"];

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    let Some(more) = &resolved.sidecars else {
        return Vec::new();
    };
    let mut fields: BTreeMap<&str, Vec<(usize, Vec<Value>)>> = BTreeMap::new();
    for cluster in all(resolved) {
        for (namespace, called) in called(cluster, resolved) {
            let hosts = hosts(namespace, called, more);
            let egress = json!([{ "hosts": hosts }]);
            let of_namespace = fields.entry(namespace).or_default();
            of_namespace.push((cluster, vec![egress]));
        }
    }
    let placed = fields.into_iter().map(|(namespace, fields)| {
        let kind = Istio(resolved.istio).sidecar();
        let body = skeleton(r#"{"spec":{"egress":[]}}"#);
        let object = Object::new(kind, Some(namespace), NAME, body);
        Placed::with_fields(object, SUBJECT, &[EGRESS], fields)
    });
    placed.collect()
}

/// Each namespace of a cluster, by index, that gets a Sidecar, with the local Services that it calls, as
/// `namespace/dnsName`.
pub(crate) fn called(cluster: usize, resolved: &Resolved) -> BTreeMap<&str, BTreeSet<String>> {
    let mut by_all = BTreeSet::new();
    let mut by: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for service in &resolved.services {
        let local = service.clusters.contains(&cluster).then(|| {
            let local = service.local(cluster);
            let host = local.host(&resolved.clusters[cluster]);
            format!("{}/{host}", local.namespace)
        });
        let Some(callers) = &service.callers else {
            by_all.extend(local);
            continue;
        };
        for caller in callers.iter().filter(|one| one.clusters.contains(&cluster)) {
            let local = local.clone();
            match caller.namespace.as_ref().map(Label::as_str) {
                None => by_all.extend(local),
                Some(ISTIO_NAMESPACE) => {}
                Some(namespace) => by.entry(namespace).or_default().extend(local),
            }
        }
    }
    for hosts in by.values_mut() {
        hosts.extend(by_all.iter().cloned());
    }
    by
}

/// All hosts for the proxies of a namespace, without duplicates, of which Istio warns.
fn hosts(namespace: &str, called: BTreeSet<String>, more: &BTreeSet<String>) -> BTreeSet<String> {
    let mut hosts = called;
    hosts.extend(more.iter().cloned());
    hosts.retain(|host| {
        let of = host.split('/').next().unwrap_or_default();
        let whole = format!("{of}{ALL_OF}");
        of != namespace && of != ISTIO_NAMESPACE && (*host == whole || !more.contains(&whole))
    });
    hosts.insert(OWN_NAMESPACE.to_owned());
    hosts.insert(format!("{ISTIO_NAMESPACE}{ALL_OF}"));
    hosts
}
