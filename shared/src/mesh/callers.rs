//! `spec.services[].callers`: who calls a service.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Workloads that call a service; at least one field says which.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Caller {
    /// Their namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("x-default" = "all")))]
    pub namespace: Option<String>,
    /// Their service accounts; needs `namespace`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::service_accounts", extend("x-default" = "all of the namespace")))]
    pub service_accounts: Vec<String>,
    /// Their clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::clusters", extend("x-default" = "all")))]
    pub clusters: Option<Vec<String>>,
    /// In place of `clusters`: those with these labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "none")))]
    pub cluster_selector: BTreeMap<String, String>,
}
