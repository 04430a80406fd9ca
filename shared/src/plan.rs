//! What an apply would do, from what is wanted and what was observed.

mod id;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::adoption;
use crate::cluster_dns;
use crate::decisions::{self, Decision};
use crate::diff;
use crate::drift::Drift;
use crate::object::{ISTIO_GROUP, Key, Kind, Object, Wave};
use crate::ownership::{self, Owner};
use crate::wanted::Wanted;

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

/// A field that another manager owns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conflict {
    /// The manager, as the server names it.
    pub manager: String,
    /// The field, such as `.spec.replicas`.
    pub field: String,
    /// When the manager last wrote a field of the object, in RFC 3339, where the server says so. No part of a
    /// plan's id: a manager that writes the same again changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// How it wrote: `Apply` or `Update`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The subresource that it wrote, such as `scale`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
}

/// What an apply would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Digest of all that is below: two plans with one id do the same to the same.
    pub id: String,
    /// The mesh's name.
    pub mesh: String,
    /// The clusters, in the order of the document.
    pub clusters: Vec<ClusterPlan>,
}

/// What an apply would do to one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterPlan {
    /// The cluster's name.
    pub name: String,
    /// Its context.
    pub context: String,
    /// Why nothing can be applied: the cluster does not answer, and there are no steps; or the user is not allowed to
    /// carry out the steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What a person may decide to resolve the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// In the order in which they are carried out.
    pub steps: Vec<Step>,
}

/// What an apply would do to one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The object.
    pub object: Key,
    /// When.
    pub wave: Wave,
    /// What.
    pub action: Action,
    /// How it changes, as a unified diff; empty where it does not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub diff: String,
    /// Fields of other managers: those that block an [`Action::Conflict`], or those that an [`Action::Change`]
    /// takes over on purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Why an object is skipped, or what else is to be known about its step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What a person may decide to resolve a [`Action::Blocked`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Fields that other managers have added beside ours; an apply leaves them as they are.
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

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is not there and will be.
    Create,
    /// It is there and changes.
    Change,
    /// It is there as wanted.
    Unchanged,
    /// It is ours, no longer wanted, and goes.
    Delete,
    /// It is ours, no longer desired, and stays without our labels: others may depend on it, or it was adopted
    /// and is given back.
    Disown,
    /// It is there, was created by somebody else, and becomes ours on purpose.
    Adopt,
    /// Another manager owns a field that would change; nothing is done to it.
    Conflict,
    /// The server refuses it; nothing is done to it.
    Rejected,
    /// It belongs to somebody else, or what it needs is missing; nothing is done in its cluster.
    Blocked,
}

impl Action {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Unchanged => "unchanged",
            Self::Delete => "delete",
            Self::Disown => "disown",
            Self::Adopt => "adopt",
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
            Self::Blocked => "blocked",
        }
    }

    /// Whether it has to be decided before anything is applied to its cluster.
    pub const fn blocks(self) -> bool {
        matches!(self, Self::Blocked)
    }

    /// Whether an apply leaves the object as it is although it is not as desired.
    pub const fn is_skipped(self) -> bool {
        matches!(self, Self::Conflict | Self::Rejected | Self::Blocked)
    }
}

impl Plan {
    /// The id in short, as git shortens its own: the first 12 hexadecimal digits.
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

    /// Whether anything would change, or cannot.
    pub fn has_changes(&self) -> bool {
        self.clusters.iter().any(ClusterPlan::has_changes)
    }

    /// Whether an apply changes something.
    pub fn has_work(&self) -> bool {
        self.steps()
            .any(|(_, step)| step.action != Action::Unchanged && !step.action.is_skipped())
    }

    /// Whether every cluster could be planned for and none is blocked.
    pub fn can_be_applied(&self) -> bool {
        self.clusters.iter().all(ClusterPlan::can_be_applied)
    }

    /// Whether an apply makes every cluster what the document says: none is blocked, and no object is skipped.
    pub fn is_complete(&self) -> bool {
        self.can_be_applied() && !self.steps().any(|(_, step)| step.action.is_skipped())
    }

