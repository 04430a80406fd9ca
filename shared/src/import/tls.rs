//! `transport: tls`: gateways that terminate it, and DestinationRules that originate it.

use super::names::Names;
use super::world::World;
use crate::defaults::{DEFAULT_TLS_PORT, SYSTEM_CA};
use crate::manifests::{Object, field, list, texts};
use crate::mesh::{Tls, TlsVersion};

/// `spec.tls`, if both ends of it exist.
pub(super) fn find(world: &World, names: &Names) -> Option<Tls> {
    let rules = world.of_kind("DestinationRule").map(|(_, object)| object);
    let mut origination = rules.filter_map(|object| origination(object, names));
    let ca = origination.next()?;
    let ended = |object: &Object| {
        let servers = list(field(&object.value, &["spec", "servers"])).iter();
        let ended = servers.filter(|server| is_ended(server));
        ended.cloned().collect::<Vec<_>>()
    };
    let gateways = world.of_kind("Gateway").map(|(_, object)| object);
    let (mut first, mut redirect, mut could) = (None, false, false);
    for object in gateways {
        let servers = ended(object);
        let at_usual = |server: &serde_json::Value| {
            let name = server["port"]["name"].as_str().unwrap_or_default();
            server["port"]["number"] == DEFAULT_TLS_PORT
                && name != format!("https-{DEFAULT_TLS_PORT}")
        };
        could |= servers.iter().any(at_usual);
        let all = list(field(&object.value, &["spec", "servers"])).iter();
        redirect |= all.into_iter().any(leads_on);
        first = first.or_else(|| servers.into_iter().next());
    }
    let tls = &first?["tls"];
    let oldest = tls["minProtocolVersion"].as_str();
    Some(Tls {
        credential_name: tls["credentialName"].as_str().map(str::to_owned),
        min_version: (oldest == Some(TlsVersion::V1_3.as_str())).then_some(TlsVersion::V1_3),
        // If gateways have another port there is no redirect, whatever the document sets.
        redirect: (could && !redirect).then_some(false),
        ca: Some(ca.to_owned()).filter(|ca| ca != SYSTEM_CA),
    })
}

/// The authorities of the gateways' certificates, in a rule for a published name, or for all below one.
fn origination<'a>(object: &'a Object, names: &Names) -> Option<&'a str> {
    let host = field(&object.value, &["spec", "host"]).as_str()?;
    let is_published = match host.strip_prefix("*.") {
        Some(end) => names.has_below(end),
        None => names.read(host).is_some(),
    };
    let tls = field(&object.value, &["spec", "trafficPolicy", "tls"]);
    let good = is_published && tls["mode"] == "SIMPLE";
    good.then(|| tls["caCertificates"].as_str().unwrap_or(SYSTEM_CA))
}

/// Whether a server of a Gateway terminates TLS for requests with a certificate of its own.
pub(super) fn is_ended(server: &serde_json::Value) -> bool {
    server["port"]["protocol"] == "HTTPS"
        && server["tls"]["mode"] == "SIMPLE"
        && server["tls"]["credentialName"].is_string()
        && texts(&server["hosts"]).next().is_some()
}

/// Whether a server only redirects requests to one with TLS.
pub(super) fn leads_on(server: &serde_json::Value) -> bool {
    server["tls"]["httpsRedirect"] == true
}
