//! External hosts: ServiceEntries of names that are not published, TLS origination by sidecars, and routes through
//! egress gateways.
//!
//! A host with settings that a document lacks is not imported, and is reported by the comparison.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::gateways::{gateway_of, selector};
use super::names::Names;
use super::order;
use super::ports;
use super::rewrites::{self, Rewrites};
use super::services::local;
use super::world::World;
use crate::check::{Finding, Severity};
use crate::defaults::{
    DEFAULT_EGRESS_SELECTOR, DEFAULT_EGRESS_SERVICE, DEFAULT_TLS_PORT, ISTIO_NAMESPACE, SYSTEM_CA,
};
use crate::manifests::{Object, field, list, texts};
use crate::mesh::{
    Cluster, EgressGateway, ExternalHost, ExternalPort, ExternalProtocol, Mesh, TlsOrigination,
};
use crate::name::HostPattern;
use crate::render::WIDE;

/// Whether a VirtualService routes calls of its own cluster through an egress gateway: one route for sidecars, one for
/// the gateway. Those of other tools whose routes for sidecars lead elsewhere have `at_gateways`.
pub(super) fn is_egress(object: &Object) -> bool {
    if object.at_gateways.is_some() {
        return false;
    }
    let mut gateways = texts(field(&object.value, &["spec", "gateways"]));
    let elsewhere = gateways.any(|gateway| gateway != "mesh");
    elsewhere
        && ["http", "tls", "tcp"].iter().any(|section| {
            let routes = list(field(&object.value, &["spec", section])).iter();
            let mut matches = routes.flat_map(|route| list(&route["match"]));
            matches.any(|one| texts(&one["gateways"]).any(|gateway| gateway == "mesh"))
        })
}

/// `spec.external`.
pub(super) fn hosts(world: &World, names: &Names) -> Vec<ExternalHost> {
    let mut rules: BTreeMap<&str, &Object> = BTreeMap::new();
    for (_, object) in world.of_kind("DestinationRule") {
        if let Some(host) = field(&object.value, &["spec", "host"]).as_str() {
            rules.entry(host).or_insert(object);
        }
    }
    let egress: Vec<&str> = world
        .of_kind("VirtualService")
        .filter(|(_, object)| is_egress(object))
        .flat_map(|(_, object)| texts(field(&object.value, &["spec", "hosts"])))
        .collect();
    let rewrites = rewrites::by_host(world);
    let mut found: BTreeMap<&str, (ExternalHost, Vec<usize>)> = BTreeMap::new();
    for (cluster, object) in world.of_kind("ServiceEntry") {
        if object.is_ours() && object.name().starts_with(WIDE) {
            continue;
        }
        for host in texts(field(&object.value, &["spec", "hosts"])) {
            if names.read(host).is_some() {
                continue;
            }
            if let Some((_, clusters)) = found.get_mut(host) {
                clusters.push(cluster);
            } else if let Some(one) =
                one(object, host, rules.get(host).copied(), rewrites.get(host))
            {
                found.insert(host, (one, vec![cluster]));
            }
        }
    }
    for host in egress {
        if let Some((one, _)) = found.get_mut(host) {
            one.egress_gateway = Some(true);
        }
    }
    in_order(world, found)
}

/// By name, except those at egress gateways, whose Gateways have the document's order.
fn in_order(world: &World, found: BTreeMap<&str, (ExternalHost, Vec<usize>)>) -> Vec<ExternalHost> {
    let numbers: BTreeMap<&str, usize> = found
        .keys()
        .enumerate()
        .map(|(n, host)| (*host, n))
        .collect();
    let gateways = world.of_kind("Gateway");
    let servers = gateways.flat_map(|(_, object)| list(field(&object.value, &["spec", "servers"])));
    let lists: Vec<Vec<usize>> = servers
        .map(|server| {
            let hosts = texts(&server["hosts"]);
            hosts
                .filter_map(|host| numbers.get(host).copied())
                .collect()
        })
        .collect();
    let order = order::agreed(found.len(), &lists);
    let mut hosts: Vec<Option<ExternalHost>> = found
        .into_values()
        .map(|(mut one, mut clusters)| {
            clusters.sort_unstable();
            clusters.dedup();
            if clusters.len() < world.clusters.len() {
                let clusters = clusters.into_iter();
                one.clusters = Some(
                    clusters
                        .map(|index| world.clusters[index].clone())
                        .collect(),
                );
            }
            Some(one)
        })
        .collect();
    order
        .into_iter()
        .filter_map(|number| hosts[number].take())
        .collect()
}

