//! What is told while a cluster is applied to, and what is told of it in the end.

use std::sync::Mutex;

use shared::api::{ClusterReport, Event, Outcome};
use shared::object::{Key, Wave};
use shared::plan::{Action, ClusterPlan};
use tokio::sync::mpsc::UnboundedSender;

/// The events and the report of one cluster.
pub(super) struct Progress {
    cluster: String,
    events: UnboundedSender<Event>,
    report: Mutex<ClusterReport>,
}

impl Progress {
    pub(super) fn new(cluster: &ClusterPlan, events: UnboundedSender<Event>) -> Self {
        let report = ClusterReport {
            name: cluster.name.clone(),
            ..ClusterReport::default()
        };
        Self {
            cluster: cluster.name.clone(),
            events,
            report: Mutex::new(report),
        }
    }

    /// The run begins; `unchanged` objects are counted and not reported one by one.
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

    /// The run has ended.
    pub(super) fn end(self, error: Option<String>) -> ClusterReport {
        self.tell(Event::Ended {
            cluster: self.cluster.clone(),
            error: error.clone(),
        });
        let mut report = self
            .report
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        report.error = error;
        report
    }

    fn with_report(&self, change: impl FnOnce(&mut ClusterReport)) {
        change(
            &mut self
                .report
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
    }

    fn tell(&self, event: Event) {
        // Nobody may be listening any more; the work goes on.
        let _listened = self.events.send(event);
    }
}
