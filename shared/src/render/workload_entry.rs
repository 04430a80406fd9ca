//! The gateways of all clusters by address: a WorkloadEntry for each, which ServiceEntries select.
//!
//! A change of a gateway's address then changes one object in each cluster, which istiod sends as endpoints only, and
//! no sidecar resolves a name. In its own cluster a gateway has the address of its Service there, or the Service's name
//! if the address is unknown.
//!
//! A selector requires all its labels and has no alternatives. So each group of gateways that answers some name has a
//! label of its own, and a gateway has the labels of its groups; most meshes have few.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Value, json};

use super::coverage::has_entry;
use super::entry::inside;
use super::{Istio, all, coverage, skeleton};
use crate::defaults::ISTIO_NAMESPACE;
use crate::gateways::kind::GatewayKind;
use crate::kubernetes::object::Object;
use crate::kubernetes::ownership::{self, CLUSTER_LABEL, GATEWAY_LABEL, GATEWAY_NAMESPACE_LABEL};
use crate::mesh::Endpoints;
use crate::origin::Origin;
use crate::placed::Placed;
use crate::resolved::published::answered_by;
use crate::resolved::{Address, Gateway, Resolved, Service};
use crate::text::digest;
use crate::traffic::endpoints::{Destination, destination, not_by_dns};
use crate::traffic::locality::seen_from;

/// The file of all WorkloadEntries.
const SUBJECT: &str = "gateways";
/// Prefix of the labels of groups.
const GROUP: &str = "fedmesh.dev/gateways-";
/// Digits that distinguish the groups of a mesh.
const DIGITS: usize = 12;

/// What differs from client to client.
const FIELDS: &[&[&str]] = &[&["spec", "address"], &["spec", "locality"]];

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    if resolved.endpoints == Endpoints::Names {
        return Vec::new();
    }
    let mut placed = Vec::new();
    for (kind, groups) in groups(resolved) {
        for cluster in all(resolved) {
            let of_cluster = groups.iter().filter(|group| group.contains(&cluster));
            let labels = of_cluster.map(|group| (label(kind, group, resolved), "true".into()));
            let labels: serde_json::Map<String, Value> = labels.collect();
            if !labels.is_empty() {
                placed.extend(of_gateway(kind, cluster, &labels, resolved));
            }
        }
    }
    placed
}

/// The selector of a ServiceEntry for the gateways of a kind in some clusters.
pub(super) fn selector(kind: GatewayKind, clusters: &[usize], resolved: &Resolved) -> Value {
    let mut selector = json!({ "labels": {} });
    selector["labels"][label(kind, clusters, resolved)] = "true".into();
    selector
}

/// `STATIC`, unless the cluster `client` has only a host name of some gateway, which sidecars must resolve.
pub(super) fn resolution(
    client: usize,
    kind: GatewayKind,
    clusters: &[usize],
    resolved: &Resolved,
) -> &'static str {
    let has_host = |cluster: &usize| {
        let gateway = kind.of(&resolved.clusters[*cluster]);
        if *cluster == client {
            return gateway.cluster_ip.is_none();
        }
        let mut addresses = addresses(gateway).into_iter();
        addresses.any(|one| matches!(one, Address::Host(_)))
    };
    if clusters.iter().any(has_host) {
        "DNS"
    } else {
        "STATIC"
    }
}

/// The kind of gateway of a service.
pub(super) fn kind_of(service: &Service) -> GatewayKind {
    if service.is_mutual() {
        GatewayKind::EastWest
    } else {
        GatewayKind::Ingress
    }
}

/// The groups of clusters whose gateways answer some name by a selecting entry, ascending.
fn groups(resolved: &Resolved) -> BTreeMap<GatewayKind, BTreeSet<Vec<usize>>> {
    let clusters = all(resolved);
    let mut groups: BTreeMap<GatewayKind, BTreeSet<Vec<usize>>> = BTreeMap::new();
    for service in &resolved.services {
        let groups = groups.entry(kind_of(service)).or_default();
        let own_zone_is_covered = coverage::has_own_zone_of(service, resolved);
        for name in service.names.iter().filter(|name| has_entry(name, service)) {
            for client in not_by_dns(&clusters, name, service, resolved) {
                match destination(client, name, service, resolved) {
                    Destination::Endpoints => {
                        groups.insert(answered_by(name, &service.names).to_vec());
                    }
                    Destination::OwnGateway if !own_zone_is_covered => {
                        groups.insert(vec![client]);
                    }
                    Destination::OwnGateway | Destination::SameAs(_) | Destination::Dns => {}
                }
            }
        }
    }
    groups
}

