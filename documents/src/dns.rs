//! Strategies for `spec.dns`.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::passthrough::settings;

use super::parts::{Field, awkward, label, object, one_of, sometimes};
use super::{Scope, passthrough};

/// Naming and publication of services; `cluster` is the index of a cluster.
pub(super) fn dns(scope: Scope) -> BoxedStrategy<Value> {
    object(vec![
        ("suffix", sometimes(1.0, Just("mesh.example.com".into()))),
        ("federation", sometimes(0.3, label().prop_map(Value::from))),
        (
            "naming",
            sometimes(0.3, one_of(&[json!("service"), json!("gateway")])),
        ),
        ("levels", levels(0.2, scope)),
        (
            "ttl",
            sometimes(0.5, (1..100_000_u32).prop_map(Value::from)),
        ),
        (
            "resolveHostNames",
            sometimes(scope.only(0.3), any::<bool>().prop_map(Value::Bool)),
        ),
        (
            "cluster",
            sometimes(0.6, (0..4_usize).prop_map(Value::from)),
        ),
        (
            "nameservers",
            sometimes(
                scope.only(0.2),
                one_of(&[json!(["192.0.2.53", "[2001:db8::53]:5353"])]),
            ),
        ),
        ("externalDns", sometimes(0.7, external_dns())),
    ])
}

/// Levels of names. Imports cannot detect endpoints without names of zones.
pub(super) fn levels(probability: f64, scope: Scope) -> Field {
    let with_zones = [
        json!(["global", "zone"]),
        json!(["zone", "region", "global"]),
        json!(["global", "region", "zone", "cluster"]),
        json!(["cluster", "zone", "global"]),
    ];
    let without = [
        json!(["global"]),
        json!(["region", "global"]),
        json!(["global", "cluster"]),
    ];
    let all = with_zones
        .iter()
        .chain(&without)
        .cloned()
        .collect::<Vec<_>>();
    match scope {
        Scope::Everything => sometimes(probability, one_of(&all)),
        Scope::Importable => sometimes(probability, one_of(&with_zones)),
    }
}

/// Whether any service lacks names of zones, on which default endpoints depend.
pub(super) fn lacks_zones(dns: &Value, services: &[Value]) -> bool {
    let services = services.iter().map(|service| &service["levels"]);
    let mut given = services.chain([&dns["levels"]]).filter_map(Value::as_array);
    given.any(|levels| !levels.contains(&"zone".into()))
}

/// Fits the settings to clusters and services.
pub(super) fn fit(dns: &mut Value, clusters: &mut [Value], services: &mut Vec<Value>) {
    if let Some(number) = dns["cluster"].as_u64() {
        let number = usize::try_from(number).unwrap() % clusters.len();
        // ExternalDNS can only be imported where it runs.
        dns["cluster"] = clusters[number]["name"].clone();
    }
    if dns["naming"] == "gateway" {
        services.truncate(1);
        for service in services {
            // One engine needs names of services for mutual TLS, and for levels.
            let fields = service.as_object_mut().unwrap();
            fields.retain(|name, _| name != "transport" && name != "levels");
        }
        dns.as_object_mut().unwrap().shift_remove("levels");
        for cluster in clusters {
            if let Some(gateway) = cluster.get_mut("gateway").and_then(Value::as_object_mut) {
                gateway.shift_remove("service");
                gateway.shift_remove("namespace");
            }
        }
    }
    dns.as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
}

fn external_dns() -> BoxedStrategy<Value> {
    let providers = [
        "google",
        "aws",
        "azure",
        "azure-private-dns",
        "cloudflare",
        "rfc2136",
        "coredns",
        "pdns",
    ];
    let namespaces = ["external-dns", "default", "istio-system"].map(Value::from);
    let text = || awkward().prop_map(Value::from);
    proptest::sample::select(providers.to_vec())
        .prop_flat_map(move |provider| {
            let settings = match settings(provider) {
                Some(known) => sometimes(0.5, object(passthrough::fields_of(known, 0.3))),
                None => Just(None).boxed(),
            };
            let takes_a_file = ["google", "aws", "azure", "azure-private-dns"].contains(&provider);
            let credentials = object(vec![
                ("secret", sometimes(1.0, Just("dns-credentials".into()))),
                (
                    "key",
                    sometimes(0.5, one_of(&[json!("key.json"), json!("NO")])),
                ),
            ]);
            object(vec![
                ("provider", sometimes(1.0, Just(provider.into()))),
                (
                    "ownerId",
                    sometimes(0.5, one_of(&[json!("me"), json!("no"), json!("1e3")])),
                ),
                ("zone", sometimes(0.3, Just("example.com".into()))),
                ("namespace", sometimes(0.7, one_of(&namespaces))),
                ("settings", settings),
                (
                    "credentials",
                    sometimes(if takes_a_file { 0.4 } else { 0.0 }, credentials),
                ),
                (
                    "serviceAccountAnnotations",
                    sometimes(
                        0.3,
                        btree_map("example\\.com/[a-z]{1,6}", "(?s).{0,20}", 1..3)
                            .prop_map(|all| json!(all)),
                    ),
                ),
                (
                    "podLabels",
                    sometimes(
                        0.3,
                        one_of(&[json!({ "example.com/use": "true", "n": "" })]),
                    ),
                ),
                (
                    "policy",
                    sometimes(0.4, one_of(&[json!("sync"), json!("upsert-only")])),
                ),
                (
                    "args",
                    sometimes(
                        0.4,
                        vec(
                            text().prop_map(|text| {
                                format!("--log-format={}", text.as_str().unwrap()).into()
                            }),
                            1..3,
                        )
                        .prop_map(Value::Array),
                    ),
                ),
                ("secret", sometimes(0.4, Just("keys".into()))),
            ])
        })
        .boxed()
}
