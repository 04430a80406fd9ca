//! The DestinationRule of a service's pods in each cluster that runs it: its subsets, and its traffic policy for
//! gateways and for pods of the cluster.

use serde_json::{Value, json};

use super::Istio;
use crate::kubernetes::object::Object;
use crate::placed::Placed;
use crate::resolved::{Resolved, Service};

const HOST: &[&str] = &["spec", "host"];

pub(super) fn render(clusters: &[usize], service: &Service, resolved: &Resolved) -> Vec<Placed> {
    if service.subsets.is_empty() && service.traffic_policy.is_empty() {
        return Vec::new();
    }
    let locals = service.locals_in(clusters).into_iter();
    locals
        .map(|((namespace, name), clusters)| {
            let mut body = json!({ "spec": { "host": "" } });
            if !service.traffic_policy.is_empty() {
                body["spec"]["trafficPolicy"] = service.traffic_policy.clone().into();
            }
            if !service.subsets.is_empty() {
                body["spec"]["subsets"] = service.subsets.clone().into();
            }
            let object = Object::new(
                Istio(resolved.istio).destination_rule(),
                Some(namespace.as_str()),
                name.as_str(),
                body,
            );
            let hosts = clusters.into_iter().map(|at| {
                let host = resolved.clusters[at].local_host(name, namespace);
                (at, vec![Value::from(host)])
            });
            Placed::with_fields(object, service.id(), &[HOST], hosts.collect())
        })
        .collect()
}
