//! The VirtualServices of a service inside the meshes: a call that fails is tried again, in another
//! cluster.
//!
//! One for each name with more than one cluster behind it, as for the rules of
//! [`super::destination_rule`], which name what a failure is. `retryRemoteLocalities` is what makes a
//! retry leave the locality that fails: without it, an endpoint whose ejection ends while it is still
//! down takes calls again. Calls that cannot have arrived are repeated for every service; those that
//! may have, only where the document says that they may be.

use serde_json::json;

use super::{Istio, all};
use crate::object::Object;
use crate::placed::Placed;
use crate::published::{Level, fails_over};
use crate::resolved::{DEFAULT_GATEWAY_PORT, ISTIO_NAMESPACE, Resolved, Retry, Service};

pub(super) fn render(service: &Service, resolved: &Resolved) -> Vec<Placed> {
    let mut retries = json!({
        "attempts": 3,
        "retryOn": "connect-failure,refused-stream",
        "retryRemoteLocalities": true,
    });
    if let Retry::All { per_try_timeout } = &service.retry {
        retries["retryOn"] = json!("connect-failure,refused-stream,unavailable,reset,503");
        retries["perTryTimeout"] = json!(per_try_timeout);
    }
    service
        .names
        .iter()
        // The alias has the endpoints of the global name, and goes with it.
        .filter(|name| fails_over(name, &service.names) && name.level != Level::Vanity)
        .map(|name| {
            let mut hosts = vec![name.host.as_str()];
            if name.level == Level::Global {
                let vanity = service
                    .names
                    .iter()
                    .filter(|name| name.level == Level::Vanity);
                hosts.extend(vanity.map(|name| name.host.as_str()));
            }
            let object = Object::new(
                Istio(resolved.istio).virtual_service(),
                Some(ISTIO_NAMESPACE),
                name.host.as_str(),
                json!({
                    "spec": {
                        "hosts": hosts,
                        "gateways": ["mesh"],
                        "http": [{
                            "route": [{
                                "destination": {
                                    "host": name.host.as_str(),
                                    "port": { "number": DEFAULT_GATEWAY_PORT },
                                },
                            }],
                            "retries": retries,
                        }],
                    },
                }),
            );
            Placed::same(object, service.id(), all(resolved))
        })
        .collect()
}
