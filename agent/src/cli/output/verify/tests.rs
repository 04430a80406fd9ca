//! Snapshots of one report in every format.

use shared::verify::{Cause, Check, Drill, DrillClient, Family, Outcome, Report, Seen};

use super::{junit, markdown, text};

fn check(family: Family, cluster: &str, level: &str, host: &str) -> Check {
    Check {
        cluster: cluster.into(),
        service: "orders.sales".into(),
        host: host.into(),
        level: level.into(),
        asked: "pod default/sleep-1".into(),
        expected: "status below 500 from north or south".into(),
        seen: Seen {
            status: Some(200),
            answered_by: Some("north".into()),
            milliseconds: Some(12),
            ..Seen::default()
        },
        ..Check::new(family)
    }
}

const GLOBAL: &str = "orders.sales.external.svc.mesh.example.org";
const REGION: &str = "orders.sales.external.svc.eu.mesh.example.org";
const ZONE: &str = "orders.sales.external.svc.eu-a.eu.mesh.example.org";

fn report() -> Report {
    let mut objects = check(Family::Objects, "north", "", "");
    objects.service.clear();
    objects.seen = Seen {
        text: "12 of 12 up to date".into(),
        ..Seen::default()
    };
    let mut missing = check(Family::Objects, "south", "", "VirtualService sales/orders");
    missing.service.clear();
    missing.seen = Seen {
        text: "missing".into(),
        ..Seen::default()
    };
    let mut right = check(Family::Record, "", "", GLOBAL);
    right.asked = "10.0.0.53:53".into();
    right.expected = "192.0.2.1, 192.0.2.2".into();
    right.seen = Seen {
        addresses: vec!["192.0.2.1".into(), "192.0.2.2".into()],
        ..Seen::default()
    };
    let mut here = right.clone();
    here.asked = "this machine".into();
    here.seen.addresses.clear();
    here.advisory = true;
    let mut away = check(Family::Gateway, "south", "", GLOBAL);
    away.asked = "192.0.2.2:80".into();
    away.seen = Seen::default();
    let mut lost = check(Family::Call, "south", "region", REGION);
    lost.seen.status = Some(404);
    lost.seen.answered_by = None;
    // The text of a server must neither break a table nor control a terminal.
    lost.seen.text = "<a href=\"x\">|&\u{1b}[31m\n`".into();
    let object_missing = Cause::ObjectMissing {
        cluster: "south".into(),
        object: "VirtualService sales/orders".into(),
    };
    Report {
        mesh: "shop".into(),
        checks: vec![
            objects,
            missing.with(Outcome::Failed, &object_missing),
            right,
            here.with(Outcome::Failed, &Cause::LocalDns { private: true }),
            away.with(
                Outcome::CouldNotCheck,
                &Cause::NotFromHere("192.0.2.2:80".into()),
            ),
            check(Family::Call, "north", "global", GLOBAL),
            check(Family::Call, "north", "region", REGION),
            check(Family::Call, "north", "zone", ZONE),
            check(Family::Call, "south", "global", GLOBAL),
            lost.with(Outcome::Failed, &Cause::NoHost),
        ],
        drill: Some(Drill {
            service: "orders.sales".into(),
            cluster: "north".into(),
            host: GLOBAL.into(),
            workloads: vec![("sales/orders".into(), 2)],
            clients: vec![DrillClient {
                cluster: "south".into(),
                expected: vec!["south".into()],
                answered_by: vec!["south".into()],
                requests: 100,
                lost: 3,
                moved_after: Some(1200),
                returned_after: None,
            }],
            not_restored: None,
        }),
        drillable: Vec::new(),
    }
}

/// The output without colours.
fn plain(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes);
    anstream::adapter::strip_str(&String::from_utf8(bytes).unwrap()).to_string()
}

#[test]
fn for_people() {
    let text = plain(|to| text::write(to, &report()).unwrap());
    insta::assert_snapshot!(text);
}

#[test]
fn for_a_pull_request() {
    let text = plain(|to| markdown::write(to, &report()).unwrap());
    insta::assert_snapshot!(text);
}

#[test]
fn for_ci() {
    let mut bytes = Vec::new();
    junit::write(&mut bytes, &report()).unwrap();
    insta::assert_snapshot!(String::from_utf8(bytes).unwrap());
}

#[test]
fn wide_tables_show_only_failing_names() {
    let mut report = report();
    report.checks = (0..30)
        .map(|n| {
            let host = format!("orders.sales.external.svc.z{n}.mesh.example.org");
            let check = check(Family::Call, "north", "zone", &host);
            if n == 7 {
                check.with(Outcome::Failed, &Cause::Timeout)
            } else {
                check
            }
        })
        .collect();
    report.drill = None;
    let text = plain(|to| text::write(to, &report).unwrap());
    assert!(text.contains("29 more names: ok for all 1"), "{text}");
    assert!(text.contains("north  timeout"), "{text}");
}
