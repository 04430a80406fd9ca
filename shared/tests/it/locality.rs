//! Which clusters take the calls of whom: what is found, what is rendered, and who answers.

use crate::support;
use std::collections::BTreeSet;

use documents::bundle;
use serde_json::{Value, json};
use shared::check;
use shared::check::Severity;
use shared::facts::Facts;
use shared::import::{Options, Source, import};
use shared::mesh::Mesh;
use shared::resolved::Resolved;
use shared::traffic::answers::{Answers, in_mesh};
use shared::traffic::expect::expect;
use shared::traffic::outage::Outage;
use shared::traffic::simulate::rows;

/// Four clusters in three regions, the first with two zones; `web` runs in all of them, `till` in two.
fn document(of_all: &Value, of_web: &Value) -> Mesh {
    let cluster = |name: &str, region: &str, zone: &str, address: &str| json!({ "name": name, "region": region, "zone": zone, "gateway": { "addresses": [address] } });
    let mut document = json!({
        "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" },
        "spec": {
            "dns": { "suffix": "a.example", "externalDns": { "provider": "rfc2136" } },
            "endpoints": "names",
            "clusters": [
                cluster("red", "r1", "z1", "203.0.113.1"),
                cluster("blue", "r1", "z2", "203.0.113.2"),
                cluster("green", "r2", "z3", "203.0.113.3"),
                cluster("gold", "r3", "z4", "203.0.113.4"),
            ],
            "services": [
                { "name": "web", "port": 80, "hostname": "web", "failover": { "retry": true } },
                { "name": "till", "port": 81, "clusters": ["red", "green"], "failover": { "retry": true } },
            ],
        },
    });
    if !of_all.is_null() {
        document["spec"]["locality"] = of_all.clone();
    }
    if !of_web.is_null() {
        document["spec"]["services"][0]["locality"] = of_web.clone();
    }
    serde_json::from_value(document).unwrap()
}

fn resolved(of_all: &Value, of_web: &Value) -> Resolved {
    let checked = check(&document(of_all, of_web), &Facts::default());
    checked
        .resolved
        .unwrap_or_else(|| panic!("{:#?}", checked.findings))
}

/// Who answers a caller in a cluster; `name` is what follows `….svc.`, or nothing for the global one.
fn answer(resolved: &Resolved, client: &str, service: usize, name: &str, down: &[&str]) -> String {
    let mut outage = Outage::default();
    for what in down {
        outage.add(what, resolved).unwrap();
    }
    let index = |name: &str| {
        let mut clusters = resolved.clusters.iter();
        clusters.position(|one| one.name.as_str() == name).unwrap()
    };
    let all = &resolved.services[service];
    let end = if name.is_empty() {
        ".svc.a.example".to_owned()
    } else {
        format!(".svc.{name}.a.example")
    };
    let mut names = all.names.iter();
    let name = names.find(|name| name.host.as_str().ends_with(&end));
    let answers = in_mesh(resolved, index(client), service, name.unwrap(), &outage);
    let names = |list: &[usize]| {
        let names = list.iter().map(|&i| resolved.clusters[i].name.to_string());
        names.collect::<Vec<_>>().join(" ")
    };
    match &answers {
        Answers::By(by) => names(by),
        other => format!("{other:?}"),
    }
}

const WEB: [&str; 2] = ["service:web.default@red", "service:web.default@blue"];

#[test]
fn a_region_can_come_before_the_rest() {
    let nothing = resolved(&Value::Null, &Value::Null);
    assert_eq!(answer(&nothing, "red", 0, "", &WEB), "green gold");
    let next = json!({ "failover": [{ "from": "r1", "to": "r3" }, { "to": "r1" }] });
    for (of_all, of_web) in [(&next, &Value::Null), (&Value::Null, &next)] {
        let resolved = resolved(of_all, of_web);
        for (client, down, by) in [
            ("red", &[][..], "red"),
            ("red", &["service:web.default@red"], "blue"),
            ("red", &WEB, "gold"),
            ("red", &[WEB[0], WEB[1], "gold"], "green"),
            ("green", &["service:web.default@green"], "red blue"),
            ("gold", &["service:web.default@gold"], "red blue"),
        ] {
            assert_eq!(
                answer(&resolved, client, 0, "", down),
                by,
                "{client} {down:?}"
            );
        }
        assert_eq!(
            answer(&resolved, "green", 1, "", &["service:till.default@green"]),
            "red",
            "where there is one other region, nothing is to be preferred"
        );
    }
}

