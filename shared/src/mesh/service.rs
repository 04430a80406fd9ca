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
    /// What happens to calls while a cluster fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<Failover>,
    /// The request by which the service is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
}

/// What happens to calls while a cluster fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failover {
    /// Whether a call may be sent again, to another cluster, although it may have arrived; left
    /// open, only calls that cannot have arrived are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<bool>,
    /// How long each try may take, such as `500ms`, where calls may be repeated; default
    /// [`crate::resolved::DEFAULT_PER_TRY_TIMEOUT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_try_timeout: Option<String>,
}

/// The request by which a service is tried: a GET.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probe {
    /// Its path; default the first exact route, else the first prefix, else `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The status of a good answer; default any below 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u32>,
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
