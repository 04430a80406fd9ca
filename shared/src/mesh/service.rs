//! `spec.services`: what is shared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::dns::NameLevel;
use super::locality::Locality;
use super::passed_on::IstioFields;
use super::transport::Transport;
use super::{Caller, Override};

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
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("default" = crate::resolved::DEFAULT_NAMESPACE)))]
    pub namespace: Option<String>,
    /// Its port, where it is one; else see `ports`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port", extend("x-default" = "required without `ports`")))]
    pub port: Option<u32>,
    /// What is spoken on its port, see [protocols](#protocols-and-ports).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "http")))]
    pub protocol: Option<Protocol>,
    /// Its ports, where they are several or published under another number.
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
    /// In place of `clusters`: those with these labels run it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "none")))]
    pub cluster_selector: BTreeMap<String, String>,
    /// What differs in some of its clusters: the Service, its namespace or its ports, see
    /// [clusters that differ](#clusters-that-differ).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "none")))]
    pub overrides: Vec<Override>,
    /// The requests that the gateways let through, and what happens to them; see [routes](#routes).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::routes", extend("x-default" = "all, to the service")))]
    pub routes: Vec<IstioFields>,
    /// Parts of the service's pods, by their labels, for routes to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::subsets", extend("x-default" = "none")))]
    pub subsets: Vec<IstioFields>,
    /// How its pods are called in each cluster that runs it: connection limits, ejection of pods that
    /// fail, load balancing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::traffic_policy")
    )]
    pub traffic_policy: Option<IstioFields>,
    /// The namespaces whose pods see the published names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::namespaces", extend("x-default" = "all")))]
    pub export_to: Vec<String>,
    /// Who calls it, see [callers](#callers).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Caller>", extend("x-default" = "everybody")))]
    pub callers: Option<Vec<Caller>>,
    /// With `callers` and `transport: mtls`, labels of its pods, which refuse everybody else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "required there")))]
    pub selector: BTreeMap<String, String>,
    /// Whether a ServiceExport stands beside it in the clusters that run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "`spec.mcs`")))]
    pub mcs: Option<bool>,
    /// What happens to calls while a cluster fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<Failover>,
    /// Which of the clusters that run it take the calls of whom, in place of the document's own
    /// `locality`; see [locality](#locality).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locality: Option<Locality>,
    /// How its calls travel between clusters, where that is another way; see [transport](#transport).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "`spec.transport`")))]
    pub transport: Option<Transport>,
    /// With `transport: mtls`, the service account of its pods: callers take nobody else for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::host_name", extend("x-default" = "any, with a hint")))]
    pub service_account: Option<String>,
    /// The request by which the service is tried.
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
    /// What is spoken on it, see [protocols](#protocols-and-ports).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "http")))]
    pub protocol: Option<Protocol>,
    /// The port under which its names are called, and that of the gateways' Services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port", extend("x-default" = "80 for the first HTTP, HTTP/2 or gRPC port, 443 for `tls`, else `port`")))]
    pub published: Option<u32>,
}

/// What is spoken on a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The name in the document, and what Istio reads at the beginning of a port's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// Whether requests can be told apart and repeated: HTTP, HTTP/2 and gRPC.
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Http2 | Self::Grpc)
    }

    /// What it is to a gateway, whose ports can be shared within one: HTTP, TCP or TLS.
    #[must_use]
    pub const fn family(self) -> Self {
        match self {
            Self::Http | Self::Http2 | Self::Grpc => Self::Http,
            Self::Tcp | Self::Tls => self,
        }
    }
}

/// What happens to calls while a cluster fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failover {
    /// Whether a call may be sent again, to another cluster, although it may have arrived; left
    /// open, only calls that cannot have arrived are; see [failover](#failover).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "left open, with a hint")))]
    pub retry: Option<bool>,
    /// With `retry: true`, how long each try may take: calls that need longer are cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::duration", extend("default" = crate::resolved::DEFAULT_PER_TRY_TIMEOUT)))]
    pub per_try_timeout: Option<String>,
    /// How long a connection to a gateway of another cluster may take, with its TLS handshake, until the
    /// call goes elsewhere: 10ms to 1m; see [failover](#failover).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::duration", extend("default" = crate::resolved::DEFAULT_CONNECT_TIMEOUT)))]
    pub connect_timeout: Option<String>,
    /// When a gateway that fails is left alone, and for how long: changes to fedmesh's own settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::outlier_detection")
    )]
    pub outlier_detection: Option<IstioFields>,
}

/// The request by which a service is tried: a GET.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probe {
    /// What `verify` asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "the first exact route, else the first prefix, else `/`")))]
    pub path: Option<String>,
    /// The status of a good answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::status", extend("x-default" = "any below 500")))]
    pub status: Option<u32>,
}
