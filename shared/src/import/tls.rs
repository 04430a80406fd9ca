//! `transport: tls`: gateways that terminate it, and DestinationRules that originate it.

use serde_json::Value;

use super::gateways::gateways_of;
use super::names::Names;
use super::services::{destination, is_at_gateway, local};
use super::world::World;
use crate::check::{Findings, code};
use crate::defaults::{DEFAULT_TLS_PORT, SYSTEM_CA};
use crate::manifests::{Object, field, list, texts};
use crate::mesh::{Tls, TlsVersion};

/// `spec.tls`, if gateways terminate TLS for published names: sidecars start it, or no sidecar calls them by rules of
/// its own, and each name has a certificate.
pub(super) fn find(world: &World, names: &Names, findings: &mut Findings) -> Option<Tls> {
    let mut rules = world.of_kind("DestinationRule").map(|(_, object)| object);
    let ca = rules.find_map(|object| origination(object, names));
    let gateways: Vec<&Object> = match ca {
        Some(_) => world.of_kind("Gateway").map(|(_, object)| object).collect(),
        None => with_certificates(world)?,
    };
    let servers = |gateway: &&'_ Object| list(&gateway.value["spec"]["servers"]).to_vec();
    let all: Vec<Value> = gateways.iter().flat_map(servers).collect();
    let mut ended = all.iter().filter(|server| is_ended(server)).peekable();
    let tls = &ended.peek()?["tls"];
    let at_usual = |server: &Value| {
        let name = server["port"]["name"].as_str().unwrap_or_default();
        server["port"]["number"] == DEFAULT_TLS_PORT && name != format!("https-{DEFAULT_TLS_PORT}")
    };
    let could = ended.any(at_usual);
    let mut redirect = all.iter().any(leads_on);
    if ca.is_none() {
        findings.warning(
            code::ASSUMED,
            "spec.tls.ca",
            "no DestinationRule has the authorities of the gateways' certificates".into(),
            "set `tls.ca` if the image of the sidecars does not have them".into(),
        );
        redirect |= plain(&gateways, findings);
    }
    let oldest = tls["minProtocolVersion"].as_str();
    Some(Tls {
        credential_name: tls["credentialName"].as_str().map(str::to_owned),
        min_version: (oldest == Some(TlsVersion::V1_3.as_str())).then_some(TlsVersion::V1_3),
        // If gateways have another port there is no redirect, whatever the document sets.
        redirect: (could && !redirect).then_some(false),
        ca: ca.filter(|ca| *ca != SYSTEM_CA).map(str::to_owned),
    })
}

/// The Gateways of other tools' VirtualServices, if they terminate TLS for all hosts; a document has no services with
/// TLS beside others without.
fn with_certificates(world: &World) -> Option<Vec<&Object>> {
    let mut all: Vec<&Object> = Vec::new();
    for (cluster, object) in world.of_kind("VirtualService") {
        let is_shared = is_at_gateway(object) && destination(object).is_some();
        if !is_shared || object.routes("http").is_empty() {
            continue;
        }
        if object.is_ours() {
            return None;
        }
        let gateways: Vec<&Object> = gateways_of(world, cluster, object).collect();
        let servers = || {
            gateways
                .iter()
                .flat_map(|one| list(&one.value["spec"]["servers"]))
        };
        let hosts = texts(field(&object.value, &["spec", "hosts"]));
        let mut outside = hosts.filter(|host| local(&(*host).into(), object).is_none());
        let has_certificate =
            |host: &str| servers().any(|server| is_ended(server) && accepts(server, host));
        if !outside.all(has_certificate) {
            return None;
        }
        for gateway in gateways {
            if !all.iter().any(|known| std::ptr::eq(*known, gateway)) {
                all.push(gateway);
            }
        }
    }
    (!all.is_empty()).then_some(all)
}

/// Whether a server of a Gateway has a host, or one that it is a part of.
fn accepts(server: &Value, host: &str) -> bool {
    texts(&server["hosts"]).any(|of_server| {
        let of_server = of_server.rsplit('/').next().unwrap_or(of_server);
        let within = |wide: &str, host: &str| {
            wide.strip_prefix('*')
                .is_some_and(|ending| host.ends_with(ending))
        };
        of_server == host || within(of_server, host) || within(host, of_server)
    })
}

/// Reports the servers that also route plain requests. Returns whether there are any.
fn plain(gateways: &[&Object], findings: &mut Findings) -> bool {
    let mut found = Findings::default();
    for gateway in gateways {
        for (number, server) in list(&gateway.value["spec"]["servers"]).iter().enumerate() {
            if has_protocol(server, "HTTP") && !leads_on(server) {
                found.warning(
                    code::NOT_CARRIED,
                    &format!("{} spec.servers[{number}]", gateway.place()),
                    "plain requests are not routed, since gateways terminate TLS: the document redirects or refuses them".into(),
                    "use `https` in callers that no sidecar has".into(),
                );
            }
        }
    }
    let has_plain = !found.0.is_empty();
    findings.add_new(found);
    has_plain
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
pub(super) fn is_ended(server: &Value) -> bool {
    has_protocol(server, "HTTPS")
        && server["tls"]["mode"] == "SIMPLE"
        && server["tls"]["credentialName"].is_string()
        && texts(&server["hosts"]).next().is_some()
}

/// Whether a server of a Gateway has a protocol, which Istio reads in any case.
pub(super) fn has_protocol(server: &Value, protocol: &str) -> bool {
    let given = server["port"]["protocol"].as_str();
    given.is_some_and(|given| given.eq_ignore_ascii_case(protocol))
}

/// Whether a server only redirects requests to one with TLS.
pub(super) fn leads_on(server: &Value) -> bool {
    server["tls"]["httpsRedirect"] == true
}
