//! The DestinationRules of a service: nearest locality first, or as [`crate::locality`] says, and away from
//! gateways that fail.
//!
//! One for each name with more than one cluster behind it. Locality failover does nothing without
//! outlier detection, and without `maxEjectionPercent: 100` it stops short of the last endpoint of
//! a locality, so the three always come together; `minHealthPercent: 1` lets calls try everything when
//! all endpoints are out at once, instead of failing until one is let in again. Only gateway errors (502,
//! 503, 504, connections that fail) eject: an application's own 500 is no reason to leave a cluster. Of
//! TCP and TLS only connections that fail are seen. A connection that is not there within `connectTimeout`,
//! in which Envoy counts the TLS handshake, has failed.
//!
//! With `transport: tls` rules also make the sidecars begin a TLS session with the gateway. Without a
//! name in them a sidecar sends the request's own, and takes no certificate that is not for it. Names
//! that need nothing else share a rule by wildcard, since Istio goes by the most specific one: that
//! keeps the number of rules from growing with the services. No rule names a Secret
//! (`credentialName`): without a workloadSelector sidecars leave out TLS for one, and say nothing. With
//! `transport: mtls` every name has a rule, see [`super::mutual`].

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::service_entry::has_entry;
use super::{Istio, all, export, mutual, skeleton};
use crate::locality::shares;
use crate::mesh::Protocol;
use crate::object::Object;
use crate::placed::Placed;
use crate::published::{Level, PublishedName, fails_over};
use crate::resolved::{ISTIO_NAMESPACE, IstioVersion, Port, Resolved, Service, Tls};

/// The settings by which calls leave a gateway that fails: a TrafficPolicy, whose `connectTimeout` is the
/// service's. Before Istio 1.5 there is one count of
/// failures, which are gateway errors only, and localities are a matter of the mesh as a whole. In 1.0 any
/// status of 500 and above counts, and calls try everything as soon as less than half of the endpoints are well.
pub(crate) fn failover_policy(istio: IstioVersion) -> Value {
    if istio.is_oldest() {
        return skeleton(
            r#"{"connectionPool":{"tcp":{"connectTimeout":""}},
            "outlierDetection":{"consecutiveErrors":1,"interval":"1s",
            "baseEjectionTime":"10s","maxEjectionPercent":100}}"#,
        );
    }
    if !istio.has_locality() {
        return skeleton(
            r#"{"connectionPool":{"tcp":{"connectTimeout":""}},
            "outlierDetection":{"consecutiveErrors":1,"interval":"1s",
            "baseEjectionTime":"10s","maxEjectionPercent":100,"minHealthPercent":1}}"#,
        );
    }
    skeleton(
        r#"{"connectionPool":{"tcp":{"connectTimeout":""}},
        "loadBalancer":{"localityLbSetting":{"enabled":true}},
        "outlierDetection":{"consecutive5xxErrors":0,"consecutiveGatewayErrors":1,"interval":"1s",
        "baseEjectionTime":"10s","maxEjectionPercent":100,"minHealthPercent":1}}"#,
    )
}

