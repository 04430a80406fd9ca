//! Rules about `spec.dns`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::clusters::named;
use super::{Findings, code, external_dns, port};
use crate::defaults;
use crate::facts::Facts;
use crate::gateways::kind::GatewayKind;
use crate::mesh::{self, Endpoints, Naming, Spec};
use crate::name::{HostName, Label};
use crate::render::dns_endpoint::{self, LeftOut};
use crate::resolved::{Address, Cluster, Dns, Gateway, Publisher, Resolved, Service};

/// Largest time to live (RFC 2181, section 8).
const TTL_MAX: u32 = 0x7fff_ffff;

/// Limit of name servers of CoreDNS's `forward` (`plugin/forward/setup.go`, `max`).
const NAME_SERVERS_MAX: usize = 15;
/// The port of plain DNS.
const DNS_PORT: u16 = 53;

/// Top-level domains that resolvers reserve for other purposes, or that are real and belong to others. RFC 6761, RFC
/// 6762, RFC 7686, RFC 8375 and IANA's root zone for `global`.
const TAKEN: &[(&str, &str)] = &[
    ("local", "it is reserved for multicast DNS (RFC 6762)"),
    (
        "localhost",
        "it is reserved for the local machine (RFC 6761)",
    ),
    ("invalid", "it never resolves (RFC 6761)"),
    ("onion", "it belongs to Tor (RFC 7686)"),
    ("global", "it is a real top-level domain"),
];

pub(super) fn check(
    spec: &Spec,
    facts: &Facts,
    mesh_name: Option<&Label>,
    clusters: Option<&[Cluster]>,
    findings: &mut Findings,
) -> Option<Dns> {
    let dns = &spec.dns;
    let suffix = suffix(&dns.suffix, spec, findings);
    let federation = findings.label(
        "spec.dns.federation",
        dns.federation
            .as_deref()
            .unwrap_or(defaults::DEFAULT_FEDERATION),
        "the federation",
    );
    let ttl = dns.ttl.unwrap_or(defaults::DEFAULT_TTL);
    let ttl_good = (1..=TTL_MAX).contains(&ttl);
    if !ttl_good {
        findings.error(
            code::BAD_TTL,
            "spec.dns.ttl",
            format!("the TTL `{ttl}` is out of range (1–{TTL_MAX} seconds)"),
            format!("use 1 to {TTL_MAX} seconds, such as 300"),
        );
    }
    let cluster = match &dns.cluster {
        None => Some(0),
        Some(name) => named("spec.dns.cluster", name, spec, findings),
    };
    let publisher = match &dns.external_dns {
        None => {
            findings.hint(
                code::NO_EXTERNAL_DNS,
                "spec.dns.externalDns",
                "the records are rendered, but no ExternalDNS that publishes them".into(),
                "set `externalDns`, or run ExternalDNS with `--source=crd` in the cluster with the records".into(),
            );
            Some(None)
        }
        Some(given) => external_dns::check(given, mesh_name, suffix.as_ref(), findings).map(Some),
    };
    let nameservers = nameservers(&dns.nameservers, findings);
    if dns.naming == Some(Naming::Gateway)
        && let Some(clusters) = clusters
    {
        one_gateway_name(clusters, findings);
    }
    Some(Dns {
        suffix: suffix?,
        federation: federation?,
        naming: dns.naming.unwrap_or_default(),
        ttl: ttl_good.then_some(ttl)?,
        host_names: (dns.resolve_host_names == Some(true)).then(|| host_names(facts)),
        cluster: cluster?,
        nameservers: nameservers?,
        external_dns: publisher?,
        publisher: published_by(spec),
    })
}

/// The controller of the engine that writes the records, if it can name them as the document does.
pub(super) fn published_by(spec: &Spec) -> Option<Publisher> {
    let publisher = spec.target.unwrap_or_default().description().publisher;
    publisher.filter(|_| spec.dns.naming == Some(Naming::Gateway))
}

/// An unparsable name is not a host name of a document or a cluster.
fn host_names(facts: &Facts) -> BTreeMap<HostName, Vec<IpAddr>> {
    let known = facts.host_names.iter();
    known
        .filter_map(|(host, addresses)| Some((HostName::new(host).ok()?, addresses.clone())))
        .collect()
}

