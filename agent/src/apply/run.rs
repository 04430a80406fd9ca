//! The run of one cluster: record the objects that will exist, apply wave by wave, prune, record the objects that
//! exist.
//!
//! A rejected object only stops its dependents. The run stops if the cluster cannot be reached any more, or if another
//! run changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use http::StatusCode;
use kube::api::PatchParams;
use shared::api::{ClusterReport, Outcome, WaitReason};
use shared::cluster_dns::Edit;
use shared::gateways::last_known::LastKnown;
use shared::kubernetes::object::{Key, Object, Wave};
use shared::kubernetes::ownership::{self, Ownership};
use shared::plan::dependency::depends_on;
use shared::plan::handover::Handover;
use shared::plan::orphaned;
use shared::plan::{self, Action, Claim, ClusterPlan};

use super::handing_over::{self, Route};
use super::leaving::{self, Leaving};
use super::objects::Carried;
use super::progress::Progress;
use super::{definitions, objects};
use crate::apply::target::{Scope, Target};
use crate::cluster::{
    self, Connection, Look, Parent, Request, RequestError, RetryPolicy, Seen, Wait,
};
use crate::stop::Stop;

/// Concurrent requests to one cluster. More are not faster, since the server is busy by then.
const AT_ONCE: usize = 24;
/// Time for istiod to push a change to the proxies: it waits for a tenth of a second without further changes
/// (`PILOT_DEBOUNCE_AFTER`), and longer only while changes continue.
const NESTED_ISTIO_FIELDS: Duration = Duration::from_secs(2);
/// The reason of a run that was stopped without an error.
const ON_REQUEST: &str = "on request";
/// Most objects without changes that are listed.
const NAMED: usize = 3;

/// Applies the plan of one cluster.
pub(super) async fn run(
    mesh: &str,
    plan: ClusterPlan,
    target: Target,
    progress: Progress,
    stop: Stop,
) -> ClusterReport {
    let unchanged = plan.count(Action::Unchanged);
    progress.start(plan.steps.len() - unchanged, unchanged);
    let failed = skipped(&plan, &progress);
    let name = plan.name.clone();
    let Target {
        scope,
        document,
        clusters,
        identities,
        last_known,
        keeps_addresses,
        desired,
        look,
    } = target;
    let Look {
        connection,
        parent,
        parent_version,
        prune_candidates,
        claims,
        handover,
        ownership,
        dns,
    } = look;
    let on_wait = report_waits(&progress);
    let connection = connection
        .with_retry_policy(RetryPolicy::APPLY)
        .reporting(on_wait);
    let batches = batches(plan, &handover);
    let run = Run {
        mesh,
        scope,
        document,
        clusters,
        identities,
        last_known,
        keeps_addresses,
        connection,
        desired: desired
            .of(&name)
            .into_iter()
            .map(|object| (object.key(), object))
            .collect(),
        prune_candidates,
        claims,
        handover,
        ownership,
        dns: dns
            .into_iter()
            .map(|edit| (edit.config_map.clone(), edit))
            .collect(),
        leaving: Mutex::default(),
        failed: Mutex::new(failed),
        progress: &progress,
        stop,
    };
    let recorded = Recorded {
        parent,
        version: parent_version,
    };
    let result = run.all(batches, recorded).await;
    drop(run);
    progress.end(result.err())
}

/// Reports and returns the objects that the plan skips.
fn skipped(plan: &ClusterPlan, progress: &Progress) -> BTreeSet<Key> {
    let steps = plan.steps.iter();
    let mut skipped = BTreeSet::new();
    for step in steps.filter(|step| step.action.is_skipped()) {
        let outcome = match step.action {
            Action::Conflict => Outcome::Conflict {
                conflicts: step.conflicts.clone(),
            },
            _ => Outcome::Failed {
                message: step.message.clone().unwrap_or_default(),
            },
        };
        progress.object(step.object.clone(), outcome);
        skipped.insert(step.object.clone());
    }
    skipped
}

