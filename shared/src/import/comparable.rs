//! Objects in fedmesh's canonical form, so that equivalent ones are equal.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::external::is_egress;
use super::names::Names;
use super::partial::NO_SECRET;
use super::services::{is_at_gateway, local};
use super::virtual_services::{SECTIONS, without_gateways};
use crate::kubernetes::ownership::{APPLIED_ANNOTATION, MANAGED_BY_LABEL, PART_OF_LABEL};
use crate::manifests::{Object, list, texts};
use crate::resolved::local_host;

/// Fields that API servers and kubectl write.
const OF_THE_SERVER: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];
/// Labels and annotations of API servers, and of the tools that applied an object.
pub(super) const OF_THE_TOOLS: [&str; 15] = [
    "argocd.argoproj.io/instance",
    "argocd.argoproj.io/tracking-id",
    "config.kubernetes.io/origin",
    "deployment.kubernetes.io/revision",
    "helm.sh/chart",
    "helm.toolkit.fluxcd.io/name",
    "helm.toolkit.fluxcd.io/namespace",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubernetes.io/metadata.name",
    "kustomize.toolkit.fluxcd.io/name",
    "kustomize.toolkit.fluxcd.io/namespace",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
    APPLIED_ANNOTATION,
    PART_OF_LABEL,
];

/// The compared fields of an object, in canonical form.
pub(super) fn fields(object: &Object, names: &Names) -> Map<String, Value> {
    let ours = object.is_ours();
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
                if !ours {
                    // That of Helm, for example.
                    entries.shift_remove(MANAGED_BY_LABEL);
                }
            }
        }
    }
    let Some(Value::Object(spec)) = fields.get_mut("spec") else {
        return fields;
    };
    if let Some(Value::Object(pod)) = spec.get_mut("template").and_then(|one| one.get_mut("spec"))
        && pod.get("serviceAccount") == pod.get("serviceAccountName")
    {
        // API servers write the former name of the field as well.
        pod.shift_remove("serviceAccount");
    }
    if let Some(Value::Array(hosts)) = spec.get_mut("hosts") {
        mean(hosts, names);
    }
    if object.is("ServiceEntry") {
        service_entry(spec);
    }
    if let Some(Value::Array(servers)) = spec.get_mut("servers") {
        for server in servers {
            port(&mut server["port"]);
            if let Some(Value::Object(tls)) = server.get_mut("tls") {
                tls.retain(|name, value| name != "credentialName" || value != NO_SECRET);
            }
            if let Some(Value::Array(hosts)) = server.get_mut("hosts") {
                mean(hosts, names);
            }
        }
    }
    if let Some(host) = spec.get_mut("host") {
        full(host, object);
    }
    if object.is("DestinationRule")
        && let Some(Value::Array(subsets)) = spec.get_mut("subsets")
    {
        // One with a name alone has the endpoints and the policy of the host.
        subsets.retain(|subset| !is_name_alone(subset));
    }
    if object.kind() == "VirtualService" {
        if let Some(Value::Array(hosts)) = spec.get_mut("hosts") {
            for host in hosts {
                full(host, object);
            }
        }
        if !ours {
            gateways(spec, is_at_gateway(object));
        }
        let is_egress = !ours && is_egress(object);
        for section in SECTIONS {
            if let Some(Value::Array(routes)) = spec.get_mut(section) {
                destinations(routes, object);
                if is_egress {
                    without_names(routes);
                }
            }
        }
        if let Some(Value::Array(http)) = spec.get_mut("http") {
            *http = merged(http);
        }
    }
    fields
}

/// Omitted fields have their defaults, since the document may render another value.
fn service_entry(spec: &mut Map<String, Value>) {
    for (name, default) in [("location", "MESH_EXTERNAL"), ("resolution", "NONE")] {
        spec.entry(name).or_insert_with(|| default.into());
    }
    let Some(Value::Array(ports)) = spec.get_mut("ports") else {
        return;
    };
    for one in ports {
        port(one);
        // Istio treats them alike in a ServiceEntry.
        if one["protocol"] == "TLS" {
            one["protocol"] = "HTTPS".into();
        }
    }
}

/// A port of a Gateway or ServiceEntry: its name has no effect, and its protocol is in any case.
fn port(port: &mut Value) {
    let Value::Object(fields) = port else {
        return;
    };
    fields.shift_remove("name");
    if let Some(Value::String(protocol)) = fields.get_mut("protocol") {
        protocol.make_ascii_uppercase();
    }
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
fn full(host: &mut Value, object: &Object) {
    if let Some((name, namespace)) = local(host, object) {
        *host = local_host(name, namespace, &object.domain).into();
    }
}

fn is_name_alone(subset: &Value) -> bool {
    subset.as_object().is_some_and(|fields| fields.len() <= 1)
}

/// Whether a DestinationRule's specification has nothing but names of subsets.
pub(super) fn has_no_policy(spec: &Value) -> bool {
    spec["trafficPolicy"].is_null() && list(&spec["subsets"]).iter().all(is_name_alone)
}

/// Removes names from routes through an egress gateway that the document replaces by its own: those of Gateways and
/// subsets.
fn without_names(routes: &mut [Value]) {
    for route in routes {
        for one in route["match"].as_array_mut().into_iter().flatten() {
            if let Some(Value::Array(gateways)) = one.get_mut("gateways") {
                gateways.retain(|gateway| gateway == "mesh");
            }
        }
        for one in route["route"].as_array_mut().into_iter().flatten() {
            if let Some(Value::Object(destination)) = one.get_mut("destination") {
                destination.shift_remove("subset");
            }
        }
    }
}

/// Writes the Services of an object's routes in full.
pub(super) fn destinations(routes: &mut [Value], object: &Object) {
    for route in routes {
        let Value::Object(route) = route else {
            continue;
        };
        for of in ["route", "mirrors"] {
            let Some(Value::Array(all)) = route.get_mut(of) else {
                continue;
            };
            if of == "route"
                && let [Value::Object(only)] = &mut all[..]
            {
                // All calls go to the only destination.
                only.shift_remove("weight");
            }
            for one in all {
                if let Some(host) = one.pointer_mut("/destination/host") {
                    full(host, object);
                }
            }
        }
        if let Some(host) = route.get_mut("mirror").and_then(|one| one.get_mut("host")) {
            full(host, object);
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
