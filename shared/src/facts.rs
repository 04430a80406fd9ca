//! Facts from the clusters, which the document does not have.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The observed state of the clusters; empty without an observation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Facts {
    /// Cluster name → addresses in the status of its gateway's Service. An empty list means that it has none; a missing
    /// entry means that it was not observed.
    pub gateways: BTreeMap<String, Vec<String>>,
    /// Host name of a load balancer → its addresses, at least one, IPv4 and IPv6. Looked up only if the document
    /// requests it (`spec.dns.resolveHostNames`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub host_names: BTreeMap<String, Vec<IpAddr>>,
    /// The same of east-west gateways.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub east_west_gateways: BTreeMap<String, Vec<String>>,
    /// Cluster name → address of its gateway's Service inside the cluster. Looked up only where endpoints are
    /// addresses.
    #[serde(
        default,
        rename = "clusterIPs",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub cluster_ips: BTreeMap<String, IpAddr>,
    /// The same of east-west gateways.
    #[serde(
        default,
        rename = "eastWestClusterIPs",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub east_west_cluster_ips: BTreeMap<String, IpAddr>,
}