fn label(kind: GatewayKind, clusters: &[usize], resolved: &Resolved) -> String {
    let names = clusters
        .iter()
        .map(|&index| resolved.clusters[index].name.as_str());
    let names: BTreeSet<&str> = names.collect();
    // Another mesh's gateways may be in the same namespace.
    let parts = [resolved.name.as_str(), kind.field()]
        .into_iter()
        .chain(names);
    let digest = digest::of_parts(parts.map(str::as_bytes));
    let digits = digest.trim_start_matches("sha256:").get(..DIGITS);
    format!("{GROUP}{}", digits.unwrap_or_default())
}

/// The addresses of a gateway that all sidecars can call: IPv6 only if it has no other.
fn addresses(gateway: &Gateway) -> Vec<Address> {
    let all: Vec<Address> = gateway.addresses.iter().flatten().cloned().collect();
    let is_v4 = |one: &Address| matches!(one, Address::Ip(IpAddr::V4(_)));
    if all.iter().any(is_v4) {
        return all.into_iter().filter(is_v4).collect();
    }
    all
}

/// One entry for each address.
fn of_gateway(
    kind: GatewayKind,
    cluster: usize,
    labels: &serde_json::Map<String, Value>,
    resolved: &Resolved,
) -> Vec<Placed> {
    let of = &resolved.clusters[cluster];
    let gateway = kind.of(of);
    let addresses = addresses(gateway);
    let inside = match gateway.cluster_ip {
        Some(ip) => ip.to_string(),
        None => inside(gateway, of),
    };
    let name = match kind {
        GatewayKind::Ingress => ownership::object_name(resolved.name.as_str()),
        GatewayKind::EastWest => ownership::east_west_name(resolved.name.as_str()),
    };
    let mut placed = Vec::new();
    for number in 0..addresses.len().max(1) {
        let fields = all(resolved).into_iter().filter_map(|client| {
            let address = if client == cluster {
                (number == 0).then(|| inside.clone())
            } else {
                addresses.get(number).map(ToString::to_string)
            };
            let locality = seen_from(&resolved.clusters[client], of);
            Some((client, vec![json!(address?), json!(locality)]))
        });
        let fields: Vec<(usize, Vec<Value>)> = fields.collect();
        let more = if number == 0 {
            String::new()
        } else {
            format!(".{}", number + 1)
        };
        let mut body = skeleton(r#"{"spec":{"address":"","ports":{},"labels":{},"locality":""}}"#);
        body["spec"]["ports"] = ports(kind, cluster, resolved);
        body["spec"]["labels"] = labels.clone().into();
        let object = Object::new(
            Istio(resolved.istio).workload_entry(),
            Some(ISTIO_NAMESPACE),
            format!("{name}.{}{more}", of.name),
            body,
        )
        .label(CLUSTER_LABEL, of.name.as_str())
        .label(GATEWAY_LABEL, gateway.service.as_str())
        .label(GATEWAY_NAMESPACE_LABEL, gateway.namespace.as_str());
        let entry = Placed::with_fields(object, SUBJECT, FIELDS, fields);
        placed.push(entry.with_origin(Origin::Cluster(cluster)));
    }
    placed
}

/// The ports of a gateway for the services in its cluster, by their names in ServiceEntries.
fn ports(kind: GatewayKind, cluster: usize, resolved: &Resolved) -> Value {
    let of = &resolved.clusters[cluster];
    let services = resolved.services.iter();
    let services = services.filter(|one| kind.serves(one) && one.clusters.contains(&cluster));
    let ports = services.flat_map(|service| {
        let ports = service.ports.iter();
        ports.map(|port| (port.name(), service.port_at(port, of)))
    });
    let ports: BTreeMap<String, u16> = ports.collect();
    json!(ports)
}
