//! What was seen in clusters: what a plan is made from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Conflict;
use crate::adoption;
use crate::cluster_dns;
use crate::drift::Drift;
use crate::object::{Key, Kind};
use crate::ownership::{self, Owner};

/// What was seen in the clusters.
pub type Observed = BTreeMap<String, Result<ObservedCluster, String>>;

/// What was seen in one cluster that could be asked.
#[derive(Debug, Clone, Default)]
pub struct ObservedCluster {
    /// Objects that the bundle wants and that are there.
    pub wanted: BTreeMap<Key, Existing>,
    /// What came of trying to create those that are not there; none for kinds that it does not serve yet.
    pub trials: BTreeMap<Key, Trial>,
    /// Objects that carry our label and that the bundle does not want.
    pub surplus: BTreeMap<Key, Surplus>,
    /// Kinds (`Kind.group`) that the cluster does not serve.
    pub unserved: BTreeSet<String>,
    /// Fields that others have added to desired objects of ours.
    pub drift: BTreeMap<Key, Vec<Drift>>,
    /// Desired Sidecars, each with the name of another one that Istio takes in its place.
    pub rivals: BTreeMap<Key, String>,
    /// What its own DNS takes.
    pub dns: Vec<Result<cluster_dns::Edit, cluster_dns::Refusal>>,
    /// Why the user may not do what is planned, if so.
    pub denied: Option<String>,
}

/// A wanted object that is there.
#[derive(Debug, Clone)]
pub enum Existing {
    /// [`compare`](crate::in_step::compare) says that an apply would change nothing.
    InStep,
    /// The server was asked, by an apply that it did not carry out.
    Asked {
        /// The object as it is.
        live: Value,
        /// What the server would make of it.
        answer: Answer,
        /// How it comes to be ours.
        claim: Box<Claim>,
    },
    /// It belongs to somebody else, and the server was not asked.
    Foreign(Owner),
}

/// How an object that is there comes to be ours.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claim {
    /// The field manager that it was applied under, where that is not the mesh's own.
    pub former_manager: Option<String>,
    /// What makes it what it was before it was adopted; see [`crate::adoption`].
    pub restoring: Option<Value>,
    /// It is adopted by this plan.
    pub adopts: bool,
    /// Fields in conflict that a person has named to be taken over. They are taken only if no other field is in
    /// conflict: a forced apply takes all.
    pub takes: Vec<Conflict>,
}

/// What the server says to a creation that it does not carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// It would create the object.
    Passed,
    /// It refuses the object.
    Rejected(String),
    /// It cannot be tried before this namespace is created, by the same plan.
    Later(String),
    /// It does not try: why.
    Impossible(String),
}

/// What the server says to an apply that it does not carry out.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The object as it would be.
    Would(Value),
    /// Other managers own fields that would change.
    Conflict(Vec<Conflict>),
    /// It refuses the object.
    Rejected(String),
}

/// An object of ours that is no longer wanted.
#[derive(Debug, Clone)]
pub struct Surplus {
    /// Its kind, to be able to delete it.
    pub kind: Kind,
    /// Tells it from a later object of the same name.
    pub uid: String,
    /// What makes it what it was before it was adopted; `None` for an object that we created.
    pub restoring: Option<Value>,
    /// As JSON: a removal has thousands, and as values they take several times the memory.
    live: String,
}

impl Surplus {
    /// The object as it is.
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

    /// The object as it is.
    pub fn live(&self) -> Value {
        // It was written above.
        serde_json::from_str(&self.live).unwrap_or_default()
    }
}
