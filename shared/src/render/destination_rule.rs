//! The DestinationRules of a service: nearest locality first, or by [`crate::traffic::locality`], and ejection of failing
//! gateways.
//!
//! Every name whose calls go to several clusters has one. Names without other settings share a wildcard rule, since
//! Istio uses the most specific one: so the number of rules does not grow with the services. Locality failover has no
//! effect without outlier detection, and without `maxEjectionPercent: 100` it spares the last endpoint of a locality,
//! so the three always come together; `minHealthPercent: 1` lets calls try every endpoint when all are ejected, instead
//! of failing until one returns. Only gateway errors (502, 503, 504, failed connections) eject: an application's own
//! 500 is no reason to leave a cluster. For TCP and TLS only failed connections count. A connection that is not
//! established within `connectTimeout`, which in Envoy includes the TLS handshake, has failed.
//!
//! With `transport: tls` rules also make the sidecars originate TLS to the gateway. Without an SNI in the rule a
//! sidecar sends the request's host, and verifies the certificate against it. No rule uses a Secret (`credentialName`):
//! without a workloadSelector sidecars then silently skip TLS. With `transport: mtls` every name has a rule, see
//! [`super::mutual`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::coverage::{WIDE, has_entry, is_identified_by_tls};
use super::{Istio, all, coverage, exported, mutual, skeleton};
use crate::defaults::{DEFAULT_CONNECT_TIMEOUT, ISTIO_NAMESPACE};
use crate::istio::IstioVersion;
use crate::kubernetes::object::Object;
use crate::mesh::Protocol;
use crate::placed::Placed;
use crate::resolved::preferences::Preferences;
use crate::resolved::published::{Level, PublishedName};
use crate::resolved::{Port, Resolved, Service, Tls};
use crate::traffic::endpoints::{Destination, destination, endpoints, fails_over, not_by_dns};
use crate::traffic::locality::{next, shares, weights};

/// The TrafficPolicy by which calls leave a failing gateway. Before Istio 1.5 there is one count of failures, for
/// gateway errors only, and localities are set for the whole mesh. In 1.0 any status of 500 and above counts, and calls
/// try every endpoint as soon as less than half of them are healthy.
pub(crate) fn failover_policy(istio: IstioVersion, connect_timeout: &str) -> Value {
    let mut policy = if istio.is_oldest() {
        skeleton(
            r#"{"connectionPool":{"tcp":{"connectTimeout":""}},
            "outlierDetection":{"consecutiveErrors":1,"interval":"1s",
            "baseEjectionTime":"10s","maxEjectionPercent":100}}"#,
        )
    } else if !istio.has_locality() {
        skeleton(
            r#"{"connectionPool":{"tcp":{"connectTimeout":""}},
            "outlierDetection":{"consecutiveErrors":1,"interval":"1s",
            "baseEjectionTime":"10s","maxEjectionPercent":100,"minHealthPercent":1}}"#,
        )
    } else {
        skeleton(
            r#"{"connectionPool":{"tcp":{"connectTimeout":""}},
            "loadBalancer":{"localityLbSetting":{"enabled":true}},
            "outlierDetection":{"consecutive5xxErrors":0,"consecutiveGatewayErrors":1,"interval":"1s",
            "baseEjectionTime":"10s","maxEjectionPercent":100,"minHealthPercent":1}}"#,
        )
    };
    policy["connectionPool"]["tcp"]["connectTimeout"] = connect_timeout.into();
    policy
}

