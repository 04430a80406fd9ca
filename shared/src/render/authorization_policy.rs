//! The `AuthorizationPolicy` of a service in mutual TLS, in each cluster that runs it: other clients than its callers
//! are refused.
//!
//! It denies by `notPrincipals` instead of allowing by `principals`: Istio accepts a request that any `ALLOW` policy
//! matches, so another policy could open the service again, while no policy overrules a `DENY`. A client without mutual
//! TLS has no principal, and is refused too.

use serde_json::json;

use super::{Istio, skeleton};
use crate::kubernetes::object::Object;
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

/// Suffix of the policy's name after the service's, so that it is unique.
pub const SUFFIX: &str = "-callers";
