//! Rewrites the `managedFields` of existing objects.

use http::StatusCode;
use kube::api::PatchParams;
use serde_json::{Value, json};
use shared::kubernetes::ownership::Ownership;

use crate::cluster::{Connection, Request, RequestError, Seen};

/// Attempts to write an object that is changed concurrently.
const TRIES: usize = 5;

/// Whether `manager` is the only field manager of an object, so that the apply created it.
pub(super) fn is_sole(live: &Value, manager: &str) -> bool {
    let all = entries(&live["metadata"]);
    all.iter().all(|one| one["manager"] == *manager)
}

/// Removes the other field managers of an adopted object. They would still own each field that already had the desired
/// value, and every later change of it would be a conflict.
pub(super) async fn keep_ours(
    connection: &Connection,
    path: &str,
    manager: &str,
) -> Result<(), RequestError> {
    rewrite(connection, path, |metadata| {
        let mut kept = entries(metadata);
        // The status belongs to controllers.
        kept.retain(|one| one["manager"] == *manager || one["subresource"].is_string());
        (kept.len() < entries(metadata).len()).then_some(kept)
    })
    .await
}

/// Moves the applied fields from one field manager to another, as client-go's `csaupgrade` does. Otherwise, fields that
/// are no longer desired would be kept for their former manager.
pub(super) async fn transfer(
    connection: &Connection,
    path: &str,
    from: &str,
    to: &str,
) -> Result<(), RequestError> {
    let is_of = |one: &Value, name: &str| one["operation"] == "Apply" && one["manager"] == *name;
    rewrite(connection, path, |metadata| {
        let mut changed = entries(metadata);
        let index = changed.iter().position(|one| is_of(one, from))?;
        if changed.iter().any(|one| is_of(one, to)) {
            changed.remove(index);
        } else {
            changed[index]["manager"] = to.into();
        }
        Some(changed)
    })
    .await
}

/// Removes the mesh's field managers of an object, which would mark it as the mesh's even without the labels.
pub(super) async fn withdraw(
    connection: &Connection,
    path: &str,
    ownership: &Ownership,
    seen: &Seen,
) -> Result<(), RequestError> {
    rewrite(connection, path, |metadata| {
        if metadata["uid"] != *seen.uid {
            return None;
        }
        let mut left = metadata.clone();
        while let Some(manager) = ownership.applied_under(&left) {
            let others = entries(&left)
                .into_iter()
                .filter(|one| one["operation"] != "Apply" || one["manager"] != *manager);
            left["managedFields"] = others.collect();
        }
        let left = entries(&left);
        (left.len() < entries(metadata).len()).then_some(left)
    })
    .await
}

/// Writes the list that `change` returns for an object's metadata, if any. Retries if the object, such as its status,
/// was changed concurrently.
pub(super) async fn rewrite(
    connection: &Connection,
    path: &str,
    change: impl Fn(&Value) -> Option<Vec<Value>>,
) -> Result<(), RequestError> {
    let mut tries = 1;
    loop {
        let Some(live) = connection.find(&Request::get(path)).await? else {
            return Ok(());
        };
        let metadata = &live["metadata"];
        let Some(mut list) = change(metadata) else {
            return Ok(());
        };
        if list.is_empty() {
            // The server ignores an empty list (apimachinery, `managedfields/internal/fieldmanager.go`).
            list.push(json!({}));
        }
        let version = &metadata["resourceVersion"];
        let changes = json!([
            { "op": "replace", "path": "/metadata/managedFields", "value": list },
            { "op": "replace", "path": "/metadata/resourceVersion", "value": version },
        ]);
        let request = Request::json_patch(&PatchParams::default(), path, changes);
        match connection.send(&request).await {
            Err(error) if error.code() == Some(StatusCode::CONFLICT) && tries < TRIES => tries += 1,
            answer => return answer.map(|_| ()),
        }
    }
}

/// The entries of an object's `managedFields`.
pub(super) fn entries(metadata: &Value) -> Vec<Value> {
    let list = metadata["managedFields"].as_array();
    list.cloned().unwrap_or_default()
}
