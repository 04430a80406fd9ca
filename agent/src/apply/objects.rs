//! One object: applied, deleted or released.

use http::StatusCode;
use serde_json::{Value, json};
use shared::api::Outcome;
use shared::cluster_dns::Edit;
use shared::object::{Key, Kind, Object};
use shared::outlived;
use shared::ownership;
use shared::plan::Action;

use super::leaving::Leaving;
use crate::cluster::{self, Connection, Request, RequestError, Seen, conflicts_of};

/// Applies a stamped object; `action` is what was planned.
pub(super) async fn apply(connection: &Connection, stamped: &Object, action: Action) -> Outcome {
    let request = Request::apply(&cluster::object(stamped), stamped.to_text());
    let answer = connection.send(&request).await;
    outcome(connection, &stamped.kind, "patch", answer, action)
}

/// Deletes an object and what depends on it, unless it has been replaced since it was seen. What is
/// gone already is as good. Where somebody has to finish with it first, that comes back too.
pub(super) async fn delete(
    connection: &Connection,
    key: &Key,
    seen: &Seen,
) -> (Outcome, Option<Leaving>) {
    // Not the resourceVersion: every write of a status would stand in the way.
    let options = json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": { "uid": seen.uid },
    });
    let path = path(key, seen);
    let answer = connection.json(&Request::delete(&path, &options)).await;
    // Of what is gone at once, the answer is a Status, or of some kinds the object as it was.
    let is_leaving = answer.as_ref().is_ok_and(|live| {
        let metadata = &live["metadata"];
        metadata["uid"] == *seen.uid && metadata["deletionTimestamp"].is_string()
    });
    let leaving = is_leaving.then(|| Leaving {
        object: key.clone(),
        path,
        uid: seen.uid.clone(),
    });
    let outcome = outcome(connection, &seen.kind, "delete", answer, Action::Delete);
    (outcome, leaving)
}

/// Leaves a rule without effect, before it is deleted. What is gone already is as good.
pub(super) async fn leave_without_effect(
    connection: &Connection,
    key: &Key,
    seen: &Seen,
) -> Outcome {
    let request = Request::merge(&path(key, seen), &outlived::without_effect(&seen.uid));
    let answer = connection.send(&request).await;
    outcome(connection, &seen.kind, "patch", answer, Action::Delete)
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
    let answer = connection.send(&request).await;
    outcome(connection, &seen.kind, "patch", answer, Action::Release)
}

/// Changes the settings of the cluster's own DNS, unless they have changed since they were seen.
pub(super) async fn edit(connection: &Connection, edit: &Edit, action: Action) -> Outcome {
    let Err(error) = connection.send(&cluster::edit_request(edit)).await else {
        return Outcome::Done { action };
    };
    if error.code() != Some(StatusCode::CONFLICT) {
        return Outcome::Failed {
            message: error.of_object(connection.context(), "patch ConfigMap"),
        };
    }
    // A try that follows a lost answer meets what the one before it wrote.
    let now = connection.json(&cluster::edited(edit)).await;
    let message = match now.map(|live| edit.clone().of(live)) {
        Ok(now) if now.is_done() => return Outcome::Done { action },
        Ok(_) => "somebody else has changed it since the plan; plan again".to_owned(),
        Err(again) => format!(
            "it has changed since the plan, and whether by fedmesh is not known ({again}); plan again"
        ),
    };
    Outcome::Failed { message }
}

fn path(key: &Key, seen: &Seen) -> String {
    let namespace = (!key.namespace.is_empty()).then_some(key.namespace.as_str());
    cluster::object_at(&seen.kind, namespace, &key.name)
}

/// `verb` is that of the request, as roles name it.
fn outcome<T>(
    connection: &Connection,
    kind: &Kind,
    verb: &str,
    answer: Result<T, RequestError>,
    action: Action,
) -> Outcome {
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
                message: error.of_object(connection.context(), &format!("{verb} {}", kind.kind)),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, VecDeque};
    use std::sync::{Arc, Mutex};

    use http::{Method, StatusCode};
    use serde_json::{Value, json};
    use shared::api::Outcome;
    use shared::cluster_dns::{self, StubDomain};
    use shared::plan::Action;

    use super::super::server::server;
    use super::edit;

    const COREFILE: &str = ".:53 {\n    reload\n}\n";

    fn config_map(version: &str, corefile: &str) -> Value {
        json!({
            "metadata": { "name": "coredns", "resourceVersion": version },
            "data": { "Corefile": corefile },
        })
    }

    /// What comes of an edit when the server answers so, and what was asked of it.
    async fn answered(answers: &[(StatusCode, Value)]) -> (Outcome, Vec<Method>) {
        let answers: VecDeque<_> = answers.iter().cloned().collect();
        let state = Arc::new(Mutex::new((answers, Vec::new())));
        let shared = Arc::clone(&state);
        let connection = server(move |request| {
            let mut state = shared.lock().unwrap();
            state.1.push(request.method().clone());
            state.0.pop_front().unwrap()
        });
        let outcome = edit(&connection, &planned(), Action::Change).await;
        let asked = state.lock().unwrap().1.clone();
        (outcome, asked)
    }

    fn planned() -> cluster_dns::Edit {
        let seen = BTreeMap::from([("coredns".to_owned(), config_map("7", COREFILE))]);
        let stub = StubDomain {
            mesh: "demo",
            suffix: "mesh.example.com",
            nameservers: &["10.0.0.53".to_owned()],
        };
        let mut edits = cluster_dns::edits(&seen, None, "demo", Some(stub));
        edits.remove(0).unwrap()
    }

    #[tokio::test]
    async fn an_edit_whose_answer_was_lost_is_known_again() {
        let lost = (StatusCode::INTERNAL_SERVER_ERROR, json!({}));
        let conflict = (StatusCode::CONFLICT, json!({ "message": "modified" }));
        let written = planned().object()["data"]["Corefile"]
            .as_str()
            .unwrap()
            .to_owned();
        let now = (StatusCode::OK, config_map("8", &written));
        let (outcome, asked) = answered(&[lost.clone(), conflict.clone(), now]).await;
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
        assert_eq!(asked, [Method::PATCH, Method::PATCH, Method::GET]);

        let other = (StatusCode::OK, config_map("8", ".:53 {\n}\n"));
        let forbidden = (StatusCode::FORBIDDEN, json!({ "message": "no" }));
        for (last, words) in [
            (other, "somebody else has changed it since the plan"),
            (forbidden, "whether by fedmesh is not known (no)"),
        ] {
            let (outcome, _) = answered(&[conflict.clone(), last]).await;
            let Outcome::Failed { message } = &outcome else {
                panic!("{outcome:?}")
            };
            assert!(message.contains(words), "{message}");
        }
    }
    #[tokio::test]
    async fn credentials_that_end_half_way_say_what_to_do() {
        let object = shared::object::Object::new(
            shared::object::Kind::SERVICE,
            Some("shop"),
            "orders",
            json!({}),
        );
        for (code, message) in [
            (
                StatusCode::UNAUTHORIZED,
                "context west: the cluster does not accept the credentials; log in again and try \
                 `kubectl --context west get namespaces`",
            ),
            (
                StatusCode::FORBIDDEN,
                "context west: not allowed to patch Service: no; ask for a role that allows it, or \
                 use another context",
            ),
            (StatusCode::UNPROCESSABLE_ENTITY, "no"),
        ] {
            let connection = server(move |_| (code, json!({ "message": "no" })));
            let outcome = super::apply(&connection, &object, Action::Create).await;
            let message = message.to_owned();
            assert_eq!(outcome, Outcome::Failed { message });
        }
    }
}
