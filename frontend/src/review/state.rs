//! What is under review, and what is done about it.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::api::{Intent, PlanResponse};
use wasm_bindgen_futures::spawn_local;

use super::doing::{Doing, Run};
use super::follow::{Follow, Lost};
use super::progress::Progress;
use super::verification::Verification;
use crate::answers;
use crate::api::{Client, Failure};
use crate::browser::{self, Keep};
use crate::components::findings::{Act, Acts};
use crate::dom;
use crate::json;
use crate::message::{Document, Order, RUN, STAGE, TOLD, Task, Told};
use crate::signals::*;

/// The id of the heading, which gets the focus when a person has brought up another view.
pub(crate) const TITLE: &str = "review-title";

/// What is shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum View {
    #[default]
    Nothing,
    /// The page ordered what this part does not understand; why not.
    NotUnderstood(String),
    /// The agent is asked to do it.
    Asking(Task),
    Planned(Planned),
    Failed {
        task: Task,
        failure: Failure,
    },
    /// What is known of it is in [`Review::progress`] or [`Review::verification`].
    Running(Run),
}

/// A plan and what it was made from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Planned {
    pub(crate) intent: Intent,
    pub(crate) document: Arc<Document>,
    pub(crate) response: Arc<PlanResponse>,
}

impl Planned {
    /// The mesh's name.
    pub(crate) fn name(&self) -> String {
        let name = &self.document.mesh["metadata"]["name"];
        name.as_str().unwrap_or_default().to_owned()
    }
}

/// The state; a handle that is cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Review {
    client: RwSignal<Option<Client>>,
    pub(crate) view: RwSignal<View>,
    /// What is known of the apply or removal under review.
    pub(crate) progress: RwSignal<Progress>,
    /// What is known of the verification under review.
    pub(crate) verification: RwSignal<Verification>,
    /// What the next drill takes away, `SERVICE@CLUSTER`.
    target: RwSignal<String>,
    /// Why it is not known how the run goes on.
    pub(crate) lost: RwSignal<Option<Lost>>,
    /// Whether a request that changes something is under way.
    pub(crate) sending: RwSignal<bool>,
    /// Why the run could not be asked to stop.
    pub(crate) not_stopped: RwSignal<Option<Failure>>,
}

