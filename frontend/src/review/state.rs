//! The state of the review: the current view, its run, and the user's decisions.

use std::sync::Arc;

use serde::Serialize;
use shared::api::{ApplyAccepted, ApplyRefused, Intent, PlanResponse, Report, VerifyRequest};
use shared::plan::decisions::{Decision, Decisions};
use wasm_bindgen_futures::spawn_local;

use super::doing::{Doing, Run};
use super::follow::{Follow, Lost};
use super::progress::Progress;
use super::request::{apply_request, plan_request, verify_request};
use super::verification::Verification;
use crate::agent::api::{Client, Failure};
use crate::agent::message::{Document, Order, RUN, STAGE, STAGE_EVENT, StageEvent, Task};
use crate::browser::dom;
use crate::browser::signals::*;
use crate::browser::{self, Keep};
use crate::components::findings::{Act, Acts};
use crate::json;

/// The id of the heading, which is focused when the user opens another view.
pub(crate) const TITLE: &str = "review-title";

/// The current view.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum View {
    #[default]
    Nothing,
    /// The page sent an invalid order; the error.
    NotUnderstood(String),
    /// A request to the agent is in progress.
    Asking(Task),
    Planned(Planned),
    /// Another writer is changing the mesh.
    Held {
        planned: Planned,
        consent: Consent,
        failure: Failure,
    },
    Failed {
        task: Task,
        failure: Failure,
    },
    /// A run, whose state is in [`Review::progress`] or [`Review::verification`].
    Running(Run),
}

/// A plan and its inputs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Planned {
    pub(crate) intent: Intent,
    pub(crate) document: Arc<Document>,
    pub(crate) decisions: Arc<Decisions>,
    pub(crate) response: Arc<PlanResponse>,
    /// Whether it replaces a plan that the user tried to apply, because the clusters have changed.
    pub(crate) is_other: bool,
}

impl Planned {
    /// The name of the mesh.
    pub(crate) fn name(&self) -> String {
        self.document.mesh.metadata.name.clone()
    }
}

/// What the user confirms beside the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Consent {
    /// Skip the clusters that are blocked.
    pub(crate) partial: bool,
    /// The number of objects that may be deleted, if deleting that many needs a confirmation.
    pub(crate) allow_delete: Option<usize>,
}

/// The user's decisions about meshes, by the name of the mesh.
#[derive(Debug, Clone, Default)]
struct Decided {
    mesh: String,
    decisions: Decisions,
}

/// The state; a handle that is cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Review {
    client: RwSignal<Option<Client>>,
    pub(crate) view: RwSignal<View>,
    decided: RwSignal<Decided>,
    /// The state of the current apply or removal.
    pub(crate) progress: RwSignal<Progress>,
    /// The state of the current verification.
    pub(crate) verification: RwSignal<Verification>,
    /// The target of the next drill, `SERVICE@CLUSTER`.
    target: RwSignal<String>,
    /// Set if the connection to the run was lost.
    pub(crate) lost: RwSignal<Option<Lost>>,
    /// Whether a request to start or stop a run is in progress.
    pub(crate) sending: RwSignal<bool>,
    /// Why the request to stop the run failed.
    pub(crate) not_stopped: RwSignal<Option<Failure>>,
}

impl Review {
    pub(crate) fn new() -> Self {
        Self {
            client: RwSignal::default(),
            view: RwSignal::default(),
            decided: RwSignal::default(),
            progress: RwSignal::default(),
            verification: RwSignal::default(),
            target: RwSignal::default(),
            lost: RwSignal::default(),
            sending: RwSignal::default(),
            not_stopped: RwSignal::default(),
        }
    }

    pub(crate) fn client(self) -> Option<Client> {
        self.client.get_untracked()
    }

