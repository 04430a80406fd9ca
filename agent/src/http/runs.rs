//! Running and ended applies and verifications, with all their events, for any number of readers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::Stream;
use serde::Serialize;
use tokio::sync::watch;

use crate::stop::{Stop, Stopper};

/// Number of ended runs that are kept.
const KEPT: usize = 20;

/// The kind of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunKind {
    /// An apply or a removal.
    Apply,
    /// A verification.
    Verify,
}

/// All runs.
#[derive(Default)]
pub(super) struct Runs {
    list: Mutex<VecDeque<Arc<Run>>>,
    /// The number of active runs.
    active: watch::Sender<usize>,
}

/// One run: its events as lines of JSON.
pub(super) struct Run {
    id: String,
    doing: RunKind,
    mesh: String,
    log: watch::Sender<Log>,
    stopper: Stopper,
    stop: Stop,
}

#[derive(Default)]
struct Log {
    /// All lines in one allocation, since thousands of small ones would fragment memory.
    text: Vec<u8>,
    has_ended: bool,
}

/// An active run. Dropping it ends the run in any case.
pub(super) struct Running {
    run: Arc<Run>,
    runs: Arc<Runs>,
}

impl Runs {
    /// Starts a run; `None` if a run of the same mesh and kind is active.
    pub(super) fn begin(
        self: &Arc<Self>,
        doing: RunKind,
        mesh: &str,
    ) -> Result<Option<Running>, getrandom::Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let mut list = self.list();
        let is_same = |run: &Arc<Run>| run.doing == doing && run.mesh == mesh;
        if list.iter().any(|run| is_same(run) && !run.has_ended()) {
            return Ok(None);
        }
        let (stopper, stop) = Stop::new();
        let run = Arc::new(Run {
            id: hex::encode(random),
            doing,
            mesh: mesh.to_owned(),
            log: watch::Sender::new(Log::default()),
            stopper,
            stop,
        });
        list.push_back(run.clone());
        let mut surplus = list
            .iter()
            .filter(|run| run.has_ended())
            .count()
            .saturating_sub(KEPT);
        list.retain(|run| {
            let goes = surplus > 0 && run.has_ended();
            surplus -= usize::from(goes);
            !goes
        });
        drop(list);
        self.active.send_modify(|active| *active += 1);
        Ok(Some(Running {
            run,
            runs: self.clone(),
        }))
    }

    /// A run by its kind and id.
    pub(super) fn find(&self, doing: RunKind, id: &str) -> Option<Arc<Run>> {
        let is_it = |run: &&Arc<Run>| run.doing == doing && run.id == id;
        self.list().iter().find(is_it).cloned()
    }

    /// Stops all verifications. Applies continue.
    pub(super) fn stop_verifications(&self) {
        let list = self.list();
        for run in list.iter().filter(|run| run.doing == RunKind::Verify) {
            run.stop();
        }
    }

    /// The number of active runs.
    pub(super) fn active(&self) -> usize {
        *self.active.borrow()
    }

    /// Waits until no run is active.
    pub(super) async fn idle(&self) {
        // It cannot fail, since `self` owns the sender.
        _ = self
            .active
            .subscribe()
            .wait_for(|active| *active == 0)
            .await;
    }

    fn list(&self) -> MutexGuard<'_, VecDeque<Arc<Run>>> {
        // A panic while the lock is held cannot leave the list inconsistent.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// The id of the run.
    pub(super) fn id(&self) -> &str {
        &self.run.id
    }

    /// The signal that stops the run.
    pub(super) fn stop(&self) -> Stop {
        self.run.stop.clone()
    }

    /// Adds an event.
    pub(super) fn push(&self, event: &impl Serialize) {
        // It cannot fail, since all keys are strings.
        let mut line = serde_json::to_vec(event).unwrap_or_default();
        line.push(b'\n');
        self.run.log.send_modify(|log| log.text.append(&mut line));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.run.log.send_modify(|log| {
            log.has_ended = true;
            log.text.shrink_to_fit();
        });
        self.runs.active.send_modify(|active| *active -= 1);
    }
}

impl Run {
    /// Requests the run to stop; this has no effect on an ended run, or one that ignores the signal.
    pub(super) fn stop(&self) {
        self.stopper.stop();
    }

    fn has_ended(&self) -> bool {
        self.log.borrow().has_ended
    }

    /// All lines from the first on. The stream ends with the run.
    pub(super) fn lines(&self) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
        futures::stream::unfold(
            (self.log.subscribe(), 0),
            |(mut log, mut read)| async move {
                // An error means that the run was dropped, which only happens after its end.
                let bytes = {
                    let log = log
                        .wait_for(|log| log.text.len() > read || log.has_ended)
                        .await
                        .ok()?;
                    let new = log.text.get(read..).filter(|new| !new.is_empty())?;
                    read += new.len();
                    Bytes::copy_from_slice(new)
                };
                Some((Ok(bytes), (log, read)))
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use shared::api::Event;

    use super::RunKind::{Apply, Verify};
    use super::*;

    fn event(cluster: &str) -> Event {
        Event::Started {
            cluster: cluster.to_owned(),
            objects: 1,
        }
    }

    async fn read(run: &Run) -> String {
        let parts: Vec<Bytes> = run.lines().map(|part| part.unwrap()).collect().await;
        String::from_utf8(parts.concat()).unwrap()
    }

    #[tokio::test]
    async fn every_reader_gets_every_line_whenever_it_comes() {
        let runs = Arc::new(Runs::default());
        let running = runs.begin(Apply, "demo").unwrap().unwrap();
        let run = runs.find(Apply, running.id()).unwrap();
        running.push(&event("a"));
        let early = tokio::spawn({
            let run = run.clone();
            async move { read(&run).await }
        });
        tokio::task::yield_now().await;
        running.push(&event("b"));
        drop(running);
        let late = read(&run).await;
        assert_eq!(late.lines().count(), 2);
        assert_eq!(early.await.unwrap(), late);
    }

    #[tokio::test]
    async fn a_mesh_has_one_run_of_a_kind_and_old_runs_are_dropped() {
        let runs = Arc::new(Runs::default());
        let first = runs.begin(Apply, "demo").unwrap().unwrap();
        assert!(runs.begin(Apply, "demo").unwrap().is_none());
        let beside = runs.begin(Verify, "demo").unwrap().unwrap();
        assert!(runs.find(Apply, beside.id()).is_none());
        assert!(runs.find(Verify, beside.id()).is_some());
        drop(beside);
        let other = runs.begin(Apply, "other").unwrap().unwrap();
        assert_eq!(runs.active(), 2);
        let verifying = runs.begin(Verify, "demo").unwrap().unwrap();
        runs.stop_verifications();
        assert!(verifying.stop().is_requested());
        assert!(!first.stop().is_requested() && !other.stop().is_requested());
        drop(verifying);
        let id = first.id().to_owned();
        drop(first);
        for _ in 0..=KEPT {
            drop(runs.begin(Apply, "demo").unwrap().unwrap());
        }
        assert!(runs.find(Apply, &id).is_none());
        // An active run is never dropped.
        assert!(runs.find(Apply, other.id()).is_some());
        drop(other);
        runs.idle().await;
    }
}
