//! Who answers, with nothing down and with something.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::facts::Facts;
use shared::resolved::Resolved;
use shared::traffic::answers::{Answers, Reason, by_dns, in_mesh};
use shared::traffic::expect::expect;
use shared::traffic::outage::Outage;

/// Cluster names tell nothing of their places; hosts are given by what follows `….svc.`.
fn resolved(clusters: &[(&str, &str, &str)], serving: &[&str]) -> Resolved {
    let gateway = |index| json!({ "addresses": [format!("203.0.113.{}", index + 1)] });
    with_gateways(clusters, gateway, serving, &Facts::default())
}

fn with_gateways(
    clusters: &[(&str, &str, &str)],
    gateway: impl Fn(usize) -> Value,
    serving: &[&str],
    facts: &Facts,
) -> Resolved {
    checked(document(clusters, gateway, serving), facts)
}

fn document(
    clusters: &[(&str, &str, &str)],
    gateway: impl Fn(usize) -> Value,
    serving: &[&str],
) -> Value {
    let clusters: Vec<Value> = clusters
        .iter()
        .enumerate()
        .map(|(index, (name, region, zone))| {
            json!({ "name": name, "region": region, "zone": zone, "gateway": gateway(index) })
        })
        .collect();
    json!({
        "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" },
        "spec": {
            "dns": { "suffix": "a.example" },
            "endpoints": "names",
            "clusters": clusters,
            "services": [{ "name": "web", "port": 80, "hostname": "web", "clusters": serving }],
        },
    })
}

fn checked(document: Value, facts: &Facts) -> Resolved {
    let mesh = serde_json::from_value(document).unwrap();
    shared::check(&mesh, facts).resolved.unwrap()
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

/// Five clusters, four of them in one zone; endpoints are addresses, one for each cluster.
fn a_zone_of_four() -> Resolved {
    let clusters = [
        ("red", "r1", "z1"),
        ("blue", "r1", "z1"),
        ("pink", "r1", "z1"),
        ("gray", "r1", "z1"),
        ("green", "r1", "z2"),
    ];
    let serving = clusters.map(|(name, ..)| name);
    let gateway = |index| json!({ "addresses": [format!("203.0.113.{}", index + 1)], "clusterIP": "10.0.0.9" });
    let mut document = document(&clusters, gateway, &serving);
    document["spec"]["endpoints"] = json!("addresses");
    checked(document, &Facts::default())
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
            // The names of another region go by DNS, which gives a dead address as well as others.
            (green, "r1", &["zone:r1/z1"], "blue not red"),
            (green, "r1", &["service:web.default@blue"], "red not blue"),
            (green, "r1", &["zone:r1/z1", "zone:r1/z2"], "down"),
            (green, "r1", &["gateway:red"], "blue"),
            // Within the region they fail over.
            (red, "r1", &["service:web.default@red"], "blue"),
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
            // Another zone's name goes by DNS; the own one's has an endpoint for each cluster.
            (green, "z1.r1", &["blue"], "red not blue"),
            (red, "z1.r1", &["blue"], "red"),
            (red, "z1.r1", &["service:web.default@red"], "blue"),
            // Of the three endpoints in red's zone one is dead: 2/3 of them times 1.4 still do.
            (red, "", &["blue"], "red green"),
            (green, "", &["service:web.default@green"], "red blue"),
        ],
    );
}

