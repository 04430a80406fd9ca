//! The VirtualServices of a service inside the meshes: a call that fails is tried again, in another
//! cluster.
//!
//! One for each name with more than one cluster behind it, as for the rules of
//! [`super::destination_rule`], which name what a failure is. `retryRemoteLocalities` is what makes a
//! retry leave the locality that fails: without it, an endpoint whose ejection ends while it is still
//! down takes calls again. Calls that cannot have arrived are repeated for every service; those that
//! may have, only where the document says that they may be. TCP and TLS have no retries.
//!
//! Istio 1.0 repeats whatever ends in a status of 500 and above, calls that have arrived too: there only
//! services whose calls may be repeated have one.

use serde_json::{Value, json};

use super::{Istio, export, skeleton};
use crate::object::Object;
use crate::placed::Placed;
use crate::published::{Level, fails_over};
use crate::resolved::{ISTIO_NAMESPACE, IstioVersion, Port, Resolved, Retry, Service};

pub(super) fn render(clusters: &[usize], service: &Service, resolved: &Resolved) -> Vec<Placed> {
    let Some(retries) = retries(service, resolved.istio) else {
        return Vec::new();
    };
    let ports: Vec<&Port> = service
        .ports
        .iter()
        .filter(|port| port.protocol.is_http())
        .collect();
    service
        .names
        .iter()
        // The alias has the endpoints of the global name, and goes with it.
        .filter(|name| fails_over(name, &service.names) && name.level != Level::Vanity)
        .filter(|_| !ports.is_empty())
        .map(|name| {
            let mut hosts = vec![name.host.as_str()];
            if name.level == Level::Global {
                let vanity = service
                    .names
                    .iter()
                    .filter(|name| name.level == Level::Vanity);
                hosts.extend(vanity.map(|name| name.host.as_str()));
            }
            let routes: Vec<Value> = ports
                .iter()
                .map(|port| {
                    let mut route = skeleton(
                        r#"{"route":[{"destination":{"host":"","port":{"number":0}}}],"retries":{}}"#,
                    );
                    if ports.len() > 1 {
                        route = json!({ "match": [{ "port": port.published }], "route": route["route"] });
                    }
                    let destination = &mut route["route"][0]["destination"];
                    destination["host"] = name.host.as_str().into();
                    destination["port"]["number"] = port.published.into();
                    route["retries"] = retries.clone();
                    route
                })
                .collect();
            let mut body = skeleton(r#"{"spec":{"hosts":[],"gateways":["mesh"],"http":[]}}"#);
            body["spec"]["hosts"] = hosts.into();
            body["spec"]["http"] = routes.into();
            export(&mut body, service);
            let object = Object::new(
                Istio(resolved.istio).virtual_service(),
                Some(ISTIO_NAMESPACE),
                name.host.as_str(),
                body,
            );
            Placed::same(object, service.id(), clusters.to_vec())
        })
        .collect()
}

/// How calls are repeated; `None` where they are not.
fn retries(service: &Service, istio: IstioVersion) -> Option<Value> {
    let on = match &service.retry {
        Retry::Undelivered if istio.is_oldest() => return None,
        Retry::Undelivered => "connect-failure,refused-stream",
        Retry::All { .. } => "connect-failure,refused-stream,unavailable,reset,503",
    };
    let mut retries = json!({ "attempts": 3 });
    if !istio.is_oldest() {
        retries["retryOn"] = on.into();
    }
    if istio.has_locality() {
        retries["retryRemoteLocalities"] = true.into();
    }
    if let Retry::All { per_try_timeout } = &service.retry {
        retries["perTryTimeout"] = per_try_timeout.as_str().into();
    }
    Some(retries)
}
