//! The VirtualService of a service inside the meshes: the destinations of its names, and retries in another cluster.
//!
//! Names with the same clusters share the entry of one of them: a name without a ServiceEntry costs a sidecar almost
//! nothing. `retryRemoteLocalities` makes a retry leave the failing locality: without it, an endpoint whose ejection
//! ends while it is still down gets calls again. Calls that cannot have arrived are retried for every service; those
//! that may have arrived, only if the document allows it. TCP and TLS have no retries.
//!
//! Istio 1.0 retries any status of 500 and above, including calls that have arrived: there only services whose calls
//! are retryable have retries.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Istio, exported, skeleton};
use crate::defaults::ISTIO_NAMESPACE;
use crate::istio::IstioVersion;
use crate::kubernetes::object::Object;
use crate::placed::Placed;
use crate::resolved::published::{Level, PublishedName};
use crate::resolved::{Port, Resolved, Retry, Service};
use crate::traffic::endpoints::{Destination, destination, fails_over, led_to, not_by_dns};

const FIELDS: &[&[&str]] = &[&["spec", "hosts"], &["spec", "http"]];

/// A name with endpoints, and all names that are routed to it, itself the first.
struct Led<'a> {
    to: &'a PublishedName,
    names: Vec<&'a PublishedName>,
}

pub(super) fn render(clusters: &[usize], service: &Service, resolved: &Resolved) -> Option<Placed> {
    let ports = service.ports.iter().filter(|port| port.protocol.is_http());
    let ports: Vec<&Port> = ports.collect();
    let retries = retries(service, resolved.istio);
    let fields: Vec<(usize, Vec<Value>)> = near(clusters, service, resolved)
        .into_iter()
        .filter_map(|(client, names)| {
            let mut led = led(client, names, service, resolved);
            led.retain(|one| {
                one.names.len() > 1
                    || (retries.is_some() && fails_over(client, one.to, service, resolved))
            });
            let hosts = led.iter().flat_map(|one| &one.names);
            let hosts: Vec<&str> = hosts.map(|name| name.host.as_str()).collect();
            let http = routes(&led, &ports, retries.as_ref());
            (!http.is_empty()).then(|| (client, vec![json!(hosts), http.into()]))
        })
        .collect();
    let global = service
        .names
        .iter()
        .find(|name| name.level == Level::Global)?;
    let body = skeleton(r#"{"spec":{"hosts":[],"gateways":["mesh"],"http":[]}}"#);
    let kind = Istio(resolved.istio).virtual_service();
    let object = Object::new(kind, Some(ISTIO_NAMESPACE), global.host.as_str(), body);
    (!fields.is_empty()).then(|| exported(object, service, FIELDS, fields, resolved))
}

/// For each of some clusters the names whose calls are routed; all others follow DNS.
fn near<'a>(
    clusters: &[usize],
    service: &'a Service,
    resolved: &Resolved,
) -> BTreeMap<usize, Vec<&'a PublishedName>> {
    let mut near: BTreeMap<usize, Vec<&PublishedName>> = BTreeMap::new();
    for name in &service.names {
        for client in not_by_dns(clusters, name, service, resolved) {
            near.entry(client).or_default().push(name);
        }
    }
    near
}

/// The routes from a cluster for some names; the global name last.
fn led<'a>(
    client: usize,
    names: Vec<&'a PublishedName>,
    service: &'a Service,
    resolved: &Resolved,
) -> Vec<Led<'a>> {
    let with_endpoints = names.into_iter().filter(|name| {
        let destination = destination(client, name, service, resolved);
        matches!(destination, Destination::Endpoints)
    });
    let led = with_endpoints.map(|to| Led {
        to,
        names: std::iter::once(to)
            .chain(led_to(client, to, service, resolved))
            .collect(),
    });
    let mut led: Vec<Led<'a>> = led.collect();
    led.sort_by_key(|one| one.to.level == Level::Global);
    led
}

/// Each port has routes of its own, if there are several; names are distinguished by a prefix of a request's authority,
/// which may have a port after it.
fn routes(led: &[Led<'_>], ports: &[&Port], retries: Option<&Value>) -> Vec<Value> {
    let mut routes = Vec::new();
    for port in ports {
        for (place, one) in led.iter().enumerate() {
            let mut matches: Vec<Value> = Vec::new();
            if place + 1 < led.len() {
                let names = one.names.iter();
                matches.extend(
                    names.map(|name| json!({ "authority": { "prefix": name.host.as_str() } })),
                );
            }
            if ports.len() > 1 {
                if matches.is_empty() {
                    matches.push(json!({}));
                }
                for one in &mut matches {
                    one["port"] = port.published.into();
                }
            }
            let mut route = json!({});
            if !matches.is_empty() {
                route["match"] = matches.into();
            }
            let destination =
                json!({ "host": one.to.host.as_str(), "port": { "number": port.published } });
            route["route"] = json!([{ "destination": destination }]);
            if let Some(retries) = retries {
                route["retries"] = retries.clone();
            }
            routes.push(route);
        }
    }
    routes
}

/// The retry policy; `None` without retries.
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
