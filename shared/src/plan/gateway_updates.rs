//! The objects that change when only a gateway's address changes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::gateways::kind::GatewayKind;
use crate::kubernetes::object::Kind;
use crate::mesh::Endpoints;
use crate::render::Istio;
use crate::resolved::{Address, Resolved};

/// Cluster → the kinds of its objects with addresses of gateways: the records and, with `endpoints: addresses`, the
/// WorkloadEntries. Objects that a hub propagates are left to its controllers.
pub fn kinds(resolved: &Resolved) -> BTreeMap<String, BTreeSet<Kind>> {
    let mut kinds: BTreeMap<String, BTreeSet<Kind>> = BTreeMap::new();
    if writes_endpoints(resolved) {
        for cluster in &resolved.clusters {
            let of_cluster = kinds.entry(cluster.name.to_string()).or_default();
            of_cluster.insert(Istio(resolved.istio).workload_entry());
        }
    }
    let dns = &resolved.clusters[resolved.dns.cluster].name;
    let of_dns = kinds.entry(dns.to_string()).or_default();
    of_dns.insert(Kind::DNS_ENDPOINT);
    kinds
}

fn writes_endpoints(resolved: &Resolved) -> bool {
    resolved.endpoints == Endpoints::Addresses && resolved.target.is_applied_to_each_cluster()
}

/// The kind whose objects define how sidecars find endpoints; it changes with [`resolution`].
pub fn entries(resolved: &Resolved) -> Kind {
    Istio(resolved.istio).service_entry()
}

/// The properties of gateways that decide how ServiceEntries resolve them: for each gateway whether it has a host name,
/// and its address inside its own cluster if known. Changes seldom; empty if only records are followed.
pub fn resolution(resolved: &Resolved) -> Vec<(bool, Option<IpAddr>)> {
    if !writes_endpoints(resolved) {
        return Vec::new();
    }
    let clusters = resolved.clusters.iter();
    let gateways = clusters.flat_map(|cluster| GatewayKind::ALL.map(|kind| kind.of(cluster)));
    let found = gateways.map(|gateway| {
        let mut addresses = gateway.addresses.iter().flatten();
        let has_host = addresses.any(|one| matches!(one, Address::Host(_)));
        (has_host, gateway.cluster_ip)
    });
    found.collect()
}

/// Whether no object of a kind belongs to a service, so that services need not be rendered.
pub(crate) fn is_of_no_service(kind: &Kind) -> bool {
    kind.kind == "WorkloadEntry"
}
