//! Messages between the page and the agent, `/api/v1`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::check::Finding;
use crate::kubernetes::object::{Key, Wave};
use crate::mesh::Mesh;
use crate::plan::decisions::Decisions;
use crate::plan::drift::Drift;
use crate::plan::guard::MassDeletion;
use crate::plan::{Action, ClusterPlan, Conflict, Plan};

/// `GET /api/v1/session`: verifies the token, and returns the agent's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The agent's version.
    pub version: String,
}

/// `GET /api/v1/clusters`: the contexts of the kubeconfig and the observed state of their clusters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Clusters {
    /// The error of the kubeconfig, if that is why there are no contexts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// All contexts, in the order of the kubeconfig.
    pub contexts: Vec<Context>,
}

/// A context of the kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// Its name.
    pub name: String,
    /// The reason why the cluster cannot be queried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Kubernetes' version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Region of its nodes, if all have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Zones of its nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// Addresses of Istio's default gateway; absent if the Service does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Vec<String>>,
}

/// The purpose of a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Intent {
    /// Apply the document to the clusters.
    #[default]
    Apply,
    /// Remove all objects of the mesh from the clusters.
    Remove,
}

/// `POST /api/v1/plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanRequest {
    /// The document.
    pub mesh: Mesh,
    /// Digest of the sender's bundle; the agent renders the document again and refuses the request if its digest
    /// differs.
    pub digest: String,
    /// Apply or remove.
    #[serde(default)]
    pub intent: Intent,
    /// The user's decisions in addition to the document.
    #[serde(default)]
    pub decisions: Decisions,
}

/// Response to `POST /api/v1/plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanResponse {
    /// Warnings and hints, including those from the observed clusters.
    pub findings: Vec<Finding>,
    /// The plan.
    pub plan: Plan,
    /// The clusters whose last known addresses can be withdrawn: [`Decision::ForgetAddresses`](crate::plan::decisions::Decision::ForgetAddresses).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub withdrawable: BTreeSet<String>,
    /// The reasons why its deletions must be confirmed: [`ApplyRequest::allow_delete`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mass_deletion: Option<MassDeletion>,
}

/// `POST /api/v1/apply`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplyRequest {
    /// The request of the plan.
    #[serde(flatten)]
    pub plan: PlanRequest,
    /// The id of the plan that the user has reviewed. The agent plans again and refuses the request if the clusters
    /// have changed since.
    pub plan_id: String,
    /// Apply to the clusters that are not blocked, although others are.
    #[serde(default)]
    pub partial: bool,
    /// Confirmed number of deletions, if the plan has a mass deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_delete: Option<usize>,
}

/// Response to `POST /api/v1/apply`; the events are at `GET /api/v1/applies/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyAccepted {
    /// The id of the run.
    pub id: String,
}

/// A line of `GET /api/v1/applies/{id}` (newline-delimited JSON), from the first event on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// A cluster's run begins.
    Started {
        /// The cluster.
        cluster: String,
        /// Number of objects that will be reported.
        objects: usize,
    },
    /// A wave begins in a cluster.
    Wave {
        /// The cluster.
        cluster: String,
        /// The wave.
        wave: Wave,
    },
    /// An object is done, with success or not.
    Object {
        /// The cluster.
        cluster: String,
        /// The object.
        object: Key,
        /// The result.
        outcome: Outcome,
    },
    /// A cluster's run waits. Reported repeatedly, at most once a second for each reason.
    Waiting {
        /// The cluster.
        cluster: String,
        /// The kind of wait.
        reason: WaitReason,
        /// Description of the wait, for display.
        message: String,
        /// Seconds so far.
        waited: u64,
        /// Seconds until it continues or fails; absent without a limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u64>,
    },
    /// A cluster's run has ended.
    Ended {
        /// The cluster.
        cluster: String,
        /// The error that ended it early, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Everything has ended; the last line.
    Finished {
        /// The results.
        report: Report,
    },
}

