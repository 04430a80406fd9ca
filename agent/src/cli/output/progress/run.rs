//! The progress of a run, computed from its events.

use std::time::{Duration, Instant};

use shared::api::{Event, WaitReason};
use shared::kubernetes::object::{Key, Wave};

use crate::cli::output::counted;

/// Before this time, no remaining time is estimated.
const TOO_EARLY: Duration = Duration::from_secs(2);

/// All clusters of a run.
pub(super) struct Run {
    begun: Instant,
    clusters: Vec<ClusterRun>,
    failures: Vec<Failed>,
}

/// The progress of one cluster.
pub(super) struct ClusterRun {
    name: String,
    objects: usize,
    done: usize,
    wave: Option<Wave>,
    has_ended: bool,
    /// The reason to wait, until the next object is done.
    waits: Option<String>,
}

/// An object that failed.
pub(super) struct Failed {
    pub(super) cluster: String,
    pub(super) object: Key,
    pub(super) why: String,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            clusters: Vec::new(),
            failures: Vec::new(),
        }
    }
}

impl Run {
    /// Handles an event.
    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::Started { cluster, objects } => self.clusters.push(ClusterRun {
                name: cluster.clone(),
                objects: *objects,
                done: 0,
                wave: None,
                has_ended: false,
                waits: None,
            }),
            Event::Wave { cluster, wave } => {
                if let Some(of) = self.of(cluster) {
                    of.wave = Some(*wave);
                    of.waits = None;
                }
            }
            Event::Object {
                cluster,
                object,
                outcome,
            } => {
                if let Some(of) = self.of(cluster) {
                    of.done += 1;
                    of.waits = None;
                }
                if let Some(why) = outcome.reason() {
                    self.failures.push(Failed {
                        cluster: cluster.clone(),
                        object: object.clone(),
                        why,
                    });
                }
            }
            Event::Waiting { cluster, .. } => {
                let text = wait(event);
                if let Some(of) = self.of(cluster) {
                    of.waits = Some(text);
                }
            }
            Event::Ended { cluster, .. } => {
                if let Some(of) = self.of(cluster) {
                    of.has_ended = true;
                    of.waits = None;
                }
            }
            Event::Finished { .. } => {}
        }
    }

    /// Whether the run in a cluster began; otherwise, nothing was changed there.
    pub(super) fn has_begun(&self, cluster: &str) -> bool {
        self.clusters.iter().any(|one| one.name == cluster)
    }

    /// The failed objects, in order.
    pub(super) fn failures(&self) -> &[Failed] {
        &self.failures
    }

    /// A line for each cluster, or one for all if they are more than `most`.
    pub(super) fn status(&self, most: usize) -> Vec<String> {
        if self.clusters.len() > most {
            return vec![self.in_one_line()];
        }
        let width = self.clusters.iter().map(|one| one.name.chars().count());
        let width = width.max().unwrap_or_default();
        let elapsed = self.begun.elapsed();
        let lines = self.clusters.iter();
        lines.map(|one| one.line(width, elapsed)).collect()
    }

    /// `2 of 100 clusters ended, 1200 of 30000 objects, 0:05 elapsed, about 2:00 left`.
    pub(super) fn in_one_line(&self) -> String {
        let ended = self.clusters.iter().filter(|one| one.has_ended).count();
        let (done, objects) = self.clusters.iter().fold((0, 0), |(done, objects), one| {
            (done + one.done, objects + one.objects)
        });
        let waits = self.clusters.iter().filter(|one| one.waits.is_some());
        let waits = match waits.count() {
            0 => String::new(),
            count => format!(", {} waiting", counted(count, "cluster")),
        };
        format!(
            "{ended} of {} ended, {done} of {}, {}{waits}",
            counted(self.clusters.len(), "cluster"),
            counted(objects, "object"),
            times(self.begun.elapsed(), done, objects),
        )
    }

    fn of(&mut self, cluster: &str) -> Option<&mut ClusterRun> {
        self.clusters.iter_mut().find(|one| one.name == cluster)
    }
}

impl ClusterRun {
    fn line(&self, width: usize, elapsed: Duration) -> String {
        let counts = format!(
            "{:width$}  {} of {}",
            self.name,
            self.done,
            counted(self.objects, "object")
        );
        if self.has_ended {
            return format!("{counts}, ended");
        }
        let wave = match self.wave {
            Some(wave) => format!(", wave {}", wave.as_str()),
            None => String::new(),
        };
        let times = times(elapsed, self.done, self.objects);
        let waits = match &self.waits {
            Some(text) => format!(", waiting: {text}"),
            None => String::new(),
        };
        format!("{counts}{wave}, {times}{waits}")
    }
}

/// The elapsed time, and the remaining time at the current rate.
fn times(elapsed: Duration, done: usize, objects: usize) -> String {
    let elapsed_text = clock(elapsed);
    let left = objects.saturating_sub(done);
    if done == 0 || left == 0 || elapsed < TOO_EARLY {
        return format!("{elapsed_text} elapsed");
    }
    let pace = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let rest = clock(elapsed.saturating_mul(pace(left)) / pace(done));
    format!("{elapsed_text} elapsed, about {rest} left")
}

/// `0:05`, `61:00`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
impl Run {
    /// Moves the start of the run back by this time.
    pub(super) fn begun_before(&mut self, elapsed: Duration) {
        self.begun = Instant::now().checked_sub(elapsed).unwrap();
    }
}

/// The reason and duration of a wait; empty for other events.
pub(super) fn wait(event: &Event) -> String {
    let Event::Waiting {
        reason,
        message,
        waited,
        limit,
        ..
    } = event
    else {
        return String::new();
    };
    match (reason, limit) {
        (WaitReason::Retry, Some(limit)) => format!("{message}; retry in {limit} s"),
        (_, Some(limit)) => format!("{message} ({waited} s of at most {limit} s)"),
        (_, None) => format!("{message} ({waited} s)"),
    }
}
