//! The plan of an apply, from the desired and the observed objects.

pub mod adoption;
pub mod decisions;
pub mod dependency;
pub mod desired;
pub mod drift;
pub mod gateway_updates;
pub mod guard;
pub mod handover;
mod id;
mod observed;
pub mod orphaned;
mod steps;
pub mod unchanged;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::kubernetes::object::{Key, Kind, Object, Wave};
use crate::plan::decisions::Decision;
use crate::plan::desired::Desired;
use crate::plan::drift::Drift;

pub use observed::{Claim, DryRun, Existing, Observed, ObservedCluster, PruneCandidate, Trial};
use steps::{defines, dns_step, removal, step};

/// A field that another manager owns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// The manager, as the server names it.
    pub manager: String,
    /// The field, such as `.spec.replicas`.
    pub field: String,
    /// Time of the manager's last write to the object, in RFC 3339, if the server returns it. Not part of a plan's id:
    /// a manager that writes the same again changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The operation: `Apply` or `Update`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The written subresource, such as `scale`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is managed by {}", self.field, self.manager)
    }
}

/// The changes of an apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Digest of all other fields: two plans with one id make the same changes.
    pub id: String,
    /// The mesh's name.
    pub mesh: String,
    /// The clusters, in the order of the document.
    pub clusters: Vec<ClusterPlan>,
}

/// The changes of an apply in one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterPlan {
    /// The cluster's name.
    pub name: String,
    /// Its context.
    pub context: String,
    /// The reason why nothing can be applied: the cluster does not answer, and there are no steps; or the user is not
    /// allowed to carry out the steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The decision that resolves the error, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The error without its remedy, if there is a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// The change of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The object.
    pub object: Key,
    /// Its wave.
    pub wave: Wave,
    /// Its action.
    pub action: Action,
    /// The change as a unified diff; empty without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub diff: String,
    /// Fields of other managers: those that block an [`Action::Conflict`], or those that an [`Action::Change`] takes
    /// over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// The reason why an object is skipped, or a note about its step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The decision that resolves an [`Action::Blocked`], if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Fields that other managers have added; an apply leaves them as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
}

impl Step {
    /// A step without a diff.
    pub fn new(object: Key, wave: Wave, action: Action) -> Self {
        Self {
            object,
            wave,
            action,
            diff: String::new(),
            conflicts: Vec::new(),
            message: None,
            decision: None,
            drift: Vec::new(),
        }
    }
}

/// The action on an object.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It does not exist and will be created.
    Create,
    /// It exists and will be changed.
    Change,
    /// It is up to date.
    Unchanged,
    /// It is orphaned and will be deleted.
    Delete,
    /// It is orphaned and will be kept without the mesh's labels: others may depend on it, or it was adopted and is
    /// restored.
    Disown,
    /// It was created by another owner, and the mesh adopts it.
    Adopt,
    /// Another manager owns a field that would change; it is skipped.
    Conflict,
    /// The server refuses it; it is skipped.
    Rejected,
    /// It has another owner, or lacks a prerequisite; its cluster is not changed.
    Blocked,
}

impl Action {
    /// All actions in the order of display: deletions, then blocked or skipped objects, then the rest.
    pub const AS_SHOWN: [Self; 9] = [
        Self::Delete,
        Self::Blocked,
        Self::Conflict,
        Self::Rejected,
        Self::Adopt,
        Self::Disown,
        Self::Change,
        Self::Create,
        Self::Unchanged,
    ];

    /// The word for display.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether it must be resolved before any object of its cluster is applied.
    pub const fn blocks(self) -> bool {
        matches!(self, Self::Blocked)
    }

    /// Whether an apply skips the object although it is not up to date.
    pub const fn is_skipped(self) -> bool {
        matches!(self, Self::Conflict | Self::Rejected | Self::Blocked)
    }
}

impl Plan {
    /// The short id: the first 12 hexadecimal digits.
    pub fn short_id(&self) -> &str {
        let digits = self.id.split_once(':').map_or(&*self.id, |(_, hex)| hex);
        digits.get(..12).unwrap_or(digits)
    }

    /// Whether the id is the digest of the plan, so that neither was edited.
    pub fn has_valid_id(&self) -> bool {
        self.id == id::of(&self.mesh, &self.clusters)
    }

    /// Every step with its cluster's name.
    pub fn steps(&self) -> impl Iterator<Item = (&str, &Step)> {
        self.clusters.iter().flat_map(|cluster| {
            cluster
                .steps
                .iter()
                .map(|step| (cluster.name.as_str(), step))
        })
    }

    /// Whether any object is not up to date.
    pub fn has_changes(&self) -> bool {
        self.clusters.iter().any(ClusterPlan::has_changes)
    }

    /// Whether an apply changes any object.
    pub fn has_work(&self) -> bool {
        self.steps()
            .any(|(_, step)| step.action != Action::Unchanged && !step.action.is_skipped())
    }

    /// Whether every cluster has a plan without an error, and none is blocked.
    pub fn can_be_applied(&self) -> bool {
        self.clusters.iter().all(ClusterPlan::can_be_applied)
    }

    /// Whether an apply makes every cluster match the document: none is blocked, and no object is skipped.
    pub fn is_complete(&self) -> bool {
        self.can_be_applied() && !self.steps().any(|(_, step)| step.action.is_skipped())
    }

