//! The ServiceEntries of a service: its names, resolved inside every mesh.
//!
//! - the global name with the vanity name, and each region's name: an endpoint for each cluster
//!   that answers. An endpoint is the cluster's own gateway, reached inside the cluster, or the zone
//!   name of another cluster, which DNS keeps pointing at that cluster's gateway whatever its
//!   address is. Each has a locality, since Istio drops those without one as soon as it prefers
//!   localities.
//! - in a serving cluster its own zone's name, so that a local call stays local;
//! - the names of zones with a gateway on another port than 80, which DNS cannot tell: as a region's;
//! - all other zones' names in one, which DNS alone resolves. One object for all of them keeps the
//!   number of objects from growing with clusters times zones.
//!
//! Without an address of its own for each name, a sidecar tells plain TCP by its port alone, and takes
//! the first entry with that port for all names: so only the global name's has it. Istio refuses such
//! a port beside a second host, which is why the vanity name then has an entry of its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Istio, all};
use crate::mesh::Protocol;
use crate::object::Object;
use crate::placed::Placed;
use crate::published::{Level, PublishedName, answered_by};
use crate::resolved::{Cluster, DEFAULT_GATEWAY_PORT, ISTIO_NAMESPACE, Port, Resolved, Service};

const HOSTS: &[&str] = &["spec", "hosts"];
const ENDPOINTS: &[&str] = &["spec", "endpoints"];

pub(super) fn render(service: &Service, resolved: &Resolved) -> Vec<Placed> {
    let mut entries: Vec<Placed> = service
        .names
        .iter()
        .filter(|name| match name.level {
            Level::Vanity => told_by_name(service) && has_tcp(service),
            Level::Global => true,
            Level::Region(_) => told_by_name(service),
            Level::Zone { .. } => told_by_name(service) && !by_dns_alone(name, service, resolved),
        })
        .map(|name| wide(name, service, resolved))
        .collect();
    if told_by_name(service) {
        entries.extend(own_zone(service, resolved));
        entries.extend(other_zones(service, resolved));
    }
    entries
}

/// Whether a sidecar tells the service's names apart, on one of its ports at least.
fn told_by_name(service: &Service) -> bool {
    !ports(false, service).is_empty()
}

fn has_tcp(service: &Service) -> bool {
    ports(false, service).len() < service.ports.len()
}

/// The ports in the entry of the global name, or of another.
fn ports(global: bool, service: &Service) -> Vec<&Port> {
    let ports = service.ports.iter();
    ports
        .filter(|port| global || port.protocol != Protocol::Tcp)
        .collect()
}

/// Whether a name is in an entry, so that other objects can be about it.
pub(super) fn has_entry(name: &PublishedName, service: &Service) -> bool {
    name.level == Level::Global || told_by_name(service)
}

/// The entry of the global name or of a region's.
fn wide(name: &PublishedName, service: &Service, resolved: &Resolved) -> Placed {
    let mut hosts = vec![name.host.as_str()];
    if name.level == Level::Global && !has_tcp(service) {
        let vanity = service
            .names
            .iter()
            .filter(|name| name.level == Level::Vanity);
        hosts.extend(vanity.map(|name| name.host.as_str()));
    }
    let ports = ports(name.level == Level::Global, service);
    let mut template = template(name.host.as_str(), &ports, resolved);
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
        .filter(|(_, name)| by_dns_alone(name, service, resolved))
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
        .filter(|name| {
            matches!(name.level, Level::Zone { .. }) && by_dns_alone(name, service, resolved)
        })
        .collect();
    let values = all(resolved)
        .into_iter()
        .filter_map(|client| {
            let serves = service.clusters.contains(&client);
            let own = serves.then(|| &zone_name(&resolved.clusters[client], service).host);
            let hosts: Vec<&str> = zones
                .iter()
                .filter(|name| Some(&name.host) != own)
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

/// Whether DNS says all that is needed to reach who answers a name: it knows no ports.
fn by_dns_alone(name: &PublishedName, service: &Service, resolved: &Resolved) -> bool {
    let ports = ports(name.level == Level::Global, service);
    answered_by(name, &service.names).iter().all(|&index| {
        let gateway = &resolved.clusters[index].gateway;
        let mut ports = ports.iter();
        ports.all(|port| port.at(gateway) == usually_at(port, resolved))
    })
}

/// Where gateways have a port, unless the document says otherwise.
fn usually_at(port: &Port, resolved: &Resolved) -> u16 {
    if port.protocol.is_http() && port.published == DEFAULT_GATEWAY_PORT {
        resolved.usual_gateway_port()
    } else {
        port.published
    }
}

fn placed(
    name: &str,
    service: &Service,
    resolved: &Resolved,
    paths: &[&[&'static str]],
    values: Vec<(usize, Vec<Value>)>,
) -> Option<Placed> {
    let template = template(name, &ports(false, service), resolved);
    (!values.is_empty()).then(|| Placed::with_fields(template, service.id(), paths, values))
}

/// An entry whose hosts, and endpoints if any, are yet to come. Without endpoints Istio resolves
/// each host by DNS.
fn template(name: &str, ports: &[&Port], resolved: &Resolved) -> Object {
    let ports: Vec<Value> = ports
        .iter()
        .map(|port| {
            let protocol = port.protocol.as_str().to_uppercase();
            let mut one =
                json!({ "number": port.published, "name": port.name(), "protocol": protocol });
            // For where DNS alone says the address; endpoints have ports of their own.
            let at = usually_at(port, resolved);
            if at != port.published {
                one["targetPort"] = at.into();
            }
            one
        })
        .collect();
    Object::new(
        Istio(resolved.istio).service_entry(),
        Some(ISTIO_NAMESPACE),
        name,
        json!({
            "spec": {
                "hosts": [],
                "location": "MESH_EXTERNAL",
                "ports": ports,
                "resolution": "DNS",
            },
        }),
    )
}

fn zone_name<'a>(cluster: &Cluster, service: &'a Service) -> &'a PublishedName {
    let zone = Level::Zone {
        region: cluster.region.clone(),
        zone: cluster.zone.clone(),
    };
    match service.names.iter().find(|name| name.level == zone) {
        Some(name) => name,
        None => unreachable!("every cluster's zone has a name in every service"),
    }
}

/// Where a client cluster sends requests for a name.
fn endpoints(client: usize, name: &PublishedName, service: &Service, resolved: &Resolved) -> Value {
    let ports = ports(name.level == Level::Global, service);
    // Two clusters in one zone share the zone's name: one endpoint for both.
    let mut seen = BTreeSet::new();
    answered_by(name, &service.names)
        .iter()
        .filter_map(|&index| {
            let cluster = &resolved.clusters[index];
            let address = if index == client {
                format!(
                    "{}.{}.svc.cluster.local",
                    cluster.gateway.service, cluster.gateway.namespace
                )
            } else {
                zone_name(cluster, service).host.to_string()
            };
            seen.insert((address.clone(), cluster.gateway.port))
                .then(|| {
                    let mut at = json!({});
                    for port in &ports {
                        at[port.name()] = port.at(&cluster.gateway).into();
                    }
                    json!({
                        "address": address,
                        "ports": at,
                        "locality": cluster.locality(),
                    })
                })
        })
        .collect()
}
