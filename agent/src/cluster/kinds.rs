//! Discovery of kinds that only the parent Secret lists, or that nothing lists.

use futures::future::join_all;
use http::StatusCode;
use serde_json::Value;
use shared::engine;
use shared::kubernetes::object::{Kind, Scope};

use super::connection::Connection;
use super::request::Request;
use super::request_error::RequestError;

/// The kind that a cluster serves under `Kind.group` (only the kind in the core group); `None` if it does not serve it.
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
    let mut kinds = of_version(&served, group, &version);
    Ok(kinds.find(|found| found.kind == kind))
}

/// Every kind that a cluster serves, in its preferred version.
pub(super) async fn all(connection: &Connection) -> Result<Vec<Kind>, RequestError> {
    let groups = connection.json(&Request::get("/apis").of_list()).await?;
    let versions = groups["groups"].as_array().into_iter().flatten();
    let versions = versions.filter_map(|group| {
        let name = group["name"].as_str()?;
        Some((name, group["preferredVersion"]["version"].as_str()?))
    });
    let versions = std::iter::once(("", "v1")).chain(versions);
    let served = join_all(versions.map(|(group, version)| async move {
        let path = match group {
            "" => "/api/v1".to_owned(),
            group => format!("/apis/{group}/{version}"),
        };
        // An unavailable aggregated API server has no visible objects.
        let served = match connection.find(&Request::get(path)).await {
            Err(error) if error.code() == Some(StatusCode::SERVICE_UNAVAILABLE) => None,
            found => found?,
        };
        let kinds = served.map(|served| of_version(&served, group, version).collect::<Vec<_>>());
        Ok::<_, RequestError>(kinds.unwrap_or_default())
    }));
    let served: Result<Vec<Vec<Kind>>, RequestError> = served.await.into_iter().collect();
    Ok(served?.into_iter().flatten().collect())
}

/// The listable kinds of an `APIResourceList`.
fn of_version<'a>(
    served: &'a Value,
    group: &'a str,
    version: &'a str,
) -> impl Iterator<Item = Kind> + 'a {
    let resources = served["resources"].as_array().into_iter().flatten();
    resources.filter_map(move |resource| {
        let plural = resource["name"].as_str()?;
        let verbs = resource["verbs"].as_array()?;
        let kind = resource["kind"].as_str()?;
        let is_listed = !plural.contains('/') && verbs.iter().any(|verb| verb == "list");
        is_listed.then(|| Kind {
            group: group.to_owned().into(),
            version: version.to_owned().into(),
            kind: kind.to_owned().into(),
            plural: plural.to_owned().into(),
            scope: if resource["namespaced"] == true {
                Scope::Namespaced
            } else {
                Scope::Cluster
            },
            wave: engine::wave(group, kind),
        })
    })
}
