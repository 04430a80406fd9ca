use std::fmt::Debug;

use serde::Serialize;

use crate::answers::*;
use serde_json::Value;
use shared::api::{
    ApiError, ApplyAccepted, ClusterReport, Clusters, Context, Event, Outcome, PlanResponse,
    Report, Session,
};
use shared::check::{Finding, Fix, Severity};
use shared::object::{Key, Wave};
use shared::plan::{Action, ClusterPlan, Conflict, Plan, Step};

/// What serde writes is read as what it was, and so is nothing that lacks a field.
fn check<T: Serialize + PartialEq + Debug>(read: fn(&Value) -> Read<T>, original: &T) {
    let value = serde_json::to_value(original).unwrap();
    assert_eq!(read(&value).as_ref(), Ok(original));
    assert!(read(&Value::Null).is_err() || value.as_object().is_none_or(serde_json::Map::is_empty));
}

fn a_key() -> Key {
    Key {
        group: "g".into(),
        kind: "K".into(),
        namespace: String::new(),
        name: "n".into(),
    }
}

fn a_finding() -> Finding {
    Finding {
        code: "FM0101".into(),
        severity: Severity::Warning,
        path: "metadata.name".into(),
        message: "m".into(),
        hint: "h".into(),
        fix: Some(Fix {
            path: "metadata.name".into(),
            value: "v".into(),
        }),
    }
}

fn conflicts() -> Vec<Conflict> {
    vec![Conflict {
        manager: "m".into(),
        field: ".spec".into(),
    }]
}

#[test]
fn small_answers() {
    check(
        session,
        &Session {
            version: "1".into(),
        },
    );
    check(accepted, &ApplyAccepted { id: "1".into() });
    let error_ = ApiError {
        message: "m".into(),
        hint: "h".into(),
        findings: vec![a_finding()],
    };
    check(error, &error_);
    check(
        error,
        &ApiError {
            findings: Vec::new(),
            ..error_
        },
    );
}

#[test]
fn clusters_with_and_without_what_may_be_missing() {
    let full = Context {
        name: "a".into(),
        error: Some("e".into()),
        version: Some("v".into()),
        region: Some("r".into()),
        zone: Some("z".into()),
        gateway: Some(vec!["203.0.113.1".into()]),
    };
    let bare = Context {
        error: None,
        version: None,
        region: None,
        zone: None,
        gateway: None,
        ..full.clone()
    };
    let no_address = Context {
        gateway: Some(Vec::new()),
        ..full.clone()
    };
    let contexts = vec![full, bare, no_address];
    let value = serde_json::to_value(Clusters {
        error: None,
        contexts: contexts.clone(),
    });
    assert_eq!(clusters(&value.unwrap()).unwrap().contexts, contexts);
}

#[test]
fn a_plan_with_every_action_and_every_wave() {
    let steps = ACTIONS
        .into_iter()
        .zip(Wave::ALL)
        .map(|(action, wave)| Step {
            object: a_key(),
            wave,
            action,
            diff: if action == Action::Change {
                "+a\n".into()
            } else {
                String::new()
            },
            conflicts: if action == Action::Conflict {
                conflicts()
            } else {
                Vec::new()
            },
            message: (action == Action::Rejected).then(|| "no".into()),
        });
    let cluster = ClusterPlan {
        name: "a".into(),
        context: "c".into(),
        error: Some("e".into()),
        steps: steps.collect(),
    };
    let plan = Plan {
        id: "1".into(),
        mesh: "m".into(),
        clusters: vec![cluster],
    };
    check(
        plan_response,
        &PlanResponse {
            findings: vec![a_finding()],
            plan,
        },
    );
}

#[test]
fn every_event_and_every_outcome() {
    let cluster = || "a".to_owned();
    let outcomes = [
        Outcome::Done {
            action: Action::Create,
        },
        Outcome::Conflict {
            conflicts: conflicts(),
        },
        Outcome::Failed {
            message: "no".into(),
        },
    ];
    for outcome in outcomes {
        check(
            event,
            &Event::Object {
                cluster: cluster(),
                object: a_key(),
                outcome,
            },
        );
    }
    let report = ClusterReport {
        name: "a".into(),
        failed: 1,
        ..ClusterReport::default()
    };
    for one in [
        Event::Started {
            cluster: cluster(),
            objects: 3,
        },
        Event::Wave {
            cluster: cluster(),
            wave: Wave::Dns,
        },
        Event::Ended {
            cluster: cluster(),
            error: None,
        },
        Event::Ended {
            cluster: cluster(),
            error: Some("e".into()),
        },
        Event::Finished {
            report: Report {
                clusters: vec![report],
            },
        },
    ] {
        check(event, &one);
    }
}