/// A step of the plan without its diff.
struct Task {
    object: Key,
    action: Action,
}

/// Tasks that may run concurrently.
struct Batch {
    wave: Wave,
    tasks: Vec<Task>,
    /// Whether ServiceEntries lose hosts in it, or rules for these hosts are deleted.
    takes_hosts: bool,
}

/// The steps that change something, in batches: a batch per wave, and for removals per kind, so that the record is
/// removed last. ServiceEntries that lose hosts are changed after the routes to these hosts are deleted.
fn batches(plan: ClusterPlan, handover: &Handover) -> Vec<Batch> {
    let mut last = None;
    let mut batches: Vec<Batch> = Vec::new();
    let mut losing = Vec::new();
    for step in plan.steps {
        let removes = match step.action {
            Action::Create | Action::Change | Action::Adopt => false,
            Action::Delete | Action::Disown => true,
            Action::Unchanged | Action::Conflict | Action::Rejected | Action::Blocked => continue,
        };
        let of = (step.wave, removes.then(|| step.object.group_kind()));
        let takes_hosts = removes && step.wave <= Wave::Istio && !plan::leads(&step.object);
        let task = Task {
            object: step.object,
            action: step.action,
        };
        if handover.losing.contains(&task.object) {
            losing.push(task);
            continue;
        }
        match batches.last_mut() {
            Some(batch) if last.as_ref() == Some(&of) => batch.tasks.push(task),
            _ => batches.push(Batch {
                wave: step.wave,
                tasks: vec![task],
                takes_hosts,
            }),
        }
        last = Some(of);
    }
    if !losing.is_empty() {
        let first = batches.iter().position(|batch| batch.takes_hosts);
        let batch = Batch {
            wave: Wave::Istio,
            tasks: losing,
            takes_hosts: true,
        };
        batches.insert(first.unwrap_or(batches.len()), batch);
    }
    batches
}

/// The record of the mesh as it is in the cluster.
struct Recorded {
    parent: Option<Parent>,
    /// Its resourceVersion.
    version: Option<String>,
}

struct Run<'a> {
    mesh: &'a str,
    scope: Scope,
    document: Option<String>,
    clusters: BTreeMap<String, String>,
    identities: BTreeMap<String, String>,
    last_known: LastKnown,
    keeps_addresses: bool,
    connection: Connection,
    desired: BTreeMap<Key, Object>,
    prune_candidates: BTreeMap<Key, Seen>,
    claims: BTreeMap<Key, Claim>,
    handover: Handover,
    ownership: Ownership,
    dns: BTreeMap<Key, Edit>,
    leaving: Mutex<Vec<Leaving>>,
    /// Objects that were not applied or not deleted.
    failed: Mutex<BTreeSet<Key>>,
    progress: &'a Progress,
    stop: Stop,
}

