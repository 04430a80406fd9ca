//! The clusters: region and zones, and the gateway of each.
//!
//! A cluster's own gateway is in its ServiceEntries, with its locality and port; endpoints of Istio 1.0 have no
//! locality, but the entry of the cluster's own zone has the zone's name, or a wildcard for all names of it. A cluster
//! without such an entry runs no service; its place follows from names that are routed to wider ones, since only those
//! of the own region and zone are.

use std::collections::{BTreeMap, BTreeSet};

use super::addresses;
use super::backends::Backends;
use super::endpoints::{add_zone, is_published, own_gateway};
use super::external;
use super::gateways::{self, gateway_of, selector};
use super::names::{At, Names};
use super::ports::number;
use super::services::{self, in_full};
use super::tls;
use super::workloads;
use super::world::World;
use crate::check::{Findings, code};
use crate::defaults::{
    DEFAULT_CLUSTER_DOMAIN, DEFAULT_EAST_WEST_PORT, DEFAULT_EAST_WEST_SELECTOR,
    DEFAULT_EAST_WEST_SERVICE, DEFAULT_GATEWAY_SELECTOR, DEFAULT_GATEWAY_SERVICE, ISTIO_NAMESPACE,
};
use crate::manifests::{Object, field, list, texts};
use crate::mesh::{Cluster, Gateway, Service};
use crate::resolved::usual_gateway_port;

/// Default of a region or zone that no object has.
const UNKNOWN: &str = "unknown";

/// A region and zones of it.
pub(super) type Place = (String, Vec<String>);

/// Evidence of a cluster.
#[derive(Default)]
pub(super) struct Known {
    /// Region and zones.
    pub(super) place: Option<Place>,
    /// The region, if only that is known.
    region: Option<String>,
    pub(super) gateway: Gateway,
    /// The gateway of mutual TLS, if there is one.
    pub(super) east_west: Option<Gateway>,
}

pub(super) fn find(
    world: &World,
    names: &Names,
    naming: Option<&services::Gateway>,
    services: &[Service],
    tls: bool,
    findings: &mut Findings,
) -> Vec<Cluster> {
    let mut known: Vec<Known> = world.clusters.iter().map(|_| Known::default()).collect();
    let backends = Backends::new(world, names);
    for (cluster, object) in world.of_kind("ServiceEntry") {
        own_gateway(object, names, &backends, &mut known[cluster]);
    }
    if let Some(naming) = naming {
        for one in &mut known {
            one.gateway.service = Some(naming.service.clone());
            one.gateway.namespace = Some(naming.namespace.clone());
        }
    }
    for (cluster, object) in world.of_kind("VirtualService") {
        if services::is_at_gateway(object) {
            let known = &mut known[cluster];
            at_gateway(world, (cluster, object), names, tls, known, findings);
        }
    }
    for (cluster, object) in world.of_kind("Gateway") {
        if let Some(gateway) = &mut known[cluster].east_west {
            at_east_west(object, gateway);
        }
    }
    shared_names(world, names, &mut known);
    zones(world, names, &mut known, findings);
    ports_of_zones(&mut known);
    let mut clusters: Vec<Cluster> = known
        .into_iter()
        .zip(&world.clusters)
        .map(|(known, name)| {
            let (region, zones) = known.place.unwrap_or_default();
            let mut cluster = Cluster {
                name: name.clone(),
                region,
                gateway: Some(known.gateway),
                east_west_gateway: known.east_west.map(Into::into),
                ..Cluster::default()
            };
            cluster.set_zones(zones);
            cluster
        })
        .collect();
    addresses::find(world, names, services, &mut clusters, findings);
    workloads::inside(world, &mut clusters);
    let mut egress = external::gateways(world);
    for (index, cluster) in clusters.iter_mut().enumerate() {
        let domain = world
            .domain(index)
            .filter(|domain| *domain != DEFAULT_CLUSTER_DOMAIN);
        cluster.cluster_domain = domain.map(str::to_owned);
        let gateway = cluster.gateway.take();
        cluster.gateway = gateway.and_then(|gateway| {
            let port = usual_gateway_port(tls);
            without_defaults(
                gateway,
                DEFAULT_GATEWAY_SERVICE,
                DEFAULT_GATEWAY_SELECTOR,
                port,
            )
        });
        let gateway = cluster.east_west_gateway.take().and_then(|gateway| {
            without_defaults(
                gateway.into(),
                DEFAULT_EAST_WEST_SERVICE,
                DEFAULT_EAST_WEST_SELECTOR,
                DEFAULT_EAST_WEST_PORT,
            )
        });
        cluster.east_west_gateway = gateway.map(Into::into);
        cluster.egress_gateway = egress.remove(&index);
    }
    clusters
}

