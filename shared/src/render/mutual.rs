//! What a DestinationRule says of mutual TLS: that the sidecar begins it, for which name gateways pass it
//! on, and whom it takes for the service.
//!
//! The name is a port's, and so are the settings where there are several. Whom it takes is said where the
//! document knows the service account: Istio compares whole identities only. Without it, whoever has a
//! certificate of the common root is taken.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::skeleton;
use crate::endpoints::ports_of;
use crate::mutual::{identity, sni};
use crate::published::{Level, PublishedName};
use crate::resolved::{Port, Resolved, Service};

/// Adds it to the policy of a name.
pub(super) fn add(
    policy: &mut Value,
    name: &PublishedName,
    service: &Service,
    resolved: &Resolved,
) {
    let ports = ports_of(name.level == Level::Global, service);
    if let [port] = ports[..] {
        policy["tls"] = origination(port, service, resolved);
        return;
    }
    // A port's own settings take the place of all others.
    let settings = ports.into_iter().map(|port| {
        let mut settings = policy.clone();
        settings["port"] = json!({ "number": port.published });
        settings["tls"] = origination(port, service, resolved);
        settings
    });
    let settings: Vec<Value> = settings.collect();
    policy["portLevelSettings"] = settings.into();
}

fn origination(port: &Port, service: &Service, resolved: &Resolved) -> Value {
    let mut tls = skeleton(r#"{"mode":"ISTIO_MUTUAL","sni":""}"#);
    tls["sni"] = sni(port, service).into();
    if service.service_account.is_some() {
        // A name falls back by DNS, so any cluster that runs the service may answer.
        let clusters = service.clusters.iter();
        let identities: BTreeSet<String> = clusters
            .map(|&index| identity(service, &resolved.clusters[index]))
            .collect();
        tls["subjectAltNames"] = identities.into_iter().collect();
    }
    tls
}