    /// Adds the decision that resolves the error of each cluster, and the error without this remedy, where `offer`
    /// returns them.
    pub fn offer(&mut self, offer: impl Fn(&ClusterPlan) -> Option<(Decision, String)>) {
        let mut is_same = true;
        for cluster in &mut self.clusters {
            if cluster.error.is_some() {
                (cluster.decision, cluster.cause) = offer(cluster).unzip();
                is_same &= cluster.decision.is_none();
            }
        }
        // The digest of a large plan takes a while.
        if !is_same {
            *self = Self::new(
                std::mem::take(&mut self.mesh),
                std::mem::take(&mut self.clusters),
            );
        }
    }

    /// Replaces the steps of each cluster for which `why` returns an error.
    pub fn block(&mut self, why: impl Fn(&ClusterPlan) -> Option<String>) {
        for cluster in &mut self.clusters {
            if let Some(error) = why(cluster) {
                cluster.error = Some(error);
                cluster.decision = None;
                cluster.cause = None;
                cluster.steps.clear();
            }
        }
        *self = Self::new(
            std::mem::take(&mut self.mesh),
            std::mem::take(&mut self.clusters),
        );
    }
}

impl ClusterPlan {
    /// Whether the cluster has a plan without an error and is not blocked.
    pub fn can_be_applied(&self) -> bool {
        self.error.is_none() && !self.steps.iter().any(|step| step.action.blocks())
    }

    /// Whether any object is not up to date.
    pub fn has_changes(&self) -> bool {
        self.steps
            .iter()
            .any(|step| step.action != Action::Unchanged)
    }

    /// Number of steps with an action.
    pub fn count(&self, action: Action) -> usize {
        self.steps
            .iter()
            .filter(|step| step.action == action)
            .count()
    }
}

/// Plans an apply to the clusters of a document, given as name and context, in order. Clusters that were not observed
/// are left out, and so are those without desired objects and without objects of the mesh: with a hub, most clusters
/// have neither.
pub fn plan<'a>(
    desired: &Desired,
    clusters: impl IntoIterator<Item = (&'a str, &'a str)>,
    observed: &Observed,
) -> Plan {
    let clusters = clusters
        .into_iter()
        .filter_map(|(name, context)| match observed.get(name)? {
            Ok(observed) => ClusterPlan::new(name, context, desired, &desired.of(name), observed),
            Err(error) => ClusterPlan::unobserved(name, context, desired, error),
        });
    Plan::new(desired.mesh.clone(), clusters.collect())
}

impl Plan {
    /// A plan for a mesh's clusters, in the order of the document.
    pub fn new(mesh: String, clusters: Vec<ClusterPlan>) -> Self {
        Self {
            id: id::of(&mesh, &clusters),
            mesh,
            clusters,
        }
    }
}

impl ClusterPlan {
    /// An apply of `objects`, the desired objects of the cluster; `None` if there are none and the cluster has no
    /// objects of the mesh.
    pub fn new(
        name: &str,
        context: &str,
        desired: &Desired,
        objects: &[Object],
        observed: &ObservedCluster,
    ) -> Option<Self> {
        let is_empty =
            objects.is_empty() && observed.prune_candidates.is_empty() && observed.dns.is_empty();
        let lets_go = |kind: &Kind| desired.lets_go(name, kind);
        (!is_empty).then(|| plan_cluster(name, context, objects, observed, lets_go))
    }

    /// The removal of all objects of a mesh.
    pub fn removal(name: &str, context: &str, observed: &ObservedCluster) -> Self {
        plan_cluster(name, context, &[], observed, |_| true)
    }

    /// An apply to a cluster that could not be observed; `None` if it has no desired objects: a member of a hub may be
    /// unreachable.
    pub fn unobserved(name: &str, context: &str, desired: &Desired, error: &str) -> Option<Self> {
        let is_handed_something = desired.has_any(name);
        is_handed_something.then(|| Self::failed(name, context, error))
    }

    /// A cluster without a plan.
    pub fn failed(name: &str, context: &str, error: &str) -> Self {
        Self {
            name: name.to_owned(),
            context: context.to_owned(),
            error: Some(error.to_owned()),
            decision: None,
            cause: None,
            steps: Vec::new(),
        }
    }
}

/// Whether an object routes calls to hosts of other objects, which stay until it is deleted.
pub fn leads(key: &Key) -> bool {
    key.is_istio("VirtualService")
}

fn plan_cluster(
    name: &str,
    context: &str,
    objects: &[Object],
    observed: &ObservedCluster,
    lets_go: impl Fn(&Kind) -> bool,
) -> ClusterPlan {
    let defined_here: BTreeSet<String> = objects.iter().filter_map(defines).collect();
    let mut steps: Vec<Step> = objects
        .iter()
        .map(|object| step(object, observed, &defined_here))
        .collect();
    let before_records = steps.partition_point(|step| step.wave < Wave::ClusterDns);
    steps.splice(
        before_records..before_records,
        observed.dns.iter().map(dns_step),
    );
    // Backwards, so that nothing is deleted before its dependents.
    let mut candidate: Vec<(&Key, &PruneCandidate)> = observed.prune_candidates.iter().collect();
    candidate.sort_by_key(|(key, one)| (Reverse(one.kind.wave), !leads(key), *key));
    steps.extend(
        candidate
            .into_iter()
            .map(|(key, candidate)| removal(key, candidate, lets_go(&candidate.kind))),
    );
    ClusterPlan {
        name: name.to_owned(),
        context: context.to_owned(),
        error: observed.denied.clone(),
        decision: None,
        cause: None,
        steps,
    }
}
