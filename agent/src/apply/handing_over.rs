//! Creates and deletes temporary routes for hosts that move out of their ServiceEntries; see [`shared::plan::handover`].

use shared::kubernetes::object::{Key, Object};
use shared::plan::Action;

use super::objects;
use crate::cluster::{self, Connection, Request, Seen};

/// A temporary route that was created.
pub(super) struct Route {
    key: Key,
    seen: Seen,
}

/// Creates a temporary route.
pub(super) async fn create(
    connection: &Connection,
    mesh: &str,
    route: &Object,
) -> Result<Route, String> {
    let key = route.key();
    let carried = objects::apply(connection, mesh, route, Action::Create, None).await;
    if let Some(why) = carried.outcome.reason() {
        return Err(format!("{key}: {why}"));
    }
    let live = connection.json(&Request::get(cluster::object(route))).await;
    let live = live.map_err(|error| {
        error.in_context(connection.context(), &format!("get {}", route.kind.kind))
    })?;
    let uid = live["metadata"]["uid"].as_str().unwrap_or_default();
    let seen = Seen {
        kind: route.kind.clone(),
        uid: uid.to_owned(),
        restoring: None,
        orphaned: None,
    };
    Ok(Route { key, seen })
}

/// Deletes a temporary route. If this fails, the next plan deletes it.
pub(super) async fn delete(connection: &Connection, route: Route) -> Result<(), String> {
    let (carried, _leaving) = objects::delete(connection, &route.key, &route.seen).await;
    match carried.outcome.reason() {
        Some(why) => Err(format!("{} was not deleted: {why}", route.key)),
        None => Ok(()),
    }
}
