//! The ports of a service: the published ones are in the ServiceEntry of its names, those of the Kubernetes Service in
//! the routes of its VirtualService.

use std::collections::BTreeMap;

use serde_json::Value;

use super::gateways::gateway_of;
use super::services::{local, pair};
use super::world::World;
use crate::check::{Findings, code};
use crate::defaults::{DEFAULT_GATEWAY_PORT, DEFAULT_TLS_PORT};
use crate::manifests::{Object, field, list, texts};
use crate::mesh::{Port, Protocol, Service};

/// Default of a service's unknown port.
const ASSUMED_PORT: u32 = 80;
/// The highest port.
const MAX_PORT: u32 = 65535;
const PROTOCOLS: [Protocol; 5] = [
    Protocol::Http,
    Protocol::Http2,
    Protocol::Grpc,
    Protocol::Tcp,
    Protocol::Tls,
];

/// The ServiceEntries by host: of several, the one with the most ports, since plain TCP is in one only.
pub(super) struct Entries<'a>(BTreeMap<&'a str, &'a [Value]>);

impl<'a> Entries<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        let mut entries: BTreeMap<&str, &[Value]> = BTreeMap::new();
        for (_, object) in world.of_kind("ServiceEntry") {
            let ports = list(field(&object.value, &["spec", "ports"]));
            for host in texts(field(&object.value, &["spec", "hosts"])) {
                let known = entries.entry(host).or_default();
                if known.len() < ports.len() {
                    *known = ports;
                }
            }
        }
        Self(entries)
    }

    /// The published ports of hosts, number and protocol.
    pub(super) fn of<'h>(&self, hosts: impl Iterator<Item = &'h str>) -> Vec<(u32, Protocol)> {
        let entries = hosts.filter_map(|host| self.0.get(host));
        let ports = entries.max_by_key(|ports| ports.len()).copied();
        let ports = ports.unwrap_or_default().iter();
        ports
            .filter_map(|port| Some((number(&port["number"])?, protocol(port)?)))
            .collect()
    }
}

/// A route from a port of a gateway to one of the service.
struct Way {
    protocol: Protocol,
    /// The gateway's port, if the route is for one only.
    at: Option<u32>,
    /// The service's port, if the destination has one.
    number: Option<u32>,
}

/// A port of a service in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// The port of the Kubernetes Service.
    pub(super) number: u32,
    pub(super) protocol: Protocol,
    pub(super) published: u32,
}

/// The ports of a service in a cluster, from a VirtualService that routes to it. `usual` are those in another cluster,
/// if it has one.
pub(super) fn find(
    world: &World,
    (cluster, object): (usize, &Object),
    entries: &Entries,
    id: (&str, &str),
    usual: &[Known],
    findings: &mut Findings,
) -> Vec<Known> {
    let mut ways = ways(object, id);
    let mut published = entries.of(texts(field(&object.value, &["spec", "hosts"])));
    let listens = gateway_of(world, cluster, object).map(|gateway| {
        let servers = list(field(&gateway.value, &["spec", "servers"])).iter();
        let numbers = servers.filter_map(|server| number(&server["port"]["number"]));
        numbers.collect::<Vec<u32>>()
    });
    // Names whose port the gateways lack are routed to the usual one.
    if let Some(listens) = listens {
        published.retain(|(number, protocol)| {
            !protocol.is_http()
                || *number == u32::from(DEFAULT_GATEWAY_PORT)
                || listens.contains(number)
        });
    }
    let mut ports = Vec::new();
    for (published, protocol) in published {
        let family = |way: &Way| way.protocol.family() == protocol.family();
        let same = ways
            .iter()
            .position(|way| family(way) && way.at == Some(published))
            .or_else(|| ways.iter().position(family));
        if let Some(same) = same {
            let way = ways.remove(same);
            ports.push((way.number, protocol, Some(published)));
        }
    }
    // Ports that no entry has.
    for way in ways {
        let first = !ports.iter().any(|(_, protocol, _)| protocol.is_http());
        let published = way.at.filter(|_| !way.protocol.is_http() || !first);
        ports.push((way.number, way.protocol, published));
    }
    if ports.is_empty() {
        ports.push((None, Protocol::Http, None));
    }
    let of_service = numbers_of_service(world, cluster, id);
    let mut taken: Vec<u32> = ports.iter().filter_map(|(known, ..)| *known).collect();
    let mut first = true;
    let mut found = Vec::new();
    for (index, (known, protocol, published)) in ports.into_iter().enumerate() {
        let number = known.unwrap_or_else(|| {
            let here = of_service.get(index).into_iter().chain(&of_service);
            let elsewhere = usual.get(index).map(|port| &port.number);
            let free = |number: &u32| !taken.contains(number);
            let number = here.chain(elsewhere).copied().find(free);
            number.unwrap_or_else(|| {
                let number = (ASSUMED_PORT..=MAX_PORT).find(free).unwrap_or(ASSUMED_PORT);
                findings.warning(
                    code::ASSUMED,
                    &object.place(),
                    format!(
                        "the port of `{}` is unknown: no destination and no Service has it",
                        id.0
                    ),
                    format!("set its port, which is `{number}` in the document"),
                );
                number
            })
        });
        if known.is_none() {
            taken.push(number);
        }
        let usually = usually_published(number, protocol, &mut first);
        found.push(Known {
            number,
            protocol,
            published: published.unwrap_or(usually),
        });
    }
    found
}

