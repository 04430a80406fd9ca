//! Strategies for `spec.external`.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::is_good;
use super::parts::{label, object, one_of, sometimes};

/// An external host, and a bit for each cluster that may call it.
pub(super) type Unplaced = (Value, u8);

pub(super) fn host() -> impl Strategy<Value = Unplaced> {
    let names = (any::<bool>(), label()).prop_map(|(wildcard, name)| {
        let below = if wildcard { "*." } else { "" };
        format!("{below}{name}.example.org").into()
    });
    let addresses = one_of(&[
        json!(["192.0.2.7"]),
        json!(["192.0.2.8", "2001:db8::8"]),
        json!(["10.20.0.0/16"]),
    ]);
    let tls = object(vec![
        (
            "targetPort",
            sometimes(0.5, (1..65536_u32).prop_map(Value::from)),
        ),
        (
            "subjectAltNames",
            sometimes(0.5, one_of(&[json!(["a.example.org", "spiffe://x/ns/a"])])),
        ),
        (
            "caCertificates",
            sometimes(0.5, one_of(&[json!("/etc/ssl/ca no: 1.pem")])),
        ),
    ]);
    let port = object(vec![
        (
            "port",
            sometimes(
                1.0,
                prop_oneof![Just(80), Just(443), 1..65536_u32].prop_map(Value::from),
            ),
        ),
        (
            "protocol",
            sometimes(0.7, one_of(&["http", "https", "tcp"].map(Value::from))),
        ),
        ("tls", sometimes(0.3, tls)),
    ]);
    let host = object(vec![
        ("host", sometimes(1.0, names)),
        ("addresses", sometimes(0.5, addresses)),
        (
            "ports",
            sometimes(0.8, vec(port, 1..3).prop_map(Value::from)),
        ),
        (
            "egressGateway",
            sometimes(0.4, any::<bool>().prop_map(Value::from)),
        ),
    ]);
    (host, any::<u8>()).prop_filter("no external host", |(host, _)| {
        is_good(json!({ "external": [host] }))
    })
}

/// Sets the clusters that may call the hosts; a host uses egress gateways only if there are any.
pub(super) fn placed(hosts: Vec<Unplaced>, clusters: &[Value]) -> Value {
    let hosts = hosts.into_iter().map(|(mut host, mask)| {
        let by_gateway = host["egressGateway"] == true;
        let may = |(index, cluster): &(usize, &Value)| {
            mask & (1 << index) != 0 && (!by_gateway || cluster["egressGateway"].is_object())
        };
        let names: Vec<&Value> = clusters
            .iter()
            .enumerate()
            .filter(may)
            .map(|(_, one)| &one["name"])
            .collect();
        if names.is_empty() {
            host.as_object_mut().unwrap().shift_remove("egressGateway");
        } else {
            host["clusters"] = json!(names);
        }
        host.as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        host
    });
    hosts.collect()
}