pub(super) fn render(clusters: &[usize], service: &Service, resolved: &Resolved) -> Vec<Placed> {
    service
        .names
        .iter()
        .filter(|name| has_rule(name, service, resolved))
        .map(|name| {
            let host = name.host.as_str();
            let mut body = skeleton(r#"{"spec":{"host":"","trafficPolicy":{}}}"#);
            body["spec"]["host"] = host.into();
            export(&mut body, service);
            if service.locality.shares.is_empty() {
                body["spec"]["trafficPolicy"] = policy(None, name, service, resolved);
                let object = object(host, body, resolved);
                return Placed::same(object, service.id(), clusters.to_vec());
            }
            let of_client = |client| vec![policy(Some(client), name, service, resolved)];
            let policies = clusters.iter().map(|&client| (client, of_client(client)));
            let template = object(host, body, resolved);
            Placed::with_fields(template, service.id(), &[POLICY], policies.collect())
        })
        .collect()
}

const POLICY: &[&str] = &["spec", "trafficPolicy"];

/// How calls for a name are made from the cluster `client`, or from any where all do the same.
fn policy(
    client: Option<usize>,
    name: &PublishedName,
    service: &Service,
    resolved: &Resolved,
) -> Value {
    let mut policy = json!({});
    if fails_over(name, &service.names) {
        policy = failover_policy(resolved.istio);
        policy["connectionPool"]["tcp"]["connectTimeout"] = service.connect_timeout.as_str().into();
        for (field, value) in &service.outlier_detection {
            policy["outlierDetection"][field] = value.clone();
        }
        if let Some(shares) = client.and_then(|client| shares(client, name, service, resolved)) {
            let shares: BTreeMap<String, u8> = shares
                .iter()
                .map(|(place, share)| (place.to_string(), *share))
                .collect();
            // From wherever in the cluster: its nodes may be in more zones than one.
            policy["loadBalancer"]["localityLbSetting"]["distribute"] =
                json!([{ "from": "*", "to": shares }]);
        } else if !service.locality.next.is_empty() {
            let next = service.locality.next.iter();
            policy["loadBalancer"]["localityLbSetting"]["failover"] = next
                .map(|(from, to)| json!({ "from": from.as_str(), "to": to.as_str() }))
                .collect();
        }
    }
    if service.is_mutual() {
        mutual::add(&mut policy, name, service, resolved);
        return policy;
    }
    match &resolved.tls {
        Some(tls) if service.is_http() => {
            // A port's own settings take the place of all others.
            let others: Vec<Value> = ports_without_tls(name, service)
                .map(|port| {
                    let mut settings = policy.clone();
                    settings["port"] = json!({ "number": port.published });
                    settings["tls"] = no_tls();
                    settings
                })
                .collect();
            policy["tls"] = origination(tls);
            if !others.is_empty() {
                policy["portLevelSettings"] = others.into();
            }
        }
        // The rule for many names would have TLS for it.
        Some(_) => policy["tls"] = no_tls(),
        None => {}
    }
    policy
}

/// The rules for names that need no more than TLS: `*.<federation>.svc.<suffix>` and its like for
/// regions and zones.
pub(super) fn render_wide(resolved: &Resolved) -> Vec<Placed> {
    let Some(tls) = &resolved.tls else {
        return Vec::new();
    };
    let mut endings: Vec<&str> = Vec::new();
    for service in &resolved.services {
        for name in &service.names {
            if service.is_mutual()
                || name.level == Level::Vanity
                || has_rule(name, service, resolved)
            {
                continue;
            }
            // Behind the labels of service and namespace.
            let ending = name.host.as_str().splitn(3, '.').nth(2).unwrap_or_default();
            if !endings.contains(&ending) {
                endings.push(ending);
            }
        }
    }
    endings
        .into_iter()
        .map(|ending| {
            let mut body = skeleton(r#"{"spec":{"host":"","trafficPolicy":{}}}"#);
            body["spec"]["host"] = format!("*.{ending}").into();
            body["spec"]["trafficPolicy"]["tls"] = origination(tls);
            let object = object(&format!("{WIDE}{ending}"), body, resolved);
            Placed::same(object, "tls", all(resolved))
        })
        .collect()
}

/// What the names of rules for many names begin with: no label of a service stands there.
pub const WIDE: &str = "any.";

fn object(name: &str, body: Value, resolved: &Resolved) -> Object {
    let kind = Istio(resolved.istio).destination_rule();
    Object::new(kind, Some(ISTIO_NAMESPACE), name, body)
}

/// The settings for bytes that are sent as they are. Istio takes no settings that say nothing.
fn no_tls() -> Value {
    json!({ "mode": "DISABLE" })
}

/// Whether a name has a rule of its own.
fn has_rule(name: &PublishedName, service: &Service, resolved: &Resolved) -> bool {
    // Under a wildcard every port would have TLS, and vanity names are under none.
    let not_wide = name.level == Level::Vanity || ports_without_tls(name, service).count() > 0;
    has_entry(name, service)
        && (fails_over(name, &service.names)
            || service.is_mutual()
            || (resolved.tls.is_some() && not_wide))
}

/// The ports in a name's entry whose bytes gateways pass on as they are.
fn ports_without_tls<'a>(
    name: &PublishedName,
    service: &'a Service,
) -> impl Iterator<Item = &'a Port> {
    let is_global = name.level == Level::Global;
    let ports = service.ports.iter();
    ports.filter(move |port| match port.protocol {
        Protocol::Http | Protocol::Http2 | Protocol::Grpc => false,
        Protocol::Tls => true,
        Protocol::Tcp => is_global,
    })
}

fn origination(tls: &Tls) -> Value {
    let mut settings = skeleton(r#"{"mode":"SIMPLE"}"#);
    settings["caCertificates"] = tls.ca.as_str().into();
    settings
}
