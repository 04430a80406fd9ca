//! The ServiceEntries of a service: its names, resolved inside every mesh, with the endpoints that
//! [`crate::endpoints`] decides on.
//!
//! Each endpoint has a locality, since Istio drops those without one as soon as it prefers
//! localities; Istio 1.0 knows none. The names that DNS alone resolves are in one object: one for each
//! would let the number of objects grow with clusters times zones.
//!
//! Without an address of its own for each name, a sidecar tells plain TCP by its port alone, and takes
//! the first entry with that port for all names: so only the global name's has it. Istio refuses such
//! a port beside a second host, which is why the vanity name then has an entry of its own.

use serde_json::{Value, json};

use super::{Istio, export};
use crate::endpoints::{self, is_own_zone, may_go_by_dns, ports_of, usually_at, zone_name};
use crate::object::Object;
use crate::placed::Placed;
use crate::published::{Level, PublishedName};
use crate::resolved::{ISTIO_NAMESPACE, Port, Resolved, Service, local_host};

const HOSTS: &[&str] = &["spec", "hosts"];
const ENDPOINTS: &[&str] = &["spec", "endpoints"];

pub(super) fn render(clusters: &[usize], service: &Service, resolved: &Resolved) -> Vec<Placed> {
    let mut entries: Vec<Placed> = service
        .names
        .iter()
        .filter(|name| match name.level {
            Level::Vanity => told_by_name(service) && has_tcp(service),
            Level::Global => true,
            Level::Region(_) => told_by_name(service),
            Level::Zone { .. } => told_by_name(service) && !may_go_by_dns(name, service, resolved),
        })
        .map(|name| wide(clusters, name, service, resolved))
        .collect();
    if told_by_name(service) {
        entries.extend(own_zone(clusters, service, resolved));
        entries.extend(other_zones(clusters, service, resolved));
    }
    entries
}

/// Whether a sidecar tells the service's names apart, on one of its ports at least.
fn told_by_name(service: &Service) -> bool {
    !ports_of(false, service).is_empty()
}

fn has_tcp(service: &Service) -> bool {
    ports_of(false, service).len() < service.ports.len()
}

/// Whether a name is in an entry, so that other objects can be about it.
pub(super) fn has_entry(name: &PublishedName, service: &Service) -> bool {
    name.level == Level::Global || told_by_name(service)
}

/// The entry of a name with endpoints in every cluster.
fn wide(
    clusters: &[usize],
    name: &PublishedName,
    service: &Service,
    resolved: &Resolved,
) -> Placed {
    let mut hosts = vec![name.host.as_str()];
    if name.level == Level::Global && !has_tcp(service) {
        let vanity = service
            .names
            .iter()
            .filter(|name| name.level == Level::Vanity);
        hosts.extend(vanity.map(|name| name.host.as_str()));
    }
    let ports = ports_of(name.level == Level::Global, service);
    let mut template = template(name.host.as_str(), &ports, service, resolved);
    template.body["spec"]["hosts"] = json!(hosts);
    let endpoints = clusters
        .iter()
        .map(|&client| (client, vec![endpoints(client, name, service, resolved)]))
        .collect();
    Placed::with_fields(template, service.id(), &[ENDPOINTS], endpoints)
}

/// The entry of a serving cluster's own zone.
fn own_zone(clusters: &[usize], service: &Service, resolved: &Resolved) -> Option<Placed> {
    let values = service
        .clusters
        .iter()
        .filter(|client| clusters.contains(client))
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
fn other_zones(clusters: &[usize], service: &Service, resolved: &Resolved) -> Option<Placed> {
    let zones: Vec<&PublishedName> = service
        .names
        .iter()
        .filter(|name| may_go_by_dns(name, service, resolved))
        .collect();
    let values = clusters
        .iter()
        .filter_map(|&client| {
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
    let template = template(name, &ports_of(false, service), service, resolved);
    (!values.is_empty()).then(|| Placed::with_fields(template, service.id(), paths, values))
}

/// An entry whose hosts, and endpoints if any, are yet to come. Without endpoints Istio resolves
/// each host by DNS.
fn template(name: &str, ports: &[&Port], service: &Service, resolved: &Resolved) -> Object {
    let ports: Vec<Value> = ports
        .iter()
        .map(|port| {
            let protocol = port.protocol.as_str().to_uppercase();
            let mut one =
                json!({ "number": port.published, "name": port.name(), "protocol": protocol });
            // For where DNS alone says the address; endpoints have ports of their own.
            let at = usually_at(port, service, resolved);
            if at != port.published {
                one["targetPort"] = at.into();
            }
            one
        })
        .collect();
    let mut body = json!({
        "spec": {
            "hosts": [],
            "location": "MESH_EXTERNAL",
            "ports": ports,
            "resolution": "DNS",
        },
    });
    if service.is_mutual() {
        // Its pods are of the mesh, by their identities.
        body["spec"]["location"] = "MESH_INTERNAL".into();
    }
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
    let ports = ports_of(name.level == Level::Global, service);
    endpoints::endpoints(client, name, service, resolved)
        .into_iter()
        .flatten()
        .map(|endpoint| {
            let cluster = &resolved.clusters[endpoint.cluster];
            let address = if let Some(zone) = endpoint.zone {
                zone.host.to_string()
            } else {
                let gateway = service.gateway_of(cluster);
                local_host(&gateway.service, &gateway.namespace)
            };
            let mut at = json!({});
            for port in &ports {
                at[port.name()] = service.port_at(port, cluster).into();
            }
            let mut one = json!({ "address": address, "ports": at });
            if !resolved.istio.is_oldest() {
                one["locality"] = cluster.locality().into();
            }
            one
        })
        .collect()
}