    /// Says of each cluster with an error what a person may decide to resolve it, where `decision` knows one.
    pub fn offer(&mut self, decision: impl Fn(&ClusterPlan) -> Option<Decision>) {
        let mut is_same = true;
        for cluster in &mut self.clusters {
            if cluster.error.is_some() {
                cluster.decision = decision(cluster);
                is_same &= cluster.decision.is_none();
            }
        }
        // The digest of a large plan takes a while.
        if !is_same {
            *self = seal(
                std::mem::take(&mut self.mesh),
                std::mem::take(&mut self.clusters),
            );
        }
    }

    /// Puts an error in the place of the steps of each cluster for which `why` gives one.
    pub fn block(&mut self, why: impl Fn(&ClusterPlan) -> Option<String>) {
        for cluster in &mut self.clusters {
            if let Some(error) = why(cluster) {
                cluster.error = Some(error);
                cluster.decision = None;
                cluster.steps.clear();
            }
        }
        *self = seal(
            std::mem::take(&mut self.mesh),
            std::mem::take(&mut self.clusters),
        );
    }
}

impl ClusterPlan {
    /// Whether the cluster could be planned for and is not blocked.
    pub fn can_be_applied(&self) -> bool {
        self.error.is_none() && !self.steps.iter().any(|step| step.action.blocks())
    }

    /// Whether anything would change, or cannot.
    pub fn has_changes(&self) -> bool {
        self.steps
            .iter()
            .any(|step| step.action != Action::Unchanged)
    }

    /// How many steps there are of an action.
    pub fn count(&self, action: Action) -> usize {
        self.steps
            .iter()
            .filter(|step| step.action == action)
            .count()
    }
}

/// Plans an apply to the clusters of a document, given as name and context, in order.
/// Clusters that were not observed are left out, and so are those of which nothing is wanted and
/// that have nothing of ours: with an engine that has a hub, most have not.
pub fn plan<'a>(
    wanted: &Wanted,
    clusters: impl IntoIterator<Item = (&'a str, &'a str)>,
    observed: &Observed,
) -> Plan {
    let clusters = clusters
        .into_iter()
        .filter_map(|(name, context)| {
            let observed = observed.get(name)?;
            let objects = wanted.of(name);
            let has_more = observed
                .as_ref()
                .is_ok_and(|seen| !seen.surplus.is_empty() || !seen.dns.is_empty());
            if objects.is_empty() && !has_more {
                return None;
            }
            let lets_go = |kind: &Kind| wanted.lets_go(name, kind);
            Some(plan_cluster(name, context, objects, observed, lets_go))
        })
        .collect();
    seal(wanted.mesh.clone(), clusters)
}

/// Plans the removal of everything of a mesh from clusters, given as name and context.
pub fn plan_removal<'a>(
    mesh: &str,
    clusters: impl IntoIterator<Item = (&'a str, &'a str)>,
    observed: &Observed,
) -> Plan {
    let clusters = clusters
        .into_iter()
        .filter_map(|(name, context)| {
            let observed = observed.get(name)?;
            Some(plan_cluster(name, context, &[], observed, |_| true))
        })
        .collect();
    seal(mesh.to_owned(), clusters)
}

fn plan_cluster(
    name: &str,
    context: &str,
    objects: &[Object],
    observed: &Result<ObservedCluster, String>,
    lets_go: impl Fn(&Kind) -> bool,
) -> ClusterPlan {
    let (name, context) = (name.to_owned(), context.to_owned());
    let observed = match observed {
        Ok(observed) => observed,
        Err(error) => {
            return ClusterPlan {
                name,
                context,
                error: Some(error.clone()),
                decision: None,
                steps: Vec::new(),
            };
        }
    };
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
    // Backwards, so that nothing goes before what needs it.
    let mut surplus: Vec<(&Key, &Surplus)> = observed.surplus.iter().collect();
    surplus.sort_by(|a, b| b.1.kind.wave.cmp(&a.1.kind.wave).then(a.0.cmp(b.0)));
    steps.extend(
        surplus
            .into_iter()
            .map(|(key, surplus)| removal(key, surplus, lets_go(&surplus.kind))),
    );
    ClusterPlan {
        name,
        context,
        error: observed.denied.clone(),
        decision: None,
        steps,
    }
}

