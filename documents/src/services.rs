//! Strategies for `spec.services`.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};
use shared::passthrough as known;

use super::clusters::zones_of;
use super::parts::{awkward, label, object, one_of, sometimes};
use super::{Scope, dns, is_good, passthrough};

/// A service, a bit for each cluster that runs it (bit 7: they are selected by labels), and the kinds of its overrides,
/// locality and callers.
pub(super) type Unplaced = (Value, u8, (u8, u8, u8));

pub(super) fn service(scope: Scope) -> BoxedStrategy<Unplaced> {
    let http = object(vec![
        (
            "routes",
            sometimes(0.6, vec(route(), 1..4).prop_map(Value::from)),
        ),
        ("failover", sometimes(0.6, failover())),
        (
            "probe",
            sometimes(
                0.3,
                object(vec![
                    (
                        "path",
                        sometimes(
                            0.6,
                            awkward().prop_map(|text| {
                                format!("/{}", text.replace(char::is_whitespace, "")).into()
                            }),
                        ),
                    ),
                    (
                        "status",
                        sometimes(0.6, (100..600_u32).prop_map(Value::from)),
                    ),
                ]),
            ),
        ),
    ]);
    let common = object(vec![
        ("name", sometimes(1.0, label().prop_map(Value::from))),
        ("namespace", sometimes(0.8, label().prop_map(Value::from))),
        ("hostname", sometimes(0.5, label().prop_map(Value::from))),
        ("levels", dns::levels(0.1, scope)),
        (
            "subsets",
            sometimes(0.5, vec(subset(), 1..3).prop_map(Value::from)),
        ),
        ("trafficPolicy", sometimes(0.3, policy())),
        (
            "exportTo",
            sometimes(
                0.3,
                subsequence(vec!["a", "b", "yes"], 1..=3).prop_map(Value::from),
            ),
        ),
        ("mcs", sometimes(0.2, any::<bool>().prop_map(Value::from))),
        ("transport", sometimes(0.2, Just(Value::from("mtls")))),
        (
            "serviceAccount",
            sometimes(0.2, label().prop_map(Value::from)),
        ),
    ]);
    // Imports do not find all settings of callers.
    let callers: u8 = if scope == Scope::Everything { 8 } else { 1 };
    let kinds = (0..4_u8, 0..4_u8, 0..callers);
    (common, http, ports(), any::<u8>(), kinds)
        .prop_map(|(mut service, http, ports, mask, kinds)| {
            let fields = service.as_object_mut().unwrap();
            fields.extend(ports.as_object().unwrap().clone());
            if takes_requests(&ports) {
                fields.extend(http.as_object().unwrap().clone());
            }
            if service["transport"] == "mtls" {
                // Gateways do not see its requests.
                service.as_object_mut().unwrap().shift_remove("routes");
            }
            name_subsets(&mut service);
            (service, mask, kinds)
        })
        .prop_filter("no service", |(service, ..)| {
            is_good(json!({ "services": [service] }))
        })
        .boxed()
}

/// Whether any port of a service has requests.
pub(super) fn takes_requests(service: &Value) -> bool {
    let is_http =
        |one: &Value| one["port"].is_u64() && one["protocol"] != "tcp" && one["protocol"] != "tls";
    let ports = service["ports"].as_array().into_iter().flatten();
    is_http(service) || ports.into_iter().any(is_http)
}

/// Whether gateways see requests of a service.
pub(super) fn comes_in_at_gateway(service: &Value) -> bool {
    takes_requests(service) && service["transport"] != "mtls"
}

/// The ports of a service.
fn ports() -> BoxedStrategy<Value> {
    let port = |published| {
        object(vec![
            ("port", sometimes(1.0, (1..65535_u32).prop_map(Value::from))),
            (
                "protocol",
                sometimes(
                    0.7,
                    one_of(&["http", "http2", "grpc", "tcp", "tls"].map(Value::from)),
                ),
            ),
            (
                "published",
                sometimes(published, (1..65535_u32).prop_map(Value::from)),
            ),
        ])
    };
    let plain = (1..65535_u32).prop_map(|port| json!({ "port": port }));
    prop_oneof![
        3 => plain,
        1 => port(0.0),
        2 => vec(port(0.3), 1..4).prop_map(|ports| json!({ "ports": ports })),
    ]
    .boxed()
}