/// The reason for a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WaitReason {
    /// A request failed and is retried after a pause.
    Retry,
    /// Finalizers hold objects that were deleted.
    Finalizers,
    /// Definitions are not Established.
    Definitions,
    /// A login tool (`users[].user.exec`) runs; the message names it and the context.
    Login,
}

/// The result for an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "result",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Outcome {
    /// As planned.
    Done {
        /// The action.
        action: Action,
    },
    /// Another manager owns fields; the object is unchanged.
    Conflict {
        /// The fields.
        conflicts: Vec<Conflict>,
    },
    /// The request failed.
    Failed {
        /// The error.
        message: String,
    },
    /// It was not tried, since it depends on an object that was not applied.
    Skipped {
        /// The object that it depends on.
        because: Key,
    },
}

impl Outcome {
    /// The reason why the object was not applied; `None` if it was.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Done { .. } => None,
            Self::Failed { message } => Some(message.clone()),
            Self::Skipped { because } => Some(format!("it needs {because}")),
            Self::Conflict { conflicts } => {
                let conflicts: Vec<String> = conflicts.iter().map(Conflict::to_string).collect();
                Some(conflicts.join(", "))
            }
        }
    }
}

/// The results of an apply or a removal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The clusters, in the order of the document.
    pub clusters: Vec<ClusterReport>,
    /// Duration of the run, in milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
}

/// The results in one cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterReport {
    /// The cluster's name.
    pub name: String,
    /// The reason why it was not changed, or not completely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Objects created.
    pub created: usize,
    /// Objects changed.
    pub changed: usize,
    /// Objects that were up to date.
    pub unchanged: usize,
    /// Objects deleted.
    pub deleted: usize,
    /// Objects of another owner that were adopted.
    #[serde(default)]
    pub adopted: usize,
    /// Objects that were kept without fedmesh's labels.
    pub disowned: usize,
    /// Objects with a conflict or an error.
    pub failed: usize,
    /// Objects that were not tried, since they depend on a failed one.
    #[serde(default)]
    pub skipped: usize,
}

impl Report {
    /// Whether the run succeeded in every cluster.
    pub fn is_success(&self) -> bool {
        self.clusters
            .iter()
            .all(|cluster| cluster.error.is_none() && cluster.failed + cluster.skipped == 0)
    }
}

/// Response to `POST /api/v1/status`, whose body is a [`PlanRequest`]: the clusters compared with the document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The clusters, in the order of the document.
    pub clusters: Vec<ClusterStatus>,
}

/// A cluster compared with the document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterStatus {
    /// The cluster's name.
    pub name: String,
    /// The reason why it could not be queried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Objects that are up to date.
    pub unchanged: usize,
    /// Desired objects that do not exist.
    pub missing: Vec<Key>,
    /// Desired objects that the server refuses, or does not show.
    #[serde(default)]
    pub refused: Vec<Refused>,
    /// Objects that differ from the desired state.
    pub changed: Vec<Key>,
    /// Orphaned objects of the mesh.
    pub surplus: Vec<Key>,
    /// Up-to-date objects with fields that others have added.
    #[serde(default)]
    pub drifted: Vec<Drifted>,
}

/// An object with fields that others have added to fedmesh's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drifted {
    /// The object.
    pub object: Key,
    /// The fields.
    pub fields: Vec<Drift>,
}

/// An object that blocks an apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// The object.
    pub object: Key,
    /// The reason, in the server's words if the server refuses it.
    pub why: String,
}

