//! The objects of a mesh in a cluster, applied by any tool.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::kubernetes::object::{Key, Kind};
use shared::kubernetes::ownership::MESH_LABEL;

use super::address::collection;
use super::connection::Connection;
use super::list::List;
use super::live::key_of;
use super::request_error::RequestError;

/// Objects of one custom kind; empty if the cluster does not serve the kind.
pub(crate) async fn of_mesh(
    connection: &Connection,
    mesh: &str,
    kind: &Kind,
) -> Result<BTreeMap<Key, Value>, RequestError> {
    let mut found = BTreeMap::new();
    let list = List {
        path: collection(kind, None),
        label_selector: format!("{MESH_LABEL}={mesh}"),
        metadata_only: false,
    };
    let read = list.read(connection, |item| {
        let live: Value = serde_json::from_str(item)?;
        found.insert(key_of(kind, &live), live);
        Ok(())
    });
    match read.await {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(found),
    }
}
