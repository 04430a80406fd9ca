//! `spec.clusters`: which clusters there are and how they are reached.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A cluster of the mesh.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// Its name in this document, a DNS label.
    pub name: String,
    /// The kubeconfig context that reaches it; default its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Its region, such as `us-west2`: a DNS label, since it is part of published names.
    pub region: String,
    /// Its zone, such as `us-west2-a`: a DNS label.
    pub zone: String,
    /// Its ingress gateway; default Istio's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    /// Which DNS the cluster runs; default what the agent finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_flavour: Option<DnsFlavour>,
}

/// The DNS that a cluster runs for its pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DnsFlavour {
    /// `CoreDNS`.
    #[serde(rename = "coredns")]
    CoreDns,
    /// kube-dns.
    KubeDns,
    /// One that fedmesh leaves alone.
    None,
}

/// The ingress gateway of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gateway {
    /// Its Service; default `istio-ingressgateway`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The namespace of the Service; default `istio-system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Labels of its pods; default `istio: ingressgateway`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// Addresses under which other clusters reach it (IPv4, IPv6 or one host name); default what
    /// the agent finds in the Service's status.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The HTTP port of the Service; default 80.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
}
