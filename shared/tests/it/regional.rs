//! Clusters with nodes in several zones, and clusters that share a zone: their names, records and localities, and who
//! answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::check::Severity;
use shared::resolved::Resolved;
use shared::resolved::published::rows;
use shared::traffic::answers::{Answers, in_mesh, percentages};
use shared::traffic::outage::Outage;

use crate::support::{document, findings, mesh, resolved, specs};

/// A regional cluster, one in the second of its zones, one elsewhere in its region, and one far away.
pub(crate) fn regional() -> Value {
    let at = |number: u8| json!({ "addresses": [format!("203.0.113.{number}")] });
    document(&json!({
        "dns": { "suffix": "a.example", "externalDns": { "provider": "rfc2136" } },
        "clusters": [
            { "name": "red", "region": "r1", "zones": ["z2", "z1"], "gateway": at(1) },
            { "name": "blue", "region": "r1", "zone": "z2", "gateway": at(2) },
            { "name": "green", "region": "r1", "zone": "z3", "gateway": at(3) },
            { "name": "gold", "region": "r2", "zone": "z1", "gateway": at(4) },
        ],
        "services": [{ "name": "web", "port": 80, "hostname": "web" }],
    }))
}

/// Two clusters with the same zone, and names of each.
pub(crate) fn shared_zone() -> Value {
    let mut document = regional();
    let clusters = &mut document["spec"]["clusters"];
    clusters[0] = clusters[1].clone();
    clusters[0]["name"] = "red".into();
    clusters[0]["gateway"]["addresses"] = json!(["203.0.113.1"]);
    document["spec"]["dns"]["levels"] = json!(["global", "region", "zone", "cluster"]);
    document
}

pub(crate) const ENDPOINTS: [&str; 2] = ["names", "addresses"];

pub(crate) fn with(document: &Value, pointer: &str, value: Value) -> Value {
    let mut document = document.clone();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[field] = value;
    document
}

/// The locality of each cluster's gateway for the callers of a cluster, by its address.
fn localities(document: &Value, client: &str) -> BTreeMap<String, String> {
    let entries = specs(document, client, "WorkloadEntry");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let entries = entries.iter();
    entries
        .map(|(name, spec)| {
            let (_, cluster) = name.rsplit_once('.').unwrap();
            (cluster.to_owned(), text(&spec["locality"]))
        })
        .collect()
}

fn index(resolved: &Resolved, cluster: &str) -> usize {
    let mut clusters = resolved.clusters.iter();
    clusters
        .position(|one| one.name.as_str() == cluster)
        .unwrap()
}