/// `Kind.group` that a definition among the objects brings.
fn defines(object: &Object) -> Option<String> {
    if object.kind != Kind::CUSTOM_RESOURCE_DEFINITION {
        return None;
    }
    let spec = &object.body["spec"];
    Some(format!(
        "{}.{}",
        spec["names"]["kind"].as_str()?,
        spec["group"].as_str()?
    ))
}

fn step(object: &Object, observed: &ObservedCluster, defined_here: &BTreeSet<String>) -> Step {
    let mut step = Step::new(object.key(), object.kind.wave, Action::Unchanged);
    if let Some(drift) = observed.drift.get(&step.object) {
        step.drift.clone_from(drift);
    }
    let group_kind = object.kind.group_kind();
    match observed.wanted.get(&step.object) {
        None if observed.unserved.contains(&group_kind) && !defined_here.contains(&group_kind) => {
            step.action = Action::Blocked;
            step.message = Some(format!(
                "the cluster does not know {group_kind}; {}",
                remedy(&object.kind)
            ));
        }
        None => {
            step.action = Action::Create;
            step.diff = diff::unified(None, Some(&object.as_created().to_json()));
            match observed.trials.get(&step.object) {
                None if observed.unserved.contains(&group_kind) => {
                    step.message = Some(format!("not tried: {group_kind} is defined by this plan"));
                }
                None | Some(Trial::Passed) => {}
                Some(Trial::Rejected(why)) => {
                    step.action = Action::Rejected;
                    step.message = Some(why.clone());
                }
                Some(Trial::Later(namespace)) => {
                    step.message = Some(format!(
                        "not tried: namespace `{namespace}` is created by this plan"
                    ));
                }
                Some(Trial::Impossible(why)) => step.message = Some(format!("not tried: {why}")),
            }
        }
        // A namespace or a definition of somebody else serves as well.
        Some(Existing::InStep) => {}
        Some(Existing::Foreign(_)) if object.kind.is_never_deleted() => {}
        Some(Existing::Foreign(owner)) => {
            step.action = Action::Blocked;
            step.message = Some(foreign(object, owner));
            step.decision = resolves(&step.object, owner);
        }
        Some(Existing::Asked {
            live,
            answer: Answer::Would(after),
            claim,
        }) => {
            step.diff = diff::unified(Some(live), Some(after));
            // What is not shown can change too: a mark of ours that is missing or old.
            let is_marked = marks(live) == marks(after) && claim.former_manager.is_none();
            if claim.adopts {
                step.action = Action::Adopt;
            } else if !step.diff.is_empty() || !is_marked {
                step.action = Action::Change;
            }
            if !claim.takes.is_empty() {
                step.conflicts.clone_from(&claim.takes);
                step.message = Some(taken_over(&claim.takes));
            }
        }
        Some(Existing::Asked {
            live,
            answer: Answer::Conflict(conflicts),
            claim,
        }) => {
            step.action = Action::Conflict;
            step.conflicts.clone_from(conflicts);
            step.message = not_taken_over(&step.object, conflicts, &claim.takes);
            step.diff = diff::unified(Some(live), Some(&object.beside(live).to_json()));
        }
        Some(Existing::Asked {
            answer: Answer::Rejected(message),
            ..
        }) => {
            step.action = Action::Rejected;
            step.message = Some(message.clone());
        }
    }
    step
}

/// From whom a forced apply takes which fields.
fn taken_over(taken: &[Conflict]) -> String {
    let fields = taken
        .iter()
        .map(|one| format!("{} from {}", one.field, one.manager));
    format!("takes over {}", fields.collect::<Vec<_>>().join(", "))
}

/// Why an object stays in conflict although some of its fields were named to be taken over.
fn not_taken_over(object: &Key, conflicts: &[Conflict], named: &[Conflict]) -> Option<String> {
    if named.is_empty() {
        return None;
    }
    let left = conflicts.iter().filter(|one| !named.contains(one));
    let left: Vec<String> = left
        .map(|one| format!("--take-over '{}'", decisions::field_of(object, &one.field)))
        .collect();
    Some(format!(
        "nothing is taken over, since that takes all fields in conflict; to take the others too, add {}",
        left.join(" ")
    ))
}

