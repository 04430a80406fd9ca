//! The agent's answers, from JSON to the types of [`shared::api`].
//!
//! Written by hand, because the readers that serde derives for these types are a sixth of the page.
//! The tests hold them against what serde writes.

use serde_json::Value;
use shared::api::{
    ApiError, ApplyAccepted, ClusterReport, Clusters, Context, Event, Outcome, PlanResponse,
    Report, Session,
};
use shared::check::{Finding, Fix, Severity};
use shared::object::{Key, Wave};
use shared::plan::{Action, ClusterPlan, Conflict, Plan, Step};

/// What was read, or what is missing.
pub(crate) type Read<T> = Result<T, String>;

pub(crate) const ACTIONS: [Action; 7] = [
    Action::Create,
    Action::Change,
    Action::Unchanged,
    Action::Delete,
    Action::Release,
    Action::Conflict,
    Action::Rejected,
];

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
        findings: list(value, "findings", finding)?,
    })
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
        _ => Some(list(value, "gateway", |address| {
            whole(address, "an address")
        })?),
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

pub(crate) fn plan_response(value: &Value) -> Read<PlanResponse> {
    let plan = &value["plan"];
    Ok(PlanResponse {
        findings: list(value, "findings", finding)?,
        plan: Plan {
            id: text(plan, "id")?,
            mesh: text(plan, "mesh")?,
            clusters: list(plan, "clusters", cluster_plan)?,
        },
    })
}

fn cluster_plan(value: &Value) -> Read<ClusterPlan> {
    Ok(ClusterPlan {
        name: text(value, "name")?,
        context: text(value, "context")?,
        error: maybe(value, "error"),
        steps: list(value, "steps", step)?,
    })
}

fn step(value: &Value) -> Read<Step> {
    Ok(Step {
        object: key(&value["object"])?,
        wave: wave(value)?,
        action: action(value)?,
        diff: maybe(value, "diff").unwrap_or_default(),
        conflicts: list(value, "conflicts", conflict)?,
        message: maybe(value, "message"),
    })
}

fn key(value: &Value) -> Read<Key> {
    Ok(Key {
        group: text(value, "group")?,
        kind: text(value, "kind")?,
        namespace: text(value, "namespace")?,
        name: text(value, "name")?,
    })
}

fn wave(value: &Value) -> Read<Wave> {
    let word = text(value, "wave")?;
    Wave::ALL
        .into_iter()
        .find(|wave| wave.as_str() == word)
        .ok_or_else(|| unknown(&word))
}

fn action(value: &Value) -> Read<Action> {
    let word = text(value, "action")?;
    ACTIONS
        .into_iter()
        .find(|action| action.as_str() == word)
        .ok_or_else(|| unknown(&word))
}

fn conflict(value: &Value) -> Read<Conflict> {
    Ok(Conflict {
        manager: text(value, "manager")?,
        field: text(value, "field")?,
    })
}

fn finding(value: &Value) -> Read<Finding> {
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

pub(crate) fn event(value: &Value) -> Read<Event> {
    let word = text(value, "event")?;
    if word == "finished" {
        let clusters = list(&value["report"], "clusters", cluster_report)?;
        return Ok(Event::Finished {
            report: Report { clusters },
        });
    }
    let cluster = text(value, "cluster")?;
    Ok(match word.as_str() {
        "started" => Event::Started {
            cluster,
            objects: number(value, "objects")?,
        },
        "wave" => Event::Wave {
            cluster,
            wave: wave(value)?,
        },
        "object" => Event::Object {
            cluster,
            object: key(&value["object"])?,
            outcome: outcome(&value["outcome"])?,
        },
        "ended" => Event::Ended {
            cluster,
            error: maybe(value, "error"),
        },
        _ => return Err(unknown(&word)),
    })
}

fn outcome(value: &Value) -> Read<Outcome> {
    let word = text(value, "result")?;
    Ok(match word.as_str() {
        "done" => Outcome::Done {
            action: action(value)?,
        },
        "conflict" => Outcome::Conflict {
            conflicts: list(value, "conflicts", conflict)?,
        },
        "failed" => Outcome::Failed {
            message: text(value, "message")?,
        },
        _ => return Err(unknown(&word)),
    })
}

fn cluster_report(value: &Value) -> Read<ClusterReport> {
    Ok(ClusterReport {
        name: text(value, "name")?,
        error: maybe(value, "error"),
        created: number(value, "created")?,
        changed: number(value, "changed")?,
        unchanged: number(value, "unchanged")?,
        deleted: number(value, "deleted")?,
        released: number(value, "released")?,
        failed: number(value, "failed")?,
    })
}

/// A text that has to be there.
pub(crate) fn text(value: &Value, name: &str) -> Read<String> {
    whole(&value[name], name)
}

fn whole(value: &Value, name: &str) -> Read<String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("{name} is missing"))
}

/// A text that may be there.
fn maybe(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

fn number(value: &Value, name: &str) -> Read<usize> {
    let number = value[name]
        .as_u64()
        .and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| format!("{name} is missing"))
}

/// A list; an empty one may be left out.
fn list<T>(value: &Value, name: &str, read: fn(&Value) -> Read<T>) -> Read<Vec<T>> {
    match &value[name] {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.iter().map(read).collect(),
        _ => Err(format!("{name} is no list")),
    }
}

fn unknown(word: &str) -> String {
    format!("{word} is not known here")
}
