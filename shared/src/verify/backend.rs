//! The backend of a name in a cluster, and its faults that prevent answers.

use super::cause::Cause;
use crate::mesh::Protocol;

/// The Kubernetes Service behind a name, in one cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backend {
    /// The cluster.
    pub cluster: String,
    /// `namespace/name`.
    pub service: String,
    /// The port of the document.
    pub number: u16,
    /// The protocol in the document.
    pub protocol: Protocol,
    /// That port; `None` if the Service has no such port or does not exist.
    pub port: Option<PortSeen>,
    /// Ready endpoints; `None` if unknown.
    pub ready: Option<usize>,
    /// The pods' port for that port, if the Service is headless and its number differs.
    pub headless_target: Option<u16>,
}

/// A port of a Service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortSeen {
    /// Its name; may be empty.
    pub name: String,
    /// Its `appProtocol`; may be empty.
    pub app_protocol: String,
}

/// The protocols that Istio treats as HTTP (istio `pkg/config/protocol/instance.go`), HTTP/2 first.
const HTTP: [&str; 6] = [
    "http2",
    "grpc",
    "grpc-web",
    "kubernetes.io/h2c",
    "http",
    "kubernetes.io/ws",
];

impl PortSeen {
    /// Whether Istio detects the protocol: by `appProtocol`, else by the name up to the first dash.
    fn is_for(&self, protocol: Protocol) -> bool {
        let said = if self.app_protocol.is_empty() {
            self.name.split('-').next().unwrap_or_default().to_owned()
        } else {
            self.app_protocol.to_lowercase()
        };
        let is_one_of = |words: &[&str]| words.contains(&said.as_str());
        match protocol {
            Protocol::Http => is_one_of(&HTTP),
            Protocol::Http2 | Protocol::Grpc => is_one_of(&HTTP[..4]),
            // Istio treats an unknown protocol as TCP.
            Protocol::Tcp | Protocol::Tls => !is_one_of(&HTTP),
        }
    }
}

impl Backend {
    /// The fault of a headless Service: its name leads to its pods, whose port may differ from the Service's.
    pub(super) fn headless_port(&self) -> Option<Cause> {
        Some(Cause::HeadlessPort {
            cluster: self.cluster.clone(),
            service: self.service.clone(),
            port: self.number,
            target: self.headless_target?,
        })
    }

    /// The fault of a port whose protocol Istio detects differently.
    pub(super) fn port_fault(&self) -> Option<Cause> {
        let port = match &self.port {
            Some(port) if port.is_for(self.protocol) => return None,
            Some(PortSeen { name, app_protocol }) if !app_protocol.is_empty() => {
                format!(
                    "port {} ({name}) has appProtocol {app_protocol}",
                    self.number
                )
            }
            Some(PortSeen { name, .. }) if name.is_empty() => {
                format!("port {} has no name", self.number)
            }
            Some(PortSeen { name, .. }) => format!("port {} is named {name}", self.number),
            None => format!("port {} does not exist", self.number),
        };
        Some(Cause::PortName {
            cluster: self.cluster.clone(),
            service: self.service.clone(),
            port,
        })
    }
}
