//! Handover of hosts that leave a ServiceEntry without losing calls: another object serves them afterwards, such as a
//! wildcard entry, or a VirtualService that routes them to another name.
//!
//! istiod sends a sidecar its clusters before its routes (istio `pilot/pkg/xds/ads.go`, `PushOrder`). If an entry loses
//! a host, Envoy has a route without a cluster for some milliseconds, and answers 503. So the routes change first: a
//! temporary VirtualService routes these hosts to the entry that serves them afterwards, and the old entry changes once
//! sidecars have that route. When the VirtualService is deleted, the same cluster serves the calls by its own name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::defaults::ISTIO_NAMESPACE;
use crate::kubernetes::object::{Key, Kind, Object, texts};
use crate::kubernetes::ownership;
use crate::name;
use crate::plan::{Existing, ObservedCluster};
use crate::render::Istio;
use crate::resolved::Resolved;

/// Limit of hosts in a VirtualService: etcd stores 1.5 MiB, and a host has up to 253 bytes.
const HOSTS_AT_ONCE: usize = 1000;

/// The actions of an apply before entries lose hosts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Handover {
    /// Changed entries that lose hosts.
    pub losing: BTreeSet<Key>,
    /// Temporary VirtualServices, stamped. They are not in the plan.
    pub routes: Vec<Object>,
    /// Whether another object serves a host afterwards, so that sidecars must receive it first.
    pub waits: bool,
}

/// The kind of the temporary routes.
pub(crate) fn kind(resolved: &Resolved) -> Kind {
    Istio(resolved.istio).virtual_service()
}

/// Computes the handover in a cluster, from the desired and the observed objects. Hosts that are no longer published
/// are not handed over.
pub(crate) fn handover(
    resolved: &Resolved,
    desired: &[Object],
    observed: &ObservedCluster,
) -> Handover {
    let specs = |kind: &'static str| {
        let of_kind = desired.iter().filter(move |one| one.kind.is_istio(kind));
        let specs = of_kind.filter_map(|one| Some((one.key(), one.body.get("spec")?)));
        specs.collect::<BTreeMap<Key, &Value>>()
    };
    let entries = specs("ServiceEntry");
    let mut lost = BTreeSet::new();
    let mut losing = BTreeSet::new();
    for (key, after) in &entries {
        let Some(Existing::Asked { live, .. }) = observed.desired.get(key) else {
            continue;
        };
        let after: BTreeSet<&str> = hosts(after).collect();
        let before = hosts(&live["spec"]).filter(|host| !after.contains(host));
        let before: Vec<String> = before.map(str::to_owned).collect();
        if !before.is_empty() {
            losing.insert(key.clone());
            lost.extend(before);
        }
    }
    let candidate = observed.prune_candidates.iter();
    for (_, one) in candidate.filter(|(key, _)| key.is_istio("ServiceEntry")) {
        lost.extend(hosts(&one.live()["spec"]).map(str::to_owned));
    }
    if lost.is_empty() {
        return Handover::default();
    }
    let names = resolved.services.iter().flat_map(|one| &one.names);
    let published: BTreeSet<&str> = names.map(|name| name.host.as_str()).collect();
    lost.retain(|host| published.contains(host.as_str()));
    for host in entries.values().flat_map(|spec| hosts(spec)) {
        lost.remove(host);
    }
    let routes_there = specs("VirtualService");
    let of_pods = |spec: &&&Value| texts(&spec["gateways"]).any(|one| one == "mesh");
    let led = routes_there.values().filter(of_pods);
    let led: BTreeSet<&str> = led.flat_map(|spec| hosts(spec)).collect();
    let is_led = lost.iter().any(|host| led.contains(host.as_str()));
    lost.retain(|host| !led.contains(host.as_str()));
    let entries: Vec<&Value> = entries.into_values().collect();
    let routes = routes(resolved, &lost, &entries);
    Handover {
        waits: is_led || !routes.is_empty(),
        losing,
        routes,
    }
}

/// VirtualServices that route hosts to the wildcard entries that cover them.
fn routes(resolved: &Resolved, lost: &BTreeSet<String>, entries: &[&Value]) -> Vec<Object> {
    let entry_hosts = || {
        let all = entries.iter().enumerate();
        all.flat_map(|(at, spec)| hosts(spec).map(move |host| (at, host)))
    };
    let mut taken_over: BTreeMap<(usize, &str), Vec<&str>> = BTreeMap::new();
    for host in lost {
        // The most specific wildcard serves a call.
        let covers = entry_hosts()
            .filter_map(|(at, wildcard)| Some((at, wildcard, name::ending(wildcard, host)?.len())));
        if let Some((at, wildcard, _)) = covers.max_by_key(|(.., length)| *length) {
            taken_over.entry((at, wildcard)).or_default().push(host);
        }
    }
    let mesh = resolved.name.as_str();
    let applyset_id = ownership::applyset_id(mesh);
    let mut routes: Vec<Object> = Vec::new();
    for ((at, wildcard), hosts) in taken_over {
        for part in hosts.chunks(HOSTS_AT_ONCE) {
            let name = format!("{}-handover-{}", ownership::object_name(mesh), routes.len());
            let body = json!({ "spec": leading(part, wildcard, entries[at]) });
            let route = Object::new(kind(resolved), Some(ISTIO_NAMESPACE), name, body);
            let route = ownership::label(route, &resolved.name);
            routes.push(ownership::stamp(route, &applyset_id));
        }
    }
    routes
}

/// The routes of some hosts to an entry, by the protocols of its ports.
fn leading(hosts: &[&str], wildcard: &str, entry: &Value) -> Value {
    let mut spec = json!({ "hosts": hosts, "gateways": ["mesh"] });
    if !entry["exportTo"].is_null() {
        spec["exportTo"] = entry["exportTo"].clone();
    }
    for port in entry["ports"].as_array().into_iter().flatten() {
        let number = &port["number"];
        let route = json!([{ "destination": { "host": wildcard, "port": { "number": number } } }]);
        let (protocols, matched) = match port["protocol"].as_str() {
            Some("TLS" | "HTTPS") => ("tls", json!({ "port": number, "sniHosts": hosts })),
            _ => ("http", json!({ "port": number })),
        };
        let routes = &mut spec[protocols];
        if routes.is_null() {
            *routes = json!([]);
        }
        if let Some(routes) = routes.as_array_mut() {
            routes.push(json!({ "match": [matched], "route": route }));
        }
    }
    spec
}

fn hosts(spec: &Value) -> impl Iterator<Item = &str> {
    texts(&spec["hosts"])
}