impl Review {
    pub(crate) fn new() -> Self {
        Self {
            client: RwSignal::default(),
            view: RwSignal::default(),
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

    /// Tells the page.
    #[expect(clippy::unused_self, reason = "whoever has the state may tell")]
    pub(crate) fn tell(self, told: &Told) {
        if let Some(stage) = dom::at(STAGE) {
            browser::send(stage.element(), TOLD, &json::write(told));
        }
    }

    /// What clicks on findings lead to: the page does it.
    pub(crate) fn acts(self) -> Acts {
        Acts::new(move |act| {
            self.tell(&match act {
                Act::GoTo(path) => Told::GoTo(path),
                Act::Mend(fix) => Told::Mend(fix),
            });
        })
    }

    /// Asks the page for a task.
    pub(crate) fn want(self, task: Task) {
        self.tell(&Told::Want(task));
    }

    /// Asks the page for a drill.
    pub(crate) fn want_drill(self, service: &str, cluster: &str) {
        self.target.set(format!("{service}@{cluster}"));
        self.want(Task::Drill);
    }

    /// Acts on an order.
    pub(crate) fn take(self, order: &str) {
        match json::read(order) {
            Ok(order) => self.carry_out(order),
            Err(error) => self.show(View::NotUnderstood(error)),
        }
    }

    fn carry_out(self, order: Order) {
        self.client.set(Some(order.client));
        match (order.task, order.document) {
            (Task::Plan(intent), Some(document)) => self.plan(intent, document),
            (Task::Verify { wait }, Some(document)) => {
                let body = verify_request(&document, wait, None);
                self.verify(order.task, Doing::Verify, body);
            }
            (Task::Drill, Some(document)) => {
                let target = self.target.get_untracked();
                let body = verify_request(&document, 0, Some(&target));
                self.verify(order.task, Doing::Drill, body);
            }
            (Task::Resume, _) => {
                let kept = browser::load(Keep::Tab, RUN);
                if let Some(run) = kept.and_then(|kept| Run::from_text(&kept)) {
                    self.follow(run);
                } else {
                    self.leave();
                }
            }
            (Task::Rest, _) => self.show(View::Nothing),
            // The page gives them a document.
            (Task::Plan(_) | Task::Verify { .. } | Task::Drill, None) => {}
        }
    }

    /// Shows a view that a person has asked for: its heading is where they go on from.
    fn show(self, view: View) {
        self.tell(&Told::Running(matches!(view, View::Running(_))));
        self.view.set(view);
        browser::next_frame(to_title);
    }

    /// Says how a run ended. The button that had the focus may have gone with what was under way.
    pub(crate) fn ended(self, words: &str) {
        self.tell(&Told::Say(words.to_owned()));
        browser::next_frame(|| {
            if browser::has_lost_focus() {
                to_title();
            }
        });
    }

    fn plan(self, intent: Intent, document: Document) {
        let Some(client) = self.client() else { return };
        let task = Task::Plan(intent);
        self.show(View::Asking(task));
        spawn_local(async move {
            let body = plan_request(&document, intent);
            let view = match client.post("plan", &body, json::of).await {
                Ok(response) => View::Planned(Planned {
                    intent,
                    document: Arc::new(document),
                    response: Arc::new(response),
                }),
                Err(failure) => View::Failed { task, failure },
            };
            // Something else may have been asked for meanwhile.
            if self.view.get_untracked() == View::Asking(task) {
                self.view.set(view);
            }
        });
    }

    /// Carries out the plan that is shown.
    pub(crate) fn apply(self, planned: &Planned, partial: bool) {
        let body = apply_request(planned, partial);
        let doing = match planned.intent {
            Intent::Apply => Doing::Apply,
            Intent::Remove => Doing::Remove,
        };
        self.begin("apply", body, doing, Task::Plan(planned.intent));
    }

    fn verify(self, task: Task, doing: Doing, body: Value) {
        if self.sending.get_untracked() {
            return;
        }
        self.show(View::Asking(task));
        self.begin("verify", body, doing, task);
    }

    /// Asks for a run and follows it.
    fn begin(self, path: &'static str, body: Value, doing: Doing, task: Task) {
        let Some(client) = self.client() else { return };
        if self.sending.get_untracked() {
            return;
        }
        self.sending.set(true);
        spawn_local(async move {
            let answer = client.post(path, &body, answers::accepted).await;
            self.sending.set(false);
            match answer {
                Ok(accepted) => {
                    let run = Run {
                        id: accepted.id,
                        doing,
                        started: browser::now(),
                    };
                    browser::store(Keep::Tab, RUN, &run.to_text());
                    self.follow(run);
                }
                Err(failure) => self.show(View::Failed { task, failure }),
            }
        });
    }

    /// Shows a run from its first event to its end.
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

    /// Whether a run is what is shown.
    pub(crate) fn shows(self, run: &Run) -> bool {
        self.view
            .with_untracked(|view| matches!(view, View::Running(shown) if shown.id == run.id))
    }

    /// Asks the agent to bring a verification to its end.
    pub(crate) fn stop(self, run: &Run) {
        let Some(client) = self.client() else { return };
        if self.sending.get_untracked() {
            return;
        }
        self.sending.set(true);
        self.not_stopped.set(None);
        let path = format!("verifications/{}/stop", run.id);
        spawn_local(async move {
            let answer = client.tell(&path).await;
            self.sending.set(false);
            self.not_stopped.set(answer.err());
        });
    }

    /// Leaves a plan or the result of a run.
    pub(crate) fn leave(self) {
        browser::forget(Keep::Tab, RUN);
        self.view.set(View::Nothing);
        self.tell(&Told::Running(false));
        self.tell(&Told::Leave);
    }
}

fn to_title() {
    if let Some(title) = dom::at(TITLE) {
        browser::focus(title.element());
    }
}

fn plan_request(document: &Document, intent: Intent) -> Value {
    json!({ "mesh": document.mesh, "digest": document.digest, "intent": intent })
}

fn apply_request(planned: &Planned, partial: bool) -> Value {
    let mut body = plan_request(&planned.document, planned.intent);
    body["planId"] = planned.response.plan.id.clone().into();
    body["partial"] = partial.into();
    body
}

fn verify_request(document: &Document, wait: u32, drill: Option<&str>) -> Value {
    let mut body = plan_request(document, Intent::Apply);
    body["wait"] = wait.into();
    body["drill"] = drill.into();
    body
}

#[cfg(test)]
mod tests {
    use shared::api::{ApplyRequest, PlanRequest, VerifyRequest};
    use shared::plan::Plan;

    use super::*;

    #[test]
    fn the_agent_understands_what_is_asked() {
        let mesh = crate::template::walkthrough();
        let document = Document {
            mesh: serde_json::to_value(&mesh).unwrap(),
            digest: "d".to_owned(),
        };
        let wanted = PlanRequest {
            mesh,
            digest: "d".to_owned(),
            intent: Intent::Remove,
        };
        let read: PlanRequest = json::of(&plan_request(&document, Intent::Remove)).unwrap();
        assert_eq!(read, wanted);

        let planned = Planned {
            intent: Intent::Remove,
            document: Arc::new(document.clone()),
            response: Arc::new(PlanResponse {
                findings: Vec::new(),
                plan: Plan {
                    id: "p".to_owned(),
                    mesh: "demo".to_owned(),
                    clusters: Vec::new(),
                },
            }),
        };
        assert_eq!(planned.name(), "demo");
        let read: ApplyRequest = json::of(&apply_request(&planned, true)).unwrap();
        assert_eq!((read.plan, read.plan_id.as_str()), (wanted, "p"));
        assert!(read.partial);

        let read: VerifyRequest = json::of(&verify_request(&document, 600, None)).unwrap();
        assert_eq!((read.plan.intent, read.wait), (Intent::Apply, 600));
        assert_eq!(read.drill, None);
        let drill = verify_request(&document, 0, Some("orders.sales@north"));
        let read: VerifyRequest = json::of(&drill).unwrap();
        assert_eq!(read.drill.as_deref(), Some("orders.sales@north"));
    }
}