impl Status {
    /// Derives the status from a plan: each step is a difference.
    pub fn of(plan: &Plan) -> Self {
        let clusters = plan
            .clusters
            .iter()
            .map(|cluster| {
                let keys = |actions: &[Action]| -> Vec<Key> {
                    let steps = cluster
                        .steps
                        .iter()
                        .filter(|step| actions.contains(&step.action));
                    steps.map(|step| step.object.clone()).collect()
                };
                let drifted = drifted(cluster);
                ClusterStatus {
                    name: cluster.name.clone(),
                    error: cluster.error.clone(),
                    unchanged: cluster.count(Action::Unchanged) - drifted.len(),
                    missing: keys(&[Action::Create]),
                    refused: refused(cluster),
                    changed: keys(&[Action::Change, Action::Adopt, Action::Conflict]),
                    surplus: keys(&[Action::Delete, Action::Disown]),
                    drifted,
                }
            })
            .collect();
        Self { clusters }
    }

    /// Whether every cluster matches the document.
    pub fn is_unchanged(&self) -> bool {
        self.clusters.iter().all(|cluster| {
            cluster.error.is_none()
                && cluster.missing.is_empty()
                && cluster.refused.is_empty()
                && cluster.changed.is_empty()
                && cluster.surplus.is_empty()
                && cluster.drifted.is_empty()
        })
    }
}

/// Each object is in one list: an object that an apply changes is not listed as drifted.
fn drifted(cluster: &ClusterPlan) -> Vec<Drifted> {
    let steps = cluster.steps.iter();
    steps
        .filter(|step| step.action == Action::Unchanged && !step.drift.is_empty())
        .map(|step| Drifted {
            object: step.object.clone(),
            fields: step.drift.clone(),
        })
        .collect()
}

fn refused(cluster: &ClusterPlan) -> Vec<Refused> {
    let rejected = cluster.steps.iter();
    rejected
        .filter(|step| matches!(step.action, Action::Rejected | Action::Blocked))
        .map(|step| Refused {
            object: step.object.clone(),
            why: step.message.clone().unwrap_or_default(),
        })
        .collect()
}

/// `POST /api/v1/verify`: verifies the rendered objects by traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyRequest {
    /// The mesh to verify; the intent must be `apply`.
    #[serde(flatten)]
    pub plan: PlanRequest,
    /// Seconds for which failed checks are retried; default 0, at most [`VerifyRequest::LONGEST_WAIT`].
    #[serde(default)]
    pub wait: u32,
    /// Whether to create no Job where a cluster has no client.
    #[serde(default)]
    pub no_job: bool,
    /// `SERVICE[@CLUSTER]`, such as `orders.sales@north`: if no call fails, the Deployments behind the service are
    /// scaled to zero in that cluster (default: the first that serves it), until traffic has moved. Their replicas are
    /// restored in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
}

impl VerifyRequest {
    /// One hour, in seconds.
    pub const LONGEST_WAIT: u32 = 3600;
}

/// A line of `GET /api/v1/verifications/{id}` (newline-delimited JSON), from the first event on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum VerifyEvent {
    /// The checks of a family are done in this round.
    Family {
        /// The family.
        family: crate::verify::Family,
        /// Number of checks.
        checks: usize,
        /// Number of checks that are worth a retry.
        open: usize,
    },
    /// A round of all checks is done.
    Round {
        /// Number of checks.
        checks: usize,
        /// Number of checks that are worth a retry.
        open: usize,
    },
    /// The drill has reached a step.
    Drill {
        /// `<name>.<namespace>` of the service.
        service: String,
        /// The cluster where the service is scaled down.
        cluster: String,
        /// The step.
        step: crate::verify::DrillStep,
    },
    /// The verification has ended; the last line.
    Finished {
        /// The results.
        report: crate::verify::Report,
    },
    /// The verification cannot continue; the last line.
    Failed {
        /// The error.
        error: ApiError,
    },
}

/// The body of every error response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiError {
    /// The error.
    pub message: String,
    /// The remedy.
    pub hint: String,
    /// The findings of the checks, if they are the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The kind of refusal, if the same request, or one with another plan, may succeed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ApplyRefused>,
}

/// The reason for a 409 of `POST /api/v1/apply` that is worth a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ApplyRefused {
    /// Another writer holds the Lease: retry the same request when it has ended.
    Held,
    /// The clusters have changed since the plan: review a new plan.
    PlanChanged,
}