/// A traffic policy of pods.
fn policy() -> impl Strategy<Value = Value> {
    object(passthrough::fields_of(known::traffic_policy(), 0.4)).prop_filter(
        "no policy",
        |policy| {
            is_good(json!({ "services": [{ "name": "s", "port": 80, "trafficPolicy": policy }] }))
        },
    )
}

/// A subset, without its name.
fn subset() -> impl Strategy<Value = Value> {
    let labels = Just(json!({ "version": "v1.2_x" }));
    object(vec![
        ("labels", sometimes(1.0, labels)),
        ("trafficPolicy", sometimes(0.3, policy())),
    ])
}

fn failover() -> BoxedStrategy<Value> {
    let duration = || "[1-9][0-9]{0,2}(ms|s)".prop_map(Value::from);
    let detection = object(passthrough::fields_of(known::outlier_detection(), 0.3));
    object(vec![
        ("retry", sometimes(0.8, any::<bool>().prop_map(Value::from))),
        ("perTryTimeout", sometimes(0.3, duration())),
        (
            "connectTimeout",
            sometimes(
                0.3,
                "([1-9][0-9]{1,2}ms|[1-5]?[0-9]s)".prop_map(Value::from),
            ),
        ),
        ("outlierDetection", sometimes(0.4, detection)),
    ])
    .prop_filter("no failover", |failover| {
        is_good(json!({ "services": [{ "name": "s", "port": 80, "failover": failover }] }))
    })
    .boxed()
}

/// A route. Its subsets are `0`, `1` and so on, until the number of subsets is known.
fn route() -> BoxedStrategy<Value> {
    const OF_THEIR_OWN: [&str; 7] = [
        "exact",
        "prefix",
        "regex",
        "match",
        "to",
        "redirect",
        "directResponse",
    ];
    let of = |name: &str| passthrough::value(&known::route().fields[name].shape);
    let path = |name: &'static str| {
        awkward().prop_map(
            move |text| json!({ name: format!("/{}", text.replace(char::is_whitespace, "")) }),
        )
    };
    let part = |name: &'static str| of(name).prop_map(move |value| json!({ name: value }));
    let requests = prop_oneof![
        Just(json!({})),
        path("exact"),
        path("prefix"),
        part("regex"),
        part("match"),
    ];
    let to = vec(
        (
            0..3_usize,
            1..100_u32,
            sometimes(0.2, of("to").prop_map(|to| to[0]["headers"].clone())),
        ),
        1..4,
    );
    let to = to.prop_map(|shares| json!({ "to": weighed(&shares) }));
    let ends = prop_oneof![
        4 => Just(json!({})),
        3 => to,
        1 => Just(json!({ "to": [{ "service": "next" }] })),
        1 => part("redirect"),
        1 => part("directResponse"),
    ];
    let mut others = passthrough::fields_of(known::route(), 0.15);
    others.retain(|(name, _)| !OF_THEIR_OWN.contains(&name.as_str()));
    (requests, ends, object(others))
        .prop_map(|(mut route, end, others)| {
            let fields = route.as_object_mut().unwrap();
            for more in [end, others] {
                fields.extend(more.as_object().unwrap().clone());
            }
            route
        })
        .prop_filter("no route", |route| {
            let mut service = json!({ "name": "s", "port": 80, "routes": [route], "subsets": [{ "labels": { "a": "b" } }] });
            name_subsets(&mut service);
            is_good(json!({ "services": [service] }))
        })
        .boxed()
}

/// Destinations with weights that add up to 100.
fn weighed(shares: &[(usize, u32, Option<Value>)]) -> Value {
    let (mut left, count) = (100, shares.len());
    let shares = shares
        .iter()
        .enumerate()
        .map(|(place, (subset, weight, headers))| {
            let mut share = json!({ "subset": subset.to_string() });
            if count > 1 {
                let weight = if place + 1 == count {
                    left
                } else {
                    left * weight / 100
                };
                left -= weight;
                share["weight"] = weight.into();
            }
            if let Some(headers) = headers.clone().filter(|headers| !headers.is_null()) {
                share["headers"] = headers;
            }
            share
        });
    shares.collect()
}