/// Indices of clusters in the orders of the endpoints of published names: those of a document, while an engine's
/// objects may be sorted otherwise.
pub(super) fn orders(world: &World, names: &Names) -> Vec<Vec<usize>> {
    let mut known: Vec<Known> = world.clusters.iter().map(|_| Known::default()).collect();
    let backends = Backends::new(world, names);
    for (cluster, object) in world.of_kind("ServiceEntry") {
        own_gateway(object, names, &backends, &mut known[cluster]);
    }
    // A zone with several clusters is one endpoint.
    let mut by_zone: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (index, one) in known.iter().enumerate() {
        if let Some((region, zones)) = &one.place {
            for zone in zones {
                by_zone.entry((region, zone)).or_default().push(index);
            }
        }
    }
    let mut orders = BTreeSet::new();
    let entries = world.of_kind("ServiceEntry");
    for (cluster, object) in entries.filter(|(_, object)| is_published(object, names)) {
        let endpoints = list(field(&object.value, &["spec", "endpoints"])).iter();
        let order = endpoints.filter_map(|endpoint| {
            let address = endpoint["address"].as_str()?;
            match names.read(address).map(|name| name.at) {
                Some(At::Cluster(_, _, name)) => world.clusters.iter().position(|one| one == name),
                Some(At::Zone(region, zone)) => {
                    match by_zone.get(&(names.region(region), zone))?.as_slice() {
                        [only] => Some(*only),
                        _ => None,
                    }
                }
                _ => {
                    let is_own =
                        in_full(address).is_some_and(|(_, domain)| domain == object.domain);
                    is_own.then_some(cluster)
                }
            }
        });
        orders.insert(order.collect::<Vec<usize>>());
    }
    orders.into_iter().collect()
}

/// Whether published names have endpoints without a locality.
pub(super) fn are_without_locality(world: &World, names: &Names) -> bool {
    let entries = world.of_kind("ServiceEntry").map(|(_, object)| object);
    let mut endpoints = entries
        .filter(|object| is_published(object, names))
        .flat_map(Object::endpoints)
        .peekable();
    endpoints.peek().is_some() && endpoints.all(|endpoint| endpoint["locality"].is_null())
}

/// From a Gateway that passes mutual TLS through.
fn at_east_west(object: &Object, gateway: &mut Gateway) {
    if is_passing_mutual_tls(object) {
        gateway.selector = selector(&object.value["spec"]);
    }
}

/// Whether a Gateway passes mutual TLS through.
pub(super) fn is_passing_mutual_tls(gateway: &Object) -> bool {
    let mut servers = list(field(&gateway.value, &["spec", "servers"])).iter();
    servers.any(|server| server["tls"]["mode"] == "AUTO_PASSTHROUGH")
}

/// From a VirtualService at a cluster's gateway and the Gateway that it refers to.
fn at_gateway(
    world: &World,
    (cluster, object): (usize, &Object),
    names: &Names,
    tls: bool,
    known: &mut Known,
    findings: &mut Findings,
) {
    // If each cluster accepts only its own zone's name, that name determines the zone.
    let own: BTreeSet<(&str, &str)> = texts(field(&object.value, &["spec", "hosts"]))
        .filter_map(|host| match names.read(host)?.at {
            At::Zone(region, zone) => Some((names.region(region), zone)),
            _ => None,
        })
        .collect();
    if let (Some((region, zone)), 1) = (own.first(), own.len())
        && known.place.is_none()
    {
        known.place = Some(((*region).to_owned(), vec![(*zone).to_owned()]));
    }
    // One Gateway is enough.
    if !known.gateway.selector.is_empty() {
        return;
    }
    let Some(gateway) = gateway_of(world, cluster, object) else {
        return;
    };
    let spec = &gateway.value["spec"];
    known.gateway.selector = selector(spec);
    let servers = || {
        let servers = list(&spec["servers"]).iter();
        servers.filter(|server| {
            !tls::leads_on(server)
                && if tls {
                    tls::is_ended(server)
                } else {
                    tls::has_protocol(server, "HTTP")
                }
        })
    };
    let name = if tls { "https" } else { "http" };
    // fedmesh's Gateway of this name is for the published port 80; other tools have one for all.
    let ours = gateway.is_ours();
    let server = servers().find(|server| !ours || server["port"]["name"] == name);
    let port = server.and_then(|server| number(&server["port"]["number"]));
    // Other tools may have their Gateways in other namespaces than the gateway's pods.
    if ours {
        let namespace = gateway.namespace().to_owned();
        known.gateway.namespace.get_or_insert(namespace);
        known.gateway.port = known.gateway.port.or(port);
        return;
    }
    let service = gateways::of(world, cluster, gateway);
    if known.gateway.service.is_none() {
        if let Some(service) = service {
            known.gateway.service = Some(service.name().to_owned());
            known.gateway.namespace = Some(service.namespace().to_owned());
        } else {
            known.gateway.service = gateways::assumed_service(world, cluster, gateway, findings);
        }
    }
    let Some(port) = port.filter(|_| known.gateway.port.is_none()) else {
        return;
    };
    let of_service = service.and_then(|service| gateways::port(service, port));
    known.gateway.port = of_service.or(Some(port));
    if of_service.is_none() && port != u32::from(usual_gateway_port(tls)) {
        gateways::assumed_port(world, cluster, gateway, port, findings);
    }
}

