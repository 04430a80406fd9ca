//! `spec.endpoints`: how sidecars find the gateways of other clusters.

use serde::{Deserialize, Serialize};

use super::{Spec, Target};
use crate::defaults::DEFAULT_ISTIO;
use crate::istio::{IstioVersion, OLDEST_ISTIO_WITH_WORKLOAD_ENTRIES};

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

impl Spec {
    /// How sidecars find the gateways of other clusters. By default by address, which costs sidecars least,
    /// if `fedmesh-agent follow` can update them and Istio has WorkloadEntries.
    pub fn endpoints(&self) -> Endpoints {
        self.endpoints.unwrap_or_else(|| {
            let istio = self.istio.as_deref().unwrap_or(DEFAULT_ISTIO);
            let has_entries = IstioVersion::parse(istio)
                .is_some_and(|istio| istio >= OLDEST_ISTIO_WITH_WORKLOAD_ENTRIES);
            match self.target.unwrap_or_default() {
                Target::Direct if has_entries => Endpoints::Addresses,
                _ => Endpoints::Names,
            }
        })
    }
}
