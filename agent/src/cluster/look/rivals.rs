//! Sidecars of others that Istio uses instead of the mesh's.
//!
//! Among the Sidecars for a whole namespace Istio uses the oldest, one with an empty selector before all others, and
//! does not merge them (istio `pilot/pkg/model/push_context.go`, `initSidecarScopes` and `doGetSidecarScope`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};
use shared::kubernetes::object::Key;
use shared::kubernetes::ownership::Owner;

use super::super::address::collection;
use super::super::list::List;
use super::Looking;

#[derive(Deserialize)]
struct Sidecar {
    metadata: Value,
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    workload_selector: Option<Selector>,
}

#[derive(Deserialize)]
struct Selector {
    labels: Option<Map<String, Value>>,
}

impl Sidecar {
    /// Whether it applies to all workloads of its namespace.
    fn is_for_all(&self) -> bool {
        let selector = self.spec.workload_selector.as_ref();
        let labels = selector.and_then(|one| one.labels.as_ref());
        labels.is_none_or(Map::is_empty)
    }

    /// Sort key in Istio's order; timestamps are in seconds and have one length.
    fn rank(&self) -> (bool, String, String) {
        let text = |field: &str| self.metadata[field].as_str().unwrap_or_default().to_owned();
        let has_selector = self.spec.workload_selector.is_some();
        (!has_selector, text("creationTimestamp"), text("name"))
    }
}

impl Looking<'_> {
    /// Desired Sidecars, each with the name of the one that Istio uses instead.
    pub(super) async fn rivals(
        &self,
        unserved: &BTreeSet<String>,
    ) -> Result<BTreeMap<Key, String>, String> {
        let desired = self.desired.iter().filter(|(key, object)| {
            key.kind == "Sidecar" && !unserved.contains(&object.kind.group_kind())
        });
        let desired: BTreeMap<&str, (&Key, _)> = desired
            .map(|(key, object)| (key.namespace.as_str(), (key, &object.kind)))
            .collect();
        let Some((_, kind)) = desired.values().next() else {
            return Ok(BTreeMap::new());
        };
        let list = List {
            path: collection(kind, None),
            label_selector: String::new(),
            metadata_only: false,
        };
        let mut first: BTreeMap<&Key, (bool, String, String)> = BTreeMap::new();
        let read = list.read(&self.connection, |item| {
            let sidecar: Sidecar = serde_json::from_str(item)?;
            let metadata = &sidecar.metadata;
            let namespace = metadata["namespace"].as_str().unwrap_or_default();
            let Some((key, _)) = desired.get(namespace) else {
                return Ok(());
            };
            let is_desired = metadata["name"] == key.name.as_str();
            // An own Sidecar that is not desired will be pruned.
            let is_ours = self.search.ownership.owner(metadata) == Owner::Ours;
            if is_desired || !is_ours && sidecar.is_for_all() {
                let rank = sidecar.rank();
                let known = first.entry(key).or_insert_with(|| rank.clone());
                *known = rank.min(known.clone());
            }
            Ok(())
        });
        read.await
            .map_err(|error| self.failed(&error, "list", kind))?;
        let rivals = first.into_iter();
        let rivals = rivals.filter(|(key, (_, _, name))| *name != key.name);
        Ok(rivals
            .map(|(key, (_, _, name))| (key.clone(), name))
            .collect())
    }
}
