//! Who answers with something down, beside who answers with nothing down, as rows.

use serde_json::{Value, json};
use shared::facts::Facts;
use shared::resolved::Resolved;
use shared::traffic::outage::Outage;
use shared::traffic::simulate::{AnswerRow, rows};

/// A cluster, and the address that its gateway was seen to have; none where it was looked at in vain.
type Gateway = (&'static str, Option<&'static str>);

/// What is down; service, level and caller of a row; what it says.
type Case = (
    &'static [&'static str],
    &'static str,
    &'static str,
    Option<&'static str>,
    &'static str,
);

/// Two zones of one region; `web` runs in both, `till` in the second. The document has no addresses:
/// `gateways` are those seen.
fn resolved(gateways: &[Gateway]) -> Resolved {
    let mesh = serde_json::from_value(json!({
        "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" },
        "spec": {
            "dns": { "suffix": "a.example" },
            "clusters": [
                { "name": "red", "region": "r1", "zone": "z1" },
                { "name": "blue", "region": "r1", "zone": "z2" },
            ],
            "services": [
                { "name": "web", "namespace": "shop", "port": 80, "hostname": "web" },
                { "name": "till", "namespace": "shop", "port": 80, "clusters": ["blue"] },
            ],
        },
    }))
    .unwrap();
    let seen = gateways.iter().map(|(cluster, address)| {
        let addresses = address.iter().map(ToString::to_string);
        ((*cluster).to_owned(), addresses.collect())
    });
    let facts = Facts {
        gateways: seen.collect(),
        ..Facts::default()
    };
    shared::check(&mesh, &facts).resolved.unwrap()
}

fn known() -> Resolved {
    resolved(&[("red", Some("203.0.113.1")), ("blue", Some("203.0.113.2"))])
}

fn with(resolved: &Resolved, down: &[&str]) -> Vec<AnswerRow> {
    let mut outage = Outage::default();
    for what in down {
        outage.add(what, resolved).unwrap();
    }
    rows(resolved, &outage)
}

/// `before → answered by, not lost (reason)`, and `=` in front where nothing has changed.
fn said(row: &AnswerRow) -> String {
    let mut text = format!("{} → {}", row.before.join(" "), row.answered_by.join(" "));
    if !row.lost.is_empty() {
        text = format!("{text} not {}", row.lost.join(" "));
    }
    if let Some(reason) = row.reason {
        text = format!("{text}({reason})");
    }
    if !row.is_changed() {
        text.insert_str(0, "= ");
    }
    text
}

#[test]
fn rows_say_what_was_and_what_is() {
    let (red, blue, dns) = (Some("red"), Some("blue"), None);
    let cases: [Case; 15] = [
        (&[], "web.shop", "vanity", red, "= red → red"),
        (&[], "web.shop", "vanity", dns, "= red blue → red blue"),
        // A cluster: it calls nobody; by DNS its address is still given.
        (&["red"], "web.shop", "global", red, "red → (clientDown)"),
        (&["red"], "web.shop", "global", blue, "= blue → blue"),
        (
            &["red"],
            "web.shop",
            "global",
            dns,
            "red blue → blue not red",
        ),
        // All that DNS gives is dead: that is a reason, and nothing is half lost.
        (&["blue"], "till.shop", "global", red, "blue → (down)"),
        (&["blue"], "till.shop", "global", dns, "blue → (down)"),
        // A service: the others of the cluster stay.
        (
            &["service:web.shop@blue"],
            "web.shop",
            "region",
            blue,
            "blue → red",
        ),
        (
            &["service:web.shop@blue"],
            "till.shop",
            "region",
            blue,
            "= blue → blue",
        ),
        (
            &["service:web.shop"],
            "web.shop",
            "vanity",
            dns,
            "red blue → (down)",
        ),
        // A gateway: its record goes, so that nothing is lost to it.
        (
            &["gateway:red"],
            "web.shop",
            "vanity",
            dns,
            "red blue → blue",
        ),
        (
            &["gateway:blue"],
            "till.shop",
            "global",
            dns,
            "blue → (noRecord)",
        ),
        (
            &["gateway:blue"],
            "till.shop",
            "global",
            blue,
            "blue → (down)",
        ),
        // Several.
        (
            &["red", "zone:r1/z2"],
            "web.shop",
            "global",
            blue,
            "blue → (clientDown)",
        ),
        (
            &["red", "gateway:blue"],
            "web.shop",
            "global",
            dns,
            "red blue → (down)",
        ),
    ];
    let resolved = known();
    for (down, service, level, client, expected) in cases {
        let all = with(&resolved, down);
        let row = all
            .iter()
            .find(|row| {
                (row.service.as_str(), row.level, row.client.as_deref()) == (service, level, client)
            })
            .unwrap();
        assert_eq!(
            said(row),
            expected,
            "{client:?} asks the {level} name of {service} with {down:?} down"
        );
    }
}

#[test]
fn every_name_of_every_service_for_every_caller_in_order() {
    let all = with(&known(), &["red"]);
    // Five names of web and four of till (no vanity name), for two clusters and by DNS.
    assert_eq!(all.len(), 27);
    for of_name in all.chunks(3) {
        let callers: Vec<_> = of_name.iter().map(|row| row.client.as_deref()).collect();
        assert_eq!(callers, [Some("red"), Some("blue"), None]);
        assert!(of_name.iter().all(|row| row.host == of_name[0].host));
    }
    let services: Vec<_> = all.iter().step_by(3).map(|row| &row.service).collect();
    assert!(services[..5].iter().all(|service| *service == "web.shop"));
    assert!(services[5..].iter().all(|service| *service == "till.shop"));
}

#[test]
fn a_gateway_whose_addresses_nobody_knows_counts_as_having_some() {
    let cases: [(&[Gateway], &str); 2] = [
        (&[], "= red blue → red blue"),
        (
            &[("red", None), ("blue", Some("203.0.113.2"))],
            "= blue → blue",
        ),
    ];
    for (gateways, expected) in cases {
        let all = with(&resolved(gateways), &[]);
        let row = all.iter().find(|row| row.client.is_none()).unwrap();
        assert_eq!(said(row), expected, "{gateways:?}");
    }
}

#[test]
fn programs_are_told_nothing_that_is_not_so() {
    let all = with(&known(), &["red"]);
    let shown = |level: &str, client: Option<&str>| -> Value {
        let mut rows = all.iter();
        let row = rows.find(|row| row.level == level && row.client.as_deref() == client);
        serde_json::to_value(row.unwrap()).unwrap()
    };
    assert_eq!(
        shown("vanity", None),
        json!({
            "service": "web.shop", "host": "web.a.example", "level": "vanity",
            "answeredBy": ["blue"], "lost": ["red"], "before": ["red", "blue"],
        })
    );
    assert_eq!(
        shown("vanity", Some("red")),
        json!({
            "client": "red", "service": "web.shop", "host": "web.a.example", "level": "vanity",
            "answeredBy": [], "reason": "clientDown", "before": ["red"],
        })
    );
}