/// Names the subsets, and replaces all references by existing names.
fn name_subsets(service: &mut Value) {
    let mut names = Vec::new();
    for (index, subset) in service["subsets"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .enumerate()
    {
        names.push(format!("v{index}"));
        subset["name"] = names[index].clone().into();
    }
    for route in service["routes"].as_array_mut().into_iter().flatten() {
        let to_service = route["to"][0]["service"].is_string();
        if names.is_empty() {
            for field in ["to", "mirror", "mirrors"] {
                if !(field == "to" && to_service) {
                    route.as_object_mut().unwrap().shift_remove(field);
                }
            }
        }
        for share in route["to"].as_array_mut().into_iter().flatten() {
            if !to_service {
                rename(share, &names);
            }
        }
        if route["mirror"].is_object() {
            rename(&mut route["mirror"], &names);
        }
        for mirror in route["mirrors"].as_array_mut().into_iter().flatten() {
            if mirror["destination"].is_object() {
                rename(&mut mirror["destination"], &names);
            }
        }
        route
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
    }
    service
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
}

/// Replaces a destination's subset by one of `names`; one of another host keeps its name.
fn rename(destination: &mut Value, names: &[String]) {
    let fields = destination.as_object_mut().unwrap();
    if fields.contains_key("host") {
        if fields.contains_key("subset") {
            fields.insert("subset".into(), "theirs".into());
        }
    } else {
        let place = fields
            .get("subset")
            .and_then(Value::as_str)
            .map_or(0, str::len);
        let number = fields
            .get("subset")
            .and_then(|text| text.as_str()?.parse().ok())
            .unwrap_or(place);
        fields.insert("subset".into(), names[number % names.len()].clone().into());
    }
}

/// Places services in clusters, and makes them unique.
pub(super) fn placed(services: Vec<Unplaced>, clusters: &[Value]) -> Vec<Value> {
    let services = services.into_iter().enumerate();
    services
        .map(
            |(index, (mut service, mask, (overridden, locality, calling)))| {
                // The first is sometimes a sample's, so that the sample runs in some clusters only.
                let name = service["name"].as_str().unwrap();
                service["name"] = match (index, mask & 0x70) {
                    (0, 0x40 | 0x50) => "httpbin".into(),
                    (0, 0x60 | 0x70) => "productpage".into(),
                    _ => format!("{name}-{index}").into(),
                };
                if let Some(hostname) = service.get("hostname").and_then(Value::as_str) {
                    service["hostname"] = format!("{hostname}-{index}").into();
                }
                let selectable = clusters
                    .iter()
                    .any(|cluster| cluster["labels"]["tier"] == "gold");
                if let Some(callers) = callers(calling, clusters, selectable) {
                    let fields = service.as_object_mut().unwrap();
                    fields.shift_remove("exportTo");
                    fields.insert("callers".into(), callers);
                    if fields.get("transport").is_some_and(|one| one == "mtls") {
                        fields.insert("selector".into(), json!({ "app": "No" }));
                    }
                }
                if mask & 0x80 != 0 && selectable {
                    service["clusterSelector"] = json!({ "tier": "gold" });
                } else if mask & 0xf != 0xf {
                    let mut names: Vec<&Value> = clusters
                        .iter()
                        .enumerate()
                        .filter(|(i, _)| mask & (1 << i) != 0)
                        .map(|(_, one)| &one["name"])
                        .collect();
                    if names.is_empty() {
                        names.push(&clusters[0]["name"]);
                    }
                    service["clusters"] = json!(names);
                }
                if service.get("clusterSelector").is_none() {
                    let placed = match &service["clusters"] {
                        Value::Array(names) => names.clone(),
                        _ => clusters.iter().map(|one| one["name"].clone()).collect(),
                    };
                    if service.get("transport").is_none() {
                        service["overrides"] = overrides(overridden, &service, &placed, clusters);
                    }
                    if let Some(locality) = preferences(locality, &placed, clusters) {
                        service["locality"] = locality;
                    }
                    let fields = service.as_object_mut().unwrap();
                    fields.retain(|_, value| !value.is_null());
                }
                service
            },
        )
        .collect()
}

/// Callers of a service, of the kind `kind` of eight.
fn callers(kind: u8, clusters: &[Value], selectable: bool) -> Option<Value> {
    let name = |cluster: Option<&Value>| cluster.unwrap()["name"].clone();
    let (first, last) = (name(clusters.first()), name(clusters.last()));
    match kind {
        4 => Some(
            json!([{ "namespace": "yes" }, { "namespace": "b", "serviceAccounts": ["web", "1e3"] }]),
        ),
        5 => Some(json!([{ "namespace": "a", "clusters": [first] }, { "clusters": [last] }])),
        6 if selectable => Some(json!([{ "clusterSelector": { "tier": "gold" } }])),
        7 => Some(
            json!([{ "clusters": [last] }, { "namespace": "b", "serviceAccounts": ["web"], "clusters": [first] }]),
        ),
        _ => None,
    }
}

/// Overrides of a service for all but the first of its clusters, of the kind `kind` of four.
fn overrides(kind: u8, service: &Value, placed: &[Value], clusters: &[Value]) -> Value {
    let others = placed.get(1..).unwrap_or_default();
    let mut tin = clusters
        .iter()
        .filter(|one| one["labels"]["tier"] == "tin")
        .peekable();
    let selectable = tin.peek().is_some() && tin.all(|one| others.contains(&one["name"]));
    let name = format!("{}-there", service["name"].as_str().unwrap());
    let port = service.get("port").and_then(Value::as_u64);
    let port = port.map(|port| port + 1).filter(|port| *port < 65536);
    match (kind, port) {
        _ if others.is_empty() => Value::Null,
        (1, _) if selectable => {
            json!([{ "clusterSelector": { "tier": "tin" }, "namespace": "elsewhere" }])
        }
        (1, _) => json!([{ "clusters": others, "namespace": "elsewhere" }]),
        (2, Some(port)) => json!([{ "clusters": others, "port": port }]),
        (3, Some(port)) => others
            .iter()
            .enumerate()
            .map(|(index, cluster)| match index % 2 {
                0 => json!({ "clusters": [cluster], "name": name, "namespace": "elsewhere", "port": port }),
                _ => json!({ "clusters": [cluster], "name": name }),
            })
            .collect(),
        (3, None) => {
            let ports = service["ports"].as_array().into_iter().flatten();
            let ports = ports.take(1).map(|one| {
                let published = one.get("published").or(one.get("port")).cloned();
                json!({ "published": published.unwrap_or_default(), "port": 4321 })
            });
            json!([{ "clusters": others, "ports": ports.collect::<Value>() }])
        }
        _ => Value::Null,
    }
}

/// Locality preferences of several kinds, for a service in the clusters of these names.
pub(super) fn preferences(kind: u8, placed: &[Value], clusters: &[Value]) -> Option<Value> {
    let runs = |cluster: &&Value| placed.contains(&cluster["name"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let place = |cluster: &Value| {
        let zones = zones_of(cluster);
        format!("{}/{}", text(&cluster["region"]), zones[0])
    };
    let meet = |one: &Value, other: &Value| {
        let zones = zones_of(other);
        one["region"] == other["region"] && zones_of(one).iter().any(|zone| zones.contains(zone))
    };
    let first = clusters.iter().find(runs)?;
    let last = clusters.iter().rfind(runs)?;
    let mut given = json!({});
    if kind & 1 != 0 {
        let mut next = json!({ "to": last["region"] });
        if first["region"] != last["region"] {
            next["from"] = first["region"].clone();
        }
        given["failover"] = json!([next]);
    }
    if kind & 2 != 0 {
        let mut shares = json!({});
        shares[place(first)] = json!(100);
        if !meet(last, first) {
            shares[place(first)] = json!(70);
            shares[place(last)] = json!(30);
        }
        given["distribute"] = json!([{ "from": place(last), "to": shares }]);
    }
    (kind > 0).then_some(given)
}

/// Removes shares: of a regional cluster's callers, they are divided in the rules, and imported as divided.
pub(super) fn without_shares(of: &mut Value) {
    if let Some(locality) = of["locality"].as_object_mut() {
        locality.shift_remove("distribute");
        if locality.is_empty() {
            of["locality"].take();
        }
    }
}
