//! The records of a service, as a DNSEndpoint that `ExternalDNS` publishes.
//!
//! A load balancer's host name is published as a CNAME if a name has no other target: it is valid whatever addresses
//! the cloud uses. DNS does not allow it with other targets; then its addresses replace it, if the document requests
//! that, and they are only as current as the last lookup.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::defaults::ISTIO_NAMESPACE;
use crate::kubernetes::object::{Kind, Object};
use crate::name::HostName;
use crate::placed::Placed;
use crate::resolved::published::{Level, PublishedName};
use crate::resolved::targets::{has_form, in_form};
use crate::resolved::{Address, Resolved, Service};

/// One record set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The name.
    pub(crate) host: HostName,
    /// `A`, `AAAA` or `CNAME`.
    pub(crate) kind: &'static str,
    /// Its targets, sorted.
    pub(crate) targets: Vec<String>,
}

/// A record that DNS does not allow.
pub(crate) struct LeftOut {
    /// The name.
    pub(crate) host: HostName,
    /// Its targets.
    pub(crate) targets: Vec<String>,
}

/// Whether the engine's own controller writes the records.
pub fn controller_publishes(resolved: &Resolved) -> bool {
    resolved.dns.publisher.is_some()
}

pub(super) fn render(clusters: &[usize], service: &Service, resolved: &Resolved) -> Option<Placed> {
    if controller_publishes(resolved) || !clusters.contains(&resolved.dns.cluster) {
        return None;
    }
    let records = records(service, resolved);
    if records.is_empty() {
        return None;
    }
    let endpoints: Vec<Value> = records
        .iter()
        .map(|record| {
            json!({
                "dnsName": record.host.as_str(),
                "recordType": record.kind,
                "recordTTL": resolved.dns.ttl,
                "targets": record.targets,
            })
        })
        .collect();
    let object = Object::new(
        Kind::DNS_ENDPOINT,
        Some(namespace(resolved)),
        service.id(),
        json!({ "spec": { "endpoints": endpoints } }),
    );
    Some(Placed::same(object, service.id(), vec![resolved.dns.cluster]).on_hub())
}

/// The namespace of the records: that of the `ExternalDNS`, which reads no other.
fn namespace(resolved: &Resolved) -> &str {
    resolved
        .dns
        .external_dns
        .as_ref()
        .map_or(ISTIO_NAMESPACE, |external_dns| {
            external_dns.namespace.as_str()
        })
}

/// The known targets of a name.
enum Targets {
    /// Addresses of the gateways, at least one.
    Addresses(BTreeSet<Address>),
    /// No gateway at this level has an address.
    None,
    /// No address of a gateway at this level is known.
    Unknown,
}

fn targets(name: &PublishedName, service: &Service, resolved: &Resolved) -> Targets {
    let mut addresses = BTreeSet::new();
    let mut unknown = false;
    for &index in &name.clusters {
        match &service.gateway_of(&resolved.clusters[index]).addresses {
            Some(known) => addresses.extend(known.iter().cloned()),
            None => unknown = true,
        }
    }
    match (addresses.is_empty(), unknown) {
        (false, _) => Targets::Addresses(addresses),
        (true, true) => Targets::Unknown,
        (true, false) => Targets::None,
    }
}

/// The records of a service that can be published.
pub(crate) fn records(service: &Service, resolved: &Resolved) -> Vec<Record> {
    let mut records = Vec::new();
    // A CNAME to a name without a record would not resolve, so names are processed from the top.
    let mut published: BTreeSet<&HostName> = BTreeSet::new();
    let mut names: Vec<&PublishedName> = service.names.iter().collect();
    names.sort_by_key(|name| match name.level {
        Level::Global => 0,
        Level::Vanity => 1,
        Level::Region(_) => 2,
        Level::Zone { .. } => 3,
        Level::Cluster { .. } => 4,
    });
    for name in names {
        let above = name
            .falls_back_to
            .as_ref()
            .filter(|above| published.contains(above));
        let alias = |above: &HostName| Record {
            host: name.host.clone(),
            kind: "CNAME",
            targets: vec![above.to_string()],
        };
        let before = records.len();
        if name.level == Level::Vanity {
            records.extend(above.map(alias));
        } else {
            match targets(name, service, resolved) {
                Targets::Addresses(addresses) => {
                    let addresses = in_form(addresses, resolved);
                    records.extend(address_records(&name.host, addresses));
                }
                Targets::None => records.extend(above.map(alias)),
                Targets::Unknown => {}
            }
        }
        if records.len() > before {
            published.insert(&name.host);
        }
    }
    records
}

/// A records for IPv4, AAAA for IPv6; CNAME for a host name, which is then the only target.
fn address_records(host: &HostName, addresses: BTreeSet<Address>) -> Vec<Record> {
    let (mut v4, mut v6, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
    for address in addresses {
        match address {
            Address::Ip(ip) if ip.is_ipv4() => v4.push(ip.to_string()),
            Address::Ip(ip) => v6.push(ip.to_string()),
            Address::Host(name) => hosts.push(name.to_string()),
        }
    }
    let record = |kind, targets| Record {
        host: host.clone(),
        kind,
        targets,
    };
    [("A", v4), ("AAAA", v6), ("CNAME", hosts)]
        .into_iter()
        .filter(|(_, targets)| !targets.is_empty())
        .map(|(kind, targets)| record(kind, targets))
        .collect()
}

/// Names of a service whose records have addresses instead of host names.
pub(crate) fn names_resolved<'a>(service: &'a Service, resolved: &Resolved) -> Vec<&'a HostName> {
    let known = resolved.dns.host_names.as_ref();
    let is_resolved = |target: &Address| match target {
        Address::Host(host) => {
            known.is_some_and(|known| known.get(host).is_some_and(|found| !found.is_empty()))
        }
        Address::Ip(_) => false,
    };
    let shared = shared_host_names(service, resolved);
    shared
        .filter_map(|(name, targets)| targets.iter().any(is_resolved).then_some(&name.host))
        .collect()
}

/// Host names that must be resolved, for any name of any service, and whose addresses are unknown.
pub(crate) fn unresolved(resolved: &Resolved) -> BTreeSet<HostName> {
    let Some(known) = &resolved.dns.host_names else {
        return BTreeSet::new();
    };
    let mut unknown = BTreeSet::new();
    for service in &resolved.services {
        for (_, targets) in shared_host_names(service, resolved) {
            for target in targets {
                if let Address::Host(host) = target
                    && !known.contains_key(&host)
                {
                    unknown.insert(host);
                }
            }
        }
    }
    unknown
}

/// Names whose targets DNS does not allow, with these targets.
fn shared_host_names<'a>(
    service: &'a Service,
    resolved: &Resolved,
) -> impl Iterator<Item = (&'a PublishedName, BTreeSet<Address>)> {
    let names = service.names.iter();
    names
        .filter(|name| name.level != Level::Vanity)
        .filter_map(|name| match targets(name, service, resolved) {
            Targets::Addresses(addresses) if !has_form(&addresses) => Some((name, addresses)),
            _ => None,
        })
}

/// Records that are omitted because load balancers have host names.
pub(crate) fn host_names_left_out(service: &Service, resolved: &Resolved) -> Vec<LeftOut> {
    shared_host_names(service, resolved)
        .filter(|(_, targets)| in_form(targets.clone(), resolved).is_empty())
        .map(|(name, targets)| LeftOut {
            host: name.host.clone(),
            targets: targets.iter().map(ToString::to_string).collect(),
        })
        .collect()
}