/// The published port of one without a setting in the document; `first` is whether no port for requests precedes it.
fn usually_published(number: u32, protocol: Protocol, first: &mut bool) -> u32 {
    match protocol {
        Protocol::Tls => u32::from(DEFAULT_TLS_PORT),
        _ if protocol.is_http() && std::mem::take(first) => u32::from(DEFAULT_GATEWAY_PORT),
        _ => number,
    }
}

/// Sets the ports of a service: in shorthand form for a single port with the default published port.
pub(super) fn write(known: &[Known], service: &mut Service) {
    let mut first = true;
    let ports: Vec<Port> = known
        .iter()
        .map(|one| {
            let usually = usually_published(one.number, one.protocol, &mut first);
            Port {
                port: one.number,
                protocol: (one.protocol != Protocol::Http).then_some(one.protocol),
                published: (one.published != usually).then_some(one.published),
            }
        })
        .collect();
    match &ports[..] {
        [only] if only.published.is_none() => {
            service.port = Some(only.port);
            service.protocol = only.protocol;
        }
        _ => service.ports = ports,
    }
}

/// The service's port of its routes, those of the first port with requests.
pub(super) fn of_requests(object: &Object, id: (&str, &str), ports: &[Known]) -> Option<u32> {
    let first = ways(object, id).into_iter().next();
    let routed = first.filter(|way| way.protocol.is_http())?.number;
    let mut requests = ports.iter().filter(|port| port.protocol.is_http());
    routed.or_else(|| requests.next().map(|port| port.number))
}

fn ways(object: &Object, id: (&str, &str)) -> Vec<Way> {
    let ours = object.is_ours();
    let mut ways: Vec<Way> = Vec::new();
    for (section, protocol) in [
        ("http", Protocol::Http),
        ("tls", Protocol::Tls),
        ("tcp", Protocol::Tcp),
    ] {
        for route in object.routes(section) {
            let at = at(route);
            let is_it =
                |one: &&Value| local(&one["host"], object).is_some_and(|at| pair(&at) == id);
            let destinations = list(&route["route"]).iter().map(|one| &one["destination"]);
            let mirrors = list(&route["mirrors"])
                .iter()
                .map(|one| &one["destination"]);
            let mirrors = mirrors.chain([&route["mirror"]]).filter(is_it);
            // fedmesh's routes go to one port of any service.
            let mut to_it = destinations.filter(|one| ours || is_it(one)).chain(mirrors);
            let to = to_it.find_map(|one| number(&one["port"]["number"]));
            let known = ways
                .iter_mut()
                .find(|way| way.protocol == protocol && way.at == at);
            match known {
                Some(way) => way.number = way.number.or(to),
                None => ways.push(Way {
                    protocol,
                    at,
                    number: to,
                }),
            }
        }
    }
    ways
}

/// The gateway's port of a route, if it is for one only.
pub(super) fn at(route: &Value) -> Option<u32> {
    list(&route["match"])
        .iter()
        .find_map(|one| number(&one["port"]))
}

/// The protocol of a port of a ServiceEntry; its name can be more specific than Istio's protocol.
fn protocol(port: &Value) -> Option<Protocol> {
    let given = port["protocol"].as_str()?.to_ascii_lowercase();
    let given = match given.as_str() {
        "grpc-web" => "grpc",
        "https" => "tls",
        other => other,
    };
    PROTOCOLS.into_iter().find(|one| one.as_str() == given)
}

/// The port numbers of the Service of a cluster or, without one, of another cluster's.
fn numbers_of_service(world: &World, cluster: usize, id: (&str, &str)) -> Vec<u32> {
    let services = world
        .of_kind("Service")
        .filter(|(_, one)| (one.name(), one.namespace()) == id);
    let ports = services
        .min_by_key(|(at, _)| *at != cluster)
        .map(|(_, one)| field(&one.value, &["spec", "ports"]));
    let ports = ports.map(list).unwrap_or_default().iter();
    ports.filter_map(|port| number(&port["port"])).collect()
}

pub(super) fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}
