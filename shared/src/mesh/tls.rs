//! `spec.tls`: how requests travel between clusters with `transport: tls`.

use serde::{Deserialize, Serialize};

/// TLS between clusters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    /// The Secret in the namespace of each gateway's pods with its certificate and key; fedmesh never creates it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::host_name", extend("x-default" = "required with `transport: tls`")))]
    pub credential_name: Option<String>,
    /// The minimum version of gateways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "TLSV1_2")))]
    pub min_version: Option<TlsVersion>,
    /// Whether gateways redirect plain requests on port 80 to `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = true)))]
    pub redirect: Option<bool>,
    /// The authorities of the gateways' certificates: `system` for those of the sidecars' image, else a file in the
    /// sidecars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::authority", extend("default" = crate::defaults::SYSTEM_CA)))]
    pub ca: Option<String>,
}

/// A TLS version, in Istio's notation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    #[serde(rename = "TLSV1_2")]
    V1_2,
    /// TLS 1.3.
    #[serde(rename = "TLSV1_3")]
    V1_3,
}

impl TlsVersion {
    /// The name in the document, and in Istio's objects.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_2 => "TLSV1_2",
            Self::V1_3 => "TLSV1_3",
        }
    }
}
