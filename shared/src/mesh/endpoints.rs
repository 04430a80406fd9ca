//! `spec.endpoints`: how sidecars find the gateways of other clusters.

use serde::{Deserialize, Serialize};

/// How sidecars find the gateways of other clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Endpoints {
    /// The published names of their zones, which every sidecar resolves.
    Names,
    /// Their addresses, in a WorkloadEntry for each gateway, which no sidecar resolves.
    Addresses,
}
