//! Rules about `spec.clusters`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::labels::labels;
use super::{Findings, code, domains, mtls, port};
use crate::defaults;
use crate::facts::Facts;
use crate::mesh::{self, Spec, Transport};
use crate::name::Label;
use crate::resolved::{self, Address, Cluster, Resolved};
use crate::traffic::locality::sharing_zones;

pub(super) fn check(spec: &Spec, facts: &Facts, findings: &mut Findings) -> Option<Vec<Cluster>> {
    if spec.clusters.is_empty() {
        findings.error(
            code::NO_CLUSTER,
            "spec.clusters",
            "the mesh has no clusters".into(),
            "add the clusters that share services, each with its region and zone".into(),
        );
        return None;
    }
    let resolved: Vec<Option<Cluster>> = spec
        .clusters
        .iter()
        .enumerate()
        .map(|(index, cluster)| one(index, cluster, spec, facts, findings))
        .collect();
    duplicates(spec, findings);
    zones(spec, findings);
    let mut resolved: Vec<Cluster> = resolved.into_iter().collect::<Option<_>>()?;
    let places: Vec<Vec<String>> = resolved.iter().map(|one| one.places().collect()).collect();
    for (cluster, shares_zones) in resolved.iter_mut().zip(sharing_zones(&places)) {
        cluster.shares_zones = shares_zones;
    }
    Some(resolved)
}

fn one(
    index: usize,
    cluster: &mesh::Cluster,
    spec: &Spec,
    facts: &Facts,
    findings: &mut Findings,
) -> Option<Cluster> {
    let at = |field: &str| format!("spec.clusters[{index}].{field}");
    let name = findings.label(&at("name"), &cluster.name, "the cluster");
    let region = locality(findings, &at("region"), &cluster.region, "region");
    let zones = zones_of(index, cluster, findings);
    if cluster.context.as_deref() == Some("") {
        findings.error(
            code::EMPTY,
            &at("context"),
            "the context is empty".into(),
            "set a context of the kubeconfig, or remove the field to use the cluster's name".into(),
        );
    }
    labels(&at("labels"), &cluster.labels, findings);
    let usual_port = resolved::usual_gateway_port(spec.has_transport(Transport::Tls));
    let gateway = gateway(
        &at("gateway"),
        cluster.gateway.clone().unwrap_or_default(),
        ("the gateway", INGRESS, usual_port),
        (
            facts.gateways.get(&cluster.name),
            facts.cluster_ips.get(&cluster.name),
        ),
        findings,
    );
    let east_west = cluster.east_west_gateway.clone().unwrap_or_default();
    let east_west_gateway = self::gateway(
        &at("eastWestGateway"),
        east_west.into(),
        (
            "the east-west gateway",
            EAST_WEST,
            defaults::DEFAULT_EAST_WEST_PORT,
        ),
        (
            facts.east_west_gateways.get(&cluster.name),
            facts.east_west_cluster_ips.get(&cluster.name),
        ),
        findings,
    );
    let trust_domain = mtls::trust_domain(&at("trustDomain"), cluster, findings);
    let cluster_domain = domains::domain(&at("clusterDomain"), cluster.domain(), spec, findings);
    let egress_gateway = match &cluster.egress_gateway {
        None => Some(None),
        Some(given) => egress_gateway(&at("egressGateway"), given, findings).map(Some),
    };
    Some(Cluster {
        context: cluster
            .context
            .clone()
            .unwrap_or_else(|| cluster.name.clone()),
        name: name?,
        region: region?,
        zones: zones?,
        shares_zones: false,
        gateway: gateway?,
        egress_gateway: egress_gateway?,
        east_west_gateway: east_west_gateway?,
        trust_domain: trust_domain?,
        cluster_domain: cluster_domain?,
        dns_flavour: cluster.dns_flavour,
    })
}

