//! Kinds that only the parent names, found by asking the server.

use serde_json::Value;
use shared::object::{Kind, Scope, Wave};

use super::connection::{Connection, Request};
use super::request_error::RequestError;

/// The kind that a cluster serves under `Kind.group` (only the kind in the core group); `None` if
/// it does not.
pub(super) async fn find(
    connection: &Connection,
    group_kind: &str,
) -> Result<Option<Kind>, RequestError> {
    let (kind, group) = group_kind.split_once('.').unwrap_or((group_kind, ""));
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if !group_kind.chars().all(is_safe) {
        return Ok(None);
    }
    let (version, path) = if group.is_empty() {
        ("v1".to_owned(), "/api/v1".to_owned())
    } else {
        let Some(found) = connection
            .find(&Request::get(format!("/apis/{group}")))
            .await?
        else {
            return Ok(None);
        };
        let version = found["preferredVersion"]["version"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let path = format!("/apis/{group}/{version}");
        (version, path)
    };
    let Some(served) = connection.find(&Request::get(path)).await? else {
        return Ok(None);
    };
    let is_it = |resource: &&Value| {
        resource["kind"] == kind
            && resource["name"]
                .as_str()
                .is_some_and(|name| !name.contains('/'))
    };
    let resource = served["resources"]
        .as_array()
        .and_then(|all| all.iter().find(is_it));
    Ok(resource.map(|resource| Kind {
        group: group.to_owned().into(),
        version: version.into(),
        kind: kind.to_owned().into(),
        plural: resource["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
            .into(),
        scope: if resource["namespaced"] == true {
            Scope::Namespaced
        } else {
            Scope::Cluster
        },
        wave: Wave::of(group, kind),
    }))
}
