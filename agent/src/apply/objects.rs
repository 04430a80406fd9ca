//! Applies, deletes and disowns single objects.

use http::StatusCode;
use kube::api::{DeleteParams, PatchParams, Preconditions};
use serde_json::{Value, json};
use shared::api::Outcome;
use shared::cluster_dns::Edit;
use shared::kubernetes::object::{Key, Object};
use shared::kubernetes::ownership::{self, Ownership};
use shared::plan::orphaned::{self, OrphanedRule};
use shared::plan::{Action, Claim, Conflict};

use super::leaving::Leaving;
use super::{field_managers, ignored};
use crate::cluster::{self, Connection, Request, RequestError, Seen, conflicts_of};

/// The result for an object.
pub(super) struct Carried {
    pub(super) outcome: Outcome,
    /// Whether all other requests would fail too: the cluster cannot be reached, or another run changes it.
    pub(super) stops: bool,
}

impl From<Outcome> for Carried {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            stops: false,
        }
    }
}

/// Applies a stamped object of a mesh; `action` is the planned action. An object with ignored fields is created with
/// them, and applied without them from then on.
pub(super) async fn apply(
    connection: &Connection,
    mesh: &str,
    stamped: &Object,
    action: Action,
    claim: Option<&Claim>,
) -> Carried {
    if action != Action::Create || stamped.ignored.is_empty() {
        return apply_once(connection, mesh, stamped, action, claim).await;
    }
    let created = apply_once(connection, mesh, &stamped.as_created(), action, claim).await;
    if !matches!(created.outcome, Outcome::Done { .. }) {
        return created;
    }
    let mut left = apply_once(connection, mesh, stamped, Action::Change, claim).await;
    if let Outcome::Done { action: done } = &mut left.outcome {
        *done = action;
    }
    left
}

async fn apply_once(
    connection: &Connection,
    mesh: &str,
    stamped: &Object,
    action: Action,
    claim: Option<&Claim>,
) -> Carried {
    let manager = ownership::field_manager(mesh);
    let path = cluster::object(stamped);
    let what = format!("patch {}", stamped.kind.kind);
    if let Some(former) = claim.and_then(|claim| claim.former_manager.as_ref())
        && let Err(error) = field_managers::transfer(connection, &path, former, &manager).await
    {
        return outcome::<()>(connection, &what, Err(error), action);
    }
    if action != Action::Create
        && !stamped.ignored.is_empty()
        && let Err(error) = ignored::disown(connection, &path, stamped, &manager).await
    {
        return outcome::<()>(connection, &what, Err(error), action);
    }
    let restoring = claim.and_then(|claim| claim.restoring.as_ref());
    let object = match restoring {
        Some(former) => {
            let mut adopted = stamped.clone();
            let annotation = ownership::ADOPTED_ANNOTATION.to_owned();
            adopted.annotations.insert(annotation, former.to_string());
            adopted.to_text()
        }
        None => stamped.to_text(),
    };
    let mut params = PatchParams::apply(&manager);
    if claim.is_some_and(|claim| claim.adopts) {
        params = params.force();
    } else if let Some(claim) = claim.filter(|claim| !claim.takes.is_empty()) {
        // A forced apply would also take over fields that others own since the plan.
        let unforced = Request::apply(params.clone().dry_run(), &path, object.clone());
        if let Err(error) = connection.send(&unforced).await
            && !takes_all(claim, &error)
        {
            return outcome::<()>(connection, &what, Err(error), action);
        }
        params = params.force();
    }
    let request = Request::apply(params, &path, object);
    let answer = connection.json(&request).await;
    match (action, answer) {
        (Action::Create, Ok(live)) if !field_managers::is_sole(&live, &manager) => {
            Carried::from(give_back(connection, stamped, &manager, &path).await)
        }
        (Action::Adopt, Ok(_)) => {
            let alone = field_managers::keep_ours(connection, &path, &manager).await;
            outcome(connection, &what, alone, action)
        }
        (_, answer) => outcome(connection, &what, answer, action),
    }
}

/// Whether an apply fails only because of conflicts in fields that are taken over.
fn takes_all(claim: &Claim, error: &RequestError) -> bool {
    let is_taken = |one: &Conflict| {
        let mut takes = claim.takes.iter();
        takes.any(|taken| taken.field == one.field && taken.manager == one.manager)
    };
    conflicts_of(error).is_some_and(|conflicts| conflicts.iter().all(is_taken))
}

