//! `spec.external`: external hosts that may be called.

use serde::{Deserialize, Serialize};

/// An external host.
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
    /// Its addresses, instead of those in DNS; see [external hosts](#external-hosts).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::ranges", extend("x-default" = "resolved by DNS")))]
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

/// A port of an external host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalPort {
    /// Its number for callers.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port"))]
    pub port: u32,
    /// The callers' protocol; `https` and other TLS passes unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "`http` for 80, `https` for 443")))]
    pub protocol: Option<ExternalProtocol>,
    /// TLS origination: callers use plain HTTP, and their sidecars TLS to the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "calls pass unchanged")))]
    pub tls: Option<TlsOrigination>,
}

/// The callers' protocol to an external host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ExternalProtocol {
    /// Plain HTTP, routed by the request's host.
    Http,
    /// TLS, routed by SNI.
    Https,
    /// Any TCP, routed by address and port alone.
    Tcp,
}

/// TLS origination by a sidecar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsOrigination {
    /// The host's own port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port", extend("default" = crate::defaults::DEFAULT_TLS_PORT)))]
    pub target_port: Option<u32>,
    /// Names of which its certificate must have one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::names", extend("x-default" = "the host")))]
    pub subject_alt_names: Vec<String>,
    /// A file in the sidecar with the certificates of its authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "the public authorities of the sidecar's image")))]
    pub ca_certificates: Option<String>,
}
