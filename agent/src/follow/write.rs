//! Writes out-of-date records, and out-of-date gateway addresses in the meshes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::join_all;
use shared::Mesh;
use shared::api::Intent;
use shared::gateways::last_known::LastKnown;
use shared::kubernetes::object::Kind;
use shared::plan::desired::Desired;
use shared::plan::{self, Action, Conflict, Plan, Step};
use tokio::sync::mpsc;

use super::clusters::{Clusters, PassError};
use super::event::{FollowEvent, RecordChange};
use super::{FollowError, records};
use crate::apply;
use crate::apply::approved::{ApplyOptions, ApprovedPlan, Blocked};
use crate::apply::target::{Scope, Target};
use crate::budget::Budget;
use crate::cluster;
use crate::lock::{Leases, LockOptions};
use crate::members::MemberCluster;
use crate::stop::Stop;

/// The desired objects, and the clusters to write them to.
pub(super) struct Writing<'a> {
    pub(super) mesh: &'a Mesh,
    /// The digest of the document, which must be the one that was applied last.
    pub(super) document: String,
    pub(super) lock: LockOptions<'static>,
    pub(super) clusters: &'a Clusters,
    pub(super) desired: Arc<Desired>,
    /// Cluster → kinds to read there.
    pub(super) kinds: BTreeMap<String, BTreeSet<Kind>>,
}

/// The result of writing.
#[derive(Default)]
pub(super) struct Written {
    /// The events for written objects.
    pub(super) events: Vec<FollowEvent>,
    /// The clusters in which everything is up to date now.
    pub(super) clusters: BTreeSet<String>,
    /// Objects that are out of date because others block them or a cluster cannot be reached, and why.
    pub(super) skipped: Option<String>,
    /// Why a write failed that may succeed later.
    pub(super) failed: Option<String>,
}

/// A cluster with its planned steps.
struct Looked {
    plan: Plan,
    target: Target,
    changes: Vec<RecordChange>,
    /// The number of objects with endpoints that are out of date.
    endpoints: usize,
}

impl Looked {
    /// Whether there is something to write: objects, or the addresses in the record of the mesh.
    fn has_work(&self, last_known: &LastKnown) -> bool {
        let recorded = self.target.look.parent.as_ref();
        let is_recorded = !self.target.keeps_addresses
            || recorded.is_some_and(|one| one.last_known.has_addresses_of(last_known));
        self.plan.has_work() || !is_recorded
    }

    /// The objects that will not be written, and why.
    fn skipped(&self) -> Vec<String> {
        let steps = self.plan.steps();
        let reasons = steps
            .filter(|(_, step)| step.action.is_skipped())
            .map(|(_, step)| {
                let conflicts = step.conflicts.iter().map(Conflict::to_string);
                let why: Vec<String> = conflicts.chain(step.message.clone()).collect();
                let why = why.join(", ");
                format!("{}: {why}", step.object)
            });
        reasons.collect()
    }

    /// Applies the steps, and returns their events.
    async fn apply(self, cluster: &str) -> (&str, Result<Vec<FollowEvent>, String>) {
        let not_written = self.skipped().len();
        let targets = BTreeMap::from([(cluster.to_owned(), self.target)]);
        // Endpoints of addresses that are gone are deleted without a confirmation.
        let options = ApplyOptions {
            allow_delete: Some(usize::MAX),
            ..ApplyOptions::default()
        };
        let plan = match ApprovedPlan::new(self.plan, targets, Intent::Apply, options) {
            Ok(plan) => plan,
            Err(Blocked::Clusters { reasons, .. }) => {
                let reasons: Vec<String> = reasons.into_values().collect();
                return (cluster, Err(reasons.join("; ")));
            }
            Err(blocked @ Blocked::Deletes(_)) => return (cluster, Err(blocked.to_string())),
        };
        // The objects are few, so a stop does not interrupt the writes.
        let (budget, stop) = (Budget::default(), Stop::never());
        let (sender, _) = mpsc::unbounded_channel();
        let report = apply::apply(plan, &budget, &stop, sender).await;
        for report in report.clusters {
            if let Some(error) = report.error {
                return (cluster, Err(error));
            }
            // An object that cannot be written does not stop the others.
            if report.failed > not_written {
                return (cluster, Err("some objects could not be written".to_owned()));
            }
        }
        let mut events: Vec<_> = self.changes.into_iter().map(FollowEvent::Record).collect();
        if self.endpoints > 0 {
            events.push(FollowEvent::Endpoints {
                cluster: cluster.to_owned(),
                changed: self.endpoints,
            });
        }
        (cluster, Ok(events))
    }
}

