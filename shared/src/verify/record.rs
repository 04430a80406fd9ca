//! Judges the DNS answer for a name.

use std::net::IpAddr;

use super::cause::Cause;
use super::off::OffObject;

/// The queried resolver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolver {
    /// A server of the zone.
    Authority,
    /// A cluster's DNS, from a pod.
    Cluster,
    /// The resolver of the agent's machine.
    Machine,
}

/// The DNS answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// Addresses, sorted, without duplicates.
    Addresses(Vec<IpAddr>),
    /// NXDOMAIN.
    NoSuchName,
    /// The name exists and has no address.
    NoAddress,
    /// No usable answer, such as SERVFAIL or a timeout.
    Error(String),
}

/// The publisher of a record, from ExternalDNS's TXT record for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// `external-dns/owner`.
    pub owner: String,
    /// `external-dns/resource`, such as `crd/external-dns/orders.sales`; empty if missing.
    pub resource: String,
}

impl Owner {
    /// Parses the text of a record; `None` if it is not one of ExternalDNS's (external-dns `endpoint/labels.go`).
    pub fn parse(text: &str) -> Option<Self> {
        let mut owner = Self::default();
        let mut ours = false;
        for label in text.trim_matches('"').split(',') {
            let (key, value) = label.split_once('=')?;
            match key {
                "heritage" => ours = value == "external-dns",
                "external-dns/owner" => value.clone_into(&mut owner.owner),
                "external-dns/resource" => value.clone_into(&mut owner.resource),
                _ => {}
            }
        }
        ours.then_some(owner)
    }
}

/// Evidence about a record; unknown facts are absent.
#[derive(Debug, Clone, Default)]
pub struct RecordAround {
    /// The expected addresses of the name, sorted.
    pub expected: Vec<IpAddr>,
    /// Time to live of a record, in seconds.
    pub ttl: u32,
    /// Whether the zone has name servers of its own to which clusters must forward.
    pub private: bool,
    /// The answer of the authoritative server.
    pub authority: Option<Resolution>,
    /// The queried server, for messages.
    pub server: String,
    /// The publishers of the existing records.
    pub owners: Vec<Owner>,
    /// The document's owner id; `None` without an ExternalDNS of its own.
    pub our_owner: Option<String>,
    /// The object of the mesh's records, in ExternalDNS's notation.
    pub our_resource: String,
    /// The reason why the document's ExternalDNS cannot work.
    pub external_dns: Option<String>,
    /// Objects that are not up to date: the records' own and, from a pod, those of the cluster DNS.
    pub objects: Vec<OffObject>,
    /// Clusters that should be in the record and whose gateways have no address.
    pub without_address: Vec<String>,
}

/// Judges the DNS answer for a name: `Ok` if it is as expected, else the probable cause.
///
/// # Errors
/// The probable cause.
pub fn judge_record(
    place: Resolver,
    seen: &Resolution,
    around: &RecordAround,
) -> Result<(), Cause> {
    if let Resolution::Addresses(addresses) = seen
        && *addresses == around.expected
    {
        return Ok(());
    }
    Err(match place {
        Resolver::Machine => Cause::LocalDns {
            private: around.private,
        },
        Resolver::Authority => at_authority(seen, around),
        Resolver::Cluster => in_cluster(seen, around),
    })
}

fn at_authority(seen: &Resolution, around: &RecordAround) -> Cause {
    if let Resolution::Error(why) = seen {
        return Cause::NameServer {
            server: around.server.clone(),
            why: why.clone(),
        };
    }
    unpublished(around).unwrap_or(match seen {
        Resolution::Addresses(_) => Cause::RecordDiffers,
        _ => Cause::NoAddress,
    })
}

/// The reason why the records are missing or wrong, as far as it is known.
fn unpublished(around: &RecordAround) -> Option<Cause> {
    if let Some(ours) = &around.our_owner {
        if let Some(other) = around.owners.iter().find(|owner| owner.owner != *ours) {
            return Some(Cause::ForeignOwner {
                found: other.owner.clone(),
                ours: ours.clone(),
            });
        }
        let stranger = around
            .owners
            .iter()
            .find(|owner| !owner.resource.is_empty() && owner.resource != around.our_resource);
        if let Some(stranger) = stranger {
            return Some(Cause::SharedOwner {
                owner: ours.clone(),
                resource: stranger.resource.clone(),
            });
        }
    }
    if !around.without_address.is_empty() {
        return Some(Cause::GatewayAddress {
            clusters: around.without_address.clone(),
        });
    }
    let records = around
        .objects
        .iter()
        .find(|off| off.object.kind == "DNSEndpoint");
    records.map(OffObject::cause).or_else(|| {
        around
            .external_dns
            .as_ref()
            .map(|why| Cause::ExternalDns(why.clone()))
    })
}

fn in_cluster(seen: &Resolution, around: &RecordAround) -> Cause {
    if let Resolution::Addresses(addresses) = seen
        && !addresses.is_empty()
        && addresses.iter().all(is_from_sidecar)
    {
        return Cause::SidecarDns;
    }
    let is_right = |authority: &Resolution| matches!(authority, Resolution::Addresses(addresses) if *addresses == around.expected);
    // A fault at the source is not the cluster's.
    if let Some(authority) = &around.authority
        && !is_right(authority)
        && !matches!(authority, Resolution::Error(_))
    {
        return at_authority(authority, around);
    }
    if let Resolution::Addresses(_) = seen {
        return Cause::StaleRecord { ttl: around.ttl };
    }
    let cluster_dns = around
        .objects
        .iter()
        .find(|off| off.object.kind == "ConfigMap");
    if let Some(off) = cluster_dns {
        return off.cause();
    }
    match around.authority.as_ref().is_some_and(is_right) {
        _ if around.private => Cause::StubDomain,
        // In a public zone the cluster queries like any other resolver, and caches negative answers.
        true => Cause::StaleRecord { ttl: around.ttl },
        false => unpublished(around).unwrap_or(Cause::NoAddress),
    }
}

/// Whether Istio assigned an address to a host for its own DNS proxy (istio `pilot/pkg/serviceregistry/serviceentry`:
/// 240.240.0.0/16, 2001:2::/48).
fn is_from_sidecar(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets().starts_with(&[240, 240]),
        IpAddr::V6(address) => address.segments().starts_with(&[0x2001, 2, 0]),
    }
}
