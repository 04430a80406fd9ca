//! `spec.sidecars`: the configuration of callers' sidecars.

use serde::{Deserialize, Serialize};

/// A Sidecar of Istio in each namespace of `callers`, which limits its proxies to the services that they call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sidecars {
    /// Further hosts that these namespaces call, as `namespace/dnsName`, such as `payments/*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::egress_hosts")
    )]
    pub hosts: Vec<String>,
}
