//! The ServiceEntries of a service: its names, resolved inside every mesh, with the endpoints that
//! [`crate::endpoints`] decides on.
//!
//! Each endpoint has a locality, since Istio drops those without one as soon as it prefers
//! localities. The names that DNS alone resolves are in one object: one for each would let the number
//! of objects grow with clusters times zones.

use serde_json::{Value, json};

use super::{Istio, all, export};
use crate::endpoints::{self, is_own_zone, may_go_by_dns, zone_name};
use crate::object::Object;
use crate::placed::Placed;
use crate::published::{Level, PublishedName};
use crate::resolved::{DEFAULT_GATEWAY_PORT, ISTIO_NAMESPACE, Resolved, Service};

const HOSTS: &[&str] = &["spec", "hosts"];
const ENDPOINTS: &[&str] = &["spec", "endpoints"];

pub(super) fn render(service: &Service, resolved: &Resolved) -> Vec<Placed> {
    let mut entries: Vec<Placed> = service
        .names
        .iter()
        .filter(|name| name.level != Level::Vanity && !may_go_by_dns(name, service, resolved))
        .map(|name| wide(name, service, resolved))
        .collect();
    entries.extend(own_zone(service, resolved));
    entries.extend(other_zones(service, resolved));
    entries
}

/// The entry of a name with endpoints in every cluster.
fn wide(name: &PublishedName, service: &Service, resolved: &Resolved) -> Placed {
    let mut hosts = vec![name.host.as_str()];
    if name.level == Level::Global {
        let vanity = service
            .names
            .iter()
            .filter(|name| name.level == Level::Vanity);
        hosts.extend(vanity.map(|name| name.host.as_str()));
    }
    let mut template = template(name.host.as_str(), service, resolved);
    template.body["spec"]["hosts"] = json!(hosts);
    let endpoints = all(resolved)
        .into_iter()
        .map(|client| (client, vec![endpoints(client, name, service, resolved)]))
        .collect();
    Placed::with_fields(template, service.id(), &[ENDPOINTS], endpoints)
}

/// The entry of a serving cluster's own zone.
fn own_zone(service: &Service, resolved: &Resolved) -> Option<Placed> {
    let values = service
        .clusters
        .iter()
        .map(|&client| (client, zone_name(&resolved.clusters[client], service)))
        .filter(|(_, name)| may_go_by_dns(name, service, resolved))
        .map(|(client, name)| {
            (
                client,
                vec![
                    json!([name.host.as_str()]),
                    endpoints(client, name, service, resolved),
                ],
            )
        })
        .collect();
    placed(
        &format!("{}.zone", service.id()),
        service,
        resolved,
        &[HOSTS, ENDPOINTS],
        values,
    )
}

/// The entry of all zones but, in a serving cluster, its own.
fn other_zones(service: &Service, resolved: &Resolved) -> Option<Placed> {
    let zones: Vec<&PublishedName> = service
        .names
        .iter()
        .filter(|name| may_go_by_dns(name, service, resolved))
        .collect();
    let values = all(resolved)
        .into_iter()
        .filter_map(|client| {
            let hosts: Vec<&str> = zones
                .iter()
                .filter(|name| !is_own_zone(client, name, service, resolved))
                .map(|name| name.host.as_str())
                .collect();
            (!hosts.is_empty()).then(|| (client, vec![json!(hosts)]))
        })
        .collect();
    placed(
        &format!("{}.zones", service.id()),
        service,
        resolved,
        &[HOSTS],
        values,
    )
}

fn placed(
    name: &str,
    service: &Service,
    resolved: &Resolved,
    paths: &[&[&'static str]],
    values: Vec<(usize, Vec<Value>)>,
) -> Option<Placed> {
    let template = template(name, service, resolved);
    (!values.is_empty()).then(|| Placed::with_fields(template, service.id(), paths, values))
}

/// An entry whose hosts, and endpoints if any, are yet to come. Without endpoints Istio resolves
/// each host by DNS.
fn template(name: &str, service: &Service, resolved: &Resolved) -> Object {
    let mut body = json!({
        "spec": {
            "hosts": [],
            "location": "MESH_EXTERNAL",
            "ports": [{ "number": DEFAULT_GATEWAY_PORT, "name": "http", "protocol": "HTTP" }],
            "resolution": "DNS",
        },
    });
    export(&mut body, service);
    Object::new(
        Istio(resolved.istio).service_entry(),
        Some(ISTIO_NAMESPACE),
        name,
        body,
    )
}

/// Where a client cluster sends requests for a name, as Istio reads it.
fn endpoints(client: usize, name: &PublishedName, service: &Service, resolved: &Resolved) -> Value {
    endpoints::endpoints(client, name, service, resolved)
        .into_iter()
        .flatten()
        .map(|endpoint| {
            let cluster = &resolved.clusters[endpoint.cluster];
            let address = match endpoint.zone {
                Some(zone) => zone.host.to_string(),
                None => format!(
                    "{}.{}.svc.cluster.local",
                    cluster.gateway.service, cluster.gateway.namespace
                ),
            };
            json!({
                "address": address,
                "ports": { "http": endpoint.port },
                "locality": cluster.locality(),
            })
        })
        .collect()
}
