//! Rules about addresses of gateways that no call from another cluster can use, written in the document or reported by a
//! cluster.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Findings, Severity, code};
use crate::gateways::kind::GatewayKind;
use crate::mesh::Spec;
use crate::name::HostName;
use crate::resolved::{Address, Cluster, Resolved};

/// Why an address cannot be that of a gateway.
struct Fault {
    severity: Severity,
    what: &'static str,
}

impl Fault {
    const fn error(what: &'static str) -> Self {
        Self {
            severity: Severity::Error,
            what,
        }
    }

    /// Works where callers and gateway share a machine, as in a trial on one laptop.
    const LOOPBACK: Self = Self {
        severity: Severity::Warning,
        what: "is a loopback address, at which each caller reaches itself",
    };
}

pub(super) fn check(spec: &Spec, resolved: &Resolved, findings: &mut Findings) {
    if resolved.dns.publisher.is_some() {
        // It publishes what the clusters report, whatever the document says.
        return;
    }
    let mut seen = BTreeMap::new();
    for (index, cluster) in resolved.clusters.iter().enumerate() {
        for kind in GatewayKind::ALL {
            let is_written = !kind.given(&spec.clusters[index]).is_empty();
            let gateway = kind.of(cluster);
            for (place, address) in gateway.addresses.iter().flatten().enumerate() {
                let path = if is_written {
                    format!("{}[{place}]", kind.path(index))
                } else {
                    kind.path(index)
                };
                usable(&path, address, (cluster, kind), resolved, findings);
                shared(&path, (address, gateway.port), cluster, &mut seen, findings);
            }
            if let Some(ip) = gateway.cluster_ip
                && let Some(fault) = fault_of_ip(&ip)
            {
                findings.add(
                    fault.severity,
                    code::UNUSABLE_ADDRESS,
                    &format!("spec.clusters[{index}].{}.clusterIP", kind.field()),
                    format!("`{ip}` {}", fault.what),
                    "use the `clusterIP` of the gateway's Service, or remove the field".into(),
                );
            }
        }
    }
}

fn usable(
    path: &str,
    address: &Address,
    (cluster, kind): (&Cluster, GatewayKind),
    resolved: &Resolved,
    findings: &mut Findings,
) {
    let fault = match address {
        Address::Ip(ip) => fault_of_ip(ip),
        Address::Host(host) => fault_of_host(host, resolved),
    };
    if let Some(fault) = fault {
        let what = format!(
            "`{address}`, the address of the {} of cluster `{}`, {}",
            kind.as_str(),
            cluster.name,
            fault.what
        );
        let hint = format!(
            "set `{}.addresses` of the cluster to an address at which the other clusters reach it",
            kind.field()
        );
        findings.add(fault.severity, code::UNUSABLE_ADDRESS, path, what, hint);
    }
}

/// Sources: the registries of special-purpose addresses of IANA, for IPv4 and IPv6.
fn fault_of_ip(ip: &IpAddr) -> Option<Fault> {
    let ip = ip.to_canonical();
    if ip.is_loopback() {
        return Some(Fault::LOOPBACK);
    }
    if ip.is_unspecified() {
        return Some(Fault::error("stands for all addresses of a machine"));
    }
    if ip.is_multicast() {
        return Some(Fault::error("is a multicast address"));
    }
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    if is_link_local {
        return Some(Fault::error(
            "is valid on one link only, where clouds serve the metadata of their machines",
        ));
    }
    match ip {
        IpAddr::V4(ip) if ip.octets()[0] == 0 || ip.octets()[0] >= 240 => {
            Some(Fault::error("is reserved, and no machine has it"))
        }
        _ => None,
    }
}

fn fault_of_host(host: &HostName, resolved: &Resolved) -> Option<Fault> {
    if host.lies_in("localhost") {
        return Some(Fault::LOOPBACK);
    }
    let mut domains = resolved.clusters.iter().map(|one| &one.cluster_domain);
    if host.lies_in("svc") || domains.any(|domain| host.lies_in(domain.as_str())) {
        return Some(Fault::error("is a name that only its own cluster resolves"));
    }
    if !host.lies_in(resolved.dns.suffix.as_str()) {
        return None;
    }
    let mut names = resolved.services.iter().flat_map(|service| &service.names);
    Some(if names.any(|name| name.host == *host) {
        Fault::error("is a name of this mesh, whose record leads to the gateways")
    } else {
        Fault {
            severity: Severity::Warning,
            what: "is a name below `spec.dns.suffix`, for which fedmesh creates no record",
        }
    })
}

/// An address and a port at which the gateways of two places answer: a call for one may arrive at the other.
fn shared<'a>(
    path: &str,
    at: (&'a Address, u16),
    cluster: &'a Cluster,
    seen: &mut BTreeMap<(&'a Address, u16), &'a Cluster>,
    findings: &mut Findings,
) {
    let first = *seen.entry(at).or_insert(cluster);
    // All names of a zone lead to all of its gateways anyway.
    if (&first.region, &first.zones) != (&cluster.region, &cluster.zones) {
        findings.warning(
            code::SHARED_ADDRESS,
            path,
            format!(
                "the gateways of the clusters `{}` and `{}` both have the address `{}` and port {}, so calls for \
                 one of them may arrive at the other",
                first.name, cluster.name, at.0, at.1
            ),
            "correct the address, or give each gateway an address or a port of its own".into(),
        );
    }
}

/// Services that are the gateway itself: it would send their requests to itself.
pub(super) fn loops(resolved: &Resolved, findings: &mut Findings) {
    for (index, service) in resolved.services.iter().enumerate() {
        let gateway = service.clusters.iter().find_map(|&at| {
            let (local, cluster) = (service.local(at), &resolved.clusters[at]);
            let mut kinds = GatewayKind::ALL.into_iter();
            let kind = kinds.find(|kind| {
                let gateway = kind.of(cluster);
                (local.name, local.namespace) == (&gateway.service, &gateway.namespace)
            })?;
            Some((kind, cluster))
        });
        if let Some((kind, cluster)) = gateway {
            findings.error(
                code::GATEWAY_AS_SERVICE,
                &format!("spec.services[{index}].name"),
                format!(
                    "`{}` is the {} of cluster `{}`, which would send its requests to itself",
                    service.id(),
                    kind.as_str(),
                    cluster.name
                ),
                "name the Service of the application; the gateway serves all names by itself"
                    .into(),
            );
        }
    }
}