#[test]
fn shares_take_the_place_of_distance_for_the_names_that_lead_to_all_of_them() {
    let shares = json!({ "distribute": [
        { "from": "r1/z1", "to": { "r1": 80, "r2/z3": 20 } },
        { "from": "r3", "to": { "r3": 100 } },
    ] });
    let resolved = resolved(&Value::Null, &shares);
    for (client, name, down, by) in [
        ("red", "", &[][..], "red blue green"),
        ("red", "", &["service:web.default@red"], "blue green"),
        ("red", "", &["r2"], "red blue"),
        // Of a region's name, the share of the other region would be lost.
        ("red", "r1", &[], "red"),
        ("red", "z2.r1", &[], "blue"),
        ("blue", "", &[], "blue"),
        ("green", "", &[], "green"),
        ("gold", "", &["service:web.default@gold"], "nobody"),
    ] {
        let down: Vec<&str> = down
            .iter()
            .map(|what| if *what == "r2" { "green" } else { what })
            .collect();
        let seen = answer(&resolved, client, 0, name, &down);
        if by == "nobody" {
            assert_eq!(seen, "Nobody(Down)");
        } else {
            assert_eq!(seen, by, "{client} {name:?} {down:?}");
        }
    }
    let expectations = expect(&resolved);
    let call = expectations.calls.iter().find(|call| {
        (call.client.as_str(), call.level, call.service.as_str())
            == ("red", "global", "web.default")
    });
    assert_eq!(call.unwrap().answered_by, ["red", "blue", "green"]);
}

/// What a simulation says reaches each cluster of the calls for the global name of `web`, or a region's.
fn shares(resolved: &Resolved, client: &str, region: &str, down: &[&str]) -> String {
    let mut outage = Outage::default();
    for what in down {
        outage.add(what, resolved).unwrap();
    }
    let level = if region.is_empty() {
        "global"
    } else {
        "region"
    };
    let rows = rows(resolved, &outage);
    let row = rows.iter().find(|row| {
        (row.client.as_deref(), row.service.as_str(), row.level)
            == (Some(client), "web.default", level)
            && row.host.contains(region)
    });
    let row = row.unwrap();
    let reached: BTreeSet<&String> = row.answered_by.iter().chain(&row.lost).collect();
    let shares = row.shares.iter();
    let shown = shares
        .clone()
        .map(|one| format!("{} {}", one.cluster, one.percent));
    if !row.shares.is_empty() {
        assert_eq!(
            shares
                .clone()
                .map(|one| &one.cluster)
                .collect::<BTreeSet<_>>(),
            reached
        );
        assert_eq!(shares.map(|one| u32::from(one.percent)).sum::<u32>(), 100);
    }
    shown.collect::<Vec<_>>().join(", ")
}

#[test]
fn shares_are_told_in_percent_of_what_is_well() {
    let of_web = json!({ "distribute": [
        { "from": "r1/z1", "to": { "r1": 80, "r2/z3": 20 } },
        { "from": "r3", "to": { "r3": 100 } },
    ] });
    let mesh = resolved(&Value::Null, &of_web);
    for (client, region, down, expected) in [
        // A region's share is divided among its zones.
        ("red", "", &[][..], "red 40, blue 40, green 20"),
        ("red", "", &[WEB[0]], "blue 67, green 33"),
        ("red", "", &["green"], "red 50, blue 50"),
        ("red", "", &WEB, "green 100"),
        // The name of the zone falls back to what is left of the region.
        ("red", "", &["gateway:blue"], "red 80, green 20"),
        ("gold", "", &[], "gold 100"),
        ("gold", "", &["service:web.default@gold"], ""),
        ("red", "", &["red"], ""),
        // Names and callers for which no shares hold.
        ("red", ".r1.", &[], ""),
        ("blue", "", &[], ""),
    ] {
        let seen = shares(&mesh, client, region, down);
        assert_eq!(seen, expected, "{client} {region:?} {down:?}");
    }
}

#[test]
fn clusters_of_one_zone_share_what_it_takes_and_it_takes_less_when_one_of_them_fails() {
    let of_web = json!({ "distribute": [{ "to": { "r1": 80, "r2": 20 } }] });
    let mut document = document(&Value::Null, &of_web);
    document.spec.clusters[1].zone = "z1".into();
    let mesh = check(&document, &Facts::default()).resolved.unwrap();
    assert_eq!(shares(&mesh, "gold", "", &[]), "red 40, blue 40, green 20");
    // Half of the zone is well: 1.4 times a half of 80, beside 20.
    assert_eq!(shares(&mesh, "gold", "", &[WEB[0]]), "blue 74, green 26");
    // Half to its own gateway, and half to what the zone's name gives.
    assert_eq!(shares(&mesh, "red", "", &[]), "red 60, blue 20, green 20");
}

