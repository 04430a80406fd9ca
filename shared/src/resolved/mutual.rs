//! Mutual TLS from a caller's sidecar to that of a service, which gateways pass through: its SNI and the expected
//! identity.
//!
//! A gateway in the mode `AUTO_PASSTHROUGH` routes by the SNI of the handshake, which is Istio's name of the service in
//! its cluster: `outbound_.<port>_.<subset>_.<host>` (istio `pilot/pkg/model/service.go`, `BuildDNSSrvSubsetKey`). It
//! accepts only sessions of a mesh's workloads, identified by their ALPN protocol.
//!
//! A caller sends one SNI, whichever cluster answers. So it has the DNS domain of one of the clusters that run the
//! service, and those with other domains have that host as an alias.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::defaults::DEFAULT_CLUSTER_DOMAIN;
use crate::resolved::{Cluster, Port, Resolved, Service};

/// The ALPN protocol of mutual TLS between Istio workloads (istio `pilot/pkg/networking/util/util.go`).
pub const ALPN: &str = "istio";

/// The properties of mutual TLS that are visible outside of the mesh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mutual {
    /// The SNI to send.
    pub sni: String,
    /// The expected identity: exact, or a prefix if it ends in a slash.
    pub identity: String,
}

impl Mutual {
    pub(crate) fn new(
        port: &Port,
        service: &Service,
        cluster: &Cluster,
        resolved: &Resolved,
    ) -> Self {
        Self {
            sni: sni(port, service, resolved),
            identity: identity(service, cluster),
        }
    }

    /// Whether an identity is the service's.
    pub fn is_of(&self, identity: &str) -> bool {
        identity == self.identity
            || self.identity.ends_with('/') && identity.starts_with(&self.identity)
    }
}

/// The SNI of a service's port at gateways.
pub(crate) fn sni(port: &Port, service: &Service, resolved: &Resolved) -> String {
    let running = service.clusters.iter().map(|&at| &resolved.clusters[at]);
    // The default is preferred, so that a cluster with another domain changes nothing for the clusters that are there.
    let chosen = running.min_by_key(|cluster| {
        let domain = cluster.cluster_domain.as_str();
        (domain != DEFAULT_CLUSTER_DOMAIN, domain)
    });
    let host = chosen.map(|cluster| cluster.local_host(&service.name, &service.namespace));
    format!("outbound_.{}_._.{}", port.number, host.unwrap_or_default())
}

/// The further hosts of a service at the gateway of a cluster that runs it: in the DNS domain of every other cluster with
/// mutual TLS, not only of the service's own. Otherwise a service that moves to another cluster would refuse the SNI of
/// callers in clusters that an apply has not reached yet.
pub(crate) fn aliases(
    service: &Service,
    cluster: &Cluster,
    resolved: &Resolved,
) -> BTreeSet<String> {
    let services = resolved.services.iter().filter(|one| one.is_mutual());
    let running = services.flat_map(|one| &one.clusters);
    running
        .map(|&at| &resolved.clusters[at])
        .filter(|other| other.cluster_domain != cluster.cluster_domain)
        .map(|other| other.local_host(&service.name, &service.namespace))
        .collect()
}

/// The identity of a service's pods in a cluster (SPIFFE), without the service account if that is unknown.
pub(crate) fn identity(service: &Service, cluster: &Cluster) -> String {
    let account = match &service.service_account {
        Some(account) => account.as_str(),
        None => "",
    };
    format!(
        "spiffe://{}/ns/{}/sa/{account}",
        cluster.trust_domain, service.namespace
    )
}