/// The zones of a cluster, ascending: `zone`, or `zones`.
fn zones_of(index: usize, cluster: &mesh::Cluster, findings: &mut Findings) -> Option<Vec<Label>> {
    let path = |field: &str| format!("spec.clusters[{index}].{field}");
    if cluster.zones.is_empty() {
        let zone = locality(findings, &path("zone"), &cluster.zone, "zone");
        return zone.map(|zone| vec![zone]);
    }
    let mut good = cluster.zone.is_empty();
    if !good {
        findings.error(
            code::BOTH_ZONE_AND_ZONES,
            &path("zone"),
            "the cluster has both `zone` and `zones`".into(),
            "list all zones of its nodes in `zones`, and remove `zone`".into(),
        );
    }
    let mut zones: Vec<Label> = Vec::new();
    for (at, text) in cluster.zones.iter().enumerate() {
        let path = path(&format!("zones[{at}]"));
        match locality(findings, &path, text, "zone") {
            Some(zone) if zones.contains(&zone) => {
                findings.error(
                    code::DUPLICATE,
                    &path,
                    format!("`{zone}` is already in the list"),
                    "remove the duplicate".into(),
                );
                good = false;
            }
            Some(zone) => zones.push(zone),
            None => good = false,
        }
    }
    zones.sort();
    good.then_some(zones)
}

/// An empty region or zone results in names with an empty label (`…svc..example.org`), so it is an error.
fn locality(findings: &mut Findings, path: &str, text: &str, what: &str) -> Option<Label> {
    if text.is_empty() {
        findings.error(
            code::NO_LOCALITY,
            path,
            format!("the cluster has no {what}"),
            format!(
                "set the {what} to the value of the label `topology.kubernetes.io/{what}` on its nodes"
            ),
        );
        return None;
    }
    findings.label(path, text, "the cluster")
}

fn gateway(
    path: &str,
    given: mesh::Gateway,
    (what, usual, usual_port): (&str, (&str, (&str, &str)), u16),
    (found, found_inside): (Option<&Vec<String>>, Option<&IpAddr>),
    findings: &mut Findings,
) -> Option<resolved::Gateway> {
    let (service, namespace, selector) = workload(
        path,
        what,
        usual,
        (given.service, given.namespace, given.selector),
        findings,
    );
    let port = match given.port {
        Some(number) => port(findings, &format!("{path}.port"), number),
        None => Some(usual_port),
    };
    let addresses = if given.addresses.is_empty() {
        match found {
            // The rules do not apply to the cluster's own data: an unparsable address is left out, and the finding on
            // the records reports it.
            Some(found) => Some(Some(
                found
                    .iter()
                    .filter_map(|text| Address::parse(text))
                    .collect(),
            )),
            None => Some(None),
        }
    } else {
        addresses(&format!("{path}.addresses"), &given.addresses, findings).map(Some)
    };
    let cluster_ip = match &given.cluster_ip {
        None => Some(found_inside.copied()),
        Some(text) => cluster_ip(&format!("{path}.clusterIP"), text, findings).map(Some),
    };
    Some(resolved::Gateway {
        service: service?,
        namespace: namespace?,
        selector: selector?,
        addresses: addresses?,
        cluster_ip: cluster_ip?,
        port: port?,
    })
}

/// The Service and the label of Istio's own ingress gateway.
const INGRESS: (&str, (&str, &str)) = (
    defaults::DEFAULT_GATEWAY_SERVICE,
    defaults::DEFAULT_GATEWAY_SELECTOR,
);
/// The same of its east-west gateway.
const EAST_WEST: (&str, (&str, &str)) = (
    defaults::DEFAULT_EAST_WEST_SERVICE,
    defaults::DEFAULT_EAST_WEST_SELECTOR,
);

fn egress_gateway(
    path: &str,
    given: &mesh::EgressGateway,
    findings: &mut Findings,
) -> Option<resolved::EgressGateway> {
    let given = given.clone();
    let (service, namespace, selector) = workload(
        path,
        "the egress gateway",
        (
            defaults::DEFAULT_EGRESS_SERVICE,
            defaults::DEFAULT_EGRESS_SELECTOR,
        ),
        (given.service, given.namespace, given.selector),
        findings,
    );
    Some(resolved::EgressGateway {
        service: service?,
        namespace: namespace?,
        selector: selector?,
    })
}

