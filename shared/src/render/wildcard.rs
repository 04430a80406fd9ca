//! ServiceEntries for the names of many services at once, by wildcard. A sidecar has one cluster for each, whatever the
//! number of services, zones and clusters, and names cost nothing until they are called.
//!
//! Names of other regions and zones have `resolution: NONE`: a call goes to the address that the caller's DNS has
//! returned. Istio then keeps the port of the call, unless it is new enough for a `targetPort` there (istio
//! `releasenotes/notes/targetPort-service-entry.yaml`). Names of the own zones and of the own cluster lead to the own gateway, which routes
//! by the called name.
//!
//! One port of an entry has one protocol, so a service with HTTP/2 on a port on which others have HTTP/1.1 has entries
//! of its own, and so has one with mutual TLS, whose SNI is the service's own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::coverage::{
    SUBJECT, WIDE, behind_service, has_others_of, has_own_zone_of, region_endings,
};
use super::entry::{inside, rendered_endpoint, rendered_port};
use super::{EXPORT_TO, Istio, all, exports, skeleton};
use crate::defaults::ISTIO_NAMESPACE;
use crate::kubernetes::object::Object;
use crate::mesh::{Endpoints, Protocol};
use crate::placed::Placed;
use crate::resolved::published::PublishedName;
use crate::resolved::{Cluster, Port, Resolved, Service};
use crate::traffic::endpoints::{
    Destination, cluster_name, destination, ports_of, usually_at, zone_name,
};
use crate::traffic::locality::seen_from;

const PORTS: &[&str] = &["spec", "ports"];
const OWN_ZONES: &[&[&str]] = &[
    &["spec", "hosts"],
    &["spec", "ports"],
    &["spec", "resolution"],
    &["spec", "endpoints"],
];

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    own_zones(resolved)
        .into_iter()
        .chain(others(resolved))
        .collect()
}

/// The protocol of each published port in entries for many services: HTTP/1.1 before HTTP/2, whatever the order of the
/// services.
pub(crate) fn shared_ports(services: &[Service]) -> BTreeMap<u16, Protocol> {
    let mut shared: BTreeMap<u16, Protocol> = BTreeMap::new();
    for service in services.iter().filter(|service| !service.is_mutual()) {
        for port in ports_of(false, service) {
            let protocol = shared.entry(port.published).or_insert(port.protocol);
            if rank(port.protocol) < rank(*protocol) {
                *protocol = port.protocol;
            }
        }
    }
    shared
}

/// Priority of a protocol among others of its family.
fn rank(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Http => 0,
        Protocol::Http2 => 1,
        Protocol::Grpc => 2,
        Protocol::Tls | Protocol::Tcp => 3,
    }
}

/// The entry for the names of each cluster's own zones, and of itself, that lead to its own gateway.
fn own_zones(resolved: &Resolved) -> Option<Placed> {
    let mut exports = Exports::default();
    let mut fields = Vec::new();
    for client in all(resolved) {
        let cluster = &resolved.clusters[client];
        let mut ports = BTreeMap::new();
        let mut hosts = BTreeSet::new();
        for service in called_from(client, resolved) {
            if !has_own_zone_of(service, resolved) {
                continue;
            }
            for own in own_names(cluster, service) {
                let destination = destination(client, own, service, resolved);
                if matches!(destination, Destination::OwnGateway) {
                    hosts.insert(format!("*.{}", behind_service(own)));
                    let shared = ports_of(false, service).into_iter();
                    ports.extend(shared.map(|port| (port.published, as_shared(port, resolved))));
                    exports.add(client, service);
                }
            }
        }
        if !hosts.is_empty() {
            let called = ports
                .values()
                .map(|port| rendered_port(port, port.published));
            let gateway = &cluster.gateway;
            // Istio rejects a selector beside a wildcard that sidecars resolve, so the endpoint is listed here.
            let (resolution, address) = match gateway.cluster_ip {
                Some(ip) if resolved.endpoints == Endpoints::Addresses => {
                    ("STATIC", ip.to_string())
                }
                _ => ("DNS", inside(gateway, cluster)),
            };
            let at = ports.values().map(|port| (port.name(), port.at(gateway)));
            let locality = seen_from(cluster, cluster);
            let endpoint = rendered_endpoint(&address, at, locality, resolved);
            let endpoints = json!([endpoint]);
            let values = vec![json!(hosts), called.collect(), resolution.into(), endpoints];
            fields.push((client, values));
        }
    }
    let template = entry("zone", "DNS", resolved);
    (!fields.is_empty()).then(|| exports.placed(template, OWN_ZONES, fields))
}

