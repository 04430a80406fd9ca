//! The ServiceEntries of a service: its names, resolved inside every mesh, as [`crate::traffic::endpoints`] decides.
//!
//! Each endpoint has a locality, since Istio drops those without one as soon as it prefers localities; Istio 1.0 has
//! none. Names of own zones and of the own cluster, and those that DNS alone resolves, are entries of the service only if the entries for many
//! services do not cover them ([`super::wildcard`]). The latter share one object: with one for each, the number of
//! objects would grow with clusters times zones.
//!
//! A name with the destination of another one is a further host of its entry if sidecars route by SNI; requests are
//! routed there by the VirtualService ([`super::mesh_routes`]), which costs less.
//!
//! Without an address of its own for each name, a sidecar routes plain TCP by port alone, and uses the first entry with
//! that port for all names: so only the global name's has it. Istio refuses such a port with a second host.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::coverage::{self, has_entry, is_identified_by_tls};
use super::entry::{inside, rendered_endpoint, rendered_port};
use super::{Istio, exported, workload_entry};
use crate::defaults::ISTIO_NAMESPACE;
use crate::kubernetes::object::Object;
use crate::mesh::Endpoints;
use crate::placed::Placed;
use crate::resolved::published::{Level, PublishedName, answered_by};
use crate::resolved::{Port, Resolved, Service};
use crate::traffic::endpoints::{
    At, Destination, destination, endpoints, led_to, not_by_dns, ports_of, usually_at,
};

const HOSTS: &[&str] = &["spec", "hosts"];
const ENDPOINTS: &[&str] = &["spec", "endpoints"];
const RESOLUTION: &[&str] = &["spec", "resolution"];
const SELECTOR: &[&str] = &["spec", "workloadSelector"];

/// The values of an entry's fields in a cluster, given by its index.
type Fields = (usize, Vec<Value>);

pub(super) fn render(clusters: &[usize], service: &Service, resolved: &Resolved) -> Vec<Placed> {
    let mut placed = Vec::new();
    let mut own: BTreeMap<usize, (Vec<&str>, Vec<Value>)> = BTreeMap::new();
    let mut by_dns: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    let others_are_covered = coverage::has_others_of(service, resolved);
    let own_zone_is_covered = coverage::has_own_zone_of(service, resolved);
    for name in service.names.iter().filter(|name| has_entry(name, service)) {
        if !others_are_covered {
            for &client in clusters {
                if matches!(
                    destination(client, name, service, resolved),
                    Destination::Dns
                ) {
                    by_dns.entry(client).or_default().push(name.host.as_str());
                }
            }
        }
        let mut fields: Vec<Fields> = Vec::new();
        for client in not_by_dns(clusters, name, service, resolved) {
            match destination(client, name, service, resolved) {
                Destination::SameAs(_) | Destination::Dns => {}
                Destination::Endpoints => {
                    let hosts = hosts(client, name, service, resolved);
                    let mut values = vec![json!(hosts)];
                    values.extend(reached(client, name, service, resolved));
                    fields.push((client, values));
                }
                Destination::OwnGateway if own_zone_is_covered => {}
                Destination::OwnGateway => {
                    let (hosts, _) = own
                        .entry(client)
                        .or_insert_with(|| (Vec::new(), reached(client, name, service, resolved)));
                    hosts.push(name.host.as_str());
                }
            }
        }
        let ports = ports_of(name.level == Level::Global, service);
        let template = template(name.host.as_str(), &ports, service, resolved);
        placed.extend(of_clusters(
            template,
            service,
            fields_of(resolved),
            fields,
            resolved,
        ));
    }
    let own = own.into_iter().map(|(client, (hosts, reached))| {
        let values = [json!(hosts)].into_iter().chain(reached);
        (client, values.collect())
    });
    let by_dns = by_dns.into_iter();
    let by_dns = by_dns.map(|(client, hosts)| (client, vec![json!(hosts)]));
    let by_dns: Vec<Fields> = by_dns.collect();
    let ports = ports_of(false, service);
    let of_service = |suffix: &str| {
        let name = format!("{}.{suffix}", service.id());
        template(&name, &ports, service, resolved)
    };
    placed.extend(of_clusters(
        of_service("zone"),
        service,
        fields_of(resolved),
        own.collect(),
        resolved,
    ));
    placed.extend(of_clusters(
        of_service("zones"),
        service,
        &[HOSTS],
        by_dns,
        resolved,
    ));
    placed
}

fn of_clusters(
    template: Object,
    service: &Service,
    paths: &[&[&'static str]],
    fields: Vec<Fields>,
    resolved: &Resolved,
) -> Option<Placed> {
    (!fields.is_empty()).then(|| exported(template, service, paths, fields, resolved))
}

/// The hosts of a name's entry in a cluster: the name, and those that are routed by SNI and have the same clusters.
fn hosts<'a>(
    client: usize,
    name: &'a PublishedName,
    service: &'a Service,
    resolved: &Resolved,
) -> Vec<&'a str> {
    let mut hosts = vec![name.host.as_str()];
    if is_identified_by_tls(service) {
        let same = led_to(client, name, service, resolved);
        hosts.extend(same.map(|name| name.host.as_str()));
    }
    hosts
}

/// An entry whose hosts, and endpoints if any, are added later. Without endpoints Istio resolves each host by DNS.
fn template(name: &str, ports: &[&Port], service: &Service, resolved: &Resolved) -> Object {
    let ports: Vec<Value> = ports
        .iter()
        .map(|port| {
            // For addresses from DNS alone; endpoints have ports of their own.
            let at = usually_at(port, service, resolved);
            rendered_port(port, at)
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
        // Its pods belong to the mesh, by their identities.
        body["spec"]["location"] = "MESH_INTERNAL".into();
    }
    Object::new(
        Istio(resolved.istio).service_entry(),
        Some(ISTIO_NAMESPACE),
        name,
        body,
    )
}

/// The fields of an entry with hosts and destinations.
fn fields_of(resolved: &Resolved) -> &'static [&'static [&'static str]] {
    match resolved.endpoints {
        Endpoints::Names => &[HOSTS, ENDPOINTS],
        Endpoints::Addresses => &[HOSTS, RESOLUTION, SELECTOR],
    }
}

/// The destination of a name in the cluster `client`: the values of [`fields_of`] after the hosts.
fn reached(
    client: usize,
    name: &PublishedName,
    service: &Service,
    resolved: &Resolved,
) -> Vec<Value> {
    if resolved.endpoints == Endpoints::Names {
        return vec![rendered(client, name, service, resolved)];
    }
    let kind = workload_entry::kind_of(service);
    let clusters = answered_by(name, &service.names);
    vec![
        workload_entry::resolution(client, kind, clusters, resolved).into(),
        workload_entry::selector(kind, clusters, resolved),
    ]
}

/// The endpoints of a name in the cluster `client`, in Istio's form.
fn rendered(client: usize, name: &PublishedName, service: &Service, resolved: &Resolved) -> Value {
    let ports = ports_of(name.level == Level::Global, service);
    endpoints(client, name, service, resolved)
        .into_iter()
        .map(|endpoint| {
            let cluster = &resolved.clusters[endpoint.cluster];
            let address = match endpoint.at {
                At::Name(name) => name.host.to_string(),
                At::Inside | At::Addresses => inside(service.gateway_of(cluster), cluster),
            };
            let ports = ports.iter();
            let ports = ports.map(|port| (port.name(), service.port_at(port, cluster)));
            rendered_endpoint(&address, ports, endpoint.locality, resolved)
        })
        .collect()
}