pub(super) fn render(clusters: &[usize], service: &Service, resolved: &Resolved) -> Vec<Placed> {
    let mut placed = Vec::new();
    if !can_have_rules(service, resolved) {
        return placed;
    }
    for name in &service.names {
        // Where calls follow DNS, only mutual TLS needs a rule.
        let mut clients: Vec<usize> = if service.is_mutual() {
            clusters.to_vec()
        } else {
            not_by_dns(clusters, name, service, resolved).collect()
        };
        clients.retain(|&client| has_rule(client, name, service, resolved));
        if clients.is_empty() {
            continue;
        }
        let host = name.host.as_str();
        let mut body = skeleton(r#"{"spec":{"host":"","trafficPolicy":{}}}"#);
        body["spec"]["host"] = host.into();
        let template = object(host, body, resolved);
        let policies = clients.into_iter().map(|client| {
            let policy = policy(client, name, service, resolved);
            (client, vec![policy])
        });
        let policies = policies.collect();
        placed.push(exported(template, service, &[POLICY], policies, resolved));
    }
    placed
}

const POLICY: &[&str] = &["spec", "trafficPolicy"];

/// The policy of calls for a name from the cluster `client`.
fn policy(client: usize, name: &PublishedName, service: &Service, resolved: &Resolved) -> Value {
    let mut policy = json!({});
    if fails_over(client, name, service, resolved) {
        policy = failover_policy(resolved.istio, &service.connect_timeout);
        for (field, value) in &service.outlier_detection {
            policy["outlierDetection"][field] = value.clone();
        }
        if let Some(shares) = shares(client, name, service, resolved) {
            let endpoints = endpoints(client, name, service, resolved).into_iter();
            let endpoints: Vec<(usize, String)> = endpoints
                .map(|endpoint| (endpoint.cluster, endpoint.locality))
                .collect();
            let shares = weights(shares, &endpoints, &resolved.clusters);
            // From anywhere in the cluster: its nodes may be in several zones.
            policy["loadBalancer"]["localityLbSetting"]["distribute"] =
                json!([{ "from": "*", "to": shares }]);
        } else {
            let serving = &service.clusters;
            let next = next(client, &service.locality, serving, &resolved.clusters);
            add_next(&mut policy, next);
        }
    }
    if service.is_mutual() {
        mutual::add(&mut policy, name, service, resolved);
        return policy;
    }
    match &resolved.tls {
        Some(tls) if service.is_http() => {
            let others = ports_without_tls(name, service).map(|port| port.published);
            begin_tls(&mut policy, tls, others);
        }
        // The rule for many names would set TLS for it.
        Some(_) => policy["tls"] = no_tls(),
        None => {}
    }
    policy
}

/// Adds the regions that precede the rest, by the caller's region. Before Istio 1.5 a rule has no localities.
fn add_next(policy: &mut Value, next: BTreeMap<String, String>) {
    let setting = policy.pointer_mut("/loadBalancer/localityLbSetting");
    if let Some(setting) = setting.filter(|_| !next.is_empty()) {
        let next = next.into_iter();
        setting["failover"] = next
            .map(|(from, to)| json!({ "from": from, "to": to }))
            .collect();
    }
}

/// The rules for the names of many services: `*.<federation>.svc.<suffix>` and the same for regions and zones, where
/// calls leave a failing cluster, and with TLS `*.<region>.<suffix>` for all other names.
pub(super) fn render_wide(resolved: &Resolved) -> Vec<Placed> {
    let mut placed = Vec::new();
    let endings = endings(resolved);
    for (ending, clients) in &endings {
        let clients = clients.iter().map(|&client| {
            let mut policy = failover_policy(resolved.istio, DEFAULT_CONNECT_TIMEOUT);
            add_next(&mut policy, before_the_rest(client, resolved));
            add_wide_tls(&mut policy, resolved);
            (client, policy)
        });
        placed.push(wide(ending, clients.collect(), resolved));
    }
    if resolved.tls.is_some() {
        let mut all_endings = coverage::region_endings(resolved);
        let global = format!("{}.svc.{}", resolved.dns.federation, resolved.dns.suffix);
        all_endings.insert(global);
        for ending in all_endings {
            if !endings.contains_key(&ending) {
                let mut policy = json!({});
                add_wide_tls(&mut policy, resolved);
                let clients = all(resolved).into_iter();
                let clients = clients.map(|client| (client, policy.clone())).collect();
                placed.push(wide(&ending, clients, resolved));
            }
        }
    }
    placed
}

/// Those of a service that any cluster may run.
fn before_the_rest(client: usize, resolved: &Resolved) -> BTreeMap<String, String> {
    next(
        client,
        &Preferences::default(),
        &all(resolved),
        &resolved.clusters,
    )
}

fn wide(ending: &str, clients: Vec<(usize, Value)>, resolved: &Resolved) -> Placed {
    let mut body = skeleton(r#"{"spec":{"host":"","trafficPolicy":{}}}"#);
    body["spec"]["host"] = format!("*.{ending}").into();
    let object = object(&format!("{WIDE}{ending}"), body, resolved);
    let clients = clients
        .into_iter()
        .map(|(client, policy)| (client, vec![policy]));
    Placed::with_fields(object, coverage::SUBJECT, &[POLICY], clients.collect())
}

/// The suffixes after service and namespace of names whose calls leave a failing cluster and that have no rule of their
/// own; with the clusters that have such names.
fn endings(resolved: &Resolved) -> BTreeMap<String, BTreeSet<usize>> {
    let clusters = all(resolved);
    let mut endings: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for service in &resolved.services {
        let clusters = service.called_from(&clusters);
        for name in &service.names {
            let ending = coverage::behind_service(name);
            for client in not_by_dns(&clusters, name, service, resolved) {
                let known = endings.get(ending);
                let is_known = known.is_some_and(|clients| clients.contains(&client));
                if !is_known && needs_wide_rule(client, name, service, resolved) {
                    endings.entry(ending.to_owned()).or_default().insert(client);
                }
            }
        }
    }
    endings
}

fn needs_wide_rule(
    client: usize,
    name: &PublishedName,
    service: &Service,
    resolved: &Resolved,
) -> bool {
    has_endpoints(client, name, service, resolved)
        && fails_over(client, name, service, resolved)
        && !has_rule(client, name, service, resolved)
}

/// Sets TLS for every port except those that gateways pass through.
fn add_wide_tls(policy: &mut Value, resolved: &Resolved) {
    let Some(tls) = &resolved.tls else { return };
    let shared = resolved.shared_ports.iter();
    let passthrough = shared.filter(|(_, protocol)| **protocol == Protocol::Tls);
    begin_tls(policy, tls, passthrough.map(|(published, _)| *published));
}

/// Sets TLS for every port except `others`: a port's own settings replace all others.
fn begin_tls(policy: &mut Value, tls: &Tls, others: impl Iterator<Item = u16>) {
    let others = others.map(|published| {
        let mut settings = policy.clone();
        settings["port"] = json!({ "number": published });
        settings["tls"] = no_tls();
        settings
    });
    let others: Vec<Value> = others.collect();
    policy["tls"] = origination(tls);
    if !others.is_empty() {
        policy["portLevelSettings"] = others.into();
    }
}

fn object(name: &str, body: Value, resolved: &Resolved) -> Object {
    let kind = Istio(resolved.istio).destination_rule();
    Object::new(kind, Some(ISTIO_NAMESPACE), name, body)
}

/// The settings for bytes that are sent unchanged. Istio rejects empty settings.
fn no_tls() -> Value {
    json!({ "mode": "DISABLE" })
}

/// Whether a name has a rule of its own in a cluster: the rules for many names lack settings of its service.
fn has_rule(client: usize, name: &PublishedName, service: &Service, resolved: &Resolved) -> bool {
    if service.is_mutual() {
        let destination = destination(client, name, service, resolved);
        let is_led_away =
            matches!(destination, Destination::SameAs(_)) && !is_identified_by_tls(service);
        return has_entry(name, service) && !is_led_away;
    }
    if !has_endpoints(client, name, service, resolved) {
        return false;
    }
    // The suffix of a vanity name is not one of published names only.
    let is_alone = has_policy(service) || name.level == Level::Vanity;
    (is_alone && fails_over(client, name, service, resolved))
        || (resolved.tls.is_some() && ports_without_tls(name, service).count() > 0)
}

/// Whether any name of a service can have a rule.
fn can_have_rules(service: &Service, resolved: &Resolved) -> bool {
    let has_vanity_name = || service.names.iter().any(|name| name.level == Level::Vanity);
    service.is_mutual() || resolved.tls.is_some() || has_policy(service) || has_vanity_name()
}

/// Whether failover differs from the rules for many names.
fn has_policy(service: &Service) -> bool {
    service.connect_timeout != DEFAULT_CONNECT_TIMEOUT
        || !service.outlier_detection.is_empty()
        || !service.locality.is_usual()
}

/// Whether sidecars have endpoints for a name: in an entry of its own, or as a further host of another name's.
fn has_endpoints(
    client: usize,
    name: &PublishedName,
    service: &Service,
    resolved: &Resolved,
) -> bool {
    let is_host = match destination(client, name, service, resolved) {
        Destination::Endpoints => true,
        Destination::SameAs(_) => is_identified_by_tls(service),
        Destination::OwnGateway | Destination::Dns => false,
    };
    has_entry(name, service) && is_host
}

/// The ports in a name's entry that gateways pass through.
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
