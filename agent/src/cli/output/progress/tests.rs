//! Snapshots of the progress and report of a run.

use std::time::Duration;

use shared::api::{ClusterReport, Event, Outcome, Report, WaitReason};
use shared::kubernetes::object::{Key, Wave};
use shared::plan::{Action, Conflict};

use super::run::Run;
use super::{lines, report};

fn object(name: &str) -> Key {
    Key {
        group: "networking.istio.io".into(),
        kind: "VirtualService".into(),
        namespace: "shop".into(),
        name: name.into(),
    }
}

fn started(cluster: &str, objects: usize) -> Event {
    Event::Started {
        cluster: cluster.into(),
        objects,
    }
}

fn ended(cluster: &str, error: Option<&str>) -> Event {
    Event::Ended {
        cluster: cluster.into(),
        error: error.map(str::to_owned),
    }
}

fn outcome(cluster: &str, name: &str, outcome: Outcome) -> Event {
    Event::Object {
        cluster: cluster.into(),
        object: object(name),
        outcome,
    }
}

fn created() -> Outcome {
    Outcome::Done {
        action: Action::Create,
    }
}

fn failed(message: &str) -> Outcome {
    Outcome::Failed {
        message: message.into(),
    }
}

fn waiting(cluster: &str, reason: WaitReason, message: &str, limit: Option<u64>) -> Event {
    Event::Waiting {
        cluster: cluster.into(),
        reason,
        message: message.into(),
        waited: 5,
        limit,
    }
}

fn events() -> Vec<Event> {
    let conflict = Outcome::Conflict {
        conflicts: vec![Conflict {
            manager: "kubectl-edit".into(),
            field: ".spec.hosts".into(),
            ..Conflict::default()
        }],
    };
    vec![
        started("sunset", 40),
        started("sunrise", 4),
        Event::Wave {
            cluster: "sunset".into(),
            wave: Wave::Istio,
        },
        outcome("sunset", "orders", created()),
        outcome("sunset", "carts", conflict),
        outcome(
            "sunrise",
            "users",
            failed("VirtualService \"users\" is invalid: no\u{1b}"),
        ),
        outcome(
            "sunset",
            "orders",
            failed("VirtualService \"orders\" is invalid: no\u{1b}"),
        ),
        waiting("sunrise", WaitReason::Retry, "too many requests", Some(3)),
        waiting(
            "sunset",
            WaitReason::Finalizers,
            "VirtualService shop/gone was deleted, but is blocked by example.com/a",
            Some(60),
        ),
        ended(
            "sunrise",
            Some("VirtualService shop/users: no; not changed: VirtualService shop/a"),
        ),
        ended("moonlight", Some("not changed, because sunset is blocked")),
    ]
}

fn after(events: &[Event]) -> Run {
    let mut run = Run::default();
    for event in events {
        run.take(event);
    }
    run
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes);
    anstream::adapter::strip_str(&String::from_utf8(bytes).unwrap()).to_string()
}

#[test]
fn a_line_for_each_event() {
    let events = events();
    let run = after(&events);
    let lines = text(|to| {
        for event in &events {
            lines::write(to, event, &run).unwrap();
        }
    });
    assert!(!lines.contains("stopped: "), "the word appears once");
    insta::assert_snapshot!(lines);
}

#[test]
fn status_lines_of_a_few_and_of_many() {
    let events = events();
    // Without the events from the end of sunrise on.
    let mut run = after(&events[..9]);
    run.begun_before(Duration::from_secs(65));
    insta::assert_snapshot!(run.status(8).join("\n"));
    assert_eq!(
        run.status(1),
        [
            "0 of 2 clusters ended, 4 of 44 objects, 1:05 elapsed, about 10:50 left, 2 clusters waiting"
        ]
    );
}

#[test]
fn a_report_lists_failures_by_cause() {
    let run = after(&events());
    let report = Report {
        clusters: vec![
            ClusterReport {
                name: "sunset".into(),
                created: 1,
                failed: 2,
                unchanged: 7,
                ..ClusterReport::default()
            },
            ClusterReport {
                name: "sunrise".into(),
                failed: 1,
                error: Some("VirtualService shop/users: no".into()),
                ..ClusterReport::default()
            },
            ClusterReport {
                name: "moonlight".into(),
                error: Some("not changed, because sunset is blocked".into()),
                ..ClusterReport::default()
            },
        ],
        duration_ms: 12_345,
    };
    insta::assert_snapshot!(text(|to| report::write(to, &report, &run).unwrap()));
}

#[test]
fn a_hundred_clusters_share_lines() {
    let clusters = (1..=100).map(|index| ClusterReport {
        name: format!("c{index}"),
        created: if index == 7 { 299 } else { 300 },
        failed: usize::from(index == 7),
        ..ClusterReport::default()
    });
    let report = Report {
        clusters: clusters.collect(),
        duration_ms: 60_000,
    };
    insta::assert_snapshot!(text(
        |to| report::write(to, &report, &Run::default()).unwrap()
    ));
}