fn one(
    object: &Object,
    host: &str,
    rule: Option<&Object>,
    rewrites: Option<&Rewrites>,
) -> Option<ExternalHost> {
    let spec = &object.value["spec"];
    let pattern = HostPattern::new(host).ok()?;
    let outside = ["", "MESH_EXTERNAL"].contains(&spec["location"].as_str().unwrap_or_default());
    let endpoints = list(&spec["endpoints"]);
    let addresses: Vec<String> = texts(&spec["addresses"]).map(str::to_owned).collect();
    let good = match spec["resolution"].as_str().unwrap_or("NONE") {
        "DNS" => endpoints.is_empty() && addresses.is_empty() && !pattern.is_wildcard,
        // Without a range of addresses a document renders `DNS`, which the comparison reports.
        "NONE" => endpoints.is_empty(),
        "STATIC" => endpoints.iter().all(|one| {
            let plain = one.as_object().is_some_and(|fields| fields.len() == 1);
            plain && one["address"].is_string()
        }),
        _ => false,
    };
    if !good || !outside || !spec["workloadSelector"].is_null() {
        return None;
    }
    let addresses = if addresses.is_empty() {
        let endpoints = endpoints.iter().filter_map(|one| one["address"].as_str());
        endpoints.map(str::to_owned).collect()
    } else {
        addresses
    };
    let given = list(&spec["ports"]);
    let usual = Rewrites::new();
    let ports_with = |rewrites: &Rewrites| -> Option<Vec<ExternalPort>> {
        let ports = given.iter();
        ports
            .map(|one| port(one, given, host, rule, rewrites))
            .collect()
    };
    let mut ports = ports_with(rewrites.unwrap_or(&usual))?;
    // A route that leads calls elsewhere without TLS stays, and needs the ports as they are.
    let starts_tls = |from: &u32| {
        let mut ports = ports.iter();
        ports.any(|port| port.port == *from && port.tls.is_some())
    };
    if !rewrites.unwrap_or(&usual).keys().all(starts_tls) {
        ports = ports_with(&usual)?;
    }
    if let [only] = &ports[..]
        && only.port == u32::from(DEFAULT_TLS_PORT)
        && only.protocol.is_none()
        && only.tls.is_none()
    {
        ports.clear();
    }
    Some(ExternalHost {
        host: host.to_owned(),
        addresses,
        ports,
        ..ExternalHost::default()
    })
}

fn port(
    given: &Value,
    all: &[Value],
    host: &str,
    rule: Option<&Object>,
    rewrites: &Rewrites,
) -> Option<ExternalPort> {
    let number = ports::number(&given["number"])?;
    let protocol = match given["protocol"].as_str()?.to_ascii_uppercase().as_str() {
        "HTTP" => ExternalProtocol::Http,
        "HTTPS" | "TLS" => ExternalProtocol::Https,
        "TCP" => ExternalProtocol::Tcp,
        _ => return None,
    };
    let usual = match number {
        80 => Some(ExternalProtocol::Http),
        443 => Some(ExternalProtocol::Https),
        _ => None,
    };
    let to = match rewrites.get(&number) {
        Some(to) => all
            .iter()
            .find(|one| one["number"] == *to && one["targetPort"].is_null()),
        None => Some(given),
    };
    let tls = rule
        .filter(|_| protocol == ExternalProtocol::Http)
        .and_then(|rule| origination(to?, host, rule));
    Some(ExternalPort {
        port: number,
        protocol: Some(protocol).filter(|protocol| Some(*protocol) != usual),
        tls,
    })
}

