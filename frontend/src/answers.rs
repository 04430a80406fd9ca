//! Parses the agent's responses: from JSON to the types of [`shared::api`].
//!
//! The parsers of the first load are written by hand, because those that serde derives are much larger; tests
//! compare the two. The parts that are loaded on demand use serde.

use serde_json::Value;
use shared::api::{ApiError, ApplyAccepted, ApplyRefused, Clusters, Context, Session};
use shared::check::{Finding, Fix, Severity};

/// The parsed value, or what is missing.
pub(crate) type Read<T> = Result<T, String>;

pub(crate) fn session(value: &Value) -> Read<Session> {
    Ok(Session {
        version: text(value, "version")?,
    })
}

pub(crate) fn accepted(value: &Value) -> Read<ApplyAccepted> {
    Ok(ApplyAccepted {
        id: text(value, "id")?,
    })
}

pub(crate) fn error(value: &Value) -> Read<ApiError> {
    Ok(ApiError {
        message: text(value, "message")?,
        hint: text(value, "hint")?,
        findings: findings(value, "findings")?,
        reason: match value["reason"].as_str() {
            Some("held") => Some(ApplyRefused::Held),
            Some("planChanged") => Some(ApplyRefused::PlanChanged),
            // For all other reasons the message is enough.
            _ => None,
        },
    })
}

pub(crate) fn findings(value: &Value, name: &str) -> Read<Vec<Finding>> {
    list(value, name, finding)
}

pub(crate) fn clusters(value: &Value) -> Read<Clusters> {
    Ok(Clusters {
        error: maybe(value, "error"),
        contexts: list(value, "contexts", context)?,
    })
}

fn context(value: &Value) -> Read<Context> {
    let gateway = match &value["gateway"] {
        Value::Null => None,
        _ => Some(texts(value, "gateway")?),
    };
    Ok(Context {
        name: text(value, "name")?,
        error: maybe(value, "error"),
        version: maybe(value, "version"),
        region: maybe(value, "region"),
        zone: maybe(value, "zone"),
        gateway,
    })
}

pub(crate) fn finding(value: &Value) -> Read<Finding> {
    let word = text(value, "severity")?;
    let severities = [Severity::Error, Severity::Warning, Severity::Hint];
    let severity = severities
        .into_iter()
        .find(|severity| severity.as_str() == word);
    let fix = match &value["fix"] {
        Value::Null => None,
        fix => Some(Fix {
            path: text(fix, "path")?,
            value: text(fix, "value")?,
        }),
    };
    Ok(Finding {
        code: text(value, "code")?,
        severity: severity.ok_or_else(|| unknown(&word))?,
        path: text(value, "path")?,
        message: text(value, "message")?,
        hint: text(value, "hint")?,
        fix,
    })
}

/// A required text.
pub(crate) fn text(value: &Value, name: &str) -> Read<String> {
    whole(&value[name], name)
}

fn whole(value: &Value, name: &str) -> Read<String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("{name} is missing"))
}

/// An optional text.
pub(crate) fn maybe(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

/// A list; an empty one may be omitted.
pub(crate) fn list<T>(value: &Value, name: &str, read: fn(&Value) -> Read<T>) -> Read<Vec<T>> {
    match &value[name] {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.iter().map(read).collect(),
        _ => Err(format!("{name} is not a list")),
    }
}

/// A list of texts.
pub(crate) fn texts(value: &Value, name: &str) -> Read<Vec<String>> {
    list(value, name, |one| whole(one, "a text"))
}

pub(crate) fn unknown(word: &str) -> String {
    format!("unknown value `{word}`")
}