/// Withdraws an apply to an object that another client created since the plan: an apply without fields removes the
/// fields that only the mesh set.
async fn give_back(
    connection: &Connection,
    stamped: &Object,
    manager: &str,
    path: &str,
) -> Outcome {
    let mut metadata = json!({ "name": stamped.name });
    if let Some(namespace) = &stamped.namespace {
        metadata["namespace"] = json!(namespace);
    }
    let empty = json!({
        "apiVersion": stamped.kind.api_version(), "kind": stamped.kind.kind, "metadata": metadata,
    });
    let request = Request::apply(PatchParams::apply(manager), path, empty.to_string());
    let message = match connection.send(&request).await {
        Ok(_) => "another client created it since the plan, and it was not changed; plan again"
            .to_owned(),
        Err(error) => format!(
            "another client created it since the plan, and the added fields could not be removed ({error}); plan again"
        ),
    };
    Outcome::Failed { message }
}

/// Deletes an object and its dependents, unless it was replaced since it was read. An object that is already gone
/// counts as deleted. If finalizers block the deletion, it is returned as well.
pub(super) async fn delete(
    connection: &Connection,
    key: &Key,
    seen: &Seen,
) -> (Carried, Option<Leaving>) {
    // Without the resourceVersion, which every write of a status changes.
    let params = DeleteParams::background().preconditions(Preconditions {
        uid: Some(seen.uid.clone()),
        resource_version: None,
    });
    let path = path(key, seen);
    let answer = connection.json(&Request::delete(&path, &params)).await;
    // For an object that is gone at once, the response is a Status, or for some kinds the object before its deletion.
    let is_leaving = answer.as_ref().is_ok_and(|live| {
        let metadata = &live["metadata"];
        metadata["uid"] == *seen.uid && metadata["deletionTimestamp"].is_string()
    });
    let leaving = is_leaving.then(|| Leaving {
        object: key.clone(),
        path,
        uid: seen.uid.clone(),
    });
    let what = format!("delete {}", key.kind);
    (outcome(connection, &what, answer, Action::Delete), leaving)
}

/// Removes the effect of a rule, or gives it that of a wider rule, before the rule is deleted. A rule that is already
/// gone counts as changed.
pub(super) async fn leave_without_effect(
    connection: &Connection,
    key: &Key,
    seen: &Seen,
    rule: &OrphanedRule,
    wider: Option<&Value>,
) -> Carried {
    let path = path(key, seen);
    let params = PatchParams::apply(ownership::FIELD_MANAGER);
    let request = match wider {
        Some(policy) => {
            let operations = orphaned::with_policy(&seen.uid, rule, policy);
            Request::json_patch(&params, &path, operations)
        }
        None => Request::merge(&params, &path, &orphaned::without_effect(&seen.uid)),
    };
    let answer = connection.send(&request).await;
    let what = format!("patch {}", key.kind);
    outcome(connection, &what, answer, Action::Delete)
}

/// Removes the mesh's labels and annotations from an object and keeps the object; an adopted one is restored. An apply
/// without fields is not used, because it would remove all fields of the mesh, such as the schema of a definition.
pub(super) async fn disown(
    connection: &Connection,
    ownership: &Ownership,
    key: &Key,
    seen: &Seen,
) -> Carried {
    // This comes first, since an object without the labels is not found again.
    let what = format!("patch {}", key.kind);
    if let Err(error) =
        field_managers::withdraw(connection, &path(key, seen), ownership, seen).await
    {
        return outcome::<()>(connection, &what, Err(error), Action::Disown);
    }
    let mut patch = seen.restoring.clone().unwrap_or_else(|| json!({}));
    let marks = json!({
        "metadata": {
            "uid": seen.uid,
            "labels": {
                ownership::PART_OF_LABEL: Value::Null,
                ownership::MESH_LABEL: Value::Null,
                ownership::MANAGED_BY_LABEL: Value::Null,
            },
            "annotations": {
                ownership::APPLIED_ANNOTATION: Value::Null,
                ownership::ADOPTED_ANNOTATION: Value::Null,
            },
        },
    });
    for (field, value) in marks["metadata"].as_object().into_iter().flatten() {
        let entry = &mut patch["metadata"][field];
        match value.as_object() {
            // The restored object may have had one of these keys.
            Some(marks) => {
                for (name, none) in marks {
                    if entry[name].is_null() {
                        entry[name] = none.clone();
                    }
                }
            }
            None => *entry = value.clone(),
        }
    }
    let params = PatchParams::apply(ownership::FIELD_MANAGER);
    let request = Request::merge(&params, &path(key, seen), &patch);
    let answer = connection.send(&request).await;
    outcome(connection, &what, answer, Action::Disown)
}

