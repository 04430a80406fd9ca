//! The state of the review: the current view, its run, and the user's decisions.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Serialize;
use shared::Mesh;
use shared::api::{ApplyAccepted, ApplyRefused, Intent, PlanResponse, Report, VerifyRequest};
use shared::plan::decisions::{Decision, Decisions};

use super::doing::{Doing, Run};
use super::follow::{Follow, Lost};
use super::progress::Progress;
use super::request::{apply_request, plan_request, verify_request};
use super::task::{Document, Task};
use super::verification::Verification;
use crate::agent::{Agent, Failure};
use crate::browser;
use crate::document::clusters;
use crate::state::delivered::{self, How};
use crate::state::{Page, Store, renderer};

/// The id of the heading, which is focused when the user opens another view.
pub(crate) const TITLE: &str = "review-title";

/// The current view.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum View {
    #[default]
    Nothing,
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

/// The user's decisions about a mesh.
#[derive(Debug, Clone, Default)]
struct Decided {
    /// The name of the mesh.
    mesh: String,
    decisions: Decisions,
}

/// The state; a handle that is cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Review {
    store: Store,
    agent: Agent,
    pub(crate) view: RwSignal<View>,
    /// The number of views shown so far; see [`Review::current_view`].
    views: StoredValue<u32>,
    /// Whether a run is in progress, or its result has not been read yet.
    pub(crate) is_running: Memo<bool>,
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
    pub(crate) fn new(store: Store, agent: Agent) -> Self {
        let view: RwSignal<View> = RwSignal::default();
        Self {
            store,
            agent,
            view,
            views: StoredValue::new(0),
            is_running: Memo::new(move |_| view.with(|view| matches!(view, View::Running(_)))),
            decided: RwSignal::default(),
            progress: RwSignal::default(),
            verification: RwSignal::default(),
            target: RwSignal::default(),
            lost: RwSignal::default(),
            sending: RwSignal::default(),
            not_stopped: RwSignal::default(),
        }
    }

    /// Shows the review with a task. A document with errors is refused.
    pub(crate) fn order(self, task: Task) {
        if self.agent.client().is_none() {
            return;
        }
        // What is not checked yet is checked by the agent.
        let is_bad = || self.store.unchecked().is_none() && !self.store.is_good();
        if task.is_about_document() && untrack(is_bad) {
            return self.store.fail(
                "A document with errors cannot be planned or verified",
                "Fix the errors that the Findings tab lists.",
            );
        }
        self.store.page.set(Page::Review);
        match task {
            Task::Plan(intent) => {
                self.with_document(move |document| self.plan(intent, document, false));
            }
            Task::Verify { wait } => self.with_document(move |document| {
                let body = verify_request(&document, wait, None);
                self.verify(task, Doing::Verify, body);
            }),
            Task::Drill => self.with_document(move |document| {
                let target = self.target.get_untracked();
                let body = verify_request(&document, 0, Some(target));
                self.verify(task, Doing::Drill, body);
            }),
            Task::Resume => match Run::stored() {
                Some(run) => self.follow(run),
                None => self.leave(),
            },
        }
    }

    /// Passes the document on once its manifests are ready; if they cannot be rendered, the form is shown with the
    /// reason.
    fn with_document(self, take: impl FnOnce(Document) + 'static) {
        spawn_local(async move {
            match renderer::current(self.store).await {
                Some(rendered) => take(Document {
                    mesh: Mesh::from_value(&rendered.of).0,
                    digest: rendered.manifests.digest.clone(),
                }),
                None => self.store.page.set(Page::Edit),
            }
        });
    }

    /// Orders a drill.
    pub(crate) fn order_drill(self, service: &str, cluster: &str) {
        self.target.set(format!("{service}@{cluster}"));
        self.order(Task::Drill);
    }

    /// Shows the run that was in progress when the page was reloaded, if there was one.
    pub(crate) fn resume(self) {
        if Run::stored().is_some() {
            self.order(Task::Resume);
        }
    }

    /// Disconnects the agent. A run continues, and is shown again after the next connection.
    pub(crate) fn disconnect(self) {
        // Another agent may have other clusters.
        self.decided.set(Decided::default());
        self.change(View::Nothing);
        self.agent.disconnect();
        self.store.page.set(Page::Edit);
    }

    fn change(self, view: View) {
        self.views
            .update_value(|views| *views = views.wrapping_add(1));
        self.view.set(view);
    }

    /// Identifies the view that is shown. What arrives for an earlier one is dropped, since the user may have requested
    /// something else, or the same with another document.
    pub(crate) fn current_view(self) -> u32 {
        self.views.get_value()
    }

    /// Shows a view that the user requested, and focuses its heading.
    fn show(self, view: View) {
        self.change(view);
        request_animation_frame(|| browser::focus_id(TITLE));
    }

    /// Announces the outcome of a run, and focuses the heading if the button that had the focus was removed.
    pub(crate) fn ended(self, words: &str) {
        self.store.spoken.set(words.to_owned());
        if self.is_applied() {
            // The decisions were applied.
            self.decided.set(Decided::default());
        }
        request_animation_frame(|| {
            if browser::has_lost_focus() {
                browser::focus_id(TITLE);
            }
        });
    }

    /// Whether the run that is shown has applied or removed everything.
    fn is_applied(self) -> bool {
        let is_apply = self.view.with_untracked(|view| match view {
            View::Running(run) => matches!(run.doing, Doing::Apply | Doing::Remove),
            _ => false,
        });
        let report = |progress: &Progress| progress.report.as_ref().is_some_and(Report::is_success);
        is_apply && self.progress.with_untracked(report)
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
        self.order(Task::Plan(intent));
    }

    /// Withdraws a decision and plans again.
    pub(crate) fn withdraw(self, intent: Intent, decision: &Decision) {
        self.decided
            .update(|decided| decided.decisions.withdraw(decision));
        self.order(Task::Plan(intent));
    }

    /// `is_other`: see [`Planned::is_other`].
    fn plan(self, intent: Intent, document: Document, is_other: bool) {
        let Some(client) = self.agent.client() else {
            return;
        };
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
        let asking = self.current_view();
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
            if self.current_view() == asking {
                self.change(view);
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
        let document = planned.document.clone();
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
        // From then on the agent carries it out, whatever becomes of the page.
        let accepted = move |mesh: &Mesh| match intent {
            Intent::Apply => {
                delivered::note(self.store, clusters::as_value(mesh).into(), How::Applied);
            }
            Intent::Remove => delivered::forget(self.store, &mesh.metadata.name),
        };
        self.begin(
            "apply",
            body,
            doing,
            move || accepted(&document.mesh),
            refused,
        );
    }

    fn verify(self, task: Task, doing: Doing, body: VerifyRequest) {
        if self.sending.get_untracked() {
            return;
        }
        self.show(View::Asking(task));
        let refused = move |failure| self.show(View::Failed { task, failure });
        self.begin("verify", body, doing, || (), refused);
    }

    /// Starts a run and follows it.
    fn begin(
        self,
        path: &'static str,
        body: impl Serialize + 'static,
        doing: Doing,
        accepted: impl FnOnce() + 'static,
        refused: impl FnOnce(Failure) + 'static,
    ) {
        let Some(client) = self.agent.client() else {
            return;
        };
        if self.sending.get_untracked() {
            return;
        }
        self.sending.set(true);
        spawn_local(async move {
            let answer: Result<ApplyAccepted, Failure> = client.post(path, &body).await;
            self.sending.set(false);
            match answer {
                Ok(ApplyAccepted { id, .. }) => {
                    accepted();
                    let run = Run {
                        id,
                        doing,
                        started: browser::now(),
                    };
                    run.store();
                    self.follow(run);
                }
                Err(failure) => refused(failure),
            }
        });
    }

    /// Follows a run from its first event to its end.
    pub(crate) fn follow(self, run: Run) {
        let Some(client) = self.agent.client() else {
            return;
        };
        self.lost.set(None);
        self.not_stopped.set(None);
        self.show(View::Running(run.clone()));
        match run.doing {
            Doing::Verify | Doing::Drill => {
                Verification::follow(self, client, run.id, self.verification);
            }
            Doing::Apply | Doing::Remove => {
                Progress::follow(self, client, run.id, self.progress);
            }
        }
    }

    /// Requests the agent to stop a verification.
    pub(crate) fn stop(self, run: &Run) {
        let Some(client) = self.agent.client() else {
            return;
        };
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
        Run::forget();
        self.change(View::Nothing);
        self.store.page.set(Page::Edit);
        spawn_local(self.agent.refresh());
    }
}
