//! Looking at one cluster: what is wanted and there, and what is ours and not wanted.
//!
//! Objects of ours come in one list per kind. Only what is not among them, or not as it should be,
//! costs a request of its own.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::Value;
use shared::cluster_dns::Edit;
use shared::in_step;
use shared::object::{Key, Kind, Object};
use shared::outlived;
use shared::ownership::{self, PARENT_NAMESPACE};
use shared::plan::{Answer, Existing, ObservedCluster, Surplus};

use super::address::{collection, object, object_at};
use super::connection::{Connection, Request};
use super::list::List;
use super::live::{complete, is_being_deleted, key_of, without_managers};
use super::parent::Parent;
use super::request_error::RequestError;
use super::{dry_run, kinds};

/// Requests to one cluster at once while looking.
const AT_ONCE: usize = 16;
/// Up to so many objects that are not among ours are asked for one by one; for more, a list of names
/// is cheaper.
const ONE_BY_ONE: usize = 3;

/// What it takes to change a cluster after looking at it.
#[derive(Debug)]
pub(crate) struct Look {
    /// The way to it.
    pub(crate) connection: Connection,
    /// The parent, if it is there.
    pub(crate) parent: Option<Parent>,
    /// What is ours and not wanted.
    pub(crate) surplus: BTreeMap<Key, Seen>,
    /// What the cluster's own DNS takes.
    pub(crate) dns: Vec<Edit>,
    /// Why the cluster's own DNS was not seen.
    pub(crate) dns_unseen: Option<String>,
}

impl Look {
    /// Whether the cluster's own DNS will have something of ours.
    pub(crate) fn keeps_stub_domain(&self) -> bool {
        self.dns.iter().any(|edit| edit.holds_ours)
    }
}

/// An object that was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its kind.
    pub(crate) kind: Kind,
    /// Tells it from a later object of the same name.
    pub(crate) uid: String,
    /// Whether it is a rule whose host stays; see [`shared::outlived`].
    pub(crate) is_outlived: bool,
}

/// Looks at a cluster. The error names the context and says what to do.
pub(crate) async fn look(
    connection: Connection,
    mesh: &str,
    wanted: &[Object],
) -> Result<(ObservedCluster, Look), String> {
    let looking = Looking::new(connection, mesh, wanted);
    // What is wanted does not depend on what is recorded: both are asked for at once.
    let (parent, ours) = tokio::join!(
        looking.parent(mesh),
        looking.ours(looking.wanted_kinds().into_values())
    );
    let (parent, parent_live) = parent?.unzip();
    let mut ours = ours?;
    let left = looking.kinds_only_in(parent.as_ref()).await?;
    ours.extend(looking.ours(left).await?);
    let mut observed = looking.with_others(ours).await?;
    if wanted.is_empty()
        && let Some(live) = parent_live
    {
        // Where nothing is wanted, the record of it goes too, last of all.
        observed
            .surplus
            .insert(Parent::key(mesh), Surplus::new(Kind::SECRET, &live));
    }
    let look = Look::of(looking.connection, parent, &observed);
    Ok((observed, look))
}

/// Looks at the records of a mesh in a cluster, and at nothing else; `None` where the mesh has not
/// been applied. The error names the context and says what to do.
pub(crate) async fn look_at_records(
    connection: Connection,
    mesh: &str,
    wanted: &[Object],
) -> Result<Option<(ObservedCluster, Look)>, String> {
    let Some((parent, _)) = Parent::read(&connection, mesh).await? else {
        return Ok(None);
    };
    let looking = Looking::new(connection, mesh, wanted);
    let ours = looking.ours([Kind::DNS_ENDPOINT]).await?;
    let observed = looking.with_others(ours).await?;
    let look = Look::of(looking.connection, Some(parent), &observed);
    Ok(Some((observed, look)))
}

impl Look {
    fn of(connection: Connection, parent: Option<Parent>, observed: &ObservedCluster) -> Self {
        let outlived = outlived::rules(&observed.surplus);
        let seen = |key: &Key, surplus: &Surplus| Seen {
            kind: surplus.kind.clone(),
            uid: surplus.uid.clone(),
            is_outlived: outlived.contains(key),
        };
        let surplus = observed.surplus.iter();
        Self {
            connection,
            parent,
            surplus: surplus
                .map(|(key, one)| (key.clone(), seen(key, one)))
                .collect(),
            dns: Vec::new(),
            dns_unseen: None,
        }
    }
}

