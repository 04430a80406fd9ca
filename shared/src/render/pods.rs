//! The DestinationRule of a service's pods in each cluster that runs it: its subsets, and how its pods are
//! called, by gateways and by pods of the cluster alike.

use serde_json::json;

use super::Istio;
use crate::object::Object;
use crate::placed::Placed;
use crate::resolved::{Resolved, Service};

pub(super) fn render(service: &Service, resolved: &Resolved) -> Option<Placed> {
    if service.subsets.is_empty() && service.traffic_policy.is_empty() {
        return None;
    }
    let mut body = json!({ "spec": { "host": service.local_host() } });
    if !service.traffic_policy.is_empty() {
        body["spec"]["trafficPolicy"] = service.traffic_policy.clone().into();
    }
    if !service.subsets.is_empty() {
        body["spec"]["subsets"] = service.subsets.clone().into();
    }
    let object = Object::new(
        Istio(resolved.istio).destination_rule(),
        Some(service.namespace.as_str()),
        service.name.as_str(),
        body,
    );
    Some(Placed::same(object, service.id(), service.clusters.clone()))
}
