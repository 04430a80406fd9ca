//! Dry runs of an apply's creations and changes.

use std::collections::{BTreeMap, BTreeSet};

use shared::kubernetes::object::{Key, Kind, Object};
use shared::kubernetes::ownership;
use shared::plan::adoption;
use shared::plan::{DryRun, Existing, Trial};

use super::super::dry_run::{self, Question};
use super::super::live::{is_being_deleted, without_managers};
use super::{Candidate, Looking, Ours, at_once};

impl Looking<'_> {
    /// Tries every creation with a dry run. Objects that cannot be tried yet, because the same apply creates their
    /// namespace or definition, are left out.
    pub(super) async fn try_creations(&self, ours: &Ours) -> Result<BTreeMap<Key, Trial>, String> {
        let there: BTreeSet<&Key> = ours.keys().collect();
        let is_missing = |key: &Key| !there.contains(key);
        let new_namespaces: BTreeSet<&str> = self
            .desired
            .iter()
            .filter(|(key, object)| object.kind == Kind::NAMESPACE && is_missing(key))
            .map(|(_, object)| object.name.as_str())
            .collect();
        let missing = self.desired.iter().filter(|(key, object)| {
            is_missing(key) && !ours.unserved.contains(&object.kind.group_kind())
        });
        let (now, later): (Vec<_>, Vec<_>) =
            missing.partition(|(key, _)| !new_namespaces.contains(key.namespace.as_str()));
        let later = later
            .into_iter()
            .map(|(key, _)| (key.clone(), Trial::Later(key.namespace.clone())));
        let mut trials: BTreeMap<Key, Trial> = later.collect();
        let tried = at_once(
            now.into_iter()
                .map(|(key, object)| self.try_creation(key, object))
                .collect(),
        );
        trials.extend(tried.await?);
        Ok(trials)
    }

    async fn try_creation(&self, key: &Key, object: &Object) -> Result<(Key, Trial), String> {
        let question = Question {
            object: &object.as_created(),
            manager: &self.manager,
            force: false,
        };
        let trial = match dry_run::ask(&self.connection, question).await {
            Ok(DryRun::Would(_)) => Trial::Passed,
            Ok(DryRun::Rejected(message)) if dry_run::cannot_be_tried(&message) => {
                Trial::Impossible(message)
            }
            Ok(DryRun::Rejected(message)) => Trial::Rejected(message),
            // Another writer has created it in the meantime.
            Ok(DryRun::Conflict(_)) => {
                Trial::Rejected("it was created since this plan began; plan again".to_owned())
            }
            Err(error) if error.is_not_found() => {
                if error.is_missing_namespace() {
                    let namespace = &key.namespace;
                    Trial::Rejected(format!(
                        "namespace `{namespace}` does not exist; create it, or use another one in the document"
                    ))
                } else {
                    // The same plan may create an object that it refers to, such as the Role of a RoleBinding.
                    Trial::Impossible(error.to_string())
                }
            }
            Err(error) => return Err(self.failed(&error, "patch", &object.kind)),
        };
        Ok((key.clone(), trial))
    }

    /// Tries an apply of each object.
    pub(super) async fn ask(
        &self,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<(Key, Existing)>, String> {
        let questions = candidates.into_iter().map(|one| self.ask_one(one));
        Ok(at_once(questions.collect())
            .await?
            .into_iter()
            .flatten()
            .collect())
    }

    async fn ask_one(&self, candidate: Candidate) -> Result<Option<(Key, Existing)>, String> {
        let Candidate {
            key,
            live,
            drift: _,
            writers,
            claim,
        } = candidate;
        let Some(desired) = self.desired.get(&key) else {
            return Ok(None);
        };
        let mut claim = match claim {
            Ok(claim) => Box::new(claim),
            Err(owner) => return Ok(Some((key, Existing::Foreign(owner)))),
        };
        if is_being_deleted(&live) {
            // An apply would succeed and be lost.
            let answer = DryRun::Rejected(
                "it is being deleted; wait until it is gone, then plan again".to_owned(),
            );
            let existing = Existing::Asked {
                live,
                answer,
                claim,
            };
            return Ok(Some((key, existing)));
        }
        let manager = claim.former_manager.as_deref().unwrap_or(&self.manager);
        let object = desired.beside(&live);
        let question = Question {
            object: &object,
            manager,
            force: claim.adopts,
        };
        let mut answer = dry_run::ask(&self.connection, question).await;
        if let Ok(DryRun::Conflict(conflicts)) = &mut answer {
            writers.complete(conflicts);
            let takes = conflicts
                .iter()
                .filter(|one| self.search.decisions.takes_over(&key, &one.field));
            claim.takes = takes.cloned().collect();
            // A forced apply takes all of them.
            if claim.takes.len() == conflicts.len() {
                let question = Question {
                    object: &object,
                    manager,
                    force: true,
                };
                answer = dry_run::ask(&self.connection, question).await;
            }
        }
        let answer = match answer {
            Ok(DryRun::Would(after)) => DryRun::Would(without_managers(after)),
            Ok(answer) => answer,
            // It was deleted in the meantime.
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(self.failed(&error, "patch", &desired.kind)),
        };
        let annotations = &live["metadata"]["annotations"];
        if let DryRun::Would(after) = &answer
            && (claim.adopts || annotations[ownership::ADOPTED_ANNOTATION].is_string())
        {
            claim.restoring = Some(adoption::restoring(after, &adoption::before(&live)));
        }
        let existing = Existing::Asked {
            live,
            answer,
            claim,
        };
        Ok(Some((key, existing)))
    }
}