#[test]
fn what_holds_for_all_holds_for_services_that_say_nothing_and_run_there() {
    let of_all = json!({ "distribute": [{ "to": { "r1": 50, "r3": 50 } }] });
    let of_web = json!({ "distribute": [{ "to": { "r2": 100 } }] });
    let resolved = resolved(&of_all, &of_web);
    assert_eq!(answer(&resolved, "red", 0, "", &[]), "green");
    assert_eq!(
        answer(&resolved, "red", 1, "", &[]),
        "red",
        "till is not in r3"
    );

    let checked = check(&document(&of_all, &Value::Null), &Facts::default());
    let told: Vec<_> = checked
        .findings
        .iter()
        .filter(|one| one.code == "FM0507")
        .collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0].severity, Severity::Hint);
    assert_eq!(told[0].path, "spec.locality.distribute[0].to.r3");
    assert!(told[0].message.contains("till.default"), "{told:?}");
}

/// What the rule of a name says in a cluster; `None` without one.
fn setting(mesh: &Mesh, cluster: &str, name: &str) -> Option<Value> {
    let bundle = bundle(mesh, &Facts::default());
    let mut objects = bundle.cluster(cluster).unwrap().objects();
    let rule = objects.find(|one| one.kind.kind == "DestinationRule" && one.name == name);
    rule.map(|rule| rule.body["spec"]["trafficPolicy"]["loadBalancer"]["localityLbSetting"].clone())
}

#[test]
fn rules_say_it_in_istios_words_where_it_makes_a_difference() {
    let both = json!({
        "failover": [{ "from": "r1", "to": "r3" }],
        "distribute": [{ "from": "r1/z2", "to": { "r1/z2": 90, "r2": 10 } }],
    });
    let mesh = document(&both, &Value::Null);
    let web = "web.default.external.svc.a.example";
    let next = json!({ "enabled": true, "failover": [{ "from": "r1", "to": "r3" }] });
    assert_eq!(setting(&mesh, "red", web), Some(next.clone()));
    let shares = json!([{ "from": "*", "to": { "r1/z2": 90, "r2": 10 } }]);
    assert_eq!(
        setting(&mesh, "blue", web),
        Some(json!({ "enabled": true, "distribute": shares })),
        "a cluster's rules are its own, so both can be said"
    );
    assert_eq!(
        setting(&mesh, "blue", "web.default.external.svc.r1.a.example"),
        Some(next),
        "r2 is not behind the name of r1"
    );
    assert_eq!(
        setting(&mesh, "green", "web.default.external.svc.r1.a.example"),
        None,
        "another region's name goes by DNS"
    );
    // What needs nothing else shares a rule.
    assert_eq!(
        setting(&mesh, "red", "till.default.external.svc.a.example"),
        None
    );
    assert_eq!(
        setting(&mesh, "red", "any.external.svc.a.example"),
        Some(json!({ "enabled": true }))
    );
}