impl Run<'_> {
    async fn all(&self, batches: Vec<Batch>, mut recorded: Recorded) -> Result<(), String> {
        let mut desired = Parent::of(self.desired.keys(), self.document.as_deref());
        desired.clusters.clone_from(&self.clusters);
        desired.identities.clone_from(&self.identities);
        desired.last_known.clone_from(&self.last_known);
        let holding = self.dns.iter().filter(|(_, edit)| edit.holds_ours);
        desired.stub_domains = holding.map(|(key, _)| key.clone()).collect();
        // Without desired objects, the parent is one of the objects to delete.
        let is_of_addresses = self.scope == Scope::Addresses;
        let records =
            is_of_addresses || !self.desired.is_empty() || !desired.stub_domains.is_empty();
        // Addresses are recorded even if no object changes.
        if records && (is_of_addresses || !batches.is_empty()) {
            let temporary: Vec<Key> = self.handover.routes.iter().map(Object::key).collect();
            let others = self.prune_candidates.keys().chain(&temporary);
            let during = desired.clone().union(&Parent::of(others, None));
            let during = recorded.parent.iter().fold(during, Parent::union);
            self.record(during, &mut recorded).await?;
        }
        let mut temporary = Vec::new();
        let carried = self.batches(batches, &mut temporary).await;
        let handed_over = self.end_handover(temporary).await;
        carried?;
        handed_over?;
        // Objects that were not deleted stay recorded.
        let is_whole = self.failed().is_empty();
        if records && is_whole && self.scope == Scope::Everything {
            self.record(desired, &mut recorded).await?;
        }
        Ok(())
    }

    /// Runs the batches in order. `temporary` receives the temporary routes that were created.
    async fn batches(&self, batches: Vec<Batch>, temporary: &mut Vec<Route>) -> Result<(), String> {
        let mut batches = batches.into_iter();
        let mut last = None;
        let mut hands_over = self.handover.waits;
        while let Some(batch) = batches.next() {
            let is_same_wave = last.replace(batch.wave) == Some(batch.wave);
            let left = if is_same_wave {
                Ok(())
            } else {
                self.wait_for_leaving().await
            };
            self.progress.wave(batch.wave);
            let mut ready = left.and_then(|()| self.keep_record(&batch));
            if ready.is_ok() && batch.takes_hosts && std::mem::take(&mut hands_over) {
                ready = self.hand_over(temporary).await;
            }
            let result = match ready {
                Ok(()) => self.batch(batch).await,
                Err(why) => Err((why, batch.tasks)),
            };
            if let Err((why, mut untouched)) = result {
                untouched.extend(batches.flat_map(|batch| batch.tasks));
                return Err(stopped(&why, &untouched));
            }
        }
        Ok(())
    }

    /// Creates the temporary routes for hosts that move out of their ServiceEntries. istiod gets time to push before
    /// and after, because Envoy responds with 503 on a route to an Envoy cluster that it does not have yet.
    async fn hand_over(&self, temporary: &mut Vec<Route>) -> Result<(), String> {
        self.pass_on().await?;
        if self.handover.routes.is_empty() {
            return Ok(());
        }
        for route in &self.handover.routes {
            temporary.push(handing_over::create(&self.connection, self.mesh, route).await?);
        }
        self.pass_on().await
    }

    /// Waits until istiod has pushed the changes.
    async fn pass_on(&self) -> Result<(), String> {
        tokio::select! {
            () = tokio::time::sleep(NESTED_ISTIO_FIELDS) => Ok(()),
            () = self.stop.requested() => Err(ON_REQUEST.to_owned()),
        }
    }

    /// Deletes the temporary routes, whether or not the run succeeded, once sidecars have the changed ServiceEntries.
    async fn end_handover(&self, temporary: Vec<Route>) -> Result<(), String> {
        if temporary.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(NESTED_ISTIO_FIELDS).await;
        let mut result = Ok(());
        for route in temporary {
            let deleted = handing_over::delete(&self.connection, route).await;
            result = result.and(deleted);
        }
        result
    }

    /// Fails if the batch removes the record while an object was not removed.
    fn keep_record(&self, batch: &Batch) -> Result<(), String> {
        let record = Parent::key(self.mesh);
        let goes = batch.tasks.iter().any(|task| task.object == record);
        match self.failed().first() {
            Some(stays) if goes => Err(format!("{stays} was not removed, so the record is kept")),
            _ => Ok(()),
        }
    }

    fn failed(&self) -> MutexGuard<'_, BTreeSet<Key>> {
        // A panic while the lock is held cannot leave the set inconsistent.
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The failed object that a task depends on.
    fn missing(&self, task: &Task) -> Option<Key> {
        let object = self.desired.get(&task.object)?;
        let failed = self.failed();
        let needed = failed.iter().find(|key| {
            let other = self.desired.get(key);
            other.is_some_and(|other| depends_on(object, other))
        });
        needed.cloned()
    }

    /// Waits for deleted objects, whose finalizers may need objects of a later wave.
    async fn wait_for_leaving(&self) -> Result<(), String> {
        let leaving =
            std::mem::take(&mut *self.leaving.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::select! {
            left = leaving::wait(&self.connection, &leaving, leaving::DEADLINE, self.progress.waits()) => left,
            () = self.stop.requested() => Err(ON_REQUEST.to_owned()),
        }
    }

    /// Writes the record, unless it is up to date; fails if another client wrote it since it was read.
    async fn record(&self, parent: Parent, recorded: &mut Recorded) -> Result<(), String> {
        let is_recorded = |one: &Parent| one.says_the_same(&parent, self.keeps_addresses);
        if recorded.parent.as_ref().is_some_and(is_recorded) {
            return Ok(());
        }
        let path = Parent::path(self.mesh);
        let mut record = parent.to_json(self.mesh);
        if let Some(version) = &recorded.version {
            record["metadata"]["resourceVersion"] = version.as_str().into();
        }
        // The record belongs to the mesh, whoever wrote to it.
        let params = PatchParams::apply(ownership::FIELD_MANAGER).force();
        let request = Request::apply(params, &path, record.to_string());
        let version = match self.connection.json(&request).await {
            Ok(live) => cluster::resource_version(&live),
            Err(error) => self.written_already(&parent, &error).await?,
        };
        *recorded = Recorded {
            parent: Some(parent),
            version,
        };
        Ok(())
    }

    /// The version of the record, if an earlier attempt, whose response was lost, wrote it.
    async fn written_already(
        &self,
        parent: &Parent,
        error: &RequestError,
    ) -> Result<Option<String>, String> {
        let context = self.connection.context();
        if error.code() != Some(StatusCode::CONFLICT) {
            return Err(error.in_context(context, "patch Secret"));
        }
        match Parent::read(&self.connection, self.mesh).await? {
            Some((live, object)) if live == *parent => Ok(cluster::resource_version(&object)),
            _ => Err(format!(
                "context {context}: another client changed the record of the mesh (Secret {}) since the plan; \
                 plan again",
                ownership::parent_name(self.mesh)
            )),
        }
    }

    /// Runs the tasks of a batch. If the cluster cannot be changed any more, or on request, no further task is started,
    /// and running ones are completed. The error has the reason and the tasks that were not started.
    async fn batch(&self, batch: Batch) -> Result<(), (String, Vec<Task>)> {
        let removes = |task: &Task| matches!(task.action, Action::Delete | Action::Disown);
        let removals: Vec<Key> = batch
            .tasks
            .iter()
            .filter(|task| removes(task))
            .map(|task| task.object.clone())
            .collect();
        let definitions: Vec<Key> = match batch.wave {
            Wave::Definitions => batch.tasks.iter().map(|task| task.object.clone()).collect(),
            _ => Vec::new(),
        };
        let has_begun = match self.leave_without_effect(&batch.tasks).await {
            Ok(has_begun) => has_begun,
            Err(why) => return Err((why, batch.tasks)),
        };
        let failure = OnceLock::new();
        let mut tasks = batch.tasks.into_iter();
        // Polled whenever another task can start.
        let next = std::iter::from_fn(|| {
            if failure.get().is_none() && (has_begun || !self.stop.is_requested()) {
                tasks.next()
            } else {
                None
            }
        });
        stream::iter(next)
            .map(|task| async {
                let Carried { outcome, stops } = match self.missing(&task) {
                    Some(because) => Carried::from(Outcome::Skipped { because }),
                    None => self.carry_out(&task).await,
                };
                if let Some(why) = outcome.reason() {
                    self.failed().insert(task.object.clone());
                    if stops {
                        // Only the first reason is kept.
                        let _is_first = failure.set(format!("{}: {why}", task.object));
                    }
                }
                self.progress.object(task.object, outcome);
            })
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
        if let Some(why) = failure.into_inner() {
            return Err((why, tasks.collect()));
        }
        let untouched: Vec<Task> = tasks.collect();
        if !untouched.is_empty() {
            return Err((ON_REQUEST.to_owned(), untouched));
        }
        let stays = removals.iter().find(|key| self.failed().contains(*key));
        if let Some(stays) = stays {
            // The object may need objects that the next batches remove.
            return Err((format!("{stays} was not deleted"), Vec::new()));
        }
        let definitions: Vec<&Object> = definitions
            .iter()
            .filter(|key| !self.failed().contains(*key))
            .filter_map(|key| self.desired.get(key))
            .collect();
        if definitions.is_empty() {
            return Ok(());
        }
        let established = tokio::select! {
            established = definitions::wait(&self.connection, &definitions, self.progress.waits()) => established,
            () = self.stop.requested() => Err(ON_REQUEST.to_owned()),
        };
        established.map_err(|why| (why, Vec::new()))
    }

    /// Removes the effect of rules that are deleted next and whose hosts stay, and waits until istiod has pushed that;
    /// see [`shared::plan::orphaned`]. Returns whether there were any.
    async fn leave_without_effect(&self, tasks: &[Task]) -> Result<bool, String> {
        if self.stop.is_requested() {
            return Ok(false);
        }
        let changes: Vec<_> = tasks
            .iter()
            .filter(|task| task.action == Action::Delete)
            .filter_map(|task| self.prune_candidates.get_key_value(&task.object))
            .filter_map(|(key, seen)| Some((key, seen, seen.orphaned.as_ref()?)))
            .map(|(key, seen, rule)| async move {
                let wider = orphaned::wider_policy(&rule.host, self.desired.values());
                let carried =
                    objects::leave_without_effect(&self.connection, key, seen, rule, wider).await;
                carried.outcome.reason().map(|why| format!("{key}: {why}"))
            })
            .collect();
        if changes.is_empty() {
            return Ok(false);
        }
        let complaints: Vec<_> = stream::iter(changes)
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        if let Some(why) = complaints.into_iter().next() {
            return Err(why);
        }
        tokio::time::sleep(NESTED_ISTIO_FIELDS).await;
        Ok(true)
    }

    async fn carry_out(&self, task: &Task) -> Carried {
        let Task { object, action } = task;
        if let Some(edit) = self.dns.get(object) {
            return objects::edit(&self.connection, edit, *action).await;
        }
        match (
            action,
            self.desired.get(object),
            self.prune_candidates.get(object),
        ) {
            (Action::Delete, _, Some(seen)) => {
                let (carried, leaving) = objects::delete(&self.connection, object, seen).await;
                let mut all = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
                all.extend(leaving);
                carried
            }
            (Action::Disown, _, Some(seen)) => {
                objects::disown(&self.connection, &self.ownership, object, seen).await
            }
            (_, Some(desired), _) => {
                let claim = self.claims.get(object);
                objects::apply(&self.connection, self.mesh, desired, *action, claim).await
            }
            (action, ..) => Carried::from(Outcome::Failed {
                message: format!("the plan has no object for its {}", action.as_str()),
            }),
        }
    }
}

/// Reports the waits of requests.
fn report_waits(progress: &Progress) -> impl Fn(Wait<'_>) + Send + Sync + 'static {
    let waits = progress.waits().clone();
    move |wait| match wait {
        Wait::Retry(error, pause) => {
            waits.report(WaitReason::Retry, Duration::ZERO, Some(pause), || {
                error.to_string()
            });
        }
        Wait::Login(waited, what) => {
            waits.report(WaitReason::Login, waited, None, || what.to_owned());
        }
    }
}

/// The error of a run that ended early: the reason and the tasks that were not started.
fn stopped(why: &str, untouched: &[Task]) -> String {
    if untouched.is_empty() {
        return why.to_owned();
    }
    let named: Vec<String> = untouched
        .iter()
        .take(NAMED)
        .map(|task| task.object.to_string())
        .collect();
    let more = match untouched.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{why}; not changed: {}{more}", named.join(", "))
}

#[cfg(test)]
mod tests;
