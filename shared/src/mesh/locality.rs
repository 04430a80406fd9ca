//! `locality`: the clusters behind a name that serve each caller.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The clusters behind a name that serve each caller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Locality {
    /// The next region after the caller's own; the first entry that matches a caller applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "all other regions alike")))]
    pub failover: Vec<RegionFailover>,
    /// Shares of the calls, instead of the nearest first; the first entry that matches a caller applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "the nearest first")))]
    pub distribute: Vec<Distribution>,
}

/// The next region after the caller's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegionFailover {
    /// The caller's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("x-default" = "every region but `to`")))]
    pub from: Option<String>,
    /// The next region.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label"))]
    pub to: String,
}

/// Shares of the calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Distribution {
    /// The place of the caller's cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::place", extend("x-default" = "anywhere")))]
    pub from: Option<String>,
    /// Regions, zones as `region/zone`, or clusters as `region/zone/cluster`, with the percentage of the calls that each
    /// gets; together 100. All others get none.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::shares"))]
    pub to: BTreeMap<String, u32>,
}
