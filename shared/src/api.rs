//! Messages between the page and the agent, `/api/v1`.

use serde::{Deserialize, Serialize};

use crate::check::Finding;
use crate::decisions::Decisions;
use crate::drift::Drift;
use crate::guard::MassDeletion;
use crate::mesh::Mesh;
use crate::object::{Key, Wave};
use crate::plan::{Action, ClusterPlan, Conflict, Plan};

/// `GET /api/v1/session`: whether the token is right, and who answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The agent's version.
    pub version: String,
}

/// `GET /api/v1/clusters`: the contexts of the kubeconfig and what was found behind them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Clusters {
    /// Why there is none, if it is because of the kubeconfig.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// One for each context, in the order of the kubeconfig.
    pub contexts: Vec<Context>,
}

/// A context of the kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// Its name.
    pub name: String,
    /// Why the cluster behind it cannot be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Kubernetes' version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Region of its nodes, where they agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Zone of its nodes, where they agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Addresses of Istio's default gateway; absent where there is no such Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Vec<String>>,
}

/// What is to be done with a mesh.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Intent {
    /// Make the clusters what the document says.
    #[default]
    Apply,
    /// Take everything of the mesh out of the clusters.
    Remove,
}

/// `POST /api/v1/plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanRequest {
    /// The document.
    pub mesh: Mesh,
    /// Digest of the bundle that the sender rendered from it; the agent renders it again and
    /// refuses when its own is another.
    pub digest: String,
    /// What for.
    #[serde(default)]
    pub intent: Intent,
    /// What the person has decided beside the document.
    #[serde(default)]
    pub decisions: Decisions,
}

/// Answer to `POST /api/v1/plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanResponse {
    /// Warnings and hints with what was found in the clusters.
    pub findings: Vec<Finding>,
    /// The plan.
    pub plan: Plan,
    /// Why its deletions need a word of their own: [`ApplyRequest::allow_delete`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mass_deletion: Option<MassDeletion>,
}

/// `POST /api/v1/apply`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplyRequest {
    /// What was planned.
    #[serde(flatten)]
    pub plan: PlanRequest,
    /// The id of the plan that the person saw. The agent plans again and refuses when the clusters
    /// have moved since.
    pub plan_id: String,
    /// Apply to the clusters that can be applied to, although others cannot.
    #[serde(default)]
    pub partial: bool,
    /// How many objects may be deleted where that many need a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_delete: Option<usize>,
}

/// Answer to `POST /api/v1/apply`: where its events are, `GET /api/v1/applies/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyAccepted {
    /// The id of the run.
    pub id: String,
}

/// A line of `GET /api/v1/applies/{id}` (newline-delimited JSON), from the first on.
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
        /// How many objects will be reported.
        objects: usize,
    },
    /// A wave begins in a cluster.
    Wave {
        /// The cluster.
        cluster: String,
        /// The wave.
        wave: Wave,
    },
    /// An object is done, well or badly.
    Object {
        /// The cluster.
        cluster: String,
        /// The object.
        object: Key,
        /// How it went.
        outcome: Outcome,
    },
    /// A cluster's run waits. Reported again while it goes on, at most once a second for each reason.
    Waiting {
        /// The cluster.
        cluster: String,
        /// The kind of wait.
        reason: WaitReason,
        /// What it waits for, for people.
        message: String,
        /// Seconds that it has waited already.
        waited: u64,
        /// Seconds after which it goes on, or fails; absent where there is no limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u64>,
    },
    /// A cluster's run has ended.
    Ended {
        /// The cluster.
        cluster: String,
        /// Why it did not go to the end, if it did not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Everything has ended; the last line.
    Finished {
        /// How it went.
        report: Report,
    },
}

/// Why a run waits.
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

/// How it went with an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "result",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Outcome {
    /// As planned.
    Done {
        /// What was done.
        action: Action,
    },
    /// Another manager owns fields; nothing was done.
    Conflict {
        /// Which.
        conflicts: Vec<Conflict>,
    },
    /// It did not work.
    Failed {
        /// Why.
        message: String,
    },
    /// It was not tried, since it needs an object that was not applied.
    Skipped {
        /// That object.
        because: Key,
    },
}

impl Outcome {
    /// Why the object was not applied; `None` if it was.
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

/// How an apply or a removal went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The clusters, in the order of the document.
    pub clusters: Vec<ClusterReport>,
    /// How long the run took, in milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
}

