//! Who answers, with nothing down and with something.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

use serde_json::{Value, json};
use shared::answers::{Answers, Reason, by_dns, in_mesh};
use shared::expect::expect;
use shared::facts::Facts;
use shared::outage::Outage;
use shared::resolved::Resolved;

/// Cluster names tell nothing of their places; hosts are given by what follows `….svc.`.
fn resolved(clusters: &[(&str, &str, &str)], serving: &[&str]) -> Resolved {
    let clusters: Vec<Value> = clusters
        .iter()
        .enumerate()
        .map(|(index, (name, region, zone))| {
            json!({
                "name": name, "region": region, "zone": zone,
                "gateway": { "addresses": [format!("203.0.113.{}", index + 1)] },
            })
        })
        .collect();
    let mesh = serde_json::from_value(json!({
        "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" },
        "spec": {
            "dns": { "suffix": "a.example" },
            "clusters": clusters,
            "services": [{ "name": "web", "port": 80, "hostname": "web", "clusters": serving }],
        },
    }))
    .unwrap();
    shared::check(&mesh, &Facts::default()).resolved.unwrap()
}

/// One region with two zones.
fn two() -> Resolved {
    resolved(
        &[("red", "r1", "z1"), ("blue", "r1", "z2")],
        &["red", "blue"],
    )
}

/// Two regions, the first with two zones.
fn three() -> Resolved {
    resolved(
        &[
            ("red", "r1", "z1"),
            ("blue", "r1", "z2"),
            ("green", "r2", "z3"),
        ],
        &["red", "blue", "green"],
    )
}

/// Two clusters in one zone, one in another of the same region.
fn crowded() -> Resolved {
    resolved(
        &[
            ("red", "r1", "z1"),
            ("blue", "r1", "z1"),
            ("green", "r1", "z2"),
        ],
        &["red", "blue", "green"],
    )
}

/// Three clusters, one of which serves.
fn single() -> Resolved {
    resolved(
        &[
            ("red", "r1", "z1"),
            ("blue", "r1", "z2"),
            ("green", "r2", "z3"),
        ],
        &["blue"],
    )
}

/// `name`: `web`, or what follows the prefix: ``, `r1`, `z1.r1`.
fn said(resolved: &Resolved, client: Option<&str>, name: &str, down: &[&str]) -> String {
    let mut outage = Outage::default();
    for what in down {
        outage.add(what, resolved).unwrap();
    }
    let host = match name {
        "web" => "web.a.example".to_owned(),
        "" => "web.default.external.svc.a.example".to_owned(),
        level => format!("web.default.external.svc.{level}.a.example"),
    };
    let name = resolved.services[0]
        .names
        .iter()
        .find(|name| name.host.as_str() == host)
        .unwrap_or_else(|| panic!("{host}"));
    let answers = match client {
        None => by_dns(resolved, 0, name, &outage),
        Some(client) => {
            let client = resolved
                .clusters
                .iter()
                .position(|cluster| cluster.name.as_str() == client)
                .unwrap();
            in_mesh(resolved, client, 0, name, &outage)
        }
    };
    let names = |list: &[usize]| {
        let names = list.iter().map(|&i| resolved.clusters[i].name.to_string());
        names.collect::<Vec<_>>().join(" ")
    };
    match &answers {
        Answers::By(by) => names(by),
        Answers::Partly { by, lost } => format!("{} not {}", names(by), names(lost)),
        Answers::Nobody(Reason::ClientDown) => "no client".to_owned(),
        Answers::Nobody(Reason::NoRecord) => "no record".to_owned(),
        Answers::Nobody(Reason::Down) => "down".to_owned(),
    }
}

#[track_caller]
fn check(resolved: &Resolved, rows: &[(Option<&str>, &str, &[&str], &str)]) {
    for (client, name, down, expected) in rows {
        assert_eq!(
            said(resolved, *client, name, down),
            *expected,
            "{client:?} asks {name:?} with {down:?} down"
        );
    }
}

