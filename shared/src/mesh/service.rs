//! `spec.services`: what is shared.

use serde::{Deserialize, Serialize};

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
    /// Its HTTP port.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port"))]
    pub port: u32,
    /// Also published as `<hostname>.<suffix>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label"))]
    pub hostname: Option<String>,
    /// The clusters that run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::clusters", extend("x-default" = "all")))]
    pub clusters: Option<Vec<String>>,
    /// The paths that the gateways let through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "all")))]
    pub routes: Vec<PathMatch>,
    /// What happens to calls while a cluster fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<Failover>,
    /// The request by which the service is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
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

/// A match on the path of a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum PathMatch {
    /// Let requests with this path through.
    Exact(String),
    /// Let requests whose path starts so through.
    Prefix(String),
}
