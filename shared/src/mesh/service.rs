//! `spec.services`: what is shared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::passed_on::IstioFields;

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
    /// In place of `clusters`: those with these labels run it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::labels", extend("x-default" = "none")))]
    pub cluster_selector: BTreeMap<String, String>,
    /// The requests that the gateways let through, and what happens to them; see [routes](#routes).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::routes", extend("x-default" = "all, to the service")))]
    pub routes: Vec<IstioFields>,
    /// Parts of the service's pods, by their labels, for routes to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::subsets", extend("x-default" = "none")))]
    pub subsets: Vec<IstioFields>,
    /// How its pods are called in each cluster that runs it: connection limits, ejection of pods that
    /// fail, load balancing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::traffic_policy")
    )]
    pub traffic_policy: Option<IstioFields>,
    /// The namespaces whose pods see the published names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::schema::namespaces", extend("x-default" = "all")))]
    pub export_to: Vec<String>,
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
    /// When a gateway that fails is left alone, and for how long: changes to fedmesh's own settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::outlier_detection")
    )]
    pub outlier_detection: Option<IstioFields>,
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