/// Why an object of somebody else blocks, and what to do.
fn foreign(object: &Object, owner: &Owner) -> String {
    let own = match object.labels.get("app").map(String::as_str) {
        Some("external-dns") => {
            "set `spec.dns.externalDns.namespace` to a namespace that no other mesh uses"
        }
        // What pods serve is the same for everybody.
        Some(_) => {
            "remove the sample from `spec.samples`: its Service can be shared without running it twice"
        }
        None => "use another name or namespace in one of the two documents",
    };
    match owner {
        Owner::Mesh(mesh) => format!(
            "it belongs to mesh `{mesh}`; {own}, or, if this mesh was called `{mesh}` before, give --renamed-from \
             {mesh}"
        ),
        Owner::ApplySet(id) => {
            format!("it belongs to the ApplySet `{id}` of another tool; remove it there, or {own}")
        }
        Owner::Ours | Owner::Unknown => format!(
            "it exists and was not created by this mesh; {own}, or give --adopt {} to take it over",
            object.key().reference()
        ),
    }
}

/// What a person may decide about an object of somebody else.
fn resolves(object: &Key, owner: &Owner) -> Option<Decision> {
    match owner {
        Owner::Mesh(mesh) => Some(Decision::RenamedFrom(mesh.clone())),
        Owner::ApplySet(_) => None,
        Owner::Ours | Owner::Unknown => Some(Decision::Adopt(object.reference())),
    }
}

fn dns_step(edit: &Result<cluster_dns::Edit, cluster_dns::Refusal>) -> Step {
    let config_map = match edit {
        Ok(edit) => edit.config_map,
        Err(refusal) => refusal.config_map,
    };
    let object = cluster_dns::key(config_map);
    let mut step = Step::new(object, Wave::ClusterDns, Action::Unchanged);
    match edit {
        Ok(edit) if edit.is_done() => {}
        Ok(edit) => {
            step.action = match edit.before {
                None => Action::Create,
                Some(_) => Action::Change,
            };
            step.diff = edit.diff();
        }
        Err(refusal) => {
            step.action = Action::Blocked;
            step.message = Some(refusal.why.clone());
        }
    }
    step
}

/// Our own marks on an object.
fn marks(object: &Value) -> [&Value; 2] {
    let metadata = &object["metadata"];
    [
        &metadata["labels"][ownership::PART_OF_LABEL],
        &metadata["annotations"][ownership::APPLIED_ANNOTATION],
    ]
}

/// `may_go`: see [`Wanted::lets_go`].
fn removal(key: &Key, surplus: &Surplus, may_go: bool) -> Step {
    let mut step = Step::new(key.clone(), surplus.kind.wave, Action::Disown);
    if surplus.kind.is_never_deleted() {
        return step;
    }
    if let Some(patch) = &surplus.restoring {
        let live = surplus.live();
        let mut after = live.clone();
        json_patch::merge(&mut after, patch);
        step.diff = diff::unified(Some(&live), Some(&after));
        step.message = Some("it was adopted, and is given back as it was".to_owned());
        return step;
    }
    step.diff = diff::unified(Some(&surplus.live()), None);
    if may_go {
        step.action = Action::Delete;
    } else {
        step.action = Action::Blocked;
        step.message = Some(
            "without it, its hub takes what it spread out of the clusters, also where this document wants it; \
             run `remove` with the document that it was applied by, then apply this one"
                .to_owned(),
        );
    }
    step
}

/// Who brings a kind that a cluster does not know.
fn remedy(kind: &Kind) -> &'static str {
    match kind.group.as_ref() {
        ISTIO_GROUP => "install Istio in this cluster first",
        "gateway.networking.k8s.io" => {
            "install the Gateway API in this cluster first, its standard channel"
        }
        "multicluster.x-k8s.io" => {
            "install a controller of the Multi-Cluster Services API in this cluster first"
        }
        "externaldns.k8s.io" => {
            "set dns.externalDns, or apply ExternalDNS's definition of DNSEndpoint to this cluster first"
        }
        "core.federation.k8s.io" | "multiclusterdns.federation.k8s.io" => {
            "install federation-v2 in this cluster first"
        }
        _ => "install what defines it first",
    }
}

fn seal(mesh: String, clusters: Vec<ClusterPlan>) -> Plan {
    Plan {
        id: id::of(&mesh, &clusters),
        mesh,
        clusters,
    }
}
