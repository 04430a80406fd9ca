//! Strategies for `spec.clusters`.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::Scope;
use super::parts::{label, object, one_of, sometimes};

/// A cluster, whose name and context are not unique yet.
pub(super) fn cluster(scope: Scope) -> BoxedStrategy<Value> {
    let texts = |strategy| Strategy::prop_map(strategy, Value::from);
    let service = || one_of(&[json!("door"), json!("gate")]);
    let selector = || {
        one_of(&[
            json!({ "app": "door" }),
            json!({ "example.com/role": "gate", "app": "No" }),
        ])
    };
    let workload = |namespace: &str| {
        vec![
            ("service", sometimes(0.3, service())),
            ("namespace", sometimes(0.3, Just(Value::from(namespace)))),
            ("selector", sometimes(0.3, selector())),
        ]
    };
    let addresses = |everything: bool| {
        let one = (1..255_u8).prop_map(|last| json!([format!("203.0.113.{last}")]));
        let others = [
            json!(["203.0.113.7", "2001:db8::7"]),
            json!(["2001:db8::9"]),
            json!(["lb-1.cloud.example.net"]),
        ];
        prop_oneof![2 => one, u32::from(everything) => one_of(&others)]
    };
    let mut gateway = workload("edge");
    gateway.push((
        "addresses",
        sometimes(0.6, addresses(scope == Scope::Everything)),
    ));
    gateway.push(("clusterIP", sometimes(0.3, Just("10.96.0.10".into()))));
    let mut east_west = workload("east");
    east_west.push(("clusterIP", sometimes(0.3, Just("10.96.0.20".into()))));
    east_west.push(("addresses", sometimes(0.8, addresses(false))));
    east_west.push(("port", sometimes(0.3, Just(15444.into()))));
    object(vec![
        ("name", sometimes(1.0, texts(label().boxed()))),
        (
            "context",
            sometimes(
                scope.only(0.2),
                one_of(&[json!("arn:aws:eks:c"), json!("gke_a_b")]),
            ),
        ),
        (
            "region",
            sometimes(
                1.0,
                texts(
                    select(vec!["r0", "r1", "r2"])
                        .prop_map(str::to_owned)
                        .boxed(),
                ),
            ),
        ),
        ("zones", sometimes(1.0, zones(scope))),
        (
            "labels",
            sometimes(
                0.4,
                one_of(&[
                    json!({ "tier": "gold" }),
                    json!({ "tier": "tin", "example.com/a": "" }),
                ]),
            ),
        ),
        ("gateway", sometimes(0.8, object(gateway))),
        ("eastWestGateway", sometimes(0.5, object(east_west))),
        (
            "trustDomain",
            sometimes(
                0.2,
                one_of(&[json!("a.example.com"), json!("cluster.local")]),
            ),
        ),
        (
            "clusterDomain",
            sometimes(0.3, one_of(&[json!("corp.local"), json!("cluster.local")])),
        ),
        ("egressGateway", sometimes(0.7, object(workload("exits")))),
        (
            "dnsFlavour",
            sometimes(
                scope.only(0.2),
                one_of(&[json!("coredns"), json!("kube-dns"), json!("none")]),
            ),
        ),
    ])
}

/// One zone, or several.
fn zones(scope: Scope) -> BoxedStrategy<Value> {
    let regional = [
        json!(["z4", "z3"]),
        json!(["z3", "z0"]),
        json!(["z1", "z5", "z6"]),
    ];
    let one = select(vec!["z0", "z1", "z2"]).prop_map(Value::from);
    match scope {
        Scope::Everything => prop_oneof![4 => one, 1 => one_of(&regional)].boxed(),
        Scope::Importable => prop_oneof![9 => one, 1 => one_of(&regional)].boxed(),
    }
}

/// The zones of a cluster.
pub(super) fn zones_of(cluster: &Value) -> Vec<&str> {
    let several = cluster["zones"].as_array().into_iter().flatten();
    let all = several.chain(cluster.get("zone"));
    all.filter_map(Value::as_str).collect()
}

/// Gives each cluster a unique name and context, and all gateways of a zone the same port.
pub(super) fn tell_apart(clusters: &mut [Value]) {
    for (index, cluster) in clusters.iter_mut().enumerate() {
        for field in ["name", "context"] {
            if let Some(text) = cluster[field].as_str() {
                cluster[field] = format!("{text}-{index}").into();
            }
        }
        if cluster["zones"].is_string() {
            cluster["zone"] = cluster["zones"].take();
            cluster.as_object_mut().unwrap().shift_remove("zones");
        }
        if zones_of(cluster).contains(&"z1") {
            cluster["gateway"]["port"] = 8081.into();
        }
    }
}