#[test]
fn an_import_finds_it() {
    let both = json!({
        "failover": [{ "from": "r1", "to": "r3" }, { "from": "r2", "to": "r3" }],
        "distribute": [{ "from": "r1/z2", "to": { "r1/z2": 90, "r2": 10 } }],
    });
    let mesh = document(&Value::Null, &both);
    let bundle = bundle(&mesh, &Facts::default());
    let sources: Vec<Source> = bundle
        .files()
        .filter(|(path, _)| path.contains('/'))
        .map(|(path, text)| Source {
            file: path.to_owned(),
            cluster: path.split('/').next().map(str::to_owned),
            text: text.to_owned(),
        })
        .collect();
    let imported = import(&sources, &Options::default()).unwrap();
    assert_eq!(imported.findings, []);
    let services = &imported.mesh.spec.services;
    let web = services.iter().find(|one| one.name == "web").unwrap();
    assert_eq!(web.locality, mesh.spec.services[0].locality);

    // Places of nobody are told, and not carried over.
    let mut strange = sources;
    for source in &mut strange {
        source.text = source.text.replace("r1/z2: 90", "r1/z2/rack: 90");
    }
    let imported = import(&strange, &Options::default()).unwrap();
    assert_eq!(
        imported
            .mesh
            .spec
            .services
            .iter()
            .flat_map(|one| &one.locality)
            .flat_map(|one| &one.distribute)
            .count(),
        0
    );
    assert!(imported.is_incomplete());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of what is found")]
fn what_cannot_be_is_found() {
    let distribute = |from: &str, to: Value| json!({ "distribute": [{ "from": from, "to": to }] });
    let cases = [
        (
            json!({ "failover": [{ "from": "r9", "to": "r2" }] }),
            "FM0503",
            "failover[0].from",
        ),
        (
            json!({ "failover": [{ "to": "r1/z1" }] }),
            "FM0503",
            "failover[0].to",
        ),
        (
            json!({ "failover": [{ "from": "r1", "to": "r1" }] }),
            "FM0508",
            "failover[0].to",
        ),
        (
            json!({ "failover": [{ "to": "r1" }, { "from": "r2", "to": "r3" }] }),
            "FM0506",
            "failover[1]",
        ),
        (
            distribute("r1/z9", json!({ "r1": 100 })),
            "FM0503",
            "distribute[0].from",
        ),
        (
            distribute("r1", json!({ "r1/z9": 100 })),
            "FM0503",
            "distribute[0].to.r1/z9",
        ),
        (
            distribute("r1", json!({ "r1": 60, "r2": 30 })),
            "FM0504",
            "distribute[0].to",
        ),
        (
            distribute("r1", json!({ "r1": 100, "r2": 0 })),
            "FM0504",
            "distribute[0].to.r2",
        ),
        (
            distribute("r1", json!({ "r1": 300 })),
            "FM0504",
            "distribute[0].to.r1",
        ),
        (distribute("r1", json!({})), "FM0504", "distribute[0].to"),
        (
            distribute("r1", json!({ "r1": 50, "r1/z1": 50 })),
            "FM0505",
            "distribute[0].to.r1/z1",
        ),
        (
            json!({ "distribute": [{ "from": "r1", "to": { "r1": 100 } }, { "from": "r1/z1", "to": { "r1": 100 } }] }),
            "FM0506",
            "distribute[1]",
        ),
        (
            json!({ "failover": [{ "to": "r1" }], "distribute": [{ "to": { "r1": 100 } }] }),
            "FM0506",
            "failover",
        ),
    ];
    for (given, code, at) in cases {
        for (of_all, of_web, path) in [
            (&given, &Value::Null, "spec.locality"),
            (&Value::Null, &given, "spec.services[0].locality"),
        ] {
            let findings = support::findings(&document(of_all, of_web));
            let place = format!("{path}.{at}");
            let found = findings
                .iter()
                .find(|one| one.code == code && one.path == place)
                .unwrap_or_else(|| panic!("no {code} at {place}: {findings:#?}"));
            support::assert_is_complete(found);
        }
    }
    let mut mesh = document(&Value::Null, &Value::Null);
    let till = |given: Value| Some(serde_json::from_value(given).unwrap());
    for (given, severity, at) in [
        (
            distribute("r1", json!({ "r1": 50, "r3": 50 })),
            Severity::Error,
            "distribute[0].to.r3",
        ),
        (
            json!({ "failover": [{ "to": "r3" }] }),
            Severity::Warning,
            "failover[0].to",
        ),
    ] {
        mesh.spec.services[1].locality = till(given);
        let findings = support::findings(&mesh);
        let place = format!("spec.services[1].locality.{at}");
        let found = findings.iter().find(|one| one.code == "FM0507");
        let found = found.unwrap_or_else(|| panic!("{findings:#?}"));
        assert_eq!(
            (found.severity, found.path.as_str()),
            (severity, place.as_str())
        );
        support::assert_is_complete(found);
    }
}

/// Shares of a service's own take the place of the document's, so that its failover applies to the other callers.
#[test]
fn failover_is_not_unused_where_a_service_has_shares_of_its_own() {
    let of_all = json!({ "failover": [{ "to": "r1" }], "distribute": [{ "to": { "r1": 100 } }] });
    let unused = |of_web: &Value| -> usize {
        let findings = support::findings(&document(&of_all, of_web));
        findings.iter().filter(|one| one.code == "FM0506").count()
    };
    assert_eq!(unused(&Value::Null), 1);
    assert_eq!(
        unused(&json!({ "distribute": [{ "from": "r1", "to": { "r1": 100 } }] })),
        0
    );
}