/// Envoy sends calls to the next locality when less than 1/1.4 of the endpoints in the nearest one are healthy.
#[test]
fn a_zone_keeps_its_calls_while_enough_of_it_is_up() {
    let red = Some("red");
    check(
        &a_zone_of_four(),
        &[
            (red, "", &[], "red blue pink gray"),
            // 3/4 × 1.4 = 1.05
            (red, "", &["gray"], "red blue pink"),
            // 2/4 × 1.4 = 0.7
            (red, "", &["gray", "pink"], "red blue green"),
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
fn load_balancers_with_host_names() {
    let lb = |index| json!({ "addresses": [format!("lb{index}.example.net")] });
    let zones = [("red", "r1", "z1"), ("blue", "r1", "z2")];
    let two = with_gateways(&zones, lb, &["red", "blue"], &Facts::default());
    let (red, green) = (Some("red"), Some("green"));
    check(
        &two,
        &[
            // One host name is an alias; DNS has no form for two.
            (None, "z1.r1", &[], "red"),
            (None, "r1", &[], "no record"),
            (None, "", &[], "no record"),
            (None, "web", &[], "no record"),
            (None, "web", &["gateway:red"], "blue"),
            (None, "z1.r1", &["gateway:red"], "blue"),
            // Meshes go by the zones' names.
            (red, "web", &[], "red"),
            (red, "web", &["service:web.default@red"], "blue"),
        ],
    );
    let zones = [
        ("red", "r1", "z1"),
        ("blue", "r1", "z1"),
        ("green", "r1", "z2"),
    ];
    check(
        &with_gateways(&zones, lb, &["red", "blue", "green"], &Facts::default()),
        &[
            (green, "z1.r1", &[], "no record"),
            (green, "", &[], "green"),
            (green, "", &["service:web.default@green"], "down"),
            (red, "z1.r1", &[], "red"),
        ],
    );
    assert_eq!(expect(&two).records, [], "the cloud chooses the addresses");
    let mut resolving = two;
    // Looked up before anything is published.
    resolving.dns.host_names = Some(BTreeMap::new());
    check(
        &resolving,
        &[
            (None, "", &[], "red blue"),
            (None, "z1.r1", &[], "red"),
            (None, "r1", &["gateway:red"], "blue"),
        ],
    );
}

#[test]
fn gateways_on_different_ports() {
    let gateway = |index| json!({ "addresses": [format!("203.0.113.{index}")], "port": if index == 0 { 8080 } else { 80 } });
    let zones = [
        ("red", "r1", "z1"),
        ("blue", "r1", "z2"),
        ("green", "r2", "z3"),
    ];
    let (red, blue, green) = (Some("red"), Some("blue"), Some("green"));
    check(
        &with_gateways(&zones, gateway, &["red", "blue"], &Facts::default()),
        &[
            (red, "z2.r1", &[], "blue"),
            (blue, "z1.r1", &[], "red"),
            (green, "z1.r1", &[], "red"),
            (blue, "", &["service:web.default@blue"], "red"),
            // A zone without a cluster of its own has the endpoints of those that answer for it.
            (green, "z3.r2", &[], "red blue"),
            // The name falls back to a gateway on another port.
            (green, "z1.r1", &["gateway:red"], "down"),
            (green, "z2.r1", &["gateway:blue"], "down"),
            (None, "z1.r1", &["gateway:red"], "blue"),
        ],
    );
}

#[test]
fn a_name_that_nobody_answers_yet_is_to_be_answered_by_those_that_the_document_wants() {
    let facts = Facts {
        gateways: [("blue".to_owned(), Vec::new())].into(),
        ..Facts::default()
    };
    let zones = [("red", "r1", "z1"), ("blue", "r1", "z2")];
    let resolved = with_gateways(&zones, |_| json!({}), &["blue"], &facts);
    assert_eq!(said(&resolved, Some("red"), "web", &[]), "no record");
    let expectations = expect(&resolved);
    assert_eq!(expectations.records, []);
    for call in expectations.calls {
        let by: &[&str] = if call.level == "local" {
            &[]
        } else {
            &["blue"]
        };
        assert_eq!(
            call.answered_by, by,
            "{} from {}",
            call.url_host, call.client
        );
    }
}

#[test]
fn words_for_an_outage_that_nothing_is_called_by() {
    let mut outage = Outage::default();
    for (word, expected) in [
        ("Red", "unknown cluster \"Red\"; known: red, blue, green"),
        (
            "gateway:r1",
            "unknown cluster \"r1\"; known: red, blue, green",
        ),
        (
            "zone:r1/z9",
            "unknown zone \"r1/z9\"; known: r1/z1, r1/z2, r2/z3",
        ),
        ("service:web", "unknown service \"web\"; known: web.default"),
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