/// Changes the cluster DNS configuration, unless it was changed since it was read.
pub(super) async fn edit(connection: &Connection, edit: &Edit, action: Action) -> Carried {
    let Err(error) = connection.send(&cluster::edit_request(edit, false)).await else {
        return Carried::from(Outcome::Done { action });
    };
    if error.code() != Some(StatusCode::CONFLICT) {
        return failed(connection, "patch ConfigMap", &error);
    }
    // A retry after a lost response finds the result of the previous attempt.
    let now = connection.json(&cluster::edited(edit)).await;
    let message = match now.map(|live| edit.clone().of(live)) {
        Ok(now) if now.is_done() => return Carried::from(Outcome::Done { action }),
        Ok(_) => "another client changed it since the plan; plan again".to_owned(),
        Err(again) => {
            format!(
                "it was changed since the plan, possibly by fedmesh, but reading it failed ({again}); plan \
                 again"
            )
        }
    };
    Carried::from(Outcome::Failed { message })
}

fn path(key: &Key, seen: &Seen) -> String {
    let namespace = (!key.namespace.is_empty()).then_some(key.namespace.as_str());
    cluster::object_at(&seen.kind, namespace, &key.name)
}

/// The outcome of a request; `what` is its verb and kind, as in RBAC roles.
fn outcome<T>(
    connection: &Connection,
    what: &str,
    answer: Result<T, RequestError>,
    action: Action,
) -> Carried {
    let removes = matches!(action, Action::Delete | Action::Disown);
    match answer {
        Ok(_) => Carried::from(Outcome::Done { action }),
        Err(error) if removes && error.is_not_found() => Carried::from(Outcome::Done { action }),
        Err(error) if removes && error.code() == Some(StatusCode::CONFLICT) => {
            Carried::from(Outcome::Failed {
                message: format!("it was replaced since the plan: {error}; plan again"),
            })
        }
        Err(error) => match conflicts_of(&error) {
            Some(conflicts) => Carried::from(Outcome::Conflict { conflicts }),
            None => failed(connection, what, &error),
        },
    }
}

fn failed(connection: &Connection, what: &str, error: &RequestError) -> Carried {
    Carried {
        outcome: Outcome::Failed {
            message: error.of_object(connection.context(), what),
        },
        stops: !error.is_of_object(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use http::{Method, StatusCode};
    use serde_json::{Value, json};
    use shared::api::Outcome;
    use shared::cluster_dns::{self, NAMESPACE, Observed, StubDomain};
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

    /// The outcome of an edit with these responses, and the methods of the requests.
    async fn answered(answers: &[(StatusCode, Value)]) -> (Outcome, Vec<Method>) {
        let answers: VecDeque<_> = answers.iter().cloned().collect();
        let state = Arc::new(Mutex::new((answers, Vec::new())));
        let shared = Arc::clone(&state);
        let connection = server(move |request| {
            let mut state = shared.lock().unwrap();
            state.1.push(request.method().clone());
            state.0.pop_front().unwrap()
        });
        let outcome = edit(&connection, &planned(), Action::Change).await.outcome;
        let asked = state.lock().unwrap().1.clone();
        (outcome, asked)
    }

    fn planned() -> cluster_dns::Edit {
        let coredns = cluster_dns::key(NAMESPACE, "coredns");
        let seen = Observed {
            found: None,
            maps: [(coredns, config_map("7", COREFILE))].into(),
        };
        let stub = StubDomain {
            mesh: "demo",
            suffix: "mesh.example.com",
            nameservers: &["10.0.0.53".to_owned()],
        };
        let mut edits = cluster_dns::forwarding(&seen, None, "demo", Some(stub)).edits;
        edits.remove(0).unwrap()
    }

    #[tokio::test]
    async fn an_edit_whose_response_was_lost_is_recognized() {
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
            (other, "another client changed it since the plan"),
            (forbidden, "but reading it failed (no)"),
        ] {
            let (outcome, _) = answered(&[conflict.clone(), last]).await;
            let Outcome::Failed { message } = &outcome else {
                panic!("{outcome:?}")
            };
            assert!(message.contains(words), "{message}");
        }
    }
    #[tokio::test]
    async fn errors_of_credentials_and_permissions_have_a_hint() {
        let object = shared::kubernetes::object::Object::new(
            shared::kubernetes::object::Kind::SERVICE,
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
                "context west: not allowed to patch Service: no; ask for a role that allows it, which \
                 `fedmesh-agent access` prints, or use another context",
            ),
            (StatusCode::UNPROCESSABLE_ENTITY, "no"),
        ] {
            let connection = server(move |_| (code, json!({ "message": "no" })));
            let carried = super::apply(&connection, "demo", &object, Action::Change, None).await;
            let message = message.to_owned();
            assert_eq!(carried.outcome, Outcome::Failed { message });
        }
    }
}