/// Who answers callers in a cluster for the name that ends like this.
fn answer(resolved: &Resolved, client: &str, name: &str, down: &[&str]) -> String {
    let mut outage = Outage::default();
    for what in down {
        outage.add(what, resolved).unwrap();
    }
    let mut names = resolved.services[0].names.iter();
    let end = format!(".svc.{name}a.example");
    let name = names
        .find(|name| name.host.as_str().ends_with(&end))
        .unwrap();
    match in_mesh(resolved, index(resolved, client), 0, name, &outage) {
        Answers::By(by) => {
            let by = by.iter().map(|&at| resolved.clusters[at].name.as_str());
            by.collect::<Vec<_>>().join(" ")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn a_regional_cluster_has_names_and_records_in_each_zone() {
    let rows = rows(&resolved(&regional()));
    let zones: Vec<(&str, Vec<String>)> = rows
        .iter()
        .filter(|row| row.level.as_str() == "zone")
        .map(|row| {
            (
                row.host.split(".svc.").nth(1).unwrap(),
                row.clusters.clone(),
            )
        })
        .collect();
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        zones,
        [
            ("z1.r1.a.example", list(&["red"])),
            ("z2.r1.a.example", list(&["red", "blue"])),
            ("z3.r1.a.example", list(&["green"])),
            ("z1.r2.a.example", list(&["gold"])),
        ]
    );
    let records = specs(&regional(), "red", "DNSEndpoint");
    let records = records
        .values()
        .flat_map(|spec| spec["endpoints"].as_array().unwrap());
    let records: BTreeMap<&str, &Value> = records
        .map(|record| (record["dnsName"].as_str().unwrap(), &record["targets"]))
        .collect();
    let of = |zone: &str| records[format!("web.default.external.svc.{zone}.a.example").as_str()];
    assert_eq!(of("z1.r1"), &json!(["203.0.113.1"]));
    assert_eq!(of("z2.r1"), &json!(["203.0.113.1", "203.0.113.2"]));
}

#[test]
fn every_cluster_sees_the_localities_that_are_right_for_its_callers() {
    let document = regional();
    for (client, expected) in [
        // Its own gateway is in its region, and in no zone of a node; the others of the region come next.
        (
            "red",
            ["r1/z1.z2/red", "r1.others/z2/blue", "r1.others/z3", "r2/z1"],
        ),
        // For callers in z2, the regional cluster is in z2 too.
        ("blue", ["r1/z2/red", "r1/z2/blue", "r1/z3", "r2/z1"]),
        ("green", ["r1/z1.z2/red", "r1/z2/blue", "r1/z3", "r2/z1"]),
        ("gold", ["r1/z1.z2/red", "r1/z2/blue", "r1/z3", "r2/z1"]),
    ] {
        let seen = localities(&document, client);
        let seen = ["red", "blue", "green", "gold"].map(|cluster| seen[cluster].as_str());
        assert_eq!(seen, expected, "{client}");
    }
    // Endpoints that are names have the same: each is the narrowest that leads to the cluster alone.
    let by_names = with(&document, "/spec/endpoints", "names".into());
    let entries = specs(&by_names, "green", "ServiceEntry");
    let endpoints = &entries["web.default.external.svc.a.example"]["endpoints"];
    let endpoints: Vec<(&str, &str)> = endpoints
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["address"].as_str().unwrap(),
                one["locality"].as_str().unwrap(),
            )
        })
        .collect();
    let name = |zone: &str| format!("web.default.external.svc.{zone}.a.example");
    assert_eq!(
        endpoints,
        [
            (name("z1.r1").as_str(), "r1/z1.z2/red"),
            (name("z2.r1").as_str(), "r1/z2/blue"),
            (
                "istio-ingressgateway.istio-system.svc.cluster.local",
                "r1/z3"
            ),
            (name("z1.r2").as_str(), "r2/z1"),
        ]
    );
}

#[test]
fn only_a_regional_cluster_prefers_the_others_of_its_region_by_name() {
    let document = regional();
    for (client, expected) in [
        ("red", json!([{ "from": "r1", "to": "r1.others" }])),
        ("blue", Value::Null),
        ("gold", Value::Null),
    ] {
        let rules = specs(&document, client, "DestinationRule");
        for (name, rule) in &rules {
            let setting = &rule["trafficPolicy"]["loadBalancer"]["localityLbSetting"];
            assert_eq!(setting["failover"], expected, "{client} {name}");
        }
        assert!(!rules.is_empty());
    }
}

