//! Scales the Deployments behind a Service to zero, and restores them.
//!
//! The request that scales one down also writes the number of replicas to an annotation, so that any later run can
//! restore it, even if this one is killed.

use std::time::Duration;

use kube::api::{ListParams, PatchParams};
use serde_json::{Map, Value, json};
use shared::resolved::Local;

use crate::cluster::{Connection, Request, RequestError, RetryPolicy};

/// The number of replicas before the drill.
pub(super) const REPLICAS_ANNOTATION: &str = "fedmesh.dev/replicas-before-drill";
/// Label of objects with the annotation, since only labels can be selected; the value is the mesh's name.
const DRILL_LABEL: &str = "fedmesh.dev/drill";
/// Field manager of a drill's changes: not that of an apply, which does not own these fields.
const MANAGER: &str = "fedmesh-drill";
/// Tries to restore; the pause between two is as long as the last try, at least a second.
const TRIES: u32 = 8;

/// A Deployment that was scaled to zero.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) replicas: u32,
    /// The field owners before the drill; empty if an earlier run scaled it down.
    owners: Vec<Value>,
}

impl Taken {
    /// `namespace/name`
    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    fn path(&self) -> String {
        format!("{}/{}", collection(&self.namespace), self.name)
    }
}

fn collection(namespace: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments")
}

/// The Deployments behind a Service that have replicas.
pub(super) async fn behind(
    connection: &Connection,
    local: Local<'_>,
) -> Result<Vec<Taken>, String> {
    let (namespace, name) = (local.namespace.as_str(), local.name.as_str());
    let context = connection.context();
    let request = Request::get(format!("/api/v1/namespaces/{namespace}/services/{name}"));
    let found = connection.json(&request).await;
    let found = found.map_err(|error| error.in_context(context, "get Service"))?;
    let selector = found["spec"]["selector"].as_object();
    let Some(selector) = selector.filter(|selector| !selector.is_empty()) else {
        return Err(format!(
            "Service {namespace}/{name} selects no pods, so no Deployment can be scaled down"
        ));
    };
    let request = Request::list(&collection(namespace), &ListParams::default());
    let list = connection.json(&request).await;
    let list = list.map_err(|error| error.in_context(context, "list Deployment"))?;
    let all = list["items"].as_array();
    let taken: Vec<Taken> = all
        .into_iter()
        .flatten()
        .filter(|deployment| selects(selector, deployment))
        .filter_map(|deployment| {
            let replicas = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
            taken(namespace, deployment, u32::try_from(replicas).ok()?)
        })
        .filter(|taken| taken.replicas > 0)
        .collect();
    if taken.is_empty() {
        return Err(format!(
            "no Deployment with replicas is behind Service {namespace}/{name}; only Deployments are scaled down"
        ));
    }
    Ok(taken)
}

fn selects(selector: &Map<String, Value>, deployment: &Value) -> bool {
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    selector.iter().all(|(key, value)| labels[key] == *value)
}

fn taken(namespace: &str, deployment: &Value, replicas: u32) -> Option<Taken> {
    let owners = deployment["metadata"]["managedFields"].as_array();
    let owners = owners.into_iter().flatten();
    Some(Taken {
        namespace: namespace.to_owned(),
        name: deployment["metadata"]["name"].as_str()?.to_owned(),
        replicas,
        // Status fields change all the time.
        owners: owners
            .filter(|entry| entry["subresource"].is_null())
            .cloned()
            .collect(),
    })
}

/// Scales a Deployment to zero, with the annotation.
pub(super) async fn take(connection: &Connection, mesh: &str, taken: &Taken) -> Result<(), String> {
    let changes = json!({
        "metadata": {
            "annotations": { REPLICAS_ANNOTATION: taken.replicas.to_string() },
            "labels": { DRILL_LABEL: mesh },
        },
        "spec": { "replicas": 0 },
    });
    let request = Request::merge(&PatchParams::apply(MANAGER), &taken.path(), &changes);
    let done = connection.send(&request).await;
    done.map(|_| ())
        .map_err(|error| error.in_context(connection.context(), "patch Deployment"))
}

