//! The progress of an apply, built from its events.

use shared::api::{ClusterReport, Event, Outcome, Report, WaitReason};
use shared::kubernetes::object::{Key, Wave};

use super::follow::Follow;

/// The state of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Progress {
    pub(crate) clusters: Vec<ClusterProgress>,
    /// The result; set at the end.
    pub(crate) report: Option<Report>,
}

/// The state of a run in one cluster.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ClusterProgress {
    pub(crate) name: String,
    /// The number of objects that the run will report.
    pub(crate) objects: usize,
    /// The number of objects reported so far.
    pub(crate) done: usize,
    /// Waves that have begun, in order.
    pub(crate) waves: Vec<Wave>,
    /// The object that was reported last.
    pub(crate) last: Option<Key>,
    /// What the run waits for, in words; `None` once it continues.
    pub(crate) waiting: Option<String>,
    /// Failed objects, with their messages.
    pub(crate) failures: Vec<(Key, String)>,
    /// Skipped objects, by the object that each of them needs.
    pub(crate) skipped: Vec<(Key, Vec<Key>)>,
    pub(crate) ended: bool,
    /// Why the run ended early.
    pub(crate) error: Option<String>,
}

/// The state of a wave in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaveState {
    /// Not begun, or empty.
    Ahead,
    Running,
    Done,
    /// The run stopped in it.
    Stopped,
}

impl Follow for Progress {
    type Event = Event;
    const PATH: &'static str = "applies";

    fn take(&mut self, event: Event) {
        if let Event::Started { cluster, .. }
        | Event::Wave { cluster, .. }
        | Event::Object { cluster, .. }
        | Event::Ended { cluster, .. } = &event
        {
            self.of(cluster.clone()).waiting = None;
        }
        match event {
            Event::Started { cluster, objects } => self.of(cluster).objects = objects,
            Event::Wave { cluster, wave } => self.of(cluster).waves.push(wave),
            Event::Object {
                cluster,
                object,
                outcome,
            } => {
                let cluster = self.of(cluster);
                cluster.done += 1;
                cluster.last = Some(object.clone());
                cluster.take(object, outcome);
            }
            Event::Ended { cluster, error } => {
                let cluster = self.of(cluster);
                cluster.ended = true;
                cluster.error = error;
            }
            Event::Finished { report } => self.finish(report),
            Event::Waiting {
                cluster,
                reason,
                message,
                waited,
                limit,
            } => {
                let words = waiting(reason, &message, waited, limit);
                self.of(cluster).waiting = Some(words);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.report.is_some()
    }

    fn ending(&self) -> &'static str {
        if self.report.as_ref().is_some_and(Report::is_success) {
            "Finished without errors"
        } else {
            "Finished with errors"
        }
    }
}

impl Progress {
    /// The state of a cluster.
    pub(crate) fn cluster(&self, name: &str) -> Option<&ClusterProgress> {
        self.clusters.iter().find(|cluster| cluster.name == name)
    }

    /// The result of a cluster, at the end.
    pub(crate) fn result(&self, name: &str) -> Option<&ClusterReport> {
        let report = self.report.as_ref()?;
        report.clusters.iter().find(|cluster| cluster.name == name)
    }

    /// A cluster whose run did not begin is only in the report.
    fn finish(&mut self, report: Report) {
        for cluster in &report.clusters {
            let known = self.of(cluster.name.clone());
            known.ended = true;
            known.waiting = None;
            if known.error.is_none() {
                known.error.clone_from(&cluster.error);
            }
        }
        // Until now they were in the order in which they began.
        let place = |name: &str| {
            report
                .clusters
                .iter()
                .position(|cluster| cluster.name == name)
        };
        self.clusters.sort_by_key(|cluster| place(&cluster.name));
        self.report = Some(report);
    }

    fn of(&mut self, name: String) -> &mut ClusterProgress {
        let at = self
            .clusters
            .iter()
            .position(|cluster| cluster.name == name);
        let at = at.unwrap_or_else(|| {
            self.clusters.push(ClusterProgress {
                name,
                ..ClusterProgress::default()
            });
            self.clusters.len() - 1
        });
        &mut self.clusters[at]
    }
}

/// What a run waits for in a cluster, in words.
fn waiting(reason: WaitReason, message: &str, waited: u64, limit: Option<u64>) -> String {
    match (reason, limit) {
        (WaitReason::Retry, Some(limit)) => format!("{message}; retry in {limit} s"),
        (_, Some(limit)) => format!("{message} ({waited} s of at most {limit} s)"),
        (_, None) => format!("{message} ({waited} s)"),
    }
}

impl ClusterProgress {
    /// Stores the message about an object that failed or was skipped.
    fn take(&mut self, object: Key, outcome: Outcome) {
        match outcome {
            Outcome::Done { .. } => {}
            Outcome::Failed { message } => self.failures.push((object, message)),
            Outcome::Conflict { conflicts } => {
                let conflicts: Vec<String> = conflicts
                    .iter()
                    .map(|c| format!("{} owns {}", c.manager, c.field))
                    .collect();
                let words = format!("conflict: {}", conflicts.join(", "));
                self.failures.push((object, words));
            }
            Outcome::Skipped { because } => {
                let mut known = self.skipped.iter_mut();
                match known.find(|(needed, _)| *needed == because) {
                    Some((_, objects)) => objects.push(object),
                    None => self.skipped.push((because, vec![object])),
                }
            }
        }
    }

