//! The steps of a sequence.

use std::time::Duration;

use shared::kubernetes::object::Kind;
use shared::kubernetes::ownership::parent_name;

use super::observed::Observed;
use super::others::Edit;
use super::run::{Ended, Moment, Run};
use super::{MESHES, World};
use crate::fixture::CLUSTERS;

/// The longest time until something happens to a run: most have ended by then.
const A_RUN: u64 = 1500;
/// The most objects that are done until then.
const OBJECTS: usize = 40;
/// The longest time that a server hangs: longer than a Lease lasts.
const HANG: u64 = 4000;
/// The longest outage within a run, besides the time that the server takes to start.
const OUTAGE: u64 = 1500;

/// What a run is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    pub(super) mesh: usize,
    /// `None` removes the mesh.
    pub(super) document: Option<usize>,
}

/// A step of a sequence.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A run that nobody disturbs.
    Run(Task),
    /// A run that gets a signal.
    Signal(Task, &'static str, Moment),
    /// Two runs of one mesh.
    SameMesh(Task, Task, Moment),
    /// A run of each mesh.
    BothMeshes(Task, Task, Moment),
    /// A change by others while a run goes on.
    Meanwhile(Task, Edit, Moment),
    /// Changes by others.
    Edits([Edit; 2]),
    /// A cluster is away for a whole run.
    Away(Task, &'static str),
    /// A cluster goes away during a run, and comes back after so many milliseconds.
    Outage(Task, &'static str, Moment, u64),
    /// A cluster hangs during a run, for so many milliseconds.
    Hang(Task, &'static str, Moment, u64),
}

impl World {
    fn task(&mut self, mesh: usize) -> Task {
        let documents = self.documents[mesh].len();
        // A removal is as frequent as each of the documents.
        let chosen = self.rng.usize(..=documents);
        Task {
            mesh,
            document: (chosen < documents).then_some(chosen),
        }
    }

    fn choose(&mut self) -> Step {
        let mesh = self.rng.usize(..MESHES.len());
        let task = self.task(mesh);
        let moment = if self.rng.bool() {
            Moment::After(self.rng.u64(..A_RUN))
        } else {
            Moment::Done(self.rng.usize(1..OBJECTS))
        };
        let (_, context) = CLUSTERS[self.rng.usize(..CLUSTERS.len())];
        match self.rng.u8(..25) {
            0..5 => Step::Run(task),
            5..7 => Step::Signal(task, "-KILL", moment),
            7..9 => Step::Signal(task, "-TERM", moment),
            9..11 => Step::SameMesh(task, self.task(mesh), moment),
            11..13 => Step::BothMeshes(task, self.task(1 - mesh), moment),
            13..17 => Step::Meanwhile(task, Edit::any(&mut self.rng), moment),
            17..22 => Step::Edits([Edit::any(&mut self.rng), Edit::any(&mut self.rng)]),
            22 => Step::Away(task, context),
            23 => Step::Hang(task, context, moment, self.rng.u64(..HANG)),
            _ => Step::Outage(task, context, moment, self.rng.u64(..OUTAGE)),
        }
    }

    fn begin(&self, task: Task) -> Run {
        let documents = &self.documents[task.mesh];
        let mesh = &documents[task.document.unwrap_or_default()].mesh;
        let command = if task.document.is_some() {
            "apply"
        } else {
            "remove"
        };
        Run::begin(self.bed, mesh, command)
    }

    /// One step, and what has to hold after it.
    pub(super) async fn step(&mut self) {
        let step = self.choose();
        self.note(format!("{step:?}"));
        let before = self.clusters.observe().await;
        match step {
            Step::Run(task) => self.run_alone(task, &before).await,
            Step::Signal(task, signal, moment) => {
                self.run_signalled(task, signal, moment, &before).await;
            }
            Step::SameMesh(first, second, moment) => self.run_twice(first, second, moment).await,
            Step::BothMeshes(first, second, moment) => {
                self.run_both(first, second, moment, &before).await;
            }
            Step::Meanwhile(task, edit, moment) => {
                let mut run = self.begin(task);
                run.reach(moment).await;
                self.edit(edit).await;
                let ended = run.end();
                self.note(format!("  {:?}", ended.code));
                assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
            }
            Step::Edits(edits) => {
                for edit in edits {
                    self.edit(edit).await;
                }
            }
            Step::Away(task, context) => self.run_without(task, context, &before).await,
            Step::Outage(task, context, moment, outage) => {
                let mut run = self.begin(task);
                run.reach(moment).await;
                self.bed.stop_api_server(context).unwrap();
                pause(outage).await;
                self.bed.start_api_server(context).unwrap();
                self.expect_done_if_so(task, run.end()).await;
            }
            Step::Hang(task, context, moment, outage) => {
                let mut run = self.begin(task);
                run.reach(moment).await;
                self.bed.pause_api_server(context).unwrap();
                pause(outage).await;
                self.bed.resume_api_server(context).unwrap();
                self.expect_done_if_so(task, run.end()).await;
            }
        }
        self.expect_always().await;
    }

    async fn expect_done_if_so(&mut self, task: Task, ended: Ended) {
        self.note(format!("  {:?}", ended.code));
        assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
        if ended.code == Some(0) {
            self.expect_done(task).await;
        }
    }

    async fn run_alone(&mut self, task: Task, before: &Observed) {
        let ended = self.begin(task).end();
        self.note(format!("  {:?}", ended.code));
        self.expect_of_run_alone(task, before, &ended).await;
        self.expect_no_lease(task.mesh, &ended).await;
    }

    async fn run_signalled(&mut self, task: Task, signal: &str, moment: Moment, before: &Observed) {
        let mut run = self.begin(task);
        run.reach(moment).await;
        run.signal(signal);
        let ended = run.end();
        self.note(format!("  {:?}", ended.code));
        if ended.code == Some(0) {
            self.expect_done(task).await;
        }
        if signal == "-TERM" {
            if ended.code.is_none() {
                // It came before the program takes signals over from the system.
                assert_eq!(ended.output, "");
                self.expect_same(before, &self.clusters.observe().await);
            }
            self.expect_no_lease(task.mesh, &ended).await;
        }
    }

    async fn run_twice(&mut self, first: Task, second: Task, moment: Moment) {
        let mut run = self.begin(first);
        run.reach(moment).await;
        let other = self.begin(second);
        let mut done = Vec::new();
        for (task, run) in [(first, run), (second, other)] {
            let ended = run.end();
            self.note(format!("  {:?}", ended.code));
            assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
            self.expect_no_lease(task.mesh, &ended).await;
            if ended.code == Some(0) {
                done.push(task);
            }
        }
        let mut wrong = Vec::new();
        for task in &done {
            wrong.extend(self.not_done(*task).await);
        }
        // Of two, the one that came last has been done.
        assert!(wrong.is_empty() || wrong.len() < done.len(), "{wrong:#?}");
    }

    async fn run_both(&mut self, first: Task, second: Task, moment: Moment, before: &Observed) {
        let mut run = self.begin(first);
        run.reach(moment).await;
        let other = self.begin(second);
        for (task, ended) in [(first, run.end()), (second, other.end())] {
            self.note(format!("  {:?}", ended.code));
            assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
            let are_disjoint = [first, second].iter().any(|one| !self.is_contested(*one));
            if are_disjoint {
                self.expect_of_run_alone(task, before, &ended).await;
            }
            self.expect_no_lease(task.mesh, &ended).await;
        }
    }

    async fn run_without(&mut self, task: Task, context: &'static str, before: &Observed) {
        self.bed.stop_api_server(context).unwrap();
        let ended = self.begin(task).end();
        self.bed.start_api_server(context).unwrap();
        self.note(format!("  {:?}", ended.code));
        assert_eq!(ended.code, Some(1), "{ended:?}");
        self.expect_same(before, &self.clusters.observe().await);
        self.expect_no_lease(task.mesh, &ended).await;
    }

    fn is_contested(&self, task: Task) -> bool {
        // The last document has the contested service; a removal may have to take it away.
        task.document
            .is_none_or(|one| one + 1 == self.documents[task.mesh].len())
    }

    /// Undisturbed, every mesh is applied as its document says, and then removed.
    pub(super) async fn settle(&mut self) {
        self.note("the end".to_owned());
        for mesh in 0..MESHES.len() {
            self.undo_edits().await;
            // Objects that block the document are deleted by their owners.
            let document = self.rng.usize(..self.documents[mesh].len());
            let in_the_way = self.in_the_way(mesh, document, &self.clusters.observe().await);
            for id in in_the_way {
                self.delete(&id).await;
                self.theirs.remove(&id);
            }
            let task = Task {
                mesh,
                document: Some(document),
            };
            self.note(format!("{task:?}"));
            let before = self.clusters.observe().await;
            let ended = self.begin(task).end();
            assert_eq!(ended.code, Some(0), "{ended:?}");
            self.expect_of_run_alone(task, &before, &ended).await;
            self.expect_always().await;
            if self.rng.bool() {
                self.edit(Edit::DeleteRecord).await;
                self.expect_always().await;
            }
        }
        for (mesh, name) in MESHES.into_iter().enumerate() {
            let task = Task {
                mesh,
                document: None,
            };
            self.note(format!("{task:?}"));
            let before = self.clusters.observe().await;
            let ended = self.begin(task).end();
            assert_eq!(ended.code, Some(0), "{ended:?}");
            self.expect_of_run_alone(task, &before, &ended).await;
            for (_, context) in CLUSTERS {
                let name = parent_name(name);
                let lease = self.clusters.get(context, &Kind::LEASE, &name).await;
                assert_eq!(lease, None, "of {name} in {context}");
            }
            self.expect_always().await;
        }
    }
}

async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
