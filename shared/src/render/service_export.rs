//! The ServiceExport of a service in each cluster that runs it, for a controller of the Multi-Cluster Services API
//! (KEP-1645). That controller creates the ServiceImports and resolves names below `clusterset.local`, whose calls go
//! from pod to pod without the gateways.

use serde_json::json;

use crate::kubernetes::object::{Kind, Object};
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
