//! The events and the report of an apply to one cluster.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::api::{ClusterReport, Event, Outcome, WaitReason};
use shared::kubernetes::object::{Key, Wave};
use shared::plan::{Action, ClusterPlan};
use tokio::sync::mpsc::UnboundedSender;

/// The events and the report of one cluster.
pub(super) struct Progress {
    cluster: String,
    events: UnboundedSender<Event>,
    report: Mutex<ClusterReport>,
    waits: Waits,
}

/// Shortest time between reports of a wait, since many requests wait for the same overloaded server.
const BETWEEN_REPORTS: Duration = Duration::from_secs(1);

/// Rounds up to seconds, so that half a second is not reported as 0.
const ALMOST_A_SECOND: Duration = Duration::from_millis(999);

/// Reports the waits of a cluster's run. Clones share the limit of reports.
#[derive(Clone)]
pub(super) struct Waits {
    cluster: String,
    events: UnboundedSender<Event>,
    last: Arc<Mutex<BTreeMap<WaitReason, Instant>>>,
}

impl Waits {
    pub(super) fn new(cluster: &str, events: UnboundedSender<Event>) -> Self {
        Self {
            cluster: cluster.to_owned(),
            events,
            last: Arc::default(),
        }
    }

    /// Reports a wait; `message` describes it, and is called only if the wait is reported.
    pub(super) fn report(
        &self,
        reason: WaitReason,
        waited: Duration,
        limit: Option<Duration>,
        message: impl FnOnce() -> String,
    ) {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| now.duration_since(*at) < BETWEEN_REPORTS;
        if last.get(&reason).is_some_and(is_recent) {
            return;
        }
        last.insert(reason, now);
        // The receiver may be gone; the run continues.
        let _listened = self.events.send(Event::Waiting {
            cluster: self.cluster.clone(),
            reason,
            message: message(),
            waited: waited.as_secs(),
            limit: limit.map(|limit| (limit + ALMOST_A_SECOND).as_secs()),
        });
    }
}

impl Progress {
    pub(super) fn new(cluster: &ClusterPlan, events: UnboundedSender<Event>) -> Self {
        let report = ClusterReport {
            name: cluster.name.clone(),
            ..ClusterReport::default()
        };
        Self {
            cluster: cluster.name.clone(),
            waits: Waits::new(&cluster.name, events.clone()),
            events,
            report: Mutex::new(report),
        }
    }

    /// The reports of waits.
    pub(super) fn waits(&self) -> &Waits {
        &self.waits
    }

    /// Starts the run; `unchanged` objects are counted, not reported one by one.
    pub(super) fn start(&self, objects: usize, unchanged: usize) {
        self.with_report(|report| report.unchanged = unchanged);
        self.tell(Event::Started {
            cluster: self.cluster.clone(),
            objects,
        });
    }

    pub(super) fn wave(&self, wave: Wave) {
        self.tell(Event::Wave {
            cluster: self.cluster.clone(),
            wave,
        });
    }

    pub(super) fn object(&self, object: Key, outcome: Outcome) {
        self.with_report(|report| {
            let counter = match &outcome {
                Outcome::Done { action } => match action {
                    Action::Create => &mut report.created,
                    Action::Change => &mut report.changed,
                    Action::Unchanged => &mut report.unchanged,
                    Action::Delete => &mut report.deleted,
                    Action::Disown => &mut report.disowned,
                    Action::Adopt => &mut report.adopted,
                    Action::Conflict | Action::Rejected | Action::Blocked => &mut report.failed,
                },
                Outcome::Conflict { .. } | Outcome::Failed { .. } => &mut report.failed,
                Outcome::Skipped { .. } => &mut report.skipped,
            };
            *counter += 1;
        });
        self.tell(Event::Object {
            cluster: self.cluster.clone(),
            object,
            outcome,
        });
    }

    /// Ends the run.
    pub(super) fn end(self, error: Option<String>) -> ClusterReport {
        self.tell(Event::Ended {
            cluster: self.cluster.clone(),
            error: error.clone(),
        });
        let mut report = self
            .report
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        report.error = error;
        report
    }

    fn with_report(&self, change: impl FnOnce(&mut ClusterReport)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn tell(&self, event: Event) {
        // The receiver may be gone; the run continues.
        let _listened = self.events.send(event);
    }
}