#[test]
fn two_zones_of_one_region() {
    let (red, blue) = (Some("red"), Some("blue"));
    check(
        &two(),
        &[
            (red, "web", &[], "red"),
            (blue, "web", &[], "blue"),
            (red, "", &[], "red"),
            (red, "r1", &[], "red"),
            (red, "z1.r1", &[], "red"),
            (red, "z2.r1", &[], "blue"),
            (None, "web", &[], "red blue"),
            (None, "z2.r1", &[], "blue"),
            // A cluster.
            (red, "", &["blue"], "red"),
            (red, "z2.r1", &["blue"], "down"),
            (blue, "", &["blue"], "no client"),
            (None, "", &["blue"], "red not blue"),
            (None, "z2.r1", &["blue"], "down"),
            // A service.
            (red, "", &["service:web.default@red"], "blue"),
            (red, "z1.r1", &["service:web.default@red"], "down"),
            (None, "r1", &["service:web.default@red"], "blue not red"),
            (red, "", &["service:web.default"], "down"),
            // A gateway: its record goes, its zone's name falls back.
            (red, "", &["gateway:red"], "blue"),
            (red, "z1.r1", &["gateway:red"], "down"),
            (blue, "z1.r1", &["gateway:red"], "blue"),
            (None, "z1.r1", &["gateway:red"], "blue"),
            (None, "", &["gateway:red", "gateway:blue"], "no record"),
            (blue, "", &["gateway:red", "gateway:blue"], "down"),
        ],
    );
}

#[test]
fn two_regions() {
    let (red, green) = (Some("red"), Some("green"));
    check(
        &three(),
        &[
            (red, "web", &["red"], "no client"),
            (red, "web", &["service:web.default@red"], "blue"),
            (
                red,
                "web",
                &["service:web.default@red", "service:web.default@blue"],
                "green",
            ),
            (green, "web", &["service:web.default@green"], "red blue"),
            (green, "web", &["service:web.default@green", "blue"], "red"),
            (green, "r1", &[], "red blue"),
            (green, "r1", &["zone:r1/z1"], "blue"),
            (red, "r2", &[], "green"),
            (red, "r2", &["green"], "down"),
            (red, "r2", &["gateway:green"], "red blue"),
            (None, "z3.r2", &["gateway:green"], "red blue"),
        ],
    );
}

#[test]
fn two_clusters_in_one_zone() {
    let (red, green) = (Some("red"), Some("green"));
    check(
        &crowded(),
        &[
            (red, "", &[], "red blue"),
            (green, "", &[], "green"),
            (green, "z1.r1", &[], "red blue"),
            (green, "z1.r1", &["blue"], "red"),
            // Of the three endpoints in red's zone one is dead: 2/3 of them times 1.4 still do.
            (red, "", &["blue"], "red green"),
            (green, "", &["service:web.default@green"], "red blue"),
        ],
    );
}

#[test]
fn a_service_in_one_cluster_only() {
    let (red, blue) = (Some("red"), Some("blue"));
    check(
        &single(),
        &[
            (red, "web", &[], "blue"),
            (blue, "web", &[], "blue"),
            (red, "z1.r1", &[], "blue"),
            (red, "z3.r2", &[], "blue"),
            (red, "r2", &[], "blue"),
            (red, "web", &["service:web.default@blue"], "down"),
            (red, "web", &["gateway:blue"], "no record"),
            (blue, "web", &["gateway:blue"], "down"),
            (None, "z1.r1", &["gateway:blue"], "no record"),
        ],
    );
}

#[test]
fn words_for_an_outage_that_nothing_is_called_by() {
    let mut outage = Outage::default();
    for (word, expected) in [
        (
            "Red",
            "there is no cluster \"Red\"; there is: red, blue, green",
        ),
        (
            "gateway:r1",
            "there is no cluster \"r1\"; there is: red, blue, green",
        ),
        (
            "zone:r1/z9",
            "there is no zone \"r1/z9\"; there is: r1/z1, r1/z2, r2/z3",
        ),
        (
            "service:web",
            "there is no service \"web\"; there is: web.default",
        ),
        ("service:web.default@red", "web.default does not run in red"),
    ] {
        let error = outage.add(word, &single()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(outage, Outage::default());
}

#[test]
fn expectations_are_the_model_with_nothing_down() {
    let expectations = expect(&single());
    let hosts: Vec<_> = expectations
        .records
        .iter()
        .map(|record| (record.host.as_str(), record.addresses.len()))
        .collect();
    assert_eq!(hosts.len(), 7, "{hosts:?}");
    assert!(hosts.iter().all(|(_, addresses)| *addresses == 1));
    assert_eq!(expectations.gateways.len(), 7, "one gateway, every name");
    assert!(
        expectations
            .gateways
            .iter()
            .all(|call| call.cluster == "blue" && call.answered_by == ["blue"])
    );
    // Three clients, seven names, and the local name where it runs.
    assert_eq!(expectations.calls.len(), 22);
    let local: Vec<_> = expectations
        .calls
        .iter()
        .filter(|call| call.level == "local")
        .collect();
    assert_eq!(local.len(), 1);
    assert_eq!((local[0].client.as_str(), local[0].port), ("blue", 80));
}