    /// Sends a message to the page.
    #[expect(
        clippy::unused_self,
        reason = "only owners of the state may send messages"
    )]
    pub(crate) fn emit(self, reported: &StageEvent) {
        if let Some(stage) = dom::at(STAGE) {
            browser::send(stage.element(), STAGE_EVENT, &json::write(reported));
        }
    }

    /// Handles clicks on findings by sending them to the page.
    pub(crate) fn acts(self) -> Acts {
        Acts::new(move |act| {
            self.emit(&match act {
                Act::GoTo(path) => StageEvent::GoTo(path),
                Act::Fix(fix) => StageEvent::Fix(fix),
            });
        })
    }

    /// Requests a task from the page.
    pub(crate) fn want(self, task: Task) {
        self.emit(&StageEvent::Want(task));
    }

    /// Requests a drill from the page.
    pub(crate) fn want_drill(self, service: &str, cluster: &str) {
        self.target.set(format!("{service}@{cluster}"));
        self.want(Task::Drill);
    }

    /// Executes an order.
    pub(crate) fn take(self, order: &str) {
        match json::read(order) {
            Ok(order) => self.carry_out(order),
            Err(error) => self.show(View::NotUnderstood(error)),
        }
    }

    fn carry_out(self, order: Order) {
        self.client.set(Some(order.client));
        match (order.task, order.document) {
            (Task::Plan(intent), Some(document)) => self.plan(intent, document, false),
            (Task::Verify { wait }, Some(document)) => {
                let body = verify_request(&document, wait, None);
                self.verify(order.task, Doing::Verify, body);
            }
            (Task::Drill, Some(document)) => {
                let target = self.target.get_untracked();
                let body = verify_request(&document, 0, Some(target));
                self.verify(order.task, Doing::Drill, body);
            }
            (Task::Resume, _) => {
                let kept = browser::load(Keep::Tab, RUN);
                if let Some(run) = kept.and_then(|kept| json::read::<Run>(&kept).ok()) {
                    self.follow(run);
                } else {
                    self.leave();
                }
            }
            (Task::Rest, _) => {
                // Another agent may have other clusters.
                self.decided.set(Decided::default());
                self.show(View::Nothing);
            }
            // The page sends these with a document.
            (Task::Plan(_) | Task::Verify { .. } | Task::Drill, None) => {}
        }
    }

    /// Shows a view that the user requested, and focuses its heading.
    fn show(self, view: View) {
        self.emit(&StageEvent::Running(matches!(view, View::Running(_))));
        self.view.set(view);
        browser::next_frame(to_title);
    }

    /// Announces the outcome of a run, and focuses the heading if the button that had the focus was removed.
    pub(crate) fn ended(self, words: &str) {
        self.emit(&StageEvent::Say(words.to_owned()));
        if self.is_applied() {
            // The decisions were applied.
            self.decided.set(Decided::default());
        }
        browser::next_frame(|| {
            if browser::has_lost_focus() {
                to_title();
            }
        });
    }

    fn is_applied(self) -> bool {
        let applies = |view: &View| matches!(view, View::Running(run) if matches!(run.doing, Doing::Apply | Doing::Remove));
        let report = |progress: &Progress| progress.report.as_ref().is_some_and(Report::is_success);
        self.view.with_untracked(applies) && self.progress.with_untracked(report)
    }

    /// The decisions about the current mesh.
    pub(crate) fn decisions(self) -> Decisions {
        self.decided
            .with_untracked(|decided| decided.decisions.clone())
    }

    /// Adds decisions and plans again.
    pub(crate) fn decide(self, intent: Intent, decisions: Vec<Decision>) {
        self.decided.update(|decided| {
            for decision in decisions {
                decided.decisions.add(decision);
            }
        });
        self.want(Task::Plan(intent));
    }

    /// Withdraws a decision and plans again.
    pub(crate) fn withdraw(self, intent: Intent, decision: &Decision) {
        self.decided
            .update(|decided| decided.decisions.withdraw(decision));
        self.want(Task::Plan(intent));
    }

    /// `is_other`: see [`Planned::is_other`].
    fn plan(self, intent: Intent, document: Document, is_other: bool) {
        let Some(client) = self.client() else { return };
        let task = Task::Plan(intent);
        let mesh = document.mesh.metadata.name.clone();
        if self.decided.with_untracked(|decided| decided.mesh != mesh) {
            // Decisions about another mesh do not apply.
            self.decided.set(Decided {
                mesh,
                decisions: Decisions::default(),
            });
        }
        let decisions = self.decisions();
        self.show(View::Asking(task));
        spawn_local(async move {
            let body = plan_request(&document, intent, &decisions);
            let view = match client.post("plan", &body).await {
                Ok(response) => View::Planned(Planned {
                    intent,
                    document: Arc::new(document),
                    decisions: Arc::new(decisions),
                    response: Arc::new(response),
                    is_other,
                }),
                Err(failure) => View::Failed { task, failure },
            };
            // The user may have requested something else meanwhile.
            if self.view.get_untracked() == View::Asking(task) {
                self.view.set(view);
            }
        });
    }

    /// Applies the plan that is shown.
    pub(crate) fn apply(self, planned: &Planned, consent: Consent) {
        let body = apply_request(planned, consent);
        let intent = planned.intent;
        let doing = match intent {
            Intent::Apply => Doing::Apply,
            Intent::Remove => Doing::Remove,
        };
        let planned = planned.clone();
        let refused = move |failure: Failure| match failure.reason {
            Some(ApplyRefused::PlanChanged) => {
                self.plan(intent, (*planned.document).clone(), true);
            }
            Some(ApplyRefused::Held) => self.show(View::Held {
                planned,
                consent,
                failure,
            }),
            None => self.show(View::Failed {
                task: Task::Plan(intent),
                failure,
            }),
        };
        self.begin("apply", body, doing, Box::new(refused));
    }

    fn verify(self, task: Task, doing: Doing, body: VerifyRequest) {
        if self.sending.get_untracked() {
            return;
        }
        self.show(View::Asking(task));
        let refused = move |failure| self.show(View::Failed { task, failure });
        self.begin("verify", body, doing, Box::new(refused));
    }

    /// Starts a run and follows it.
    fn begin(
        self,
        path: &'static str,
        body: impl Serialize + 'static,
        doing: Doing,
        refused: Box<dyn FnOnce(Failure)>,
    ) {
        let Some(client) = self.client() else { return };
        if self.sending.get_untracked() {
            return;
        }
        self.sending.set(true);
        spawn_local(async move {
            let answer: Result<ApplyAccepted, Failure> = client.post(path, &body).await;
            self.sending.set(false);
            match answer {
                Ok(accepted) => {
                    let run = Run {
                        id: accepted.id,
                        doing,
                        started: browser::now(),
                    };
                    browser::store(Keep::Tab, RUN, &json::write(&run));
                    self.follow(run);
                }
                Err(failure) => refused(failure),
            }
        });
    }

    /// Follows a run from its first event to its end.
    pub(crate) fn follow(self, run: Run) {
        self.lost.set(None);
        self.not_stopped.set(None);
        self.show(View::Running(run.clone()));
        match run.doing {
            Doing::Verify | Doing::Drill => {
                Verification::follow(self, run, self.verification);
            }
            Doing::Apply | Doing::Remove => Progress::follow(self, run, self.progress),
        }
    }

    /// Whether a run is the one that is shown.
    pub(crate) fn shows(self, run: &Run) -> bool {
        self.view
            .with_untracked(|view| matches!(view, View::Running(shown) if shown.id == run.id))
    }

    /// Requests the agent to stop a verification.
    pub(crate) fn stop(self, run: &Run) {
        let Some(client) = self.client() else { return };
        if self.sending.get_untracked() {
            return;
        }
        self.sending.set(true);
        self.not_stopped.set(None);
        let path = format!("verifications/{}/stop", run.id);
        spawn_local(async move {
            let answer = client.emit(&path).await;
            self.sending.set(false);
            self.not_stopped.set(answer.err());
        });
    }

    /// Closes a plan or the result of a run.
    pub(crate) fn leave(self) {
        browser::forget(Keep::Tab, RUN);
        self.view.set(View::Nothing);
        self.emit(&StageEvent::Running(false));
        self.emit(&StageEvent::Leave);
    }
}

fn to_title() {
    if let Some(title) = dom::at(TITLE) {
        browser::focus(title.element());
    }
}
