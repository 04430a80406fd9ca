use std::fmt::Debug;

use serde::Serialize;

use crate::answers::*;
use serde_json::Value;
use shared::api::{ApiError, ApplyAccepted, ApplyRefused, Clusters, Context, Session};
use shared::check::{Finding, Fix, Severity};

/// The parsers read what serde writes, and refuse it when a field is missing.
fn check<T: Serialize + PartialEq + Debug>(read: fn(&Value) -> Read<T>, original: &T) {
    let value = serde_json::to_value(original).unwrap();
    assert_eq!(read(&value).as_ref(), Ok(original));
    assert!(read(&Value::Null).is_err() || value.as_object().is_none_or(serde_json::Map::is_empty));
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
        reason: Some(ApplyRefused::Held),
    };
    check(error, &error_);
    check(
        error,
        &ApiError {
            findings: Vec::new(),
            reason: Some(ApplyRefused::PlanChanged),
            ..error_.clone()
        },
    );
    check(
        error,
        &ApiError {
            reason: None,
            ..error_
        },
    );
}

#[test]
fn clusters_with_and_without_optional_fields() {
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
