//! What has to change in the clusters when a gateway changes its address, and nothing else does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::gateway_kind::GatewayKind;
use crate::mesh::{Endpoints, Target};
use crate::object::Kind;
use crate::render::Istio;
use crate::resolved::{Address, Resolved};

/// Cluster → the kinds of its objects that have addresses of gateways: the records where these are and, with
/// `endpoints: addresses`, the WorkloadEntries everywhere. What a hub spreads is its controllers' to write.
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
    resolved.endpoints == Endpoints::Addresses && resolved.target == Target::Direct
}

/// The kind whose objects say how sidecars find endpoints, which changes with [`resolution`].
pub fn entries(resolved: &Resolved) -> Kind {
    Istio(resolved.istio).service_entry()
}

/// By what ServiceEntries find the gateways that they select: of each gateway whether it has a host name, which
/// sidecars resolve, and its address inside its own cluster, if that is known. It changes seldom, and is empty where
/// nothing but records is followed.
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

/// Whether objects of a kind are never about a service, so that services need not be rendered for them.
pub(crate) fn is_of_no_service(kind: &Kind) -> bool {
    kind.kind == "WorkloadEntry"
}
