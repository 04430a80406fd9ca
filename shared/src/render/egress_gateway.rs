//! Calls to external hosts through a cluster's egress gateway: from sidecar to gateway to host.
//!
//! - a Gateway: HTTP at 80, in the mesh's own mutual TLS, and TLS passthrough at 443;
//! - a DestinationRule: a subset of the gateway's Service for that mutual TLS. Its SNI is any of the Gateway's hosts;
//!   and it is a subset, since the Service may have other rules;
//! - a VirtualService for each host: in sidecars to the gateway, at the gateway to the host.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::external::SUBJECT;
use super::{Istio, gateway, skeleton};
use crate::defaults::ISTIO_NAMESPACE;
use crate::kubernetes::object::Object;
use crate::kubernetes::ownership;
use crate::mesh::ExternalProtocol;
use crate::origin::Origin;
use crate::placed::Placed;
use crate::resolved::{Cluster, EgressGateway, ExternalHost, ExternalPort, Resolved};

/// The Gateway's servers by protocol, without port and hosts.
const SERVERS: [(ExternalProtocol, &str); 2] = [
    (
        ExternalProtocol::Http,
        r#"{"port":{"number":0,"name":"https-mesh","protocol":"HTTPS"},"tls":{"mode":"ISTIO_MUTUAL"}}"#,
    ),
    (
        ExternalProtocol::Https,
        r#"{"port":{"number":0,"name":"tls","protocol":"TLS"},"tls":{"mode":"PASSTHROUGH"}}"#,
    ),
];

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    let of_all = gateways(resolved)
        .into_iter()
        .chain(destination_rule(resolved));
    let of_all = of_all.map(|one| one.with_origin(Origin::ExternalHosts));
    let hosts = resolved.external.iter().enumerate();
    let hosts = hosts.filter(|(_, host)| host.by_egress_gateway);
    let of_hosts = hosts.map(|(index, host)| {
        virtual_service(host, resolved).with_origin(Origin::ExternalHost(index))
    });
    of_all.chain(of_hosts).collect()
}

fn gateways(resolved: &Resolved) -> Vec<Placed> {
    let mut by_namespace: BTreeMap<&str, Vec<(usize, Vec<Value>)>> = BTreeMap::new();
    for (index, _, gateway) in egress_gateways(resolved) {
        let mut servers = Vec::new();
        for (protocol, server) in SERVERS {
            let hosts = hosts(index, protocol, resolved);
            if !hosts.is_empty() {
                let mut server = skeleton(server);
                server["port"]["number"] = inner_port(protocol).into();
                server["hosts"] = hosts.into();
                servers.push(server);
            }
        }
        if !servers.is_empty() {
            by_namespace
                .entry(gateway.namespace.as_str())
                .or_default()
                .push((index, vec![json!(gateway.selector), servers.into()]));
        }
    }
    let name = ownership::egress_name(resolved.name.as_str());
    gateway::place(&name, SUBJECT, by_namespace, resolved)
}

