//! The observed state of clusters: the input of a plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Conflict;
use crate::cluster_dns;
use crate::kubernetes::object::{Key, Kind};
use crate::kubernetes::ownership::{self, Owner};
use crate::plan::adoption;
use crate::plan::drift::Drift;

/// The observed state of the clusters.
pub type Observed = BTreeMap<String, Result<ObservedCluster, String>>;

/// The observed state of one reachable cluster.
#[derive(Debug, Clone, Default)]
pub struct ObservedCluster {
    /// Desired objects that exist.
    pub desired: BTreeMap<Key, Existing>,
    /// The results of trying to create missing objects; none for kinds that the cluster does not serve yet.
    pub trials: BTreeMap<Key, Trial>,
    /// Objects with the mesh's label that are not desired.
    pub prune_candidates: BTreeMap<Key, PruneCandidate>,
    /// Kinds (`Kind.group`) that the cluster does not serve.
    pub unserved: BTreeSet<String>,
    /// Fields that others have added to desired objects of the mesh.
    pub drift: BTreeMap<Key, Vec<Drift>>,
    /// Desired Sidecars, each with the name of another one that Istio uses instead.
    pub rivals: BTreeMap<Key, String>,
    /// The edits of its DNS configuration.
    pub dns: Vec<Result<cluster_dns::Edit, cluster_dns::Refusal>>,
    /// The reason why the user may not carry out the plan, if so.
    pub denied: Option<String>,
}

/// A desired object that exists.
#[derive(Debug, Clone)]
pub enum Existing {
    /// [`compare`](crate::plan::unchanged::compare) returned that an apply would change nothing.
    Unchanged,
    /// The server was sent a dry run of the apply.
    Asked {
        /// The live object.
        live: Value,
        /// The result of the dry run.
        answer: DryRun,
        /// How the object is claimed.
        claim: Box<Claim>,
    },
    /// Another owner has it, and no dry run was sent.
    Foreign(Owner),
}

/// How an existing object is claimed for the mesh.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claim {
    /// Its former field manager, if that is not the mesh's own.
    pub former_manager: Option<String>,
    /// The patch that restores its state before its adoption; see [`crate::plan::adoption`].
    pub restoring: Option<Value>,
    /// Whether this plan adopts it.
    pub adopts: bool,
    /// Fields in conflict that the user has selected to take over. They are taken over only if no other field is in
    /// conflict: a forced apply takes all.
    pub takes: Vec<Conflict>,
}

/// The result of a creation's dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// The server would create the object.
    Passed,
    /// The server refuses the object.
    Rejected(String),
    /// It cannot be tried before the same plan has created this namespace.
    Later(String),
    /// The server does not support the dry run: the reason.
    Impossible(String),
}

/// The result of an apply's dry run.
#[derive(Debug, Clone)]
pub enum DryRun {
    /// The object after the apply.
    Would(Value),
    /// Other managers own fields that would change.
    Conflict(Vec<Conflict>),
    /// The server refuses the object.
    Rejected(String),
}

/// An orphaned object of the mesh.
#[derive(Debug, Clone)]
pub struct PruneCandidate {
    /// Its kind, which a deletion needs.
    pub kind: Kind,
    /// Distinguishes it from a later object of the same name.
    pub uid: String,
    /// The patch that restores its state before its adoption; `None` for an object that the mesh created.
    pub restoring: Option<Value>,
    /// As JSON: a removal has thousands, and parsed they need several times the memory.
    live: String,
}

impl PruneCandidate {
    /// Stores the live object.
    pub fn new(kind: Kind, live: &Value) -> Self {
        let metadata = &live["metadata"];
        let uid = metadata["uid"].as_str().unwrap_or_default();
        let is_adopted = metadata["annotations"][ownership::ADOPTED_ANNOTATION].is_string();
        Self {
            kind,
            uid: uid.to_owned(),
            restoring: is_adopted.then(|| adoption::restoring(live, &adoption::before(live))),
            live: live.to_string(),
        }
    }

    /// The live object.
    pub fn live(&self) -> Value {
        // It was serialized above.
        serde_json::from_str(&self.live).unwrap_or_default()
    }
}