fn suffix(text: &str, spec: &Spec, findings: &mut Findings) -> Option<HostName> {
    const PATH: &str = "spec.dns.suffix";
    if text.is_empty() {
        findings.error(
            code::EMPTY,
            PATH,
            "the DNS suffix is missing".into(),
            "set the DNS zone of the published names, such as mesh.example.com".into(),
        );
        return None;
    }
    let suffix = match HostName::new(text) {
        Ok(suffix) => suffix,
        Err(error) => {
            findings.error(
                code::BAD_SUFFIX,
                PATH,
                format!("{text:?} {error}"),
                "write a DNS zone in lower case without a dot at either end, such as mesh.example.com".into(),
            );
            let corrected = text
                .trim()
                .trim_matches('.')
                .trim_start_matches("*.")
                .to_ascii_lowercase();
            if HostName::new(&corrected).is_ok_and(|host| host.labels() > 1) {
                findings.fix(corrected);
            }
            return None;
        }
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    if suffix.labels() < 2 {
        findings.error(
            code::BAD_SUFFIX,
            PATH,
            format!("{text:?} is a top-level domain"),
            "use a zone that you own, such as mesh.example.com".into(),
        );
        return None;
    }
    if last.chars().all(|c| c.is_ascii_digit()) {
        findings.error(
            code::BAD_SUFFIX,
            PATH,
            format!("{text:?} ends in a number, as an IP address does"),
            "write a DNS zone, such as mesh.example.com".into(),
        );
        return None;
    }
    let mut domains = spec.clusters.iter().map(mesh::Cluster::domain);
    if let Some(domain) = domains.find(|domain| suffix.lies_in(domain)) {
        findings.error(
            code::BAD_SUFFIX,
            PATH,
            format!("{text:?} is inside the cluster domain `{domain}`"),
            format!("use a zone outside `{domain}`, which each cluster resolves by itself"),
        );
        return None;
    }
    if let Some((_, why)) = TAKEN.iter().find(|(taken, _)| *taken == last) {
        findings.warning(
            code::BAD_SUFFIX,
            PATH,
            format!("{text:?} is under `.{last}`: {why}"),
            "use a zone that you own; for a private zone, use a subdomain of your domain".into(),
        );
    }
    Some(suffix)
}

fn nameservers(given: &[String], findings: &mut Findings) -> Option<Vec<String>> {
    let mut good = given.len() <= NAME_SERVERS_MAX;
    if !good {
        findings.error(
            code::MANY_NAME_SERVERS,
            "spec.dns.nameservers",
            format!(
                "the list has {} name servers, but CoreDNS supports at most {NAME_SERVERS_MAX}",
                given.len()
            ),
            format!("use at most {NAME_SERVERS_MAX} name servers"),
        );
    }
    let mut seen = Vec::new();
    for (index, text) in given.iter().enumerate() {
        let address = text
            .parse()
            .or_else(|_| text.parse().map(|ip: IpAddr| (ip, DNS_PORT).into()));
        let path = format!("spec.dns.nameservers[{index}]");
        let Ok(address) = address else {
            good = false;
            findings.error(
                code::BAD_NAME_SERVER,
                &path,
                format!("{text:?} is not the address of a name server"),
                "write an IP address, such as 10.0.0.53 or 10.0.0.53:5353".into(),
            );
            continue;
        };
        let address: SocketAddr = address;
        good &= port(findings, &path, address.port().into()).is_some();
        if address.ip().is_loopback() || address.ip().is_unspecified() {
            findings.warning(
                code::LOOPBACK_NAME_SERVER,
                &path,
                format!("`{text}` is a loopback or unspecified address, which is local to each machine and pod"),
                "use an address that pods in every cluster can reach".into(),
            );
        }
        if seen.contains(&address) {
            findings.warning(
                code::NAME_SERVER_TWICE,
                &path,
                format!("`{text}` is already in the list"),
                "remove the duplicate".into(),
            );
        }
        seen.push(address);
    }
    good.then(|| given.to_vec())
}

fn one_gateway_name(clusters: &[Cluster], findings: &mut Findings) {
    let Some(first) = clusters.first() else {
        return;
    };
    for (index, cluster) in clusters.iter().enumerate() {
        let (theirs, ours) = (&first.gateway, &cluster.gateway);
        if (&theirs.service, &theirs.namespace) != (&ours.service, &ours.namespace) {
            findings.error(
                code::GATEWAY_NAMING_GATEWAYS,
                &format!("spec.clusters[{index}].gateway"),
                format!(
                    "with `naming: gateway`, all names start with one gateway, but this gateway is `{}.{}` and that of `{}` is `{}.{}`",
                    ours.service, ours.namespace, first.name, theirs.service, theirs.namespace
                ),
                "use `naming: service`, or the same gateway name and namespace in all clusters".into(),
            );
        }
    }
}

/// Checks of the resolved document: records that cannot be written.
pub(super) fn check_records(resolved: &Resolved, findings: &mut Findings) {
    if dns_endpoint::controller_publishes(resolved) {
        return;
    }
    for CalledGateway {
        path,
        cluster,
        what,
        gateway,
    } in called(resolved)
    {
        match &gateway.addresses {
            None => findings.warning(
                code::UNKNOWN_ADDRESS,
                &path,
                format!(
                    "the {what} address of cluster `{}` is unknown, so {} left out",
                    cluster.name,
                    match resolved.endpoints {
                        Endpoints::Names => "its records are",
                        Endpoints::Addresses =>
                            "its records and endpoints in the other clusters are",
                    }
                ),
                if resolved.target.is_applied_by_others() {
                    "set the address".into()
                } else {
                    "set the address, or plan with the agent, which reads it from the cluster".into()
                },
            ),
            Some(addresses) if addresses.is_empty() => findings.warning(
                code::NO_ADDRESS,
                &path,
                format!(
                    "the {what} of cluster `{}` has no address, so its names fall back to other clusters",
                    cluster.name
                ),
                format!(
                    "check the Service `{}/{}`: it has to exist and have a load balancer's address",
                    gateway.namespace, gateway.service
                ),
            ),
            Some(_) => {}
        }
    }
    unresolved(resolved, findings);
    for (index, service) in resolved.services.iter().enumerate() {
        resolved_addresses(index, service, resolved, findings);
        for LeftOut { host, targets } in dns_endpoint::host_names_left_out(service, resolved) {
            findings.warning(
                code::HOST_NAME_TARGETS,
                &format!("spec.services[{index}].name"),
                format!(
                    "the record of `{host}` is left out, because one record cannot have the targets {}",
                    targets.join(", ")
                ),
                match resolved.dns.host_names {
                    None => {
                        "set `dns.resolveHostNames`, or the gateways' IP addresses: a record with a host name is a \
                         CNAME, which has one target"
                    }
                    Some(_) => "fix the findings about the gateways' addresses",
                }
                .into(),
            );
        }
    }
}

/// A gateway that receives calls from other clusters.
struct CalledGateway<'a> {
    /// Path of its addresses in the document.
    path: String,
    cluster: &'a Cluster,
    /// Its kind, for display.
    what: &'static str,
    gateway: &'a Gateway,
}

