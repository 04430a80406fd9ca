//! `spec.external`: hosts outside every mesh that may be called.

use serde::{Deserialize, Serialize};

/// A host outside every mesh.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalHost {
    /// Its name, or `*.` before one for all names below it.
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::host_pattern")
    )]
    pub host: String,
    /// Where it is, in place of what DNS says; see [hosts outside](#hosts-outside).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::ranges", extend("x-default" = "what DNS says")))]
    pub addresses: Vec<String>,
    /// The ports that may be called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "443, `https`")))]
    pub ports: Vec<ExternalPort>,
    /// The clusters that may call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::clusters", extend("x-default" = "all")))]
    pub clusters: Option<Vec<String>>,
    /// Whether calls leave through the clusters' egress gateways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = false)))]
    pub egress_gateway: Option<bool>,
}

/// A port of a host outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalPort {
    /// Its number, as callers write it.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port"))]
    pub port: u32,
    /// What callers speak there; `https` and other TLS passes as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "`http` for 80, `https` for 443")))]
    pub protocol: Option<ExternalProtocol>,
    /// Callers speak plain HTTP, and their sidecars TLS with the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "calls pass as they are")))]
    pub tls: Option<TlsOrigination>,
}

/// What callers speak with a host outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ExternalProtocol {
    /// Plain HTTP, told apart by the request's host.
    Http,
    /// TLS, told apart by the name that the caller asks for (SNI).
    Https,
    /// Anything, told apart by address and port alone.
    Tcp,
}

/// How a sidecar speaks TLS for its workload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsOrigination {
    /// The host's own port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port", extend("default" = crate::resolved::DEFAULT_TLS_PORT)))]
    pub target_port: Option<u32>,
    /// Names of which its certificate must have one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::names", extend("x-default" = "the host")))]
    pub subject_alt_names: Vec<String>,
    /// A file in the sidecar with the certificates of who may have signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "the public ones that the sidecar's image has")))]
    pub ca_certificates: Option<String>,
}
