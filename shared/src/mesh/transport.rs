//! `spec.transport` and `spec.services[].transport`: how calls travel between clusters.

use serde::{Deserialize, Serialize};

use super::{Service, Spec};

/// How requests travel between clusters.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Plain HTTP to the other cluster's ingress gateway.
    #[default]
    Http,
    /// TLS from the caller's sidecar to the other cluster's ingress gateway.
    Tls,
    /// Mutual TLS from the caller's sidecar to the service's, through the other cluster's east-west gateway.
    Mtls,
}

impl Transport {
    /// The name in the document.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Spec {
    /// The transport of a service's calls.
    pub fn transport_of(&self, service: &Service) -> Transport {
        service.transport.or(self.transport).unwrap_or_default()
    }

    /// Whether any service uses the transport; without services, whether it is the default.
    pub fn has_transport(&self, transport: Transport) -> bool {
        let mut services = self.services.iter();
        self.services.is_empty() && self.transport.unwrap_or_default() == transport
            || services.any(|service| self.transport_of(service) == transport)
    }
}
