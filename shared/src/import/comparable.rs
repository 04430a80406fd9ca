//! Objects in fedmesh's canonical form, so that equivalent ones are equal.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::names::Names;
use super::services::{is_at_gateway, local};
use super::virtual_services::{SECTIONS, without_gateways};
use crate::kubernetes::ownership::{APPLIED_ANNOTATION, PART_OF_LABEL};
use crate::manifests::{Object, texts};
use crate::resolved::local_host;

/// Fields that API servers and kubectl write.
const OF_THE_SERVER: [&str; 6] = [
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];
/// Labels and annotations of the tools that applied an object.
pub(super) const OF_THE_TOOLS: [&str; 3] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    APPLIED_ANNOTATION,
    PART_OF_LABEL,
];

/// The compared fields of an object, in canonical form.
pub(super) fn fields(object: &Object, names: &Names) -> Map<String, Value> {
    let Value::Object(mut fields) = object.value.clone() else {
        return Map::new();
    };
    for name in ["apiVersion", "kind", "status"] {
        fields.shift_remove(name);
    }
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.retain(|name, _| !["name", "namespace"].contains(&name.as_str()));
        metadata.retain(|name, _| !OF_THE_SERVER.contains(&name.as_str()));
        for of in ["labels", "annotations"] {
            if let Some(Value::Object(entries)) = metadata.get_mut(of) {
                entries.retain(|name, _| !OF_THE_TOOLS.contains(&name.as_str()));
            }
        }
    }
    let ours = object.is_ours();
    let namespace = object.namespace();
    let Some(Value::Object(spec)) = fields.get_mut("spec") else {
        return fields;
    };
    if let Some(Value::Array(hosts)) = spec.get_mut("hosts") {
        mean(hosts, names);
    }
    if let Some(Value::Array(servers)) = spec.get_mut("servers") {
        for server in servers {
            if let Some(Value::Array(hosts)) = server.get_mut("hosts") {
                mean(hosts, names);
            }
            // Istio reads it in any case.
            if let Some(Value::String(protocol)) = server.pointer_mut("/port/protocol") {
                protocol.make_ascii_uppercase();
            }
        }
    }
    if let Some(host) = spec.get_mut("host") {
        full(host, namespace);
    }
    if object.kind() == "VirtualService" {
        if let Some(Value::Array(hosts)) = spec.get_mut("hosts") {
            for host in hosts {
                full(host, namespace);
            }
        }
        if !ours {
            gateways(spec, is_at_gateway(object));
        }
        if let Some(Value::Array(http)) = spec.get_mut("http") {
            destinations(http, namespace);
            *http = merged(http);
        }
    }
    fields
}

/// Removes the Gateways, which fedmesh's replaces. Sidecars remain beside them, since fedmesh's routes at gateways are
/// not for sidecars.
fn gateways(spec: &mut Map<String, Value>, is_at_gateway: bool) {
    let gateways = spec.shift_remove("gateways").unwrap_or_default();
    if !is_at_gateway {
        return;
    }
    for section in SECTIONS {
        if let Some(Value::Array(routes)) = spec.get_mut(section) {
            for route in routes {
                without_gateways(route, |of_match| {
                    let of_match: BTreeSet<&str> = texts(of_match).collect();
                    let mut all = texts(&gateways).filter(|gateway| *gateway != "mesh");
                    all.all(|gateway| of_match.contains(gateway))
                });
            }
        }
    }
    if texts(&gateways).any(|gateway| gateway == "mesh") {
        spec.insert("gateways".to_owned(), vec!["mesh"].into());
    }
}

fn mean(hosts: &mut [Value], names: &Names) {
    for host in hosts {
        if let Value::String(text) = host {
            *text = names.meant(text);
        }
    }
}

/// A Service's name in full.
fn full(host: &mut Value, namespace: &str) {
    if let Some((name, namespace)) = local(host, namespace) {
        *host = local_host(name, namespace).into();
    }
}

/// Writes the Services of routes in `namespace` in full.
pub(super) fn destinations(http: &mut [Value], namespace: &str) {
    for route in http {
        let Value::Object(route) = route else {
            continue;
        };
        for of in ["route", "mirrors"] {
            let Some(Value::Array(all)) = route.get_mut(of) else {
                continue;
            };
            for one in all {
                if let Some(host) = one.pointer_mut("/destination/host") {
                    full(host, namespace);
                }
            }
        }
        if let Some(host) = route.get_mut("mirror").and_then(|one| one.get_mut("host")) {
            full(host, namespace);
        }
    }
}

/// Merges consecutive routes with the same action and requests.
fn merged(http: &[Value]) -> Vec<Value> {
    let mut merged: Vec<Value> = Vec::new();
    for route in http {
        let rest = |route: &Value| {
            let mut route = route.clone();
            if let Value::Object(fields) = &mut route {
                fields.shift_remove("match");
            }
            route
        };
        if let Some(last) = merged.last_mut()
            && rest(last) == rest(route)
            && let Some(more) = route["match"].as_array()
            && let Some(Value::Array(matches)) = last.get_mut("match")
        {
            matches.extend(more.iter().cloned());
            continue;
        }
        merged.push(route.clone());
    }
    merged
}