/// The workload of every gateway: its Service, the Service's namespace, the labels of its pods. `usual` are the Service
/// and the label of Istio's own.
fn workload(
    path: &str,
    what: &str,
    usual: (&str, (&str, &str)),
    (service, namespace, selector): (Option<String>, Option<String>, BTreeMap<String, String>),
    findings: &mut Findings,
) -> (
    Option<Label>,
    Option<Label>,
    Option<BTreeMap<String, String>>,
) {
    let service = findings.label(
        &format!("{path}.service"),
        service.as_deref().unwrap_or(usual.0),
        &format!("{what}'s Service"),
    );
    let namespace = findings.label(
        &format!("{path}.namespace"),
        namespace.as_deref().unwrap_or(defaults::ISTIO_NAMESPACE),
        &format!("{what}'s namespace"),
    );
    let selector = if selector.is_empty() {
        let (name, value) = usual.1;
        Some(BTreeMap::from([(name.to_owned(), value.to_owned())]))
    } else {
        labels(&format!("{path}.selector"), &selector, findings).then_some(selector)
    };
    (service, namespace, selector)
}

fn addresses(path: &str, texts: &[String], findings: &mut Findings) -> Option<Vec<Address>> {
    let mut good = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        if let Some(address) = Address::parse(text) {
            good.push(address);
        } else {
            findings.error(
                code::BAD_ADDRESS,
                &format!("{path}[{index}]"),
                format!("{text:?} is neither an IP address nor a host name"),
                "use an address at which other clusters reach the gateway, such as 203.0.113.7"
                    .into(),
            );
        }
    }
    (good.len() == texts.len()).then_some(good)
}

fn cluster_ip(path: &str, text: &str, findings: &mut Findings) -> Option<IpAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        findings.error(
            code::BAD_ADDRESS,
            path,
            format!("{text:?} is not an IP address"),
            "use the `clusterIP` of the gateway's Service, or remove the field".into(),
        );
    }
    address
}

/// The index of the cluster with this name; otherwise there is a finding.
pub(super) fn named(path: &str, name: &str, spec: &Spec, findings: &mut Findings) -> Option<usize> {
    let found = spec
        .clusters
        .iter()
        .position(|cluster| cluster.name == name);
    if found.is_none() {
        let known: Vec<&str> = spec.clusters.iter().map(|c| c.name.as_str()).collect();
        findings.error(
            code::UNKNOWN_CLUSTER,
            path,
            format!("cluster {name:?} is not in `spec.clusters`"),
            format!("use one of: {}", known.join(", ")),
        );
    }
    found
}

/// Indices of the listed clusters, ascending; `None` if one of them is unknown.
pub(super) fn listed(
    path: &str,
    names: &[String],
    spec: &Spec,
    findings: &mut Findings,
) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    let mut known = true;
    for (index, name) in names.iter().enumerate() {
        match named(&format!("{path}[{index}]"), name, spec, findings) {
            Some(cluster) => found.push(cluster),
            None => known = false,
        }
    }
    found.sort_unstable();
    found.dedup();
    known.then_some(found)
}

fn duplicates(spec: &Spec, findings: &mut Findings) {
    let mut names = BTreeMap::new();
    let mut contexts = BTreeMap::new();
    for (index, cluster) in spec.clusters.iter().enumerate() {
        if cluster.name.is_empty() {
            continue;
        }
        if let Some(first) = names.insert(cluster.name.clone(), index) {
            findings.error(
                code::DUPLICATE,
                &format!("spec.clusters[{index}].name"),
                format!(
                    "{:?} is already the name of `spec.clusters[{first}]`",
                    cluster.name
                ),
                "use a unique name for each cluster".into(),
            );
            continue;
        }
        let context = cluster.context.as_ref().unwrap_or(&cluster.name);
        if let Some(first) = contexts.insert(context.clone(), cluster.name.clone()) {
            findings.error(
                code::ONE_CONTEXT_TWICE,
                &format!("spec.clusters[{index}].context"),
                format!("the context {context:?} is already used by cluster `{first}`"),
                "set a different context, or remove one of the two entries".into(),
            );
        }
    }
}