/// Restores the replicas, with several tries.
pub(super) async fn give_back(connection: &Connection, taken: &Taken) -> Result<(), String> {
    let connection = connection.clone().with_retry_policy(RetryPolicy::APPLY);
    let changes = json!({
        "metadata": {
            "annotations": { REPLICAS_ANNOTATION: null },
            "labels": { DRILL_LABEL: null },
        },
        "spec": { "replicas": taken.replicas },
    });
    let request = Request::merge(&PatchParams::apply(MANAGER), &taken.path(), &changes);
    let mut tries = 1;
    loop {
        let error = match connection.send(&request).await {
            Ok(_) => break,
            // The Deployment was deleted: nothing to restore.
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => error,
        };
        if tries == TRIES {
            return Err(error.in_context(connection.context(), "patch Deployment"));
        }
        tries += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // Ownership matters only to the next change of these fields; it is no reason to fail.
    if let Err(error) = give_fields_back(&connection, taken).await {
        tracing::debug!(%error, "the fields of {} keep the drill's field manager", taken.id());
    }
    Ok(())
}

/// Restores the previous field owners, so that their next apply does not conflict with a finished drill.
async fn give_fields_back(connection: &Connection, taken: &Taken) -> Result<(), RequestError> {
    let now = connection.json(&Request::get(taken.path())).await?;
    let entries = now["metadata"]["managedFields"].as_array();
    let entries = entries.into_iter().flatten();
    let owners: Vec<Value> = if taken.owners.is_empty() {
        entries
            .filter(|entry| entry["manager"] != MANAGER)
            .cloned()
            .collect()
    } else {
        let of_status = entries.filter(|entry| !entry["subresource"].is_null());
        taken.owners.iter().chain(of_status).cloned().collect()
    };
    let changes = json!({
        "metadata": {
            // Only if the object has not changed in between.
            "resourceVersion": now["metadata"]["resourceVersion"],
            "managedFields": owners,
        },
    });
    let request = Request::merge(&PatchParams::apply(MANAGER), &taken.path(), &changes);
    connection.send(&request).await.map(|_| ())
}

/// The Deployments of a mesh in one namespace that earlier drills have left without replicas.
pub(super) async fn left_behind(
    connection: &Connection,
    mesh: &str,
    namespace: &str,
) -> Result<Vec<Taken>, RequestError> {
    let params = ListParams::default().labels(&format!("{DRILL_LABEL}={mesh}"));
    let request = Request::list(&collection(namespace), &params);
    let list = connection.json(&request).await?;
    let all = list["items"].as_array();
    let left = all.into_iter().flatten().filter_map(|deployment| {
        let replicas = deployment["metadata"]["annotations"][REPLICAS_ANNOTATION].as_str()?;
        let mut left = taken(namespace, deployment, replicas.parse().ok()?)?;
        left.owners.clear();
        Some(left)
    });
    Ok(left.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::selects;

    #[test]
    fn a_deployment_is_behind_a_service_by_its_pods_labels() {
        let deployment = json!({
            "metadata": { "labels": { "app": "other" } },
            "spec": { "template": { "metadata": { "labels": { "app": "orders", "tier": "web" } } } },
        });
        for (selector, is_behind) in [
            (json!({ "app": "orders" }), true),
            (json!({ "app": "orders", "tier": "web" }), true),
            (json!({ "app": "orders", "tier": "db" }), false),
            (json!({ "app": "other" }), false),
            (json!({ "zone": "a" }), false),
        ] {
            let selector = selector.as_object().unwrap();
            assert_eq!(selects(selector, &deployment), is_behind, "{selector:?}");
        }
    }
}
