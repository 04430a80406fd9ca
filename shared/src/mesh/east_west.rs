//! `spec.clusters[].eastWestGateway`: the gateway for mutual TLS from other clusters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The east-west gateway of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EastWestGateway {
    /// The gateway's Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("default" = crate::defaults::DEFAULT_EAST_WEST_SERVICE)))]
    pub service: Option<String>,
    /// The Service's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::label", extend("default" = crate::defaults::ISTIO_NAMESPACE)))]
    pub namespace: Option<String>,
    /// Labels of the gateway's pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "`istio: eastwestgateway`")))]
    pub selector: BTreeMap<String, String>,
    /// Its addresses for other clusters: IPv4, IPv6, or one host name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::addresses", extend("x-default" = "read by the agent from the Service's status")))]
    pub addresses: Vec<String>,
    /// The address of the Service inside its cluster, by which its own pods call it with `endpoints: addresses`.
    #[serde(default, rename = "clusterIP", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "read by the agent from the Service")))]
    pub cluster_ip: Option<String>,
    /// The port of the Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::port", extend("default" = crate::defaults::DEFAULT_EAST_WEST_PORT)))]
    pub port: Option<u32>,
}
