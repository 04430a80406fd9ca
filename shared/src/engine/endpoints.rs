//! The default of `spec.endpoints`, which depends on the engine.

use crate::defaults::DEFAULT_ISTIO;
use crate::istio::{IstioVersion, OLDEST_ISTIO_WITH_WORKLOAD_ENTRIES};
use crate::mesh::{Endpoints, Spec};

impl Spec {
    /// How sidecars find the gateways of other clusters. By default by address, which costs sidecars least,
    /// if `fedmesh-agent follow` can update them and Istio has WorkloadEntries.
    pub fn endpoints(&self) -> Endpoints {
        self.endpoints.unwrap_or_else(|| {
            let istio = self.istio.as_deref().unwrap_or(DEFAULT_ISTIO);
            let has_entries = IstioVersion::parse(istio)
                .is_some_and(|istio| istio >= OLDEST_ISTIO_WITH_WORKLOAD_ENTRIES);
            let is_followed = self.target.unwrap_or_default().is_applied_to_each_cluster();
            if is_followed && has_entries {
                Endpoints::Addresses
            } else {
                Endpoints::Names
            }
        })
    }
}