/// How it went in one cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterReport {
    /// The cluster's name.
    pub name: String,
    /// Why it was not touched, or not to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Objects created.
    pub created: usize,
    /// Objects changed.
    pub changed: usize,
    /// Objects that were as wanted.
    pub unchanged: usize,
    /// Objects deleted.
    pub deleted: usize,
    /// Objects of somebody else that were adopted.
    #[serde(default)]
    pub adopted: usize,
    /// Objects left in place without our labels.
    pub disowned: usize,
    /// Objects with a conflict or an error.
    pub failed: usize,
    /// Objects that were not tried, since they need one of those.
    #[serde(default)]
    pub skipped: usize,
}

impl Report {
    /// Whether everything was done everywhere.
    pub fn is_success(&self) -> bool {
        self.clusters
            .iter()
            .all(|cluster| cluster.error.is_none() && cluster.failed + cluster.skipped == 0)
    }
}

/// `POST /api/v1/status` takes a [`PlanRequest`] and gives this: how the clusters compare with the document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The clusters, in the order of the document.
    pub clusters: Vec<ClusterStatus>,
}

/// How one cluster compares with the document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterStatus {
    /// The cluster's name.
    pub name: String,
    /// Why it could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Objects that are as wanted.
    pub in_step: usize,
    /// Objects that are wanted and not there.
    pub missing: Vec<Key>,
    /// Objects that the server refuses as they are wanted, or does not show.
    #[serde(default)]
    pub refused: Vec<Refused>,
    /// Objects that are there otherwise.
    pub changed: Vec<Key>,
    /// Objects of ours that are not wanted.
    pub surplus: Vec<Key>,
    /// Objects that are as wanted, with fields that others have added.
    #[serde(default)]
    pub drifted: Vec<Drifted>,
}

/// An object with fields that others have added beside ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drifted {
    /// Which.
    pub object: Key,
    /// The fields.
    pub fields: Vec<Drift>,
}

/// An object that stands in the way of an apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Which.
    pub object: Key,
    /// Why, in the server's words where it is the server that refuses.
    pub why: String,
}

impl Status {
    /// Reads the status off a plan: what it would do is what is not as wanted.
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
                    in_step: cluster.count(Action::Unchanged) - drifted.len(),
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

    /// Whether every cluster is as the document says.
    pub fn is_in_step(&self) -> bool {
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

/// Each object is in one list: one that an apply changes is no longer only drifted.
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

/// `POST /api/v1/verify`: proves by traffic that what was rendered works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyRequest {
    /// What to verify; its intent has to be to apply.
    #[serde(flatten)]
    pub plan: PlanRequest,
    /// Seconds that what fails is tried again; default 0, at most [`VerifyRequest::LONGEST_WAIT`].
    #[serde(default)]
    pub wait: u32,
    /// Make no Job where a cluster has no client.
    #[serde(default)]
    pub no_job: bool,
    /// `SERVICE[@CLUSTER]`, such as `orders.sales@north`: when no call fails, the Deployments behind
    /// the service are scaled to nothing in that cluster (default the first that serves it), until
    /// traffic has moved. They get their replicas back whatever happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
}

impl VerifyRequest {
    /// Seconds: an hour.
    pub const LONGEST_WAIT: u32 = 3600;
}

/// A line of `GET /api/v1/verifications/{id}` (newline-delimited JSON), from the first on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum VerifyEvent {
    /// The checks of a family were made, in this round.
    Family {
        /// Which.
        family: crate::verify::Family,
        /// How many there are.
        checks: usize,
        /// How many of them are worth another try.
        open: usize,
    },
    /// All checks were made once more.
    Round {
        /// How many there are.
        checks: usize,
        /// How many of them are worth another try.
        open: usize,
    },
    /// The drill has come so far.
    Drill {
        /// `<name>.<namespace>` of the service.
        service: String,
        /// The cluster that it is taken away in.
        cluster: String,
        /// How far.
        step: crate::verify::DrillStep,
    },
    /// It has ended; the last line.
    Finished {
        /// What was found.
        report: crate::verify::Report,
    },
    /// It cannot go on; the last line.
    Failed {
        /// Why.
        error: ApiError,
    },
}

/// The body of every answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiError {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// What the checks found, where that is the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Why nothing was changed, where the same request may do later, or another plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ApplyRefused>,
}

/// Why `POST /api/v1/apply` refuses (409) what can be asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ApplyRefused {
    /// Another writer changes the mesh: the same request does once it has ended.
    Held,
    /// The clusters changed since the plan: there is another one to be seen.
    PlanChanged,
}
