//! The Mesh document as written.
//!
//! It has no defaults, and only types are validated: [`crate::check`] does both.
//! The description of every optional field has its default. Unknown fields are errors.

mod bookinfo;
mod callers;
mod cluster;
mod dns;
mod east_west;
mod endpoints;
mod external;
mod gitops;
mod ignore;
mod locality;
mod overrides;
mod read;
mod references;
#[cfg(feature = "schema")]
pub mod schema;
mod service;
mod sidecars;
mod target;
mod tls;
mod transport;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use bookinfo::{Bookinfo, BookinfoProgram, BookinfoRoutes};
pub use callers::Caller;
pub use cluster::{Cluster, DnsFlavour, EgressGateway, Gateway};
pub use dns::{Credentials, Dns, ExternalDns, NameLevel, Naming, Policy};
pub use east_west::EastWestGateway;
pub use endpoints::Endpoints;
pub use external::{ExternalHost, ExternalPort, ExternalProtocol, TlsOrigination};
pub use gitops::Gitops;
pub use ignore::Ignore;
pub use locality::{Distribution, Locality, RegionFailover};
pub use overrides::{OverriddenPort, Override};
pub use read::{Limits, ReadError, ReadErrors};
pub use service::{Failover, Port, Probe, Protocol, Service};
pub use sidecars::Sidecars;
pub use target::Target;
pub use tls::{Tls, TlsVersion};
pub use transport::Transport;

/// A Mesh document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mesh {
    /// Always `fedmesh.dev/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `Mesh`.
    pub kind: Kind,
    /// Its name.
    pub metadata: Metadata,
    /// The desired state.
    pub spec: Spec,
}

/// The only version of the document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ApiVersion {
    /// `fedmesh.dev/v1alpha1`
    #[default]
    #[serde(rename = "fedmesh.dev/v1alpha1")]
    V1Alpha1,
}

/// The only kind of document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Kind {
    /// `Mesh`
    #[default]
    Mesh,
}

/// The identity of the document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Part of the names of objects in the clusters.
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::mesh_name"))]
    pub name: String,
}

/// The desired state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// The engine that delivers the manifests, see [engines](#engines).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "direct")))]
    pub target: Option<Target>,
    /// Istio's version, `major.minor`, 1.0 or later; decides the API versions and the available features, see [versions
    /// of Istio](#versions-of-istio).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::version", extend("default" = crate::defaults::DEFAULT_ISTIO)))]
    pub istio: Option<String>,
    /// The Git repository of the engine `gitops`, which requires it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "none")))]
    pub gitops: Option<Gitops>,
    /// How services are named and published.
    pub dns: Dns,
    /// How requests travel between clusters, see [transport](#transport).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "http")))]
    pub transport: Option<Transport>,
    /// How sidecars find the gateways of other clusters: by names that they resolve, or by addresses; see
    /// [endpoints](#endpoints).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "`addresses` with `target: direct` and Istio 1.6 or later, else `names`")))]
    pub endpoints: Option<Endpoints>,
    /// A Sidecar of Istio in each namespace of `callers`, which limits its proxies to the services that they call; see
    /// [sidecars](#sidecars).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "none")))]
    pub sidecars: Option<Sidecars>,
    /// Settings of `transport: tls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Whether gateways identify their cluster in the response header `x-fedmesh-cluster`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = true)))]
    pub answer_header: Option<bool>,
    /// Whether gateways are configured by Kubernetes' Gateway API instead of Istio's own; see [Gateway
    /// API](#gateway-api).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = false)))]
    pub gateway_api: Option<bool>,
    /// Whether services are also exported by the Multi-Cluster Services API; see
    /// [exports](#exports).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = false)))]
    pub mcs: Option<bool>,
    /// The locality preferences of services without their own, see [locality](#locality).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locality: Option<Locality>,
    /// The clusters.
    pub clusters: Vec<Cluster>,
    /// The shared services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// External hosts that may be called, see [external hosts](#external-hosts).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external: Vec<ExternalHost>,
    /// Sample workloads to place in the clusters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
    /// Settings of the sample `bookinfo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bookinfo: Option<Bookinfo>,
    /// Images that replace the pinned ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Images>,
    /// Fields that are left to other managers once an object exists, see [ignored fields](#ignored-fields).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<Ignore>,
}

/// A sample workload.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Sample {
    /// An HTTP server that answers `/html`, `/status/…`, `/delay/…` and more.
    Httpbin,
    /// A pod with `curl`, to send requests from.
    Sleep,
    /// Four services that call each other, one of them in three versions.
    Bookinfo,
}

impl Sample {
    /// All samples, in the order of display.
    pub const ALL: [Self; 3] = [Self::Httpbin, Self::Sleep, Self::Bookinfo];

    /// The name in the document, and of the objects of those with one program.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The Kubernetes Service to share; `None` for a sample without a Service to call.
    pub const fn service(self) -> Option<&'static str> {
        match self {
            Self::Httpbin => Some("httpbin"),
            Self::Sleep => None,
            Self::Bookinfo => Some(BookinfoProgram::Productpage.service()),
        }
    }
}

/// Images that replace the pinned ones, for instance by those of a mirror.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Images {
    /// Image of the sample `httpbin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::image", extend("default" = crate::defaults::HTTPBIN_IMAGE)))]
    pub httpbin: Option<String>,
    /// Image of the sample `sleep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::image", extend("default" = crate::defaults::SLEEP_IMAGE)))]
    pub sleep: Option<String>,
    /// Images of the sample `bookinfo`, by program: `productpage-v1`, `details-v1`, `ratings-v1`,
    /// `reviews-v1`, `reviews-v2` and `reviews-v3`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::bookinfo_images", extend("x-default" = "`docker.io/istio/examples-bookinfo-<program>:1.20.3`")))]
    pub bookinfo: BTreeMap<BookinfoProgram, String>,
    /// Image of ExternalDNS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "schema::image", extend("default" = crate::defaults::EXTERNAL_DNS_IMAGE)))]
    pub external_dns: Option<String>,
}