/// A zone's name leads to all serving gateways in the zone, and DNS has no ports: a caller uses one port for all of
/// them.
pub(super) fn check_ports(resolved: &Resolved, findings: &mut Findings) {
    for (index, here) in resolved.clusters.iter().enumerate() {
        // The ports of both gateways for a service that runs in both clusters.
        let ports = |(first, there): (usize, &Cluster)| {
            let mut both = resolved.services.iter().filter(|service| {
                service.clusters.contains(&first) && service.clusters.contains(&index)
            });
            both.find_map(|service| {
                let (ours, theirs) = (
                    service.gateway_of(here).port,
                    service.gateway_of(there).port,
                );
                (ours != theirs).then_some((service.is_mutual(), ours, theirs))
            })
        };
        let mut before = resolved.clusters[..index].iter().enumerate();
        let other = before.find_map(|(first, there)| {
            let zone = here.common_zone(there)?;
            Some((there, zone, ports((first, there))?))
        });
        let Some((there, zone, (is_mutual, ours, theirs))) = other else {
            continue;
        };
        let field = if is_mutual {
            "eastWestGateway"
        } else {
            "gateway"
        };
        findings.error(
            code::PORTS_OF_ONE_ZONE,
            &format!("spec.clusters[{index}].{field}.port"),
            format!(
                "the gateway of `{}` listens on port {ours} and that of `{}` on port {theirs}, but the names of \
                 `{}/{zone}` resolve to both and contain no port",
                here.name, there.name, here.region
            ),
            "use one port for all gateways of a zone, or set another zone for one of the clusters"
                .into(),
        );
    }
}

fn zones(spec: &Spec, findings: &mut Findings) {
    let mut zones: BTreeMap<(&str, &str), &mesh::Cluster> = BTreeMap::new();
    let usual_port = resolved::usual_gateway_port(spec.has_transport(Transport::Tls));
    let port = |cluster: &mesh::Cluster| {
        let written = cluster.gateway.as_ref().and_then(|gateway| gateway.port);
        written.unwrap_or(usual_port.into())
    };
    let mut regions: BTreeMap<&str, &str> = BTreeMap::new();
    for (index, cluster) in spec.clusters.iter().enumerate() {
        for (at, zone) in cluster.all_zones().enumerate() {
            let region = cluster.region.as_str();
            if region.is_empty() || zone.is_empty() {
                continue;
            }
            let path = if cluster.zones.is_empty() {
                format!("spec.clusters[{index}].zone")
            } else {
                format!("spec.clusters[{index}].zones[{at}]")
            };
            let others = zones.insert((region, zone), cluster);
            if let Some(first) = others.filter(|first| first.name != cluster.name) {
                let hint = if port(first) == port(cluster) {
                    "correct the zone, unless the clusters share it; with `cluster` in `dns.levels`, each cluster also \
                     has names of its own"
                } else {
                    "use one port for the gateways of both, or correct the zone: no service can run in both while \
                     their gateways listen on different ports"
                };
                findings.hint(
                    code::ONE_ZONE_TWICE,
                    &path,
                    format!(
                        "cluster `{}` is also in `{region}/{zone}`, so the zone's names resolve to both clusters",
                        first.name
                    ),
                    hint.into(),
                );
            }
            if let Some(first) = regions
                .insert(zone, region)
                .filter(|first| *first != region)
            {
                findings.hint(
                    code::ZONE_IN_TWO_REGIONS,
                    &path,
                    format!("the regions `{first}` and `{region}` both have a zone `{zone}`"),
                    "correct the zone if it is a typo; the names of the two zones differ by region"
                        .into(),
                );
            }
        }
    }
}
