//! The ServiceExport of a service in each cluster that runs it, by which a controller of the Multi-Cluster
//! Services API (KEP-1645) makes it known to others. The ServiceImports are that controller's to make, and
//! names below `clusterset.local` its to answer: they lead from pod to pod, past the gateways.

use serde_json::json;

use crate::object::{Kind, Object};
use crate::placed::Placed;
use crate::resolved::Service;

pub(super) fn render(clusters: &[usize], service: &Service) -> Vec<Placed> {
    if !service.mcs {
        return Vec::new();
    }
    let locals = service.locals_in(clusters).into_iter();
    locals
        .map(|((namespace, name), clusters)| {
            let namespace = Some(namespace.as_str());
            let object = Object::new(Kind::SERVICE_EXPORT, namespace, name.as_str(), json!({}));
            Placed::same(object, service.id(), clusters)
        })
        .collect()
}
