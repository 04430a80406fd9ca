//! `spec.services[].overrides`: differences of a service in some of its clusters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The Kubernetes Service behind a service's names in some clusters. All other properties are as in the other clusters;
/// the names are the same everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Override {
    /// The clusters that it applies to, among those that run the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::clusters", extend("x-default" = "required without `clusterSelector`")))]
    pub clusters: Option<Vec<String>>,
    /// Instead of `clusters`: those with these labels that run the service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "none")))]
    pub cluster_selector: BTreeMap<String, String>,
    /// The Kubernetes Service there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("x-default" = "the service's")))]
    pub name: Option<String>,
    /// Its namespace there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("x-default" = "the service's")))]
    pub namespace: Option<String>,
    /// Its port there, if the service has one; else use `ports`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port", extend("x-default" = "the service's")))]
    pub port: Option<u32>,
    /// Its ports there, if they differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "the service's")))]
    pub ports: Vec<OverriddenPort>,
}

/// A port that differs in some clusters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverriddenPort {
    /// The published number of the service's port.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port"))]
    pub published: u32,
    /// The port of the Kubernetes Service there.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port"))]
    pub port: u32,
}
