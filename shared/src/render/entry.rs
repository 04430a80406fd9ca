//! Parts of ServiceEntries: ports and endpoints.

use serde_json::{Map, Value, json};

use crate::resolved::{Cluster, Gateway, Port, Resolved};

/// A port of an entry, with the gateways' port.
pub(super) fn rendered_port(port: &Port, at: u16) -> Value {
    let protocol = port.protocol.as_str().to_uppercase();
    let mut one = json!({ "number": port.published, "name": port.name(), "protocol": protocol });
    if at != port.published {
        one["targetPort"] = at.into();
    }
    one
}

/// The address of a gateway for the pods of its own cluster.
pub(super) fn inside(gateway: &Gateway, cluster: &Cluster) -> String {
    cluster.local_host(&gateway.service, &gateway.namespace)
}

/// An endpoint with its ports by name.
pub(super) fn rendered_endpoint(
    address: &str,
    ports: impl Iterator<Item = (String, u16)>,
    locality: String,
    resolved: &Resolved,
) -> Value {
    let ports: Map<String, Value> = ports.map(|(name, at)| (name, at.into())).collect();
    let mut endpoint = json!({ "address": address, "ports": ports });
    if !resolved.istio.is_oldest() {
        endpoint["locality"] = locality.into();
    }
    endpoint
}