/// Every cluster with Istio has its root namespace; without it, nothing that is rendered works.
async fn expect_namespace(connection: &Connection) -> Result<(), String> {
    let request = Request::get(object_at(&Kind::NAMESPACE, None, PARENT_NAMESPACE));
    let context = connection.context();
    let found = connection.find(&request).await;
    match found.map_err(|error| error.in_context(context, "get Namespace"))? {
        Some(_) => Ok(()),
        None => Err(format!(
            "context {context}: there is no namespace {PARENT_NAMESPACE}; install Istio in this \
             cluster first"
        )),
    }
}

struct Looking<'a> {
    connection: Connection,
    applyset_id: String,
    /// Stamped.
    wanted: BTreeMap<Key, &'a Object>,
}

/// A wanted object by its key.
type Wanted<'a> = (&'a Key, &'a Object);

/// What the lists of our own objects say.
#[derive(Default)]
struct Ours {
    in_step: BTreeSet<Key>,
    candidates: Vec<(Key, Value)>,
    surplus: BTreeMap<Key, Surplus>,
    unserved: BTreeSet<String>,
}

impl Ours {
    fn extend(&mut self, other: Self) {
        self.in_step.extend(other.in_step);
        self.candidates.extend(other.candidates);
        self.surplus.extend(other.surplus);
        self.unserved.extend(other.unserved);
    }
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
    fn new(connection: Connection, mesh: &str, wanted: &'a [Object]) -> Self {
        Self {
            applyset_id: ownership::applyset_id(mesh),
            wanted: wanted.iter().map(|object| (object.key(), object)).collect(),
            connection,
        }
    }

    /// The record of what is ours. Without it nothing is, and where something is wanted, Istio has to be there.
    async fn parent(&self, mesh: &str) -> Result<Option<(Parent, Value)>, String> {
        let parent = Parent::read(&self.connection, mesh).await?;
        if parent.is_none() && !self.wanted.is_empty() {
            expect_namespace(&self.connection).await?;
        }
        Ok(parent)
    }

    /// What is ours, and what is wanted and there without being ours.
    async fn with_others(&self, mut ours: Ours) -> Result<ObservedCluster, String> {
        let others = self.not_ours(&ours).await?;
        ours.candidates.extend(others);
        let asked = self.ask(ours.candidates).await?;
        let in_step = ours.in_step.into_iter();
        let mut observed = ObservedCluster {
            wanted: in_step.map(|key| (key, Existing::InStep)).collect(),
            surplus: ours.surplus,
            unserved: ours.unserved,
            ..ObservedCluster::default()
        };
        observed.wanted.extend(asked);
        Ok(observed)
    }

    fn failed(&self, error: &RequestError, verb: &str, kind: &Kind) -> String {
        error.in_context(
            self.connection.context(),
            &format!("{verb} {}", kind.group_kind()),
        )
    }

    /// By `Kind.group`.
    fn wanted_kinds(&self) -> BTreeMap<String, Kind> {
        let mut kinds = BTreeMap::new();
        for object in self.wanted.values() {
            kinds
                .entry(object.kind.group_kind())
                .or_insert_with(|| object.kind.clone());
        }
        kinds
    }