/// A service's names of a cluster's zones, and of the cluster.
fn own_names<'a>(
    cluster: &'a Cluster,
    service: &'a Service,
) -> impl Iterator<Item = &'a PublishedName> {
    let zones = cluster.zones.iter();
    let zones = zones.filter_map(|zone| zone_name(&cluster.region, zone, service));
    zones.chain(cluster_name(cluster, service))
}

/// The services that a cluster calls.
fn called_from(client: usize, resolved: &Resolved) -> impl Iterator<Item = &Service> {
    let services = resolved.services.iter();
    services.filter(move |service| service.is_called_from(client))
}

/// The entry for the names of other regions and zones that follow DNS.
fn others(resolved: &Resolved) -> Option<Placed> {
    let goes_by_dns = |service: &&Service| {
        all(resolved).into_iter().any(|client| {
            let mut names = service.names.iter();
            names.any(|name| {
                matches!(
                    destination(client, name, service, resolved),
                    Destination::Dns
                )
            })
        })
    };
    let services = resolved.services.iter();
    let covered = services.filter(|one| has_others_of(one, resolved) && goes_by_dns(one));
    let covered: Vec<&Service> = covered.collect();
    let mut exports = Exports::default();
    let mut fields = Vec::new();
    for client in all(resolved) {
        let mut ports = BTreeMap::new();
        for service in covered.iter().filter(|one| one.is_called_from(client)) {
            for port in ports_of(false, service) {
                let at = usually_at(port, service, resolved);
                ports.insert(port.published, (as_shared(port, resolved), at));
            }
            exports.add(client, service);
        }
        if !ports.is_empty() {
            let ports = ports.values().map(|(port, at)| rendered_port(port, *at));
            fields.push((client, vec![ports.collect()]));
        }
    }
    let hosts = region_endings(resolved).into_iter();
    let hosts = hosts.map(|ending| format!("*.{ending}"));
    let mut template = entry("region", "NONE", resolved);
    template.body["spec"]["hosts"] = hosts.collect();
    (!fields.is_empty()).then(|| exports.placed(template, &[PORTS], fields))
}

/// A port in entries for many services.
fn as_shared(port: &Port, resolved: &Resolved) -> Port {
    let shared = resolved.shared_ports.get(&port.published);
    Port {
        protocol: shared.copied().unwrap_or(port.protocol),
        ..*port
    }
}

fn entry(of: &str, resolution: &str, resolved: &Resolved) -> Object {
    let mut body =
        skeleton(r#"{"spec":{"hosts":[],"location":"MESH_EXTERNAL","ports":[],"resolution":""}}"#);
    body["spec"]["resolution"] = resolution.into();
    let name = format!("{WIDE}{of}.{}", resolved.dns.suffix);
    let kind = Istio(resolved.istio).service_entry();
    Object::new(kind, Some(ISTIO_NAMESPACE), name, body)
}

/// The namespaces that see the services of an entry, in each cluster that has it; `None` for all.
#[derive(Default)]
struct Exports<'a>(BTreeMap<usize, Option<BTreeSet<&'a str>>>);

impl<'a> Exports<'a> {
    fn add(&mut self, cluster: usize, service: &'a Service) {
        let known = self
            .0
            .entry(cluster)
            .or_insert_with(|| Some(BTreeSet::new()));
        match (known, service.seen_by(cluster)) {
            (Some(known), Some(more)) => known.extend(more),
            (known, _) => *known = None,
        }
    }

    fn placed(
        self,
        template: Object,
        paths: &[&[&'static str]],
        mut fields: Vec<(usize, Vec<Value>)>,
    ) -> Placed {
        let mut paths = paths.to_vec();
        let exports = exports(self.0);
        if !exports.is_empty() {
            paths.push(EXPORT_TO);
            for (cluster, values) in &mut fields {
                values.push(exports[cluster].clone());
            }
        }
        Placed::with_fields(template, SUBJECT, &paths, fields)
    }
}