#[test]
fn the_own_gateway_answers_first_then_the_region_then_the_rest() {
    for endpoints in ENDPOINTS {
        let mut document = with(&regional(), "/spec/endpoints", endpoints.into());
        if endpoints == "names" {
            // Otherwise the narrowest name of `blue` also leads to `red`.
            document["spec"]["dns"]["levels"] = json!(["global", "region", "zone", "cluster"]);
        }
        let resolved = resolved(&document);
        for (client, down, by) in [
            ("red", &[][..], "red"),
            ("red", &["service:web.default@red"], "blue green"),
            // Half of the other gateways of the region are too few for all calls.
            ("red", &["service:web.default@red", "blue"], "green gold"),
            ("red", &["service:web.default@red", "blue", "green"], "gold"),
            ("green", &[], "green"),
            ("gold", &["service:web.default@gold"], "red blue green"),
            // A zone takes only those with it that have no other.
            ("red", &["zone:r1/z2"], "red"),
            (
                "green",
                &["zone:r1/z2", "service:web.default@green"],
                "red gold",
            ),
            (
                "green",
                &["zone:r1/z2", "zone:r1/z1", "service:web.default@green"],
                "gold",
            ),
        ] {
            let seen = answer(&resolved, client, "", down);
            assert_eq!(seen, by, "{endpoints}: {client} without {down:?}");
        }
        // As near as a cluster of that zone alone.
        assert_eq!(
            answer(&resolved, "blue", "", &[]),
            "red blue",
            "{endpoints}"
        );
        assert_eq!(answer(&resolved, "red", "z1.r1.", &[]), "red");
        assert_eq!(answer(&resolved, "gold", "z2.r1.", &[]), "red blue");
    }
}

#[test]
fn a_next_region_cannot_come_before_the_others_of_the_own() {
    let mut document = regional();
    document["spec"]["clusters"].as_array_mut().unwrap().push(json!({
        "name": "pink", "region": "r3", "zone": "z1", "gateway": { "addresses": ["203.0.113.5"] },
    }));
    document["spec"]["locality"] = json!({ "failover": [{ "from": "r1", "to": "r3" }] });
    let found = findings(&mesh(&document));
    let told: Vec<&str> = found
        .iter()
        .filter(|one| one.code == "FM0509")
        .map(|one| one.path.as_str())
        .collect();
    assert_eq!(told, ["spec.locality.failover"]);
    let down = ["service:web.default@red", "blue", "green"];
    let before = resolved(&document);
    assert_eq!(answer(&before, "red", "", &down), "gold pink");
    assert_eq!(
        answer(
            &before,
            "blue",
            "",
            &[
                "service:web.default@red",
                "service:web.default@blue",
                "green"
            ]
        ),
        "pink"
    );

    // Where it is alone in its region, there is nothing before it.
    document["spec"]["services"][0]["clusters"] = json!(["red", "gold", "pink"]);
    let found = findings(&mesh(&document));
    assert!(found.iter().all(|one| one.code != "FM0509"), "{found:#?}");
    let after = resolved(&document);
    assert_eq!(
        answer(&after, "red", "", &["service:web.default@red"]),
        "pink"
    );
}

#[test]
fn clusters_of_one_zone_can_be_called_alone() {
    for endpoints in ENDPOINTS {
        let document = with(&shared_zone(), "/spec/endpoints", endpoints.into());
        let resolved = resolved(&document);
        for client in ["red", "blue", "green", "gold"] {
            for cluster in ["red", "blue"] {
                let name = format!("{cluster}.z2.r1.");
                assert_eq!(answer(&resolved, client, &name, &[]), cluster, "{client}");
            }
        }
        // A name of a cluster that does not run the service falls back to its zone.
        let fewer = with(
            &document,
            "/spec/services/0/clusters",
            json!(["blue", "gold"]),
        );
        let fewer = self::resolved(&fewer);
        assert_eq!(answer(&fewer, "gold", "red.z2.r1.", &[]), "blue");
        assert_eq!(answer(&fewer, "gold", "green.z3.r1.", &[]), "blue");
    }
}

