//! Observes one cluster: the desired objects that exist, and the mesh's objects that are not desired.
//!
//! The mesh's objects are read with one list per kind. Only objects that are missing there, or differ, cost a request
//! of their own.

mod ours;
mod rivals;
mod trials;

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::Value;
use shared::cluster_dns::Edit;
use shared::kubernetes::object::{Key, Kind, Object};
use shared::kubernetes::ownership::{self, Owner, Ownership, PARENT_NAMESPACE};
use shared::plan::decisions::Decisions;
use shared::plan::drift::{self, Drift};
use shared::plan::handover::Handover;
use shared::plan::orphaned::{self, OrphanedRule};
use shared::plan::{Claim, Existing, ObservedCluster, PruneCandidate};

use super::address::{collection, object, object_at};
use super::connection::Connection;
use super::kinds;
use super::list::List;
use super::live::{resource_version, without_managers};
use super::parent::Parent;
use super::request::Request;
use super::request_error::RequestError;
use super::writers::Writers;

/// Parallel requests to one cluster while it is observed: as many as an apply sends.
const AT_ONCE: usize = 24;
/// Up to this number, objects that the mesh does not own are read one by one; for more, a list of names is cheaper.
const ONE_BY_ONE: usize = 3;

/// The state of a cluster that an apply needs.
#[derive(Debug)]
pub(crate) struct Look {
    /// The connection to the cluster.
    pub(crate) connection: Connection,
    /// The parent, if it exists.
    pub(crate) parent: Option<Parent>,
    /// The resourceVersion of the parent.
    pub(crate) parent_version: Option<String>,
    /// Objects of the mesh that are not desired.
    pub(crate) prune_candidates: BTreeMap<Key, Seen>,
    /// How objects are claimed that are not the mesh's yet, or were adopted.
    pub(crate) claims: BTreeMap<Key, Claim>,
    /// How host names leave their ServiceEntries.
    pub(crate) handover: Handover,
    /// The owner whose objects were searched.
    pub(crate) ownership: Ownership,
    /// The edits of the cluster DNS configuration.
    pub(crate) dns: Vec<Edit>,
}

impl Look {
    /// Whether the cluster DNS configuration will have a stub domain of the mesh.
    pub(crate) fn keeps_stub_domain(&self) -> bool {
        self.dns.iter().any(|edit| edit.holds_ours)
    }
}

/// An observed object.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its kind.
    pub(crate) kind: Kind,
    /// Distinguishes it from a later object of the same name.
    pub(crate) uid: String,
    /// The patch that restores its state before it was adopted.
    pub(crate) restoring: Option<Value>,
    /// For an orphaned rule whose host stays; see [`shared::plan::orphaned`].
    pub(crate) orphaned: Option<OrphanedRule>,
}

/// Search for the objects of a mesh.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search<'a> {
    /// The mesh.
    pub(crate) ownership: &'a Ownership,
    /// The user's decisions.
    pub(crate) decisions: &'a Decisions,
    /// Whether every creation is tried with a dry run.
    pub(crate) tries: bool,
}

