//! The Gateway of each serving cluster, for an existing gateway: its address is the host name of that gateway's
//! Service, so that Istio treats it as a manual deployment and creates no other.
//!
//! A listener has one host name, and a Gateway has at most 64 listeners: so each listener accepts all names below the
//! suffix, and the routes have the hosts. A name without a route is answered with 404, as before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::defaults::DEFAULT_GATEWAY_PORT;
use crate::kubernetes::object::{Kind, Object};
use crate::kubernetes::ownership;
use crate::mesh::Protocol;
use crate::placed::Placed;
use crate::render::gateway::{is_led_to, published};
use crate::render::skeleton;
use crate::resolved::{Port, Resolved, Service};

/// The class of Istio's gateways.
const CLASS: &str = r#"{"spec":{"gatewayClassName":"istio"}}"#;
/// The label of every namespace with its name.
const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";

/// Gateways of some clusters, and with TLS the routes that redirect plain requests.
pub(in crate::render) fn render(clusters: &[usize], resolved: &Resolved) -> Vec<Placed> {
    let mut by_namespace: BTreeMap<&str, Vec<(usize, Vec<Value>)>> = BTreeMap::new();
    let mut redirects: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for &index in clusters {
        let cluster = &resolved.clusters[index];
        let listeners = listeners(index, resolved);
        if listeners.is_empty() {
            continue;
        }
        let gateway = &cluster.gateway;
        let address = cluster.local_host(&gateway.service, &gateway.namespace);
        let namespace = gateway.namespace.as_str();
        if listeners.iter().any(|one| one["name"] == REDIRECT) && resolved.tls.is_some() {
            redirects.entry(namespace).or_default().push(index);
        }
        by_namespace.entry(namespace).or_default().push((
            index,
            vec![
                json!([{ "type": "Hostname", "value": address }]),
                listeners.into(),
            ],
        ));
    }
    let name = ownership::object_name(resolved.name.as_str());
    let fields: &[&[&str]] = &[&["spec", "addresses"], &["spec", "listeners"]];
    let gateways = by_namespace.into_iter().map(|(namespace, values)| {
        let kind = Kind::gateway_api("Gateway", "gateways");
        let template = Object::new(kind, Some(namespace), name.as_str(), skeleton(CLASS));
        Placed::with_fields(template, "gateway", fields, values)
    });
    let redirects = redirects.into_iter().map(|(namespace, clusters)| {
        let mut body = skeleton(
            r#"{"spec":{"parentRefs":[{"name":"","sectionName":""}],"rules":[{"filters":[
            {"type":"RequestRedirect","requestRedirect":{"scheme":"https","statusCode":301}}]}]}}"#,
        );
        let parent = &mut body["spec"]["parentRefs"][0];
        parent["name"] = name.as_str().into();
        parent["sectionName"] = REDIRECT.into();
        let kind = Kind::gateway_api("HTTPRoute", "httproutes");
        let object = Object::new(kind, Some(namespace), name.as_str(), body);
        Placed::same(object, "gateway", clusters)
    });
    gateways.chain(redirects).collect()
}

/// The listener for plain requests that are redirected; with TLS no other has its name.
const REDIRECT: &str = "http";

/// The listeners of a cluster's Gateway: one for each published port, by number, and with TLS one more for plain
/// requests.
fn listeners(cluster: usize, resolved: &Resolved) -> Vec<Value> {
    let gateway = &resolved.clusters[cluster].gateway;
    let below = format!("*.{}", resolved.dns.suffix);
    let mut listeners = Vec::new();
    for (port, services) in published(cluster, resolved) {
        let number = port.at(gateway);
        let mut listener = json!({ "name": listener_name(&port, resolved), "port": number });
        listener["protocol"] = port.protocol.as_str().to_uppercase().into();
        if port.protocol != Protocol::Tcp {
            listener["hostname"] = below.as_str().into();
        }
        match (port.protocol, &resolved.tls) {
            (Protocol::Tls, _) => listener["tls"] = skeleton(r#"{"mode":"Passthrough"}"#),
            (Protocol::Http, Some(tls)) => {
                if is_led_to(&port, number, tls) {
                    // Only routes in the Gateway's namespace, which is the default.
                    let mut plain = listener.clone();
                    plain["name"] = REDIRECT.into();
                    plain["port"] = DEFAULT_GATEWAY_PORT.into();
                    listeners.push(plain);
                }
                listener["protocol"] = "HTTPS".into();
                listener["tls"] =
                    skeleton(r#"{"mode":"Terminate","certificateRefs":[{"name":""}]}"#);
                listener["tls"]["certificateRefs"][0]["name"] = tls.credential.as_str().into();
            }
            _ => {}
        }
        listener["allowedRoutes"] = from(&services);
        listeners.push(listener);
    }
    listeners
}

/// The namespaces of the services whose routes may attach to a listener.
fn from(services: &[&Service]) -> Value {
    let namespaces: BTreeSet<&str> = services
        .iter()
        .map(|service| service.namespace.as_str())
        .collect();
    let mut allowed = skeleton(
        r#"{"namespaces":{"from":"Selector","selector":{"matchExpressions":[
        {"key":"","operator":"In","values":[]}]}}}"#,
    );
    let expression = &mut allowed["namespaces"]["selector"]["matchExpressions"][0];
    expression["key"] = NAMESPACE_LABEL.into();
    expression["values"] = json!(namespaces);
    allowed
}

/// The name of the listener of a published port.
pub(super) fn listener_name(port: &Port, resolved: &Resolved) -> String {
    let protocol = port.protocol.family();
    let name = Port { protocol, ..*port }.name();
    if resolved.tls.is_some() {
        name.replacen("http", "https", 1)
    } else {
        name
    }
}