    /// The kinds that the parent names and that are not wanted.
    async fn kinds_only_in(&self, parent: Option<&Parent>) -> Result<Vec<Kind>, String> {
        let wanted = self.wanted_kinds();
        let named = parent.iter().flat_map(|parent| &parent.group_kinds);
        let only = named.filter(|group_kind| !wanted.contains_key(*group_kind));
        let found = at_once(only.map(|one| kinds::find(&self.connection, one)).collect())
            .await
            .map_err(|error| error.in_context(self.connection.context(), "ask for kinds"))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Objects with our label.
    async fn ours(&self, kinds: impl IntoIterator<Item = Kind>) -> Result<Ours, String> {
        let mut all = Ours::default();
        let lists = kinds.into_iter().map(|kind| self.ours_of_kind(kind));
        for one in at_once(lists.collect()).await? {
            all.extend(one);
        }
        Ok(all)
    }

    async fn ours_of_kind(&self, kind: Kind) -> Result<Ours, String> {
        let mut ours = Ours::default();
        let list = List {
            path: collection(&kind, None),
            label_selector: format!("{}={}", ownership::PART_OF_LABEL, self.applyset_id),
            metadata_only: false,
        };
        // The version is no part of what an object is.
        let is_of_kind = |key: &Key| key.group == kind.group && key.kind == kind.kind;
        let of_kind = self.wanted.iter().filter(|(key, _)| is_of_kind(key));
        let wanted: BTreeMap<(&str, &str), Wanted<'_>> = of_kind
            .map(|(key, one)| ((key.namespace.as_str(), key.name.as_str()), (key, *one)))
            .collect();
        let read = list.read(&self.connection, |item| {
            let mut found = None;
            let is_in_step = in_step::is_in_step(item, |namespace, name| {
                found = wanted.get(&(namespace, name)).copied();
                found.map(|(_, object)| object)
            })?;
            let live = || {
                let live = serde_json::from_str(item)?;
                Ok::<_, serde_json::Error>(without_managers(complete(live, &kind)))
            };
            match found {
                // Most are, and are no more than read.
                Some((key, _)) if is_in_step => {
                    ours.in_step.insert(key.clone());
                }
                Some((key, _)) => ours.candidates.push((key.clone(), live()?)),
                None => {
                    let live = live()?;
                    let surplus = Surplus::new(kind.clone(), &live);
                    ours.surplus.insert(key_of(&kind, &live), surplus);
                }
            }
            Ok(())
        });
        match read.await {
            Ok(()) => Ok(ours),
            Err(error) if error.is_not_found() => Ok(Ours {
                unserved: BTreeSet::from([kind.group_kind()]),
                ..Ours::default()
            }),
            Err(error) => Err(self.failed(&error, "list", &kind)),
        }
    }

    /// Wanted objects that are there without our label.
    async fn not_ours(&self, ours: &Ours) -> Result<Vec<(Key, Value)>, String> {
        let listed: BTreeSet<&Key> = ours
            .in_step
            .iter()
            .chain(ours.candidates.iter().map(|(key, _)| key))
            .collect();
        let mut places: BTreeMap<(&Kind, Option<&str>), Vec<Wanted<'_>>> = BTreeMap::new();
        for (key, object) in &self.wanted {
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
        for (key, wanted) in at_once(searches).await?.into_iter().flatten() {
            requests.push(self.get(key, wanted));
        }
        Ok(at_once(requests).await?.into_iter().flatten().collect())
    }

    async fn get(&self, key: &Key, wanted: &Object) -> Result<Option<(Key, Value)>, String> {
        let live = self.connection.find(&Request::get(object(wanted))).await;
        let live = live.map_err(|error| self.failed(&error, "get", &wanted.kind))?;
        Ok(live.map(|live| (key.clone(), without_managers(live))))
    }

    /// Those of `missing` that may be there after all.
    async fn there<'b>(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        mut missing: Vec<Wanted<'b>>,
    ) -> Result<Vec<Wanted<'b>>, String> {
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

    /// Asks the server what an apply would make of each.
    async fn ask(&self, candidates: Vec<(Key, Value)>) -> Result<Vec<(Key, Existing)>, String> {
        let questions = candidates
            .into_iter()
            .map(|(key, live)| self.ask_one(key, live));
        Ok(at_once(questions.collect())
            .await?
            .into_iter()
            .flatten()
            .collect())
    }

    async fn ask_one(&self, key: Key, live: Value) -> Result<Option<(Key, Existing)>, String> {
        let Some(wanted) = self.wanted.get(&key) else {
            return Ok(None);
        };
        if is_being_deleted(&live) {
            // An apply would succeed and be lost.
            let answer = Answer::Rejected(
                "it is being deleted; wait until it is gone, then plan again".to_owned(),
            );
            return Ok(Some((key, Existing::Asked { live, answer })));
        }
        let answer = dry_run::ask(&self.connection, wanted).await;
        let answer = answer.map_err(|error| self.failed(&error, "patch", &wanted.kind))?;
        Ok(answer.map(|answer| {
            let answer = match answer {
                Answer::Would(after) => Answer::Would(without_managers(after)),
                other => other,
            };
            (key, Existing::Asked { live, answer })
        }))
    }
}

/// Answers to requests of which a limited number is on its way at once.
async fn at_once<T, E>(requests: Vec<impl Future<Output = Result<T, E>>>) -> Result<Vec<T>, E> {
    stream::iter(requests)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}