    pub(crate) fn wave(&self, wave: Wave) -> WaveState {
        let failed = self.error.is_some() || !self.failures.is_empty();
        match (self.waves.contains(&wave), self.waves.last() == Some(&wave)) {
            (false, _) => WaveState::Ahead,
            (true, true) if !self.ended => WaveState::Running,
            (true, true) if failed => WaveState::Stopped,
            (true, _) => WaveState::Done,
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.error.is_none() && self.failures.is_empty() && self.skipped.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::plan::Action;

    fn key(name: &str) -> Key {
        Key {
            group: String::new(),
            kind: "Service".into(),
            namespace: "n".into(),
            name: name.into(),
        }
    }

    #[test]
    fn events_update_the_progress() {
        let cluster = || "a".to_owned();
        let mut progress = Progress::default();
        let done = Outcome::Done {
            action: Action::Create,
        };
        let failed = Outcome::Failed {
            message: "no".into(),
        };
        for event in [
            Event::Started {
                cluster: cluster(),
                objects: 2,
            },
            Event::Wave {
                cluster: cluster(),
                wave: Wave::Namespaces,
            },
            Event::Object {
                cluster: cluster(),
                object: key("x"),
                outcome: done,
            },
            Event::Wave {
                cluster: cluster(),
                wave: Wave::Services,
            },
        ] {
            progress.take(event);
        }
        let at = &progress.clusters[0];
        assert_eq!((at.done, at.objects, at.is_good()), (1, 2, true));
        assert_eq!(at.wave(Wave::Namespaces), WaveState::Done);
        assert_eq!(at.wave(Wave::Services), WaveState::Running);
        assert_eq!(at.wave(Wave::Dns), WaveState::Ahead);

        progress.take(Event::Object {
            cluster: cluster(),
            object: key("y"),
            outcome: failed,
        });
        progress.take(Event::Ended {
            cluster: cluster(),
            error: Some("stopped".into()),
        });
        assert_eq!(
            progress.clusters[0].wave(Wave::Services),
            WaveState::Stopped
        );
        assert_eq!(progress.clusters[0].failures, [(key("y"), "no".to_owned())]);
    }

    #[test]
    fn a_wait_ends_with_the_next_event() {
        let waiting = |reason, limit| Event::Waiting {
            cluster: "a".into(),
            reason,
            message: "m".into(),
            waited: 2,
            limit,
        };
        let shown = |progress: &Progress| progress.clusters[0].waiting.clone();
        let mut progress = Progress::default();
        for (reason, limit, words) in [
            (WaitReason::Retry, Some(3), "m; retry in 3 s"),
            (WaitReason::Finalizers, Some(60), "m (2 s of at most 60 s)"),
            (WaitReason::Login, None, "m (2 s)"),
        ] {
            progress.take(waiting(reason, limit));
            assert_eq!(shown(&progress).as_deref(), Some(words));
        }
        progress.take(Event::Wave {
            cluster: "b".into(),
            wave: Wave::Dns,
        });
        assert!(shown(&progress).is_some());
        progress.take(Event::Wave {
            cluster: "a".into(),
            wave: Wave::Dns,
        });
        assert_eq!(shown(&progress), None);
        progress.take(waiting(WaitReason::Login, None));
        progress.take(Event::Finished {
            report: Report {
                clusters: vec![ClusterReport {
                    name: "a".into(),
                    ..Default::default()
                }],
                ..Report::default()
            },
        });
        assert_eq!(shown(&progress), None);
    }

    #[test]
    fn skipped_objects_are_grouped_by_what_they_need() {
        let mut progress = Progress::default();
        for (object, because) in [("x", "p"), ("y", "q"), ("z", "p")] {
            progress.take(Event::Object {
                cluster: "a".into(),
                object: key(object),
                outcome: Outcome::Skipped {
                    because: key(because),
                },
            });
        }
        let cluster = &progress.clusters[0];
        let expected = [
            (key("p"), vec![key("x"), key("z")]),
            (key("q"), vec![key("y")]),
        ];
        assert_eq!(cluster.skipped, expected);
        assert!(cluster.failures.is_empty() && !cluster.is_good());
    }

    #[test]
    fn a_cluster_without_events_is_shown_with_its_error() {
        let mut progress = Progress::default();
        let report = ClusterReport {
            name: "b".into(),
            error: Some("gone".into()),
            ..Default::default()
        };
        progress.take(Event::Finished {
            report: Report {
                clusters: vec![report],
                ..Report::default()
            },
        });
        assert_eq!(progress.clusters[0].error.as_deref(), Some("gone"));
        assert!(progress.clusters[0].ended);
    }
}
