//! `spec.services`: the shared services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::dns::NameLevel;
use super::locality::Locality;
use super::transport::Transport;
use super::{Caller, Override};
use crate::passthrough::{IstioFields, numbers};

/// A service that every cluster can call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// The Kubernetes Service.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label"))]
    pub name: String,
    /// Its namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("default" = crate::defaults::DEFAULT_NAMESPACE)))]
    pub namespace: Option<String>,
    /// Its port, if it has one; else use `ports`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port", extend("x-default" = "required without `ports`")))]
    pub port: Option<u32>,
    /// The protocol of its port, see [protocols](#protocols-and-ports).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "http")))]
    pub protocol: Option<Protocol>,
    /// Its ports, if there are several or if they are published under other numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "`port` alone")))]
    pub ports: Vec<Port>,
    /// Also published as `<hostname>.<suffix>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label"))]
    pub hostname: Option<String>,
    /// The levels of its names that exist, `global` among them; see [names](#names).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::levels", extend("x-default" = "`spec.dns.levels`")))]
    pub levels: Option<Vec<NameLevel>>,
    /// The clusters that run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::clusters", extend("x-default" = "all")))]
    pub clusters: Option<Vec<String>>,
    /// Instead of `clusters`: those with these labels run it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "none")))]
    pub cluster_selector: BTreeMap<String, String>,
    /// Differences in some of its clusters: the Service, its namespace or its ports, see [clusters that
    /// differ](#clusters-that-differ).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "none")))]
    pub overrides: Vec<Override>,
    /// The requests that the gateways accept, and their handling; see [routes](#routes).
    #[serde(
        default,
        deserialize_with = "numbers::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::routes", extend("x-default" = "all, to the service")))]
    pub routes: Vec<IstioFields>,
    /// Parts of the service's pods, by their labels, for routes to choose from.
    #[serde(
        default,
        deserialize_with = "numbers::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::subsets", extend("x-default" = "none")))]
    pub subsets: Vec<IstioFields>,
    /// The traffic policy of its pods in each cluster that runs it: connection limits, ejection of failing pods, load
    /// balancing.
    #[serde(
        default,
        deserialize_with = "numbers::fields",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::traffic_policy")
    )]
    pub traffic_policy: Option<IstioFields>,
    /// The namespaces whose pods see the published names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::namespaces", extend("x-default" = "all")))]
    pub export_to: Vec<String>,
    /// Its callers, see [callers](#callers).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Caller>", extend("x-default" = "all")))]
    pub callers: Option<Vec<Caller>>,
    /// With `callers` and `transport: mtls`, labels of its pods, which refuse all other clients.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "required there")))]
    pub selector: BTreeMap<String, String>,
    /// Whether a ServiceExport is rendered in the clusters that run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "`spec.mcs`")))]
    pub mcs: Option<bool>,
    /// Failover of calls while a cluster fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<Failover>,
    /// Its locality preferences, instead of the document's own `locality`; see [locality](#locality).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locality: Option<Locality>,
    /// How its calls travel between clusters, if that differs; see [transport](#transport).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "`spec.transport`")))]
    pub transport: Option<Transport>,
    /// With `transport: mtls`, the service account of its pods: callers accept no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::host_name", extend("x-default" = "any, with a hint")))]
    pub service_account: Option<String>,
    /// The probe request of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
}

/// A port of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Port {
    /// The port of the Kubernetes Service.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port"))]
    pub port: u32,
    /// Its protocol, see [protocols](#protocols-and-ports).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "http")))]
    pub protocol: Option<Protocol>,
    /// The port of its names, and of the gateways' Services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port", extend("x-default" = "80 for the first HTTP, HTTP/2 or gRPC port, 443 for `tls`, else `port`")))]
    pub published: Option<u32>,
}

/// The protocol of a port.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http,
    /// HTTP/2 without TLS.
    Http2,
    /// gRPC.
    Grpc,
    /// Any bytes.
    Tcp,
    /// TLS, passed through to the service, which has the certificate.
    Tls,
}

impl Protocol {
    /// The name in the document, and Istio's prefix of a port's name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether requests can be routed and retried: HTTP, HTTP/2 and gRPC.
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Http2 | Self::Grpc)
    }

    /// Its family, within which services can share a gateway's port: HTTP, TCP or TLS.
    #[must_use]
    pub const fn family(self) -> Self {
        match self {
            Self::Http | Self::Http2 | Self::Grpc => Self::Http,
            Self::Tcp | Self::Tls => self,
        }
    }
}

/// Failover of calls while a cluster fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failover {
    /// Whether a call that may have arrived is retried in another cluster; if unset, only calls that cannot have
    /// arrived are; see [failover](#failover).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "unset, with a hint")))]
    pub retry: Option<bool>,
    /// With `retry: true`, the timeout of each try: longer calls are aborted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::duration", extend("default" = crate::defaults::DEFAULT_PER_TRY_TIMEOUT)))]
    pub per_try_timeout: Option<String>,
    /// The timeout of a connection to a gateway of another cluster, including its TLS handshake: 10ms to 1m; see
    /// [failover](#failover).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::duration", extend("default" = crate::defaults::DEFAULT_CONNECT_TIMEOUT)))]
    pub connect_timeout: Option<String>,
    /// The ejection of failing gateways: overrides of fedmesh's own settings.
    #[serde(
        default,
        deserialize_with = "numbers::fields",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::outlier_detection")
    )]
    pub outlier_detection: Option<IstioFields>,
}

/// The probe request of a service: a GET.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probe {
    /// The path that `verify` requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "the first exact route, else the first prefix, else `/`")))]
    pub path: Option<String>,
    /// The expected status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::status", extend("x-default" = "any below 500")))]
    pub status: Option<u32>,
}