/// From names without an entry of their own in a cluster, since calls are routed to a wider name.
fn shared_names(world: &World, names: &Names, known: &mut [Known]) {
    let mut places: Vec<Option<Place>> = vec![None; known.len()];
    for kind in ["ServiceEntry", "VirtualService"] {
        for (cluster, object) in world.of_kind(kind) {
            let is_by_dns = object.name().strip_suffix(".zones").is_some();
            let is_of_mesh = kind == "ServiceEntry" || !services::is_at_gateway(object);
            if !object.is_ours() || is_by_dns || !is_of_mesh {
                continue;
            }
            let hosts: Vec<&str> = texts(field(&object.value, &["spec", "hosts"])).collect();
            let with_entries = match kind {
                "ServiceEntry" => hosts.iter().copied().take(1).collect(),
                _ => destinations(object),
            };
            for host in hosts.iter().filter(|host| !with_entries.contains(*host)) {
                match names.read(host).map(|name| name.at) {
                    Some(At::Zone(region, zone)) => {
                        add_zone(&mut places[cluster], names.region(region), zone);
                    }
                    Some(At::Region(region)) => known[cluster].region = Some(region.to_owned()),
                    _ => {}
                }
            }
        }
    }
    for (one, place) in known.iter_mut().zip(places) {
        one.place = one.place.take().or(place);
    }
}

/// The destinations of a VirtualService.
fn destinations(object: &Object) -> BTreeSet<&str> {
    let routes = list(field(&object.value, &["spec", "http"])).iter();
    let routes = routes.flat_map(|route| list(&route["route"]));
    let hosts = routes.map(|route| route["destination"]["host"].as_str());
    hosts.flatten().collect()
}

/// Assigns zones that have names but no cluster to clusters without a known zone.
fn zones(world: &World, names: &Names, known: &mut [Known], findings: &mut Findings) {
    let mut left = names.zones.clone();
    for (region, zones) in known.iter().filter_map(|one| one.place.as_ref()) {
        left.retain(|(of, zone)| of != region || !zones.contains(zone));
    }
    let open = known.iter().filter(|one| one.place.is_none()).count();
    let certain = open == 1 && left.len() == 1 || names.zones.len() == 1;
    for (index, one) in known.iter_mut().enumerate() {
        if one.place.is_some() {
            continue;
        }
        let is_there = |(region, _): &&(String, String)| {
            let of_cluster = one.region.as_ref();
            of_cluster.is_none_or(|of_cluster| of_cluster == region)
        };
        let zone = left.iter().find(is_there).cloned();
        left.retain(|one| Some(one) != zone.as_ref());
        let zone = zone.or_else(|| names.zones.iter().find(is_there).cloned());
        let (region, zone) = zone.unwrap_or_else(|| (UNKNOWN.to_owned(), UNKNOWN.to_owned()));
        if !certain {
            findings.warning(
                code::ASSUMED,
                &format!("spec.clusters[{index}].zone"),
                format!(
                    "the manifests have no region and zone of cluster `{}`",
                    world.clusters[index]
                ),
                format!(
                    "set its region and zone, which are `{region}` and `{zone}` in the document"
                ),
            );
        }
        one.place = Some((region, vec![zone]));
    }
}

/// Sets unknown ports of gateways to that of another one in their zone: names of zones lead to all of them.
fn ports_of_zones(known: &mut [Known]) {
    let zones = |one: &Known| -> Vec<(String, String)> {
        let place = one.place.iter();
        let zones = place.flat_map(|(region, zones)| zones.iter().map(move |zone| (region, zone)));
        zones
            .map(|(region, zone)| (region.clone(), zone.clone()))
            .collect()
    };
    let mut ports = BTreeMap::new();
    for one in known.iter() {
        let port = one.gateway.port.into_iter();
        ports.extend(port.flat_map(|port| zones(one).into_iter().map(move |zone| (zone, port))));
    }
    for one in known {
        let of_zone = zones(one)
            .into_iter()
            .find_map(|zone| ports.get(&zone).copied());
        one.gateway.port = one.gateway.port.or(of_zone);
    }
}

/// `None` if all values are the defaults.
fn without_defaults(
    mut gateway: Gateway,
    service: &str,
    selector: (&str, &str),
    port: u16,
) -> Option<Gateway> {
    if gateways::is_only(&gateway.selector, selector) {
        gateway.selector.clear();
    }
    gateway.service = gateway.service.filter(|name| name != service);
    gateway.namespace = gateway.namespace.filter(|name| name != ISTIO_NAMESPACE);
    gateway.port = gateway.port.filter(|usual| *usual != u32::from(port));
    (gateway != Gateway::default()).then_some(gateway)
}