/// Observes a cluster. The error names the context and says what to do.
pub(crate) async fn look(
    connection: Connection,
    search: Search<'_>,
    desired: &[Object],
) -> Result<(ObservedCluster, Look), String> {
    let mesh = search.ownership.mesh.as_str();
    let looking = Looking::new(connection, search, desired);
    // Desired objects do not depend on the record, so both are read at once.
    let (parent, former, ours) = tokio::join!(
        looking.parent(mesh),
        looking.former_parent(),
        looking.ours(looking.desired_kinds().into_values())
    );
    let (parent, parent_live) = parent?.unzip();
    let parent_version = parent_live.as_ref().and_then(resource_version);
    let (former, former_live) = former?.unzip();
    let mut ours = ours?;
    let mut left = looking.kinds_only_in(former.as_ref()).await?;
    left.extend(match &parent {
        Some(parent) => looking.kinds_only_in(Some(parent)).await?,
        None => looking.kinds_with_objects().await?,
    });
    left.sort();
    left.dedup();
    ours.extend(looking.ours(left).await?);
    let mut observed = looking.with_others(ours).await?;
    if desired.is_empty()
        && let Some(live) = parent_live
    {
        // If nothing is desired, the record is deleted too, last of all.
        observed
            .prune_candidates
            .insert(Parent::key(mesh), PruneCandidate::new(Kind::SECRET, &live));
    }
    if let (Some(name), Some(live)) = (&search.ownership.former, former_live) {
        let candidate = PruneCandidate::new(Kind::SECRET, &live);
        observed
            .prune_candidates
            .insert(Parent::key(name), candidate);
    }
    let mut look = Look::of(looking, parent, &observed);
    look.parent_version = parent_version;
    Ok((observed, look))
}

/// Observes the mesh's objects of some kinds only; `None` if the mesh has not been applied. The error names the context
/// and says what to do.
pub(crate) async fn look_at_kinds(
    connection: Connection,
    mesh: &str,
    kinds: impl IntoIterator<Item = Kind>,
    desired: &[Object],
) -> Result<Option<(ObservedCluster, Look)>, String> {
    let Some((parent, live)) = Parent::read(&connection, mesh).await? else {
        return Ok(None);
    };
    let (ownership, decisions) = (Ownership::of(mesh), Decisions::default());
    let search = Search {
        ownership: &ownership,
        decisions: &decisions,
        tries: false,
    };
    let looking = Looking::new(connection, search, desired);
    let ours = looking.ours(kinds).await?;
    let observed = looking.with_others(ours).await?;
    let mut look = Look::of(looking, Some(parent), &observed);
    look.parent_version = resource_version(&live);
    Ok(Some((observed, look)))
}

impl Look {
    fn of(looking: Looking<'_>, parent: Option<Parent>, observed: &ObservedCluster) -> Self {
        let orphaned = orphaned::rules(&observed.prune_candidates);
        let seen = |key: &Key, candidate: &PruneCandidate| Seen {
            kind: candidate.kind.clone(),
            uid: candidate.uid.clone(),
            restoring: candidate.restoring.clone(),
            orphaned: orphaned.get(key).cloned(),
        };
        let candidates = observed.prune_candidates.iter();
        let claims = observed.desired.iter().filter_map(|(key, one)| match one {
            Existing::Asked { claim, .. } if **claim != Claim::default() => {
                Some((key.clone(), Claim::clone(claim)))
            }
            _ => None,
        });
        Self {
            connection: looking.connection,
            ownership: looking.search.ownership.clone(),
            parent,
            parent_version: None,
            claims: claims.collect(),
            prune_candidates: candidates
                .map(|(key, one)| (key.clone(), seen(key, one)))
                .collect(),
            handover: Handover::default(),
            dns: Vec::new(),
        }
    }
}

/// Checks for Istio's root namespace, without which no rendered object works.
async fn expect_namespace(connection: &Connection) -> Result<(), String> {
    let request = Request::get(object_at(&Kind::NAMESPACE, None, PARENT_NAMESPACE));
    let context = connection.context();
    let found = connection.find(&request).await;
    match found.map_err(|error| error.in_context(context, "get Namespace"))? {
        Some(_) => Ok(()),
        None => Err(format!(
            "context {context}: namespace {PARENT_NAMESPACE} does not exist; install Istio in this \
             cluster first"
        )),
    }
}

struct Looking<'a> {
    connection: Connection,
    search: Search<'a>,
    /// The field manager of the mesh.
    manager: String,
    /// Stamped objects.
    desired: BTreeMap<Key, &'a Object>,
}

/// A desired object with its key.
type Desired<'a> = (&'a Key, &'a Object);

