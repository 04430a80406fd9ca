//! Mutual TLS settings of a DestinationRule: origination by the sidecar, the SNI for gateways, and the accepted
//! identities.
//!
//! The SNI belongs to a port, so there are settings per port if there are several. Identities are set if the document
//! has the service account, since Istio compares whole identities only. Otherwise any certificate of the common root is
//! accepted.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::skeleton;
use crate::resolved::mutual::{identity, sni};
use crate::resolved::published::{Level, PublishedName};
use crate::resolved::{Port, Resolved, Service};
use crate::traffic::endpoints::ports_of;

/// Adds the settings to the policy of a name.
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
    // A port's own settings replace all others.
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
    tls["sni"] = sni(port, service, resolved).into();
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