fn destination_rule(resolved: &Resolved) -> Option<Placed> {
    let subset = ownership::object_name(resolved.name.as_str());
    let values: Vec<(usize, Vec<Value>)> = egress_gateways(resolved)
        .filter_map(|(index, cluster, gateway)| {
            let hosts = hosts(index, ExternalProtocol::Http, resolved);
            let mut rule = skeleton(
                r#"{"name":"","trafficPolicy":{"portLevelSettings":[
                {"port":{"number":0},"tls":{"mode":"ISTIO_MUTUAL","sni":""}}]}}"#,
            );
            rule["name"] = subset.as_str().into();
            let settings = &mut rule["trafficPolicy"]["portLevelSettings"][0];
            settings["port"]["number"] = inner_port(ExternalProtocol::Http).into();
            settings["tls"]["sni"] = hosts.first()?.as_str().into();
            Some((index, vec![service(gateway, cluster).into(), json!([rule])]))
        })
        .collect();
    let template = Object::new(
        Istio(resolved.istio).destination_rule(),
        Some(ISTIO_NAMESPACE),
        // No external host has this name: each has a domain.
        format!("{subset}.egress"),
        json!({ "spec": {} }),
    );
    let fields: &[&[&'static str]] = &[&["spec", "host"], &["spec", "subsets"]];
    (!values.is_empty()).then(|| Placed::with_fields(template, SUBJECT, fields, values))
}

fn virtual_service(host: &ExternalHost, resolved: &Resolved) -> Placed {
    let name = host.host.to_string();
    let mut fields: Vec<&[&'static str]> = vec![&["spec", "gateways"]];
    fields.extend(host.ports.iter().map(|port| -> &[&'static str] {
        match port.protocol {
            ExternalProtocol::Http => &["spec", "http"],
            ExternalProtocol::Https | ExternalProtocol::Tcp => &["spec", "tls"],
        }
    }));
    let values = egress_gateways(resolved)
        .filter(|(index, ..)| host.clusters.contains(index))
        .map(|(index, cluster, gateway)| {
            let reference = reference(gateway, cluster, resolved);
            let service = service(gateway, cluster);
            let mut values = vec![json!(["mesh", reference])];
            let ports = host.ports.iter();
            values.extend(ports.map(|port| routes(port, &name, &service, &reference, resolved)));
            (index, values)
        })
        .collect();
    let template = Object::new(
        Istio(resolved.istio).virtual_service(),
        Some(ISTIO_NAMESPACE),
        ownership::external_name(resolved.name.as_str(), &host.host),
        json!({ "spec": { "hosts": [name] } }),
    );
    Placed::with_fields(template, SUBJECT, &fields, values)
}

/// The routes from sidecars to the gateway's Service, and from the Gateway to the host.
fn routes(
    port: &ExternalPort,
    host: &str,
    service: &str,
    gateway: &str,
    resolved: &Resolved,
) -> Value {
    let mut routes = skeleton(
        r#"[{"match":[{"gateways":["mesh"]}],"route":[{"destination":{"host":"","port":{"number":0}}}]},
        {"match":[{"gateways":[""]}],"route":[{"destination":{"host":"","port":{"number":0}}}]}]"#,
    );
    let inner_port = inner_port(port.protocol);
    for (index, arriving, to, leaving) in [
        (0, port.number, service, inner_port),
        (1, inner_port, host, port.number),
    ] {
        let route = &mut routes[index];
        route["match"][0]["port"] = arriving.into();
        if port.protocol == ExternalProtocol::Https {
            route["match"][0]["sniHosts"] = json!([host]);
        }
        let destination = &mut route["route"][0]["destination"];
        destination["host"] = to.into();
        destination["port"]["number"] = leaving.into();
    }
    if port.protocol == ExternalProtocol::Http {
        let subset = ownership::object_name(resolved.name.as_str());
        routes[0]["route"][0]["destination"]["subset"] = subset.into();
    }
    routes[1]["match"][0]["gateways"][0] = gateway.into();
    routes
}

/// The port of the gateway's Service for a protocol.
fn inner_port(protocol: ExternalProtocol) -> u16 {
    match protocol {
        ExternalProtocol::Http => 80,
        ExternalProtocol::Https | ExternalProtocol::Tcp => 443,
    }
}

/// The reference to the Gateway in a VirtualService.
fn reference(gateway: &EgressGateway, cluster: &Cluster, resolved: &Resolved) -> String {
    let name = ownership::egress_name(resolved.name.as_str());
    gateway::named(&gateway.namespace, &name, cluster, resolved)
}

/// The clusters with an egress gateway, ascending.
fn egress_gateways(resolved: &Resolved) -> impl Iterator<Item = (usize, &Cluster, &EgressGateway)> {
    let clusters = resolved.clusters.iter().enumerate();
    clusters.filter_map(|(index, cluster)| Some((index, cluster, cluster.egress_gateway.as_ref()?)))
}

fn service(gateway: &EgressGateway, cluster: &Cluster) -> String {
    cluster.local_host(&gateway.service, &gateway.namespace)
}

/// The hosts that a cluster calls through its egress gateway with a protocol, in the order of the document.
fn hosts(cluster: usize, protocol: ExternalProtocol, resolved: &Resolved) -> Vec<String> {
    let hosts = resolved.external.iter().filter(|host| {
        host.by_egress_gateway
            && host.clusters.contains(&cluster)
            && host.ports.iter().any(|port| port.protocol == protocol)
    });
    hosts.map(|host| host.host.to_string()).collect()
}
