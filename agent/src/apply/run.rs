//! One cluster's run: record what will be there, apply wave by wave, prune, record what is there.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use shared::api::{ClusterReport, Outcome, WaitReason};
use shared::cluster_dns::{self, Edit};
use shared::object::{Key, Object, Wave};
use shared::plan::{Action, ClusterPlan};

use super::leaving::{self, Leaving};
use super::progress::Progress;
use super::{definitions, objects};
use crate::cluster::{Connection, Look, Parent, Patience, Request, Seen, Wait, conflicts_of};
use crate::operation::{Scope, Target};
use crate::stop::Stop;

/// Requests to one cluster at once. More do not go faster: the server is busy by then.
const AT_ONCE: usize = 24;
/// For istiod to pass on that rules are without effect: it waits for a tenth of a second without changes
/// (`PILOT_DEBOUNCE_AFTER`), for longer only where they never cease.
const PASSED_ON_WITHIN: Duration = Duration::from_secs(2);
/// Why nothing more was begun, where nothing was wrong.
const ON_REQUEST: &str = "on request";
/// How many of the objects that were not touched are named.
const NAMED: usize = 3;

/// Carries out the plan of one cluster.
pub(super) async fn run(
    mesh: &str,
    plan: ClusterPlan,
    target: Target,
    progress: Progress,
    stop: Stop,
) -> ClusterReport {
    let unchanged = plan.count(Action::Unchanged);
    progress.start(plan.steps.len() - unchanged, unchanged);
    let Target {
        scope,
        document,
        clusters,
        objects,
        look,
    } = target;
    let Look {
        connection,
        parent,
        surplus,
        dns,
        dns_unseen: _,
    } = look;
    let on_wait = report_waits(&progress, connection.context());
    let connection = connection.with_patience(Patience::APPLY).reporting(on_wait);
    let run = Run {
        mesh,
        scope,
        document,
        clusters,
        connection,
        wanted: objects
            .into_iter()
            .map(|object| (object.key(), object))
            .collect(),
        surplus,
        dns: dns
            .into_iter()
            .map(|edit| (cluster_dns::key(edit.config_map), edit))
            .collect(),
        leaving: Mutex::default(),
        progress: &progress,
        stop,
    };
    let result = run.all(batches(plan), parent).await;
    drop(run);
    progress.end(result.err())
}

/// What is left of a step when its diff has been read.
struct Task {
    object: Key,
    action: Action,
}

/// What may be done at once.
struct Batch {
    wave: Wave,
    tasks: Vec<Task>,
}

/// The steps that do something. A wave is a batch; of removals, each kind is, so that what records
/// them goes last.
fn batches(plan: ClusterPlan) -> Vec<Batch> {
    let mut last = None;
    let mut batches: Vec<Batch> = Vec::new();
    for step in plan.steps {
        let removes = match step.action {
            Action::Create | Action::Change => false,
            Action::Delete | Action::Release => true,
            // Plans with one of the others are not carried out.
            Action::Unchanged | Action::Conflict | Action::Rejected => continue,
        };
        let of = (step.wave, removes.then(|| step.object.group_kind()));
        let task = Task {
            object: step.object,
            action: step.action,
        };
        match batches.last_mut() {
            Some(batch) if last.as_ref() == Some(&of) => batch.tasks.push(task),
            _ => batches.push(Batch {
                wave: step.wave,
                tasks: vec![task],
            }),
        }
        last = Some(of);
    }
    batches
}

struct Run<'a> {
    mesh: &'a str,
    scope: Scope,
    document: Option<String>,
    clusters: BTreeMap<String, String>,
    connection: Connection,
    wanted: BTreeMap<Key, Object>,
    surplus: BTreeMap<Key, Seen>,
    dns: BTreeMap<Key, Edit>,
    leaving: Mutex<Vec<Leaving>>,
    progress: &'a Progress,
    stop: Stop,
}