fn origination(given: &Value, host: &str, rule: &Object) -> Option<TlsOrigination> {
    let number = ports::number(&given["number"])?;
    let policy = field(&rule.value, &["spec", "trafficPolicy"]);
    let mut settings = list(&policy["portLevelSettings"]).iter();
    let of_port = settings.find(|one| one["port"]["number"] == number);
    let tls = &of_port.unwrap_or(policy)["tls"];
    if tls["mode"] != "SIMPLE" {
        return None;
    }
    let target = match &given["targetPort"] {
        Value::Null => Some(number),
        port => ports::number(port),
    };
    let names: Vec<&str> = texts(&tls["subjectAltNames"]).collect();
    let names = names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let ca = tls["caCertificates"].as_str();
    Some(TlsOrigination {
        target_port: target.filter(|port| *port != u32::from(DEFAULT_TLS_PORT)),
        subject_alt_names: if names == [host] { Vec::new() } else { names },
        ca_certificates: ca.filter(|ca| *ca != SYSTEM_CA).map(str::to_owned),
    })
}

/// The egress gateways in use, by the indices of their clusters.
pub(super) fn gateways(world: &World) -> BTreeMap<usize, EgressGateway> {
    let mut gateways = BTreeMap::new();
    for (cluster, object) in world.of_kind("VirtualService") {
        if is_egress(object) && !gateways.contains_key(&cluster) {
            gateways.extend(gateway(world, cluster, object).map(|one| (cluster, one)));
        }
    }
    gateways
}

fn gateway(world: &World, cluster: usize, object: &Object) -> Option<EgressGateway> {
    let sections = ["http", "tls", "tcp"].iter();
    let mut routes = sections.flat_map(|section| list(field(&object.value, &["spec", section])));
    let (service, namespace) = routes.find_map(|route| {
        let matches = list(&route["match"]).iter();
        let mut of_sidecars = matches.flat_map(|one| texts(&one["gateways"]));
        of_sidecars.find(|gateway| *gateway == "mesh")?;
        local(&route["route"][0]["destination"]["host"], object)
    })?;
    let gateway = gateway_of(world, cluster, object);
    let selector = gateway.map(|one| selector(&one.value["spec"]));
    let selector = selector.unwrap_or_default();
    let (name, value) = DEFAULT_EGRESS_SELECTOR;
    let usual = BTreeMap::from([(name.to_owned(), value.to_owned())]);
    Some(EgressGateway {
        service: Some(service).filter(|name| name != DEFAULT_EGRESS_SERVICE),
        namespace: Some(namespace).filter(|name| name != ISTIO_NAMESPACE),
        selector: if selector == usual {
            BTreeMap::new()
        } else {
            selector
        },
    })
}

/// Removes the egress gateways of clusters that call no external host through one.
pub(super) fn without_unused(clusters: &mut [Cluster], hosts: &[ExternalHost]) {
    for cluster in clusters {
        let mut hosts = hosts.iter().filter(|host| {
            let clusters = host.clusters.as_ref();
            clusters.is_none_or(|clusters| clusters.contains(&cluster.name))
        });
        if !hosts.any(|host| host.egress_gateway == Some(true)) {
            cluster.egress_gateway = None;
        }
    }
}

/// Removes the hosts that the checks refuse; returns whether there were any.
pub(super) fn without_refused(mesh: &mut Mesh, findings: &[Finding]) -> bool {
    let errors = findings
        .iter()
        .filter(|one| one.severity == Severity::Error);
    let refused: BTreeSet<usize> = errors
        .filter_map(|one| {
            let (index, _) = one.path.strip_prefix("spec.external[")?.split_once(']')?;
            index.parse().ok()
        })
        .collect();
    let before = mesh.spec.external.len();
    let mut index = 0;
    mesh.spec.external.retain(|_| {
        index += 1;
        !refused.contains(&(index - 1))
    });
    mesh.spec.external.len() < before
}
