//! Mutual TLS from the sidecar of a caller to that of a service, which gateways pass on: by which name they
//! tell where to, and whose certificate has to come.
//!
//! A gateway in the mode `AUTO_PASSTHROUGH` goes by the name in the first message (SNI), which is Istio's name
//! of the service in its cluster: `outbound_.<port>_.<subset>_.<host>` (istio `pilot/pkg/model/service.go`,
//! `BuildDNSSrvSubsetKey`). It takes sessions for a mesh's workloads alone, told by the protocol that they
//! agree on (ALPN).

use serde::Serialize;

use crate::resolved::{Cluster, Port, Service, local_host};

/// By ALPN an Istio workload says that it speaks mutual TLS (istio `pilot/pkg/networking/util/util.go`).
pub const ALPN: &str = "istio";

/// What is seen of mutual TLS from outside the mesh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mutual {
    /// The name to ask for.
    pub sni: String,
    /// Whose certificate has to come: the whole of it, or what it begins with where it ends in a slash.
    pub identity: String,
}

impl Mutual {
    pub(crate) fn new(port: &Port, service: &Service, cluster: &Cluster) -> Self {
        Self {
            sni: sni(port, service),
            identity: identity(service, cluster),
        }
    }

    /// Whether a certificate with this identity is the service's.
    pub fn is_of(&self, identity: &str) -> bool {
        identity == self.identity
            || self.identity.ends_with('/') && identity.starts_with(&self.identity)
    }
}

/// The name by which gateways know a port of a service.
pub(crate) fn sni(port: &Port, service: &Service) -> String {
    let host = local_host(&service.name, &service.namespace);
    format!("outbound_.{}_._.{host}", port.number)
}

/// The identity of a service's pods in a cluster (SPIFFE), up to the service account where that is not known.
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
