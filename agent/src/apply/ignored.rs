//! Gives up the ownership of ignored fields. Otherwise an apply without them would remove the fields that have no other
//! owner.

use shared::kubernetes::ignore;
use shared::kubernetes::object::Object;

use super::field_managers::{entries, rewrite};
use crate::cluster::{Connection, RequestError};

/// Removes the ownership of an object's ignored fields from a field manager. The values are kept.
pub(super) async fn disown(
    connection: &Connection,
    path: &str,
    object: &Object,
    manager: &str,
) -> Result<(), RequestError> {
    rewrite(connection, path, |metadata| {
        let mut changed = entries(metadata);
        let ours = changed
            .iter_mut()
            .find(|one| one["operation"] == "Apply" && one["manager"] == *manager)?;
        let left = ignore::without_ownership(ours["fieldsV1"].as_object()?, object)?;
        ours["fieldsV1"] = left.into();
        Some(changed)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::{Method, StatusCode};
    use serde_json::{Value, json};
    use shared::kubernetes::ignore::{IgnoreRule, Pointer, without_ignored};
    use shared::kubernetes::object::{Kind, Object};

    use super::super::server::server;
    use super::disown;

    fn object() -> Object {
        let rule = IgnoreRule {
            kind: "Service".into(),
            namespace: None,
            name: None,
            fields: vec![Pointer::parse("/spec/externalIPs").unwrap()],
        };
        let object = Object::new(Kind::SERVICE, Some("shop"), "orders", json!({}));
        without_ignored(object, &[rule])
    }

    fn live(fields: &Value) -> Value {
        json!({ "metadata": { "name": "orders", "resourceVersion": "7", "managedFields": [
            { "manager": "other", "operation": "Update", "fieldsV1": fields },
            { "manager": "fedmesh-demo", "operation": "Apply", "fieldsV1": fields },
        ] } })
    }

    #[tokio::test]
    async fn an_object_that_changes_concurrently_is_retried() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&asked);
        let connection = server(move |request| {
            let mut asked = recorded.lock().unwrap();
            asked.push(request.method().clone());
            if request.method() == Method::GET {
                (
                    StatusCode::OK,
                    live(&json!({ "f:spec": { "f:externalIPs": {} } })),
                )
            } else if asked.len() == 2 {
                (StatusCode::CONFLICT, json!({ "message": "modified" }))
            } else {
                (StatusCode::OK, json!({}))
            }
        });
        disown(&connection, "/x", &object(), "fedmesh-demo")
            .await
            .unwrap();
        let asked = asked.lock().unwrap();
        assert_eq!(
            *asked,
            [Method::GET, Method::PATCH, Method::GET, Method::PATCH]
        );
    }

    #[tokio::test]
    async fn an_object_without_owned_ignored_fields_is_not_written() {
        let connection = server(|request| {
            assert_eq!(request.method(), Method::GET);
            (
                StatusCode::OK,
                live(&json!({ "f:spec": { "f:ports": {} } })),
            )
        });
        disown(&connection, "/x", &object(), "fedmesh-demo")
            .await
            .unwrap();
    }
}
