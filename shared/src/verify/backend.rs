//! What stands behind a name in a cluster, and what of it keeps calls from being answered.

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
    /// What the document says is spoken there.
    pub protocol: Protocol,
    /// That port; `None` if the Service has no such port or is not there.
    pub port: Option<PortSeen>,
    /// Ready endpoints; `None` where nobody could look.
    pub ready: Option<usize>,
    /// The pods' port behind that port, if the Service is headless and it is another number.
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

/// What Istio takes for HTTP (istio `pkg/config/protocol/instance.go`), HTTP/2 first.
const HTTP: [&str; 6] = [
    "http2",
    "grpc",
    "grpc-web",
    "kubernetes.io/h2c",
    "http",
    "kubernetes.io/ws",
];

impl PortSeen {
    /// Whether Istio is told what is spoken: by `appProtocol`, else by the name up to the first dash.
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
            // Whatever Istio does not know is TCP to it.
            Protocol::Tcp | Protocol::Tls => !is_one_of(&HTTP),
        }
    }
}

impl Backend {
    /// A headless Service's name leads to its pods, whose port nobody puts in place of the Service's.
    pub(super) fn headless_port(&self) -> Option<Cause> {
        Some(Cause::HeadlessPort {
            cluster: self.cluster.clone(),
            service: self.service.clone(),
            port: self.number,
            target: self.headless_target?,
        })
    }

    /// Why Istio takes the port for another protocol, if it does.
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
            None => format!("there is no port {}", self.number),
        };
        Some(Cause::PortName {
            cluster: self.cluster.clone(),
            service: self.service.clone(),
            port,
        })
    }
}