/// The gateways of each cluster that its services use.
fn called(resolved: &Resolved) -> impl Iterator<Item = CalledGateway<'_>> {
    let clusters = resolved.clusters.iter().enumerate();
    clusters.flat_map(move |(index, cluster)| {
        let kinds = GatewayKind::ALL.into_iter();
        let kinds = kinds.filter(move |kind| kind.is_called(resolved, index));
        kinds.map(move |kind| CalledGateway {
            path: kind.path(index),
            cluster,
            what: kind.as_str(),
            gateway: kind.of(cluster),
        })
    })
}

/// Load balancers whose host names should be resolved and are not.
fn unresolved(resolved: &Resolved, findings: &mut Findings) {
    let unknown = dns_endpoint::unresolved(resolved);
    for called in called(resolved) {
        for address in called.gateway.addresses.iter().flatten() {
            let Address::Host(host) = address else {
                continue;
            };
            if unknown.contains(host) {
                findings.warning(
                    code::HOST_NAME_UNRESOLVED,
                    &called.path,
                    format!(
                        "the addresses of `{host}` are unknown, so the names that cluster `{}` shares with \
                         other gateways do not resolve to it",
                        called.cluster.name
                    ),
                    if resolved.target.is_applied_by_others() {
                        format!(
                            "set the IP addresses: with `target: {}`, host names are not resolved",
                            resolved.target.as_str()
                        )
                    } else {
                        "plan with the agent, which resolves it".into()
                    },
                );
            }
        }
    }
}

/// Names of a service that lead to addresses which may change unnoticed.
fn resolved_addresses(
    index: usize,
    service: &Service,
    resolved: &Resolved,
    findings: &mut Findings,
) {
    let names = dns_endpoint::names_resolved(service, resolved);
    if !names.is_empty() {
        let names: Vec<&str> = names.iter().map(|host| host.as_str()).collect();
        findings.hint(
            code::HOST_NAME_RESOLVED,
            &format!("spec.services[{index}].name"),
            format!(
                "the records of {} contain the addresses to which the host names of load balancers resolve now",
                names.join(", ")
            ),
            "run `fedmesh-agent follow`, which resolves them again every minute: cloud providers change these addresses".into(),
        );
    }
}
