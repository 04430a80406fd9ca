//! The ServiceEntry of an external host, and its DestinationRule if sidecars originate TLS.
//!
//! If `sni` is set, Istio no longer verifies the certificate against the request's host, so the names are set too; and
//! without `caCertificates`, Istio before 1.21 verifies no certificate at all. The rule is for the one port: calls that
//! are TLS already stay unchanged.

use serde_json::{Value, json};

use super::{Istio, skeleton};
use crate::defaults::ISTIO_NAMESPACE;
use crate::kubernetes::object::Object;
use crate::kubernetes::ownership;
use crate::mesh::ExternalProtocol;
use crate::placed::Placed;
use crate::resolved::{ExternalHost, ExternalPort, Location, Resolved};

/// The file of all external hosts.
pub(super) const SUBJECT: &str = "external";

pub(super) fn render(host: &ExternalHost, resolved: &Resolved) -> Vec<Placed> {
    let place = |kind, body| {
        let name = ownership::external_name(resolved.name.as_str(), &host.host);
        let object = Object::new(kind, Some(ISTIO_NAMESPACE), name, body);
        Placed::same(object, SUBJECT, host.clusters.clone())
    };
    let istio = Istio(resolved.istio);
    let mut placed = vec![place(istio.service_entry(), service_entry(host))];
    placed.extend(destination_rule(host).map(|rule| place(istio.destination_rule(), rule)));
    placed
}

fn service_entry(host: &ExternalHost) -> Value {
    let mut body = skeleton(
        r#"{"spec":{"hosts":[""],"location":"MESH_EXTERNAL","ports":[],"resolution":"DNS"}}"#,
    );
    let spec = &mut body["spec"];
    spec["hosts"][0] = host.host.to_string().into();
    spec["ports"] = host.ports.iter().map(service_port).collect();
    let known = host.place.addresses();
    if !known.is_empty() {
        spec["addresses"] = known.into();
    }
    match host.place {
        Location::Dns => {}
        Location::Caller(_) => spec["resolution"] = "NONE".into(),
        Location::Addresses(_) => {
            spec["resolution"] = "STATIC".into();
            spec["endpoints"] = known.iter().map(|ip| json!({ "address": ip })).collect();
        }
    }
    body
}

fn service_port(port: &ExternalPort) -> Value {
    let (name, protocol) = match port.protocol {
        ExternalProtocol::Http => ("http", "HTTP"),
        ExternalProtocol::Https => ("https", "HTTPS"),
        ExternalProtocol::Tcp => ("tcp", "TCP"),
    };
    let name = format!("{name}-{}", port.number);
    let mut value = json!({ "number": port.number, "name": name, "protocol": protocol });
    if let Some(tls) = &port.tls {
        value["targetPort"] = tls.target_port.into();
    }
    value
}

fn destination_rule(host: &ExternalHost) -> Option<Value> {
    let name = host.host.to_string();
    let settings: Vec<Value> = host
        .ports
        .iter()
        .filter_map(|port| {
            let tls = port.tls.as_ref()?;
            let mut settings = skeleton(r#"{"port":{"number":0},"tls":{"mode":"SIMPLE"}}"#);
            settings["port"]["number"] = port.number.into();
            let fields = &mut settings["tls"];
            fields["sni"] = name.as_str().into();
            fields["subjectAltNames"] = tls.subject_alt_names.as_slice().into();
            fields["caCertificates"] = tls.ca_certificates.as_str().into();
            Some(settings)
        })
        .collect();
    if settings.is_empty() {
        return None;
    }
    let mut body = skeleton(r#"{"spec":{"host":"","trafficPolicy":{"portLevelSettings":[]}}}"#);
    body["spec"]["host"] = name.into();
    body["spec"]["trafficPolicy"]["portLevelSettings"] = settings.into();
    Some(body)
}