/// The result of listing the mesh's own objects.
#[derive(Default)]
struct Ours {
    unchanged: BTreeSet<Key>,
    /// Fields that others have added.
    drift: BTreeMap<Key, Vec<Drift>>,
    candidates: Vec<Candidate>,
    prune_candidates: BTreeMap<Key, PruneCandidate>,
    unserved: BTreeSet<String>,
}

impl Ours {
    /// The desired objects that exist.
    fn keys(&self) -> impl Iterator<Item = &Key> {
        let candidates = self.candidates.iter().map(|one| &one.key);
        self.unchanged.iter().chain(candidates)
    }

    fn extend(&mut self, other: Self) {
        self.unchanged.extend(other.unchanged);
        self.drift.extend(other.drift);
        self.candidates.extend(other.candidates);
        self.prune_candidates.extend(other.prune_candidates);
        self.unserved.extend(other.unserved);
    }
}

/// A desired object that exists; a dry run shows whether an apply would change it.
struct Candidate {
    key: Key,
    /// Without managedFields.
    live: Value,
    /// Fields that others have added.
    drift: Vec<Drift>,
    /// Its field managers, with times.
    writers: Writers,
    /// How it is claimed, or the other owner.
    claim: Result<Claim, Owner>,
}

#[derive(Deserialize)]
struct Named {
    metadata: Name,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

impl<'a> Looking<'a> {
    fn new(connection: Connection, search: Search<'a>, desired: &'a [Object]) -> Self {
        Self {
            manager: ownership::field_manager(&search.ownership.mesh),
            search,
            desired: desired
                .iter()
                .map(|object| (object.key(), object))
                .collect(),
            connection,
        }
    }

    /// The record of the mesh's objects. Without one the mesh owns nothing; if objects are desired, Istio must be
    /// installed.
    async fn parent(&self, mesh: &str) -> Result<Option<(Parent, Value)>, String> {
        let parent = Parent::read(&self.connection, mesh).await?;
        if parent.is_none() && !self.desired.is_empty() {
            expect_namespace(&self.connection).await?;
        }
        Ok(parent)
    }

    /// The record of the mesh's former name.
    async fn former_parent(&self) -> Result<Option<(Parent, Value)>, String> {
        match &self.search.ownership.former {
            Some(former) => Parent::read(&self.connection, former).await,
            None => Ok(None),
        }
    }

    /// Adds the desired objects that exist without being the mesh's.
    async fn with_others(&self, mut ours: Ours) -> Result<ObservedCluster, String> {
        let others = self.not_ours(&ours).await?;
        ours.candidates.extend(others);
        let trials = if self.search.tries {
            self.try_creations(&ours).await?
        } else {
            BTreeMap::new()
        };
        for one in &mut ours.candidates {
            let drift = std::mem::take(&mut one.drift);
            if !drift.is_empty() {
                ours.drift.insert(one.key.clone(), drift);
            }
        }
        let asked = self.ask(ours.candidates).await?;
        let rivals = self.rivals(&ours.unserved).await?;
        let unchanged = ours.unchanged.into_iter();
        let mut observed = ObservedCluster {
            desired: unchanged.map(|key| (key, Existing::Unchanged)).collect(),
            trials,
            drift: ours.drift,
            prune_candidates: ours.prune_candidates,
            unserved: ours.unserved,
            rivals,
            ..ObservedCluster::default()
        };
        observed.desired.extend(asked);
        Ok(observed)
    }

