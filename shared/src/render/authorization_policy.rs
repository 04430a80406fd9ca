//! The `AuthorizationPolicy` of a service in mutual TLS, in each cluster that runs it: whoever is not among its
//! callers is refused.
//!
//! It denies by `notPrincipals` instead of allowing by `principals`: Istio takes a request that any `ALLOW` policy
//! lets in, so another one beside it could open the service again, while nothing overrules a `DENY`. A caller
//! without mutual TLS has no principal, and is refused too.

use serde_json::json;

use super::{Istio, skeleton};
use crate::object::Object;
use crate::placed::Placed;
use crate::resolved::{Resolved, Service};

pub(super) fn render(clusters: &[usize], service: &Service, resolved: &Resolved) -> Vec<Placed> {
    if !service.refuses_strangers() {
        return Vec::new();
    }
    let principals = service.principals(resolved);
    let locals = service.locals_in(clusters).into_iter();
    locals
        .map(|((namespace, name), clusters)| {
            let mut body = skeleton(
                r#"{"spec":{"selector":{"matchLabels":{}},"action":"DENY",
                "rules":[{"from":[{"source":{"notPrincipals":[]}}]}]}}"#,
            );
            body["spec"]["selector"]["matchLabels"] = json!(service.selector);
            body["spec"]["rules"][0]["from"][0]["source"]["notPrincipals"] = json!(principals);
            let kind = Istio(resolved.istio).authorization_policy();
            let object = Object::new(
                kind,
                Some(namespace.as_str()),
                format!("{name}{SUFFIX}"),
                body,
            );
            Placed::same(object, service.id(), clusters)
        })
        .collect()
}

/// What follows the service in the name of its policy, which is no other's then.
pub const SUFFIX: &str = "-callers";