impl Run<'_> {
    async fn all(&self, batches: Vec<Batch>, parent: Option<Parent>) -> Result<(), String> {
        let mut wanted = Parent::of(self.wanted.keys(), self.document.as_deref());
        wanted.clusters.clone_from(&self.clusters);
        wanted.stub_domain = self.dns.values().any(|edit| edit.holds_ours);
        // Where nothing is wanted, the parent is one of the objects to be deleted.
        let records = !self.wanted.is_empty() || wanted.stub_domain;
        let mut recorded = parent;
        if records && !batches.is_empty() {
            let during = wanted.clone().union(&Parent::of(self.surplus.keys(), None));
            let during = recorded.iter().fold(during, Parent::union);
            self.record(during, &mut recorded).await?;
        }
        let mut batches = batches.into_iter();
        let mut last = None;
        while let Some(batch) = batches.next() {
            let is_same_wave = last.replace(batch.wave) == Some(batch.wave);
            let left = if is_same_wave {
                Ok(())
            } else {
                self.wait_for_leaving().await
            };
            self.progress.wave(batch.wave);
            let result = match left {
                Ok(()) => self.batch(batch).await,
                Err(why) => Err((why, batch.tasks)),
            };
            if let Err((why, mut untouched)) = result {
                untouched.extend(batches.flat_map(|batch| batch.tasks));
                return Err(stopped(&why, &untouched));
            }
        }
        if records && self.scope == Scope::Everything {
            self.record(wanted, &mut recorded).await?;
        }
        Ok(())
    }

    /// What was deleted may need what a later wave takes away.
    async fn wait_for_leaving(&self) -> Result<(), String> {
        let leaving =
            std::mem::take(&mut *self.leaving.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::select! {
            left = leaving::wait(&self.connection, &leaving, leaving::DEADLINE, self.progress.waits()) => left,
            () = self.stop.requested() => Err(ON_REQUEST.to_owned()),
        }
    }

    /// Writes the parent, unless it says so already.
    async fn record(&self, parent: Parent, recorded: &mut Option<Parent>) -> Result<(), String> {
        if recorded.as_ref() == Some(&parent) {
            return Ok(());
        }
        let path = Parent::path(self.mesh);
        let request = Request::apply(&path, parent.to_json(self.mesh).to_string());
        self.connection.send(&request).await.map_err(|error| {
            let owners = conflicts_of(&error).into_iter().flatten();
            let owners: Vec<String> = owners
                .map(|one| format!("{} is owned by {}", one.field, one.manager))
                .collect();
            let error = error.in_context(self.connection.context(), "patch Secret");
            if owners.is_empty() {
                error
            } else {
                format!("{error} ({})", owners.join(", "))
            }
        })?;
        *recorded = Some(parent);
        Ok(())
    }

    /// After a failure, or when asked to stop, nothing more is begun, and what has been begun is
    /// finished. The error is why, and what was not begun.
    async fn batch(&self, batch: Batch) -> Result<(), (String, Vec<Task>)> {
        let definitions: Vec<&Object> = match batch.wave {
            Wave::Definitions => batch
                .tasks
                .iter()
                .filter_map(|task| self.wanted.get(&task.object))
                .collect(),
            _ => Vec::new(),
        };
        let has_begun = match self.leave_without_effect(&batch.tasks).await {
            Ok(has_begun) => has_begun,
            Err(why) => return Err((why, batch.tasks)),
        };
        let failure = OnceLock::new();
        let mut tasks = batch.tasks.into_iter();
        // Asked for the next one whenever another can begin.
        let next = std::iter::from_fn(|| {
            if failure.get().is_none() && (has_begun || !self.stop.is_requested()) {
                tasks.next()
            } else {
                None
            }
        });
        stream::iter(next)
            .map(|task| async {
                let outcome = self.carry_out(&task).await;
                if let Some(why) = complaint(&outcome) {
                    // Only the first is kept.
                    let _is_first = failure.set(format!("{}: {why}", task.object));
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
        if definitions.is_empty() {
            return Ok(());
        }
        let established = tokio::select! {
            established = definitions::wait(&self.connection, &definitions, self.progress.waits()) => established,
            () = self.stop.requested() => Err(ON_REQUEST.to_owned()),
        };
        established.map_err(|why| (why, Vec::new()))
    }

    /// Leaves the rules without effect that are deleted next and whose hosts stay, and waits until that has been
    /// passed on; see [`shared::outlived`]. Whether there were any.
    async fn leave_without_effect(&self, tasks: &[Task]) -> Result<bool, String> {
        if self.stop.is_requested() {
            return Ok(false);
        }
        let changes: Vec<_> = tasks
            .iter()
            .filter(|task| task.action == Action::Delete)
            .filter_map(|task| self.surplus.get_key_value(&task.object))
            .filter(|(_, seen)| seen.is_outlived)
            .map(|(key, seen)| async move {
                let outcome = objects::leave_without_effect(&self.connection, key, seen).await;
                complaint(&outcome).map(|why| format!("{key}: {why}"))
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
        tokio::time::sleep(PASSED_ON_WITHIN).await;
        Ok(true)
    }

    async fn carry_out(&self, task: &Task) -> Outcome {
        let Task { object, action } = task;
        if let Some(edit) = self.dns.get(object) {
            return objects::edit(&self.connection, edit, *action).await;
        }
        match (action, self.wanted.get(object), self.surplus.get(object)) {
            (Action::Delete, _, Some(seen)) => {
                let (outcome, leaving) = objects::delete(&self.connection, object, seen).await;
                let mut all = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
                all.extend(leaving);
                outcome
            }
            (Action::Release, _, Some(seen)) => {
                objects::release(&self.connection, object, seen).await
            }
            (_, Some(wanted), _) => objects::apply(&self.connection, wanted, *action).await,
            (action, ..) => Outcome::Failed {
                message: format!("the plan has no object for its {}", action.as_str()),
            },
        }
    }
}

/// Reports why requests take long.
fn report_waits(progress: &Progress, context: &str) -> impl Fn(Wait<'_>) + Send + Sync + 'static {
    let (waits, context) = (progress.waits().clone(), context.to_owned());
    move |wait| match wait {
        Wait::Retry(error, pause) => {
            waits.report(WaitReason::Retry, Duration::ZERO, Some(pause), || {
                error.to_string()
            });
        }
        Wait::Login(waited) => waits.report(WaitReason::Login, waited, None, || {
            format!("no answer from context {context}, whose login tool may be running")
        }),
    }
}

fn complaint(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Done { .. } => None,
        Outcome::Failed { message } => Some(message.clone()),
        Outcome::Conflict { conflicts } => {
            let owners = conflicts
                .iter()
                .map(|one| format!("{} is owned by {}", one.field, one.manager));
            Some(owners.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Why a run ended early, and what it did not begin.
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
    format!("{why}; not touched: {}{more}", named.join(", "))
}
