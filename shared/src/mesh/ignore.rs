//! `spec.ignore`: fields that are left to other managers.

use serde::{Deserialize, Serialize};

/// Fields of some objects that are left to other managers once the objects exist, see
/// [ignored fields](#ignored-fields).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ignore {
    /// The kind of the objects, such as `DNSEndpoint`.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::kind"))]
    pub kind: String,
    /// Their namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("x-default" = "any")))]
    pub namespace: Option<String>,
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::object_name", extend("x-default" = "any")))]
    pub name: Option<String>,
    /// The fields, as JSON pointers (RFC 6901), such as `/spec/endpoints`.
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::pointers"))]
    pub fields: Vec<String>,
}
