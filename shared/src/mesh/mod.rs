//! The Mesh document as a person wrote it.
//!
//! Nothing here is a default and nothing is checked beyond its type: [`crate::check`] does both.
//! Every optional field says what is taken in its place. Unknown fields are errors.

mod cluster;
mod dns;
mod read;
mod service;

use serde::{Deserialize, Serialize};

pub use cluster::{Cluster, DnsFlavour, Gateway};
pub use dns::{Dns, ExternalDns, Naming};
pub use read::{Limits, ReadError};
pub use service::{Failover, PathMatch, Probe, Service};

/// A Mesh document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mesh {
    /// Always `fedmesh.dev/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `Mesh`.
    pub kind: Kind,
    /// Its name.
    pub metadata: Metadata,
    /// Everything else.
    pub spec: Spec,
}

/// The only version of the document there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApiVersion {
    /// `fedmesh.dev/v1alpha1`
    #[default]
    #[serde(rename = "fedmesh.dev/v1alpha1")]
    V1Alpha1,
}

/// The only kind of document there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// `Mesh`
    #[default]
    Mesh,
}

/// What identifies the document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// A DNS label; part of the names of what is made in the clusters.
    pub name: String,
}

/// What is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// The engine that delivers the manifests; default `direct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Istio's version, `major.minor`; decides the API versions; default [`crate::resolved::DEFAULT_ISTIO`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub istio: Option<String>,
    /// How services are named and published.
    pub dns: Dns,
    /// How requests travel between clusters; default `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// Whether gateways name the cluster that answers, in the response header
    /// [`crate::render::ANSWER_HEADER`]; default yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_header: Option<bool>,
    /// The clusters.
    pub clusters: Vec<Cluster>,
    /// The shared services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// Sample workloads to place in the clusters; default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// Images that replace the pinned ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Images>,
}

/// The engine that delivers the manifests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Target {
    /// Each cluster gets its own objects.
    #[default]
    #[serde(rename = "direct")]
    Direct,
    /// The host cluster gets federation-v2 v0.0.4's template, placement and override objects.
    #[serde(rename = "kubefed-v1alpha1")]
    KubefedV1Alpha1,
}

impl Target {
    /// All engines, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Direct, Self::KubefedV1Alpha1];

    /// The name in the document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::KubefedV1Alpha1 => "kubefed-v1alpha1",
        }
    }
}

/// How requests travel between clusters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Plain HTTP to the other cluster's ingress gateway.
    #[default]
    Http,
}

/// A workload to try things with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sample {
    /// An HTTP server that answers `/html`, `/status/…`, `/delay/…` and more.
    Httpbin,
    /// A pod with `curl`, to send requests from.
    Sleep,
}

impl Sample {
    /// All samples, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Httpbin, Self::Sleep];

    /// The name in the document, and of the objects.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Httpbin => "httpbin",
            Self::Sleep => "sleep",
        }
    }
}

/// Images that replace the pinned ones, for instance by those of a mirror.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Images {
    /// Instead of [`crate::resolved::HTTPBIN_IMAGE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub httpbin: Option<String>,
    /// Instead of [`crate::resolved::SLEEP_IMAGE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleep: Option<String>,
    /// Instead of [`crate::resolved::EXTERNAL_DNS_IMAGE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_dns: Option<String>,
}
