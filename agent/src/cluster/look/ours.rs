//! Finds the objects of a mesh by their labels.

use std::collections::{BTreeMap, BTreeSet};

use shared::engine::is_written;
use shared::kubernetes::object::{Key, Kind};
use shared::kubernetes::ownership;
use shared::plan::PruneCandidate;
use shared::plan::unchanged::{self, Comparison};

use super::super::address::collection;
use super::super::kinds;
use super::super::list::List;
use super::super::live::{key_of, read_item, without_managers};
use super::{Desired, Looking, Ours, at_once};

impl Looking<'_> {
    /// Lists the objects with the mesh's label.
    pub(super) async fn ours(&self, kinds: impl IntoIterator<Item = Kind>) -> Result<Ours, String> {
        let mut all = Ours::default();
        let lists = kinds.into_iter().map(|kind| self.ours_of_kind(kind));
        for one in at_once(lists.collect()).await? {
            all.extend(one);
        }
        Ok(all)
    }

    /// Selectors for the mesh's label and for the `ApplySet`'s: a person may have removed one of them.
    fn selectors(&self) -> Vec<String> {
        let names = self.search.ownership.names();
        let selectors = names.flat_map(|name| {
            let (label, set) = (ownership::MESH_LABEL, ownership::applyset_id(name));
            [
                format!("{label}={name}"),
                format!("{}={set},{label}!={name}", ownership::PART_OF_LABEL),
            ]
        });
        selectors.collect()
    }

    async fn ours_of_kind(&self, kind: Kind) -> Result<Ours, String> {
        let selectors = self.selectors().into_iter();
        let mut ours = Ours::default();
        let lists = selectors.map(|selector| self.ours_by(&kind, selector));
        for one in at_once(lists.collect()).await? {
            ours.extend(one);
        }
        Ok(ours)
    }

    async fn ours_by(&self, kind: &Kind, label_selector: String) -> Result<Ours, String> {
        let mut ours = Ours::default();
        let list = List {
            path: collection(kind, None),
            label_selector,
            metadata_only: false,
        };
        // The version is not part of an object's identity.
        let is_of_kind = |key: &Key| key.group == kind.group && key.kind == kind.kind;
        let of_kind = self.desired.iter().filter(|(key, _)| is_of_kind(key));
        let desired: BTreeMap<(&str, &str), Desired<'_>> = of_kind
            .map(|(key, one)| ((key.namespace.as_str(), key.name.as_str()), (key, *one)))
            .collect();
        let read = list.read(&self.connection, |item| {
            let mut found = None;
            let comparison = unchanged::compare(item, |namespace, name| {
                found = desired.get(&(namespace, name)).copied();
                found.map(|(_, object)| object)
            })?;
            let live = || read_item(item, kind);
            match (found, comparison) {
                // Most objects are up to date and need no further processing.
                (Some((key, _)), Comparison::Unchanged(drift)) => {
                    ours.unchanged.insert(key.clone());
                    if !drift.is_empty() {
                        ours.drift.insert(key.clone(), drift);
                    }
                }
                (Some((key, _)), Comparison::Unknown) => {
                    ours.candidates.push(self.candidate(key, live()?));
                }
                (None, _) => {
                    let live = live()?;
                    // Applied from a bundle by another tool: not for fedmesh to delete.
                    if self.search.ownership.is_applied(&live["metadata"]) {
                        let candidate =
                            PruneCandidate::new(kind.clone(), &without_managers(live.clone()));
                        ours.prune_candidates.insert(key_of(kind, &live), candidate);
                    }
                }
            }
            Ok(())
        });
        match read.await {
            Ok(()) => Ok(ours),
            Err(error) if error.is_not_found() => Ok(Ours {
                unserved: BTreeSet::from([kind.group_kind()]),
                ..Ours::default()
            }),
            Err(error) => Err(self.failed(&error, "list", kind)),
        }
    }

    /// The kinds that have objects of the mesh, found by label among all kinds that the server has and fedmesh may
    /// write: a missing record may be lost.
    pub(super) async fn kinds_with_objects(&self) -> Result<Vec<Kind>, String> {
        let desired = self.desired_kinds();
        let served = kinds::all(&self.connection).await.map_err(|error| {
            error.in_context(self.connection.context(), "discover the kinds of objects")
        })?;
        let others = served
            .into_iter()
            .filter(|kind| is_written(&kind.group, &kind.kind))
            .filter(|kind| !desired.contains_key(&kind.group_kind()));
        let found = others.map(|kind| self.if_of_mesh(kind));
        Ok(at_once(found.collect())
            .await?
            .into_iter()
            .flatten()
            .collect())
    }

    async fn if_of_mesh(&self, kind: Kind) -> Result<Option<Kind>, String> {
        let mut is_there = false;
        for label_selector in self.selectors() {
            let list = List {
                path: collection(&kind, None),
                label_selector,
                metadata_only: true,
            };
            let read = list.read(&self.connection, |_| {
                is_there = true;
                Ok(())
            });
            match read.await {
                Ok(()) => {}
                // Without access to a kind, fedmesh cannot have written objects of it; and some kinds have no list.
                Err(error) if error.is_refusal() => {}
                Err(error) => return Err(self.failed(&error, "list", &kind)),
            }
        }
        Ok(is_there.then_some(kind))
    }
}
