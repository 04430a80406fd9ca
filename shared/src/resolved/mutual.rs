//! Mutual TLS from a caller's sidecar to that of a service, which gateways pass through: its SNI and the expected
//! identity.
//!
//! A gateway in the mode `AUTO_PASSTHROUGH` routes by the SNI of the handshake, which is Istio's name of the service in
//! its cluster: `outbound_.<port>_.<subset>_.<host>` (istio `pilot/pkg/model/service.go`, `BuildDNSSrvSubsetKey`). It
//! accepts only sessions of a mesh's workloads, identified by their ALPN protocol.

use serde::Serialize;

use crate::resolved::{Cluster, Port, Service, local_host};

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
    pub(crate) fn new(port: &Port, service: &Service, cluster: &Cluster) -> Self {
        Self {
            sni: sni(port, service),
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
pub(crate) fn sni(port: &Port, service: &Service) -> String {
    let host = local_host(&service.name, &service.namespace);
    format!("outbound_.{}_._.{host}", port.number)
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
