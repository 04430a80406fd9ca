//! `locality`: which of the clusters behind a name take the calls of which callers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which of the clusters behind a name take the calls of which callers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Locality {
    /// The region that comes after the caller's own; the first entry that fits a caller holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "all other regions alike")))]
    pub failover: Vec<RegionFailover>,
    /// In place of the nearest first: shares of the calls; the first entry that fits a caller holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "the nearest first")))]
    pub distribute: Vec<Distribution>,
}

/// The region that comes after the caller's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegionFailover {
    /// The caller's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("x-default" = "every region but `to`")))]
    pub from: Option<String>,
    /// The region whose clusters come next.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label"))]
    pub to: String,
}

/// Shares of the calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Distribution {
    /// Where the caller's cluster is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::place", extend("x-default" = "anywhere")))]
    pub from: Option<String>,
    /// Regions, or zones as `region/zone`, with the percentage of the calls that each takes; together
    /// 100. All others take none.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::shares"))]
    pub to: BTreeMap<String, u32>,
}
