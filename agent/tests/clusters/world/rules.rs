//! What has to hold.

use std::collections::BTreeSet;

use shared::api::Intent;
use shared::kubernetes::object::{Key, Kind};
use shared::kubernetes::ownership::parent_name;
use shared::plan::Action;
use shared::plan::dependency::depends_on;

use super::observed::{Id, Observed, lacks, uid};
use super::run::Ended;
use super::step::Task;
use super::{MESHES, World};
use crate::fixture::CLUSTERS;

impl World {
    /// What holds whatever was done: what is theirs is as they left it, and a removal finds all that is a mesh's.
    pub(super) async fn expect_always(&self) {
        let observed = self.clusters.observe().await;
        self.expect_theirs(&observed);
        let found = tokio::join!(self.found_by_removal(0), self.found_by_removal(1));
        for (name, found) in MESHES.into_iter().zip([found.0, found.1]) {
            assert_eq!(
                found,
                self.owned(name, &observed),
                "what a removal of {name} finds (left) is what was applied for it (right)"
            );
        }
    }

    fn owned(&self, mesh: &str, observed: &Observed) -> BTreeSet<Id> {
        let owned = observed
            .iter()
            .filter(|(id, live)| self.owner(id, live) == Some(mesh));
        owned.map(|(id, _)| id.clone()).collect()
    }

    async fn found_by_removal(&self, mesh: usize) -> BTreeSet<Id> {
        let document = &self.documents[mesh][0].mesh;
        let planned = self
            .operations
            .plan(document, Intent::Remove)
            .await
            .unwrap();
        let mut found = BTreeSet::new();
        for ((_, context), cluster) in CLUSTERS.iter().zip(planned.plan.clusters) {
            assert_eq!(cluster.error, None);
            for step in cluster.steps {
                assert!(
                    matches!(step.action, Action::Delete | Action::Disown),
                    "{step:?}"
                );
                if step.object.kind != "Secret" {
                    found.insert((*context, step.object));
                }
            }
        }
        found
    }

    /// Objects that a document desires and that belong to somebody else.
    pub(super) fn in_the_way(
        &self,
        mesh: usize,
        document: usize,
        observed: &Observed,
    ) -> BTreeSet<Id> {
        let desired = self.documents[mesh][document].objects.keys();
        let in_the_way = desired.filter(|id| {
            let live = observed.get(*id);
            live.is_some_and(|live| self.owner(id, live) != Some(MESHES[mesh]))
        });
        in_the_way.cloned().collect()
    }

    /// What holds after a run that nothing has disturbed since `before`.
    pub(super) async fn expect_of_run_alone(&self, task: Task, before: &Observed, ended: &Ended) {
        let Some(document) = task.document else {
            assert_eq!(ended.code, Some(0), "{ended:?}");
            return self.expect_done(task).await;
        };
        let observed = self.clusters.observe().await;
        let name = MESHES[task.mesh];
        if !self.in_the_way(task.mesh, document, before).is_empty() {
            assert_eq!(ended.code, Some(1), "{ended:?}");
            let of_mesh = |observed: &Observed| {
                let owned = observed
                    .iter()
                    .filter(|(id, live)| self.owner(id, live) == Some(name));
                owned.map(|(id, live)| (id.clone(), live.clone())).collect()
            };
            return self.expect_same(&of_mesh(before), &of_mesh(&observed));
        }
        let objects = &self.documents[task.mesh][document].objects;
        let skipped: Vec<&Id> = objects
            .keys()
            .filter(|id| {
                let live = before.get(*id);
                live.is_some_and(|live| {
                    self.edited.contains(&((*id).clone(), uid(live).to_owned()))
                })
            })
            .collect();
        if skipped.is_empty() {
            assert_eq!(ended.code, Some(0), "{ended:?}");
            return self.expect_done(task).await;
        }
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let needs_skipped = |id: &Id| {
            skipped.iter().any(|other| {
                *other == id || (other.0 == id.0 && depends_on(&objects[id], &objects[*other]))
            })
        };
        let wrong = self.differences(task.mesh, document, &observed);
        let wrong: Vec<_> = wrong
            .iter()
            .filter(|(id, _)| !objects.contains_key(id) || !needs_skipped(id))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}\n{ended:?}");
    }

    /// Where the clusters differ from a document.
    fn differences(&self, mesh: usize, document: usize, observed: &Observed) -> Vec<(Id, String)> {
        let objects = &self.documents[mesh][document].objects;
        let mut wrong = Vec::new();
        for (id, object) in objects {
            let lack = match observed.get(id) {
                Some(live) => lacks(live, &object.to_json()),
                None => Some(" is missing".to_owned()),
            };
            wrong.extend(lack.map(|lack| (id.clone(), lack)));
        }
        let owned = self.owned(MESHES[mesh], observed).into_iter();
        let candidate = owned.filter(|id| !objects.contains_key(id));
        wrong.extend(candidate.map(|id| (id, " is left over".to_owned())));
        wrong
    }

    /// Why a run has not done everything.
    pub(super) async fn not_done(&self, task: Task) -> Option<String> {
        let observed = self.clusters.observe().await;
        let name = MESHES[task.mesh];
        let Some(document) = task.document else {
            let left = self.owned(name, &observed);
            for (_, context) in CLUSTERS {
                if self
                    .clusters
                    .get(context, &Kind::SECRET, &parent_name(name))
                    .await
                    .is_some()
                {
                    return Some(format!("{context} has the record of {name}"));
                }
            }
            return (!left.is_empty()).then(|| format!("{left:?} is left"));
        };
        let wrong = self.differences(task.mesh, document, &observed);
        if !wrong.is_empty() {
            return Some(format!("{wrong:#?}"));
        }
        // Both judges have to agree.
        let mesh = &self.documents[task.mesh][document].mesh;
        let plan = self
            .operations
            .plan(mesh, Intent::Apply)
            .await
            .unwrap()
            .plan;
        let changes = plan
            .steps()
            .filter(|(_, step)| step.action != Action::Unchanged);
        let changes: Vec<_> = changes.collect();
        (!changes.is_empty()).then(|| format!("{changes:#?}"))
    }

    pub(super) async fn expect_done(&self, task: Task) {
        let not_done = self.not_done(task).await;
        assert_eq!(not_done, None, "{task:?} is not done");
    }

    /// A run that was not killed holds no Lease any more; one that was killed before may.
    pub(super) async fn expect_no_lease(&self, mesh: usize, ended: &Ended) {
        let name = parent_name(MESHES[mesh]);
        let pid = format!(" pid {} ", ended.pid);
        for (_, context) in CLUSTERS {
            let lease = self.clusters.get(context, &Kind::LEASE, &name).await;
            let holder = lease.map(|lease| lease["spec"]["holderIdentity"].to_string());
            let is_its = holder.is_some_and(|holder| holder.contains(&pid));
            assert!(!is_its, "{name} in {context} after {ended:?}");
        }
    }

    /// Nothing was written meanwhile.
    pub(super) fn expect_same(&self, before: &Observed, after: &Observed) {
        let versions = |observed: &Observed| -> Vec<(&str, Key, String)> {
            let versions = observed.iter().map(|((context, key), live)| {
                let version = live["metadata"]["resourceVersion"].to_string();
                (*context, key.clone(), version)
            });
            versions.collect()
        };
        assert_eq!(versions(before), versions(after), "{}", self.log.join("\n"));
    }
}