    fn candidate(&self, key: &Key, live: Value) -> Candidate {
        let metadata = &live["metadata"];
        let adopts = self.search.decisions.adopt.contains(&key.reference());
        let claim = match self.search.ownership.owner(metadata) {
            Owner::Ours => Ok(false),
            Owner::Unknown if adopts => Ok(true),
            owner => Err(owner),
        };
        let claim = claim.map(|adopts| Claim {
            former_manager: self
                .search
                .ownership
                .applied_under(metadata)
                .filter(|manager| *manager != self.manager),
            restoring: None,
            adopts,
            takes: Vec::new(),
        });
        // An adopted object is the mesh's as a whole.
        let is_ours = claim.as_ref().is_ok_and(|claim| !claim.adopts);
        let desired = self.desired.get(key).filter(|_| is_ours);
        Candidate {
            key: key.clone(),
            drift: desired.map_or_else(Vec::new, |desired| {
                drift::of(&metadata["managedFields"], desired)
            }),
            writers: Writers::of(metadata),
            live: without_managers(live),
            claim,
        }
    }

    fn failed(&self, error: &RequestError, verb: &str, kind: &Kind) -> String {
        error.in_context(
            self.connection.context(),
            &format!("{verb} {}", kind.group_kind()),
        )
    }

    /// By `Kind.group`.
    fn desired_kinds(&self) -> BTreeMap<String, Kind> {
        let mut kinds = BTreeMap::new();
        for object in self.desired.values() {
            kinds
                .entry(object.kind.group_kind())
                .or_insert_with(|| object.kind.clone());
        }
        kinds
    }

    /// The kinds that only the parent lists.
    async fn kinds_only_in(&self, parent: Option<&Parent>) -> Result<Vec<Kind>, String> {
        let desired = self.desired_kinds();
        let named = parent.iter().flat_map(|parent| &parent.group_kinds);
        let only = named.filter(|group_kind| !desired.contains_key(*group_kind));
        let found = at_once(only.map(|one| kinds::find(&self.connection, one)).collect())
            .await
            .map_err(|error| error.in_context(self.connection.context(), "discover kinds"))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Desired objects that exist without the mesh's label.
    async fn not_ours(&self, ours: &Ours) -> Result<Vec<Candidate>, String> {
        let listed: BTreeSet<&Key> = ours.keys().collect();
        let mut places: BTreeMap<(&Kind, Option<&str>), Vec<Desired<'_>>> = BTreeMap::new();
        for (key, object) in &self.desired {
            if !listed.contains(key) && !ours.unserved.contains(&object.kind.group_kind()) {
                let place = (&object.kind, object.namespace.as_deref());
                places.entry(place).or_default().push((key, object));
            }
        }
        let mut searches = Vec::new();
        for ((kind, namespace), missing) in places {
            searches.push(self.there(kind, namespace, missing));
        }
        let mut requests = Vec::new();
        for (key, desired) in at_once(searches).await?.into_iter().flatten() {
            requests.push(self.get(key, desired));
        }
        Ok(at_once(requests).await?.into_iter().flatten().collect())
    }

    async fn get(&self, key: &Key, desired: &Object) -> Result<Option<Candidate>, String> {
        let live = self.connection.find(&Request::get(object(desired))).await;
        let live = live.map_err(|error| self.failed(&error, "get", &desired.kind))?;
        Ok(live.map(|live| self.candidate(key, live)))
    }

    /// Those of `missing` that exist after all.
    async fn there<'b>(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        mut missing: Vec<Desired<'b>>,
    ) -> Result<Vec<Desired<'b>>, String> {
        if missing.len() <= ONE_BY_ONE {
            return Ok(missing);
        }
        let mut names = BTreeSet::new();
        let list = List {
            path: collection(kind, namespace),
            label_selector: String::new(),
            metadata_only: true,
        };
        list.read(&self.connection, |item| {
            names.insert(serde_json::from_str::<Named>(item)?.metadata.name);
            Ok(())
        })
        .await
        .map_err(|error| self.failed(&error, "list", kind))?;
        missing.retain(|(key, _)| names.contains(&key.name));
        Ok(missing)
    }
}

/// Runs requests, a limited number at a time.
async fn at_once<T, E>(requests: Vec<impl Future<Output = Result<T, E>>>) -> Result<Vec<T>, E> {
    stream::iter(requests)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}
