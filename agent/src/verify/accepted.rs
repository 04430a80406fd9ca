//! Acceptance of Gateway API objects by Istio: the conditions in their status, in each cluster that has them, with any
//! engine.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join_all, try_join_all};
use serde_json::Value;
use shared::api::Status;
use shared::kubernetes::object::{Key, Kind, Object};
use shared::render::render_gateway_api;
use shared::verify::{Cause, Check, Family, Off, Outcome, judge_conditions};

use super::objects::{off, off_row};
use crate::cluster::{self, Connection, RequestError};
use crate::operation::ObservedMesh;

/// The observed acceptance in each cluster that has such objects; empty without `spec.gatewayApi`.
#[derive(Debug, Default)]
pub(super) struct Accepted(Vec<InCluster>);

#[derive(Debug)]
struct InCluster {
    name: String,
    accepted: usize,
    off: Vec<(Key, Off)>,
    /// The reason why the objects could not be read.
    error: Option<String>,
}

impl Accepted {
    /// Reads the objects of all reachable clusters. Unreachable clusters, and objects that are off already, have rows
    /// from their `status`.
    pub(super) async fn look(observed: &ObservedMesh, status: &Status) -> Self {
        let resolved = &observed.resolved;
        let placed = render_gateway_api(resolved);
        let clusters = resolved.clusters.iter().enumerate();
        let looks = clusters.filter_map(|(index, cluster)| {
            let name = cluster.name.to_string();
            let here = placed.iter().filter_map(|one| one.in_cluster(index));
            let desired: Vec<Object> = here.collect();
            let connection = observed.connection(&name).filter(|_| !desired.is_empty())?;
            let mut known = status.clusters.iter();
            let known = known.find(|one| one.name == name);
            let absent = known.into_iter().flat_map(off);
            let absent: BTreeSet<&Key> = absent
                .filter(|(_, how)| !matches!(how, Off::Changed | Off::Drifted(_)))
                .map(|(key, _)| key)
                .collect();
            Some(async move {
                match live(connection, resolved.name.as_str(), &desired).await {
                    Ok(live) => judge(name, &desired, &live, &absent),
                    Err(error) => InCluster {
                        name,
                        accepted: 0,
                        off: Vec::new(),
                        error: Some(
                            error.in_context(connection.context(), "list Gateway and routes"),
                        ),
                    },
                }
            })
        });
        Self(join_all(looks).await)
    }

    /// One row for each cluster, or for each of its objects that is off.
    pub(super) fn checks(&self) -> Vec<Check> {
        self.0.iter().flat_map(InCluster::checks).collect()
    }

    /// All objects that are off, each with its cluster.
    pub(super) fn off(&self) -> impl Iterator<Item = (&str, &Key, Off)> {
        self.0.iter().flat_map(|cluster| {
            let off = cluster.off.iter();
            off.map(|(key, how)| (cluster.name.as_str(), key, how.clone()))
        })
    }
}

/// The observed objects of the desired objects' kinds.
async fn live(
    connection: &Connection,
    mesh: &str,
    desired: &[Object],
) -> Result<BTreeMap<Key, Value>, RequestError> {
    let kinds: BTreeMap<String, &Kind> = desired
        .iter()
        .map(|object| (object.kind.group_kind(), &object.kind))
        .collect();
    let lists = kinds
        .values()
        .map(|kind| cluster::of_mesh(connection, mesh, kind));
    let found = try_join_all(lists).await?;
    Ok(found.into_iter().flatten().collect())
}

/// `absent` are missing objects that have a row already.
fn judge(
    name: String,
    desired: &[Object],
    live: &BTreeMap<Key, Value>,
    absent: &BTreeSet<&Key>,
) -> InCluster {
    let mut accepted = 0;
    let mut off = Vec::new();
    for object in desired {
        let key = object.key();
        let how = match live.get(&key) {
            Some(live) => judge_conditions(object, live),
            None if absent.contains(&key) => continue,
            None => Some(Off::Missing),
        };
        match how {
            Some(how) => off.push((key, how)),
            None => accepted += 1,
        }
    }
    InCluster {
        name,
        accepted,
        off,
        error: None,
    }
}

impl InCluster {
    fn checks(&self) -> Vec<Check> {
        let row = || {
            let mut check = Check::new(Family::Objects);
            check.cluster.clone_from(&self.name);
            "accepted by Istio".clone_into(&mut check.expected);
            check
        };
        if let Some(error) = &self.error {
            return vec![row().with(Outcome::CouldNotCheck, &Cause::NotAsked(error.clone()))];
        }
        if self.off.is_empty() {
            let mut all = row();
            all.seen.text = format!("{} accepted", self.accepted);
            return vec![all];
        }
        let rows = self.off.iter();
        let rows = rows.map(|(key, how)| off_row(row(), key, how.clone()));
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::json;
    use shared::kubernetes::object::{Kind, Object};
    use shared::verify::Outcome;

    use super::judge;

    #[test]
    fn a_missing_object_is_reported_once() {
        let route = |name: &str| {
            let body = json!({ "spec": { "parentRefs": [] } });
            let kind = Kind::gateway_api("HTTPRoute", "httproutes");
            Object::new(kind, Some("sales"), name, body)
        };
        let desired = [route("orders"), route("stock"), route("till")];
        let keys = desired.each_ref().map(Object::key);
        let live = BTreeMap::from([(keys[0].clone(), json!({}))]);
        let rows = |absent: &[usize]| -> Vec<String> {
            let absent: BTreeSet<_> = absent.iter().map(|&index| &keys[index]).collect();
            let checks = judge("north".into(), &desired, &live, &absent).checks();
            assert!(checks.iter().all(|check| check.cluster == "north"));
            let rows = checks.into_iter().map(|check| match check.outcome {
                Outcome::Passed => check.seen.text,
                _ => format!("{} {}", check.host, check.cause.unwrap().code),
            });
            rows.collect()
        };
        assert_eq!(rows(&[1, 2]), ["1 accepted"]);
        assert_eq!(rows(&[1]), ["HTTPRoute sales/till object-missing"]);
    }
}
