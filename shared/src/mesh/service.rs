//! `spec.services`: what is shared.

use serde::{Deserialize, Serialize};

/// A service that every cluster can call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// The name of the Kubernetes Service.
    pub name: String,
    /// Its namespace; default `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its HTTP port.
    pub port: u32,
    /// Also publish it as `<hostname>.<suffix>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Names of the clusters that run it; default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<Vec<String>>,
    /// The paths that the gateways let through; default all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<PathMatch>,
}

/// A match on the path of a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PathMatch {
    /// The whole path equals this text.
    Exact(String),
    /// The path starts with this text.
    Prefix(String),
}
