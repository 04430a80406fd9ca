//! One object: applied, deleted or released.

use http::StatusCode;
use serde_json::{Value, json};
use shared::api::Outcome;
use shared::cluster_dns::Edit;
use shared::object::{Key, Object};
use shared::ownership;
use shared::plan::Action;

use crate::cluster::{self, Connection, Request, RequestError, Seen, conflicts_of};

/// Applies a stamped object; `action` is what was planned.
pub(super) async fn apply(connection: &Connection, stamped: &Object, action: Action) -> Outcome {
    let request = Request::apply(&cluster::object(stamped), &stamped.to_json(), false);
    outcome(connection.send(&request).await, action)
}

/// Deletes an object and what depends on it, unless it has been replaced since it was seen. What is
/// gone already is as good.
pub(super) async fn delete(connection: &Connection, key: &Key, seen: &Seen) -> Outcome {
    // Not the resourceVersion: every write of a status would stand in the way.
    let options = json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": { "uid": seen.uid },
    });
    let request = Request::delete(path(key, seen), &options);
    outcome(connection.send(&request).await, Action::Delete)
}

/// Takes our labels and annotations off an object and leaves it. Only them: an apply without any
/// fields would give up all of ours, and with them the schema of a definition.
pub(super) async fn release(connection: &Connection, key: &Key, seen: &Seen) -> Outcome {
    let patch = json!({
        "metadata": {
            "uid": seen.uid,
            "labels": {
                ownership::PART_OF_LABEL: Value::Null,
                ownership::MESH_LABEL: Value::Null,
                ownership::MANAGED_BY_LABEL: Value::Null,
            },
            "annotations": { ownership::APPLIED_ANNOTATION: Value::Null },
        },
    });
    let request = Request::merge(&path(key, seen), &patch);
    outcome(connection.send(&request).await, Action::Release)
}

/// Changes the settings of the cluster's own DNS, unless they have changed since they were seen.
pub(super) async fn edit(connection: &Connection, edit: &Edit, action: Action) -> Outcome {
    match connection.send(&cluster::edit_request(edit)).await {
        Ok(_) => Outcome::Done { action },
        Err(error) if error.code() == Some(StatusCode::CONFLICT) => Outcome::Failed {
            message: "it has changed since the plan, and nothing was written; plan again"
                .to_owned(),
        },
        Err(error) => Outcome::Failed {
            message: error.to_string(),
        },
    }
}

fn path(key: &Key, seen: &Seen) -> String {
    let namespace = (!key.namespace.is_empty()).then_some(key.namespace.as_str());
    cluster::object_at(&seen.kind, namespace, &key.name)
}

fn outcome<T>(answer: Result<T, RequestError>, action: Action) -> Outcome {
    let removes = matches!(action, Action::Delete | Action::Release);
    match answer {
        Ok(_) => Outcome::Done { action },
        Err(error) if removes && error.is_not_found() => Outcome::Done { action },
        Err(error) if removes && error.code() == Some(StatusCode::CONFLICT) => Outcome::Failed {
            message: format!("it was replaced since the plan: {error}; plan again"),
        },
        Err(error) => match conflicts_of(&error) {
            Some(conflicts) => Outcome::Conflict { conflicts },
            None => Outcome::Failed {
                message: error.to_string(),
            },
        },
    }
}