impl Writing<'_> {
    pub(super) async fn write(&self) -> Result<Written, PassError> {
        let mut written = Written::default();
        let mut skipped = Vec::new();
        let mut to_write = Vec::new();
        for (member, looked) in self.look_at(self.members()).await {
            let looked = match looked {
                Ok(looked) => looked,
                Err(trouble) if self.has_records(member) => return Err(trouble),
                Err(trouble) => {
                    skipped.push(format!("{}: {trouble}", member.name));
                    continue;
                }
            };
            let not_written = looked.skipped();
            if not_written.is_empty() {
                written.clusters.insert(member.name.clone());
            }
            skipped.extend(not_written);
            if looked.has_work(&self.clusters.addresses.last_known) {
                to_write.push(member);
            }
        }
        written.skipped = (!skipped.is_empty()).then(|| skipped.join("; "));
        if !to_write.is_empty() {
            let members: Vec<MemberCluster> = to_write.iter().copied().cloned().collect();
            let mesh = &self.mesh.metadata.name;
            let leases = Leases::claim(mesh, "follow", &members, self.lock).await;
            let leases = leases.map_err(|error| PassError::Transient(error.to_string()))?;
            let result = self.write_alone(to_write, &leases, &mut written).await;
            leases.release().await;
            result?;
        }
        Ok(written)
    }

    /// The clusters with objects to keep up to date.
    fn members(&self) -> Vec<&MemberCluster> {
        let members = self.clusters.members.iter();
        members
            .filter(|member| self.kinds.contains_key(&member.name))
            .collect()
    }

    fn has_records(&self, member: &MemberCluster) -> bool {
        self.clusters.dns().name == member.name
    }

    /// Reads the clusters again under the Leases, since another run may have changed the objects, and writes.
    async fn write_alone(
        &self,
        members: Vec<&MemberCluster>,
        leases: &Leases,
        written: &mut Written,
    ) -> Result<(), PassError> {
        let mut failed = Vec::new();
        let mut applies = Vec::new();
        for (member, looked) in self.look_at(members).await {
            let mut looked = match looked {
                Ok(looked) => looked,
                Err(trouble) if self.has_records(member) => return Err(trouble),
                Err(trouble) => {
                    written.clusters.remove(&member.name);
                    failed.push(format!("{}: {trouble}", member.name));
                    continue;
                }
            };
            leases.guard(&mut looked.target.look.connection);
            applies.push(looked.apply(&member.name));
        }
        for (cluster, applied) in join_all(applies).await {
            match applied {
                Ok(events) => written.events.extend(events),
                Err(error) => {
                    written.clusters.remove(cluster);
                    failed.push(format!("{cluster}: {error}"));
                }
            }
        }
        written.failed = (!failed.is_empty()).then(|| failed.join("; "));
        Ok(())
    }

    async fn look_at<'p>(
        &self,
        members: Vec<&'p MemberCluster>,
    ) -> Vec<(&'p MemberCluster, Result<Looked, PassError>)> {
        join_all(members.into_iter().map(|member| async move {
            let looked = self.look(member).await;
            (member, looked)
        }))
        .await
    }

    /// Reads the objects to keep up to date in a cluster. Fails if another document was applied there.
    async fn look(&self, member: &MemberCluster) -> Result<Looked, PassError> {
        let connection = member.connection.clone().map_err(PassError::Transient)?;
        member.inside.clone().map_err(PassError::Transient)?;
        let objects = &self.desired.of(&member.name);
        let mesh = self.mesh.metadata.name.clone();
        let cluster = member.name.clone();
        let kinds = self.kinds.get(&member.name).into_iter().flatten().cloned();
        let found = cluster::look_at_kinds(connection, &mesh, kinds, objects).await;
        let Some((observed, look)) = found.map_err(PassError::Transient)? else {
            return Err(FollowError::NotApplied { mesh, cluster }.into());
        };
        let applied = look.parent.as_ref().and_then(|one| one.document.as_ref());
        if applied != Some(&self.document) {
            return Err(FollowError::OtherDocument { mesh, cluster }.into());
        }
        if let Some(parent) = &look.parent
            && let Some(wrong) = self.clusters.wrong_context(&parent.identities)
        {
            return Err(PassError::Transient(wrong));
        }
        let changes = records::changes(objects, &observed);
        let target = Target {
            scope: Scope::Addresses,
            document: Some(self.document.clone()),
            // They stay as recorded.
            clusters: BTreeMap::new(),
            identities: BTreeMap::new(),
            last_known: self.clusters.addresses.last_known.clone(),
            keeps_addresses: self.has_records(member),
            desired: Arc::clone(&self.desired),
            look,
        };
        let members = [(member.name.as_str(), member.context.as_str())];
        let observed = BTreeMap::from([(member.name.clone(), Ok(observed))]);
        let plan = plan::plan(&self.desired, members, &observed);
        let is_written =
            |step: &Step| !matches!(step.action, Action::Unchanged) && !step.action.is_skipped();
        let is_record = |step: &Step| step.object.kind == Kind::DNS_ENDPOINT.kind;
        let endpoints = plan
            .steps()
            .filter(|(_, step)| is_written(step) && !is_record(step));
        Ok(Looked {
            endpoints: endpoints.count(),
            plan,
            target,
            changes,
        })
    }
}