#[test]
fn clusters_of_one_zone_have_shares_of_their_own() {
    let shares = json!({ "distribute": [
        { "from": "r1/z2/red", "to": { "r1/z2/red": 80, "r1/z2/blue": 20 } },
    ] });
    for endpoints in ENDPOINTS {
        let document = with(&shared_zone(), "/spec/endpoints", endpoints.into());
        let document = with(&document, "/spec/locality", shares.clone());
        let resolved = resolved(&document);
        let global = &resolved.services[0].names[1];
        let of = |client: &str| {
            percentages(
                &resolved,
                index(&resolved, client),
                0,
                global,
                &Outage::default(),
            )
        };
        assert_eq!(of("red"), Some(vec![(0, 80), (1, 20)]), "{endpoints}");
        assert_eq!(of("blue"), None);
    }
    // Without names of their own, they have one endpoint for others, and for each other one that leads back.
    let document = with(&shared_zone(), "/spec/endpoints", "names".into());
    let document = with(&document, "/spec/dns/levels", json!(["global", "zone"]));
    let from_afar = json!({ "distribute": [
        { "from": "r1/z3", "to": { "r1/z2/red": 80, "r1/z2/blue": 20 } },
    ] });
    for (shares, severity) in [(shares, Severity::Warning), (from_afar, Severity::Error)] {
        let found = findings(&mesh(&with(&document, "/spec/locality", shares)));
        let found: Vec<Severity> = found
            .iter()
            .filter(|one| one.code == "FM0510")
            .map(|one| one.severity)
            .collect();
        assert!(found.contains(&severity), "{found:?}");
        assert_eq!(
            found.contains(&Severity::Error),
            severity == Severity::Error
        );
    }
}

#[test]
fn a_share_of_a_place_is_divided_among_its_localities() {
    let document = with(
        &regional(),
        "/spec/locality",
        json!({ "distribute": [{ "from": "r1/z1", "to": { "r1": 90, "r2": 10 } }] }),
    );
    let resolved = resolved(&document);
    let global = &resolved.services[0].names[1];
    let seen = percentages(&resolved, 0, 0, global, &Outage::default());
    assert_eq!(seen, Some(vec![(0, 30), (1, 30), (2, 30), (3, 10)]));
    let rules = specs(&document, "red", "DestinationRule");
    let rule = &rules["web.default.external.svc.a.example"];
    let setting = &rule["trafficPolicy"]["loadBalancer"]["localityLbSetting"];
    assert_eq!(
        setting["distribute"],
        json!([{ "from": "*", "to": { "r1/z1.z2/red": 30, "r1.others/z2/blue": 30, "r1.others/z3": 30, "r2": 10 } }])
    );
}

#[test]
fn what_cannot_be_is_found() {
    for (pointer, value, code, path) in [
        (
            "/spec/clusters/0/zone",
            json!("z1"),
            "FM0215",
            "spec.clusters[0].zone",
        ),
        (
            "/spec/clusters/0/zones",
            json!(["z1", "z1"]),
            "FM0103",
            "spec.clusters[0].zones[1]",
        ),
        (
            "/spec/clusters/0/zones",
            json!(["z1", ""]),
            "FM0202",
            "spec.clusters[0].zones[1]",
        ),
        (
            "/spec/clusters/0/zones",
            json!(["z1", "Z"]),
            "FM0101",
            "spec.clusters[0].zones[1]",
        ),
        (
            "/spec/clusters/0/zones",
            json!([]),
            "FM0202",
            "spec.clusters[0].zone",
        ),
        (
            "/spec/locality",
            json!({ "distribute": [{ "to": { "r1/z1": 50, "r1/z2": 50 } }] }),
            "FM0505",
            "spec.locality.distribute[0].to.r1/z2",
        ),
        (
            "/spec/locality",
            json!({ "distribute": [{ "to": { "r1/z1/blue": 100 } }] }),
            "FM0503",
            "spec.locality.distribute[0].to.r1/z1/blue",
        ),
        (
            "/spec/clusters/1/gateway/port",
            json!(81),
            "FM0211",
            "spec.clusters[1].gateway.port",
        ),
    ] {
        let found = findings(&mesh(&with(&regional(), pointer, value)));
        assert!(
            found.iter().any(|one| one.code == code && one.path == path),
            "{code} at {path}: {found:#?}"
        );
    }
}
