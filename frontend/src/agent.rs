//! The agent as the page sees it: connected or not, its clusters, and the plan or run at hand.

use std::sync::Arc;

use serde_json::json;
use shared::api::{ApplyRequest, Clusters, Intent, PlanRequest, PlanResponse};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::api::{Client, Failure};
use crate::browser::{self, Keep};
use crate::json;
use crate::progress::Progress;
use crate::signals::*;
use crate::state::{Page, Store};

/// Where address and token are kept, for this tab only.
const CONNECTION: &str = "fedmesh.agent";
/// Where the run at hand is kept, for this tab only.
const RUN: &str = "fedmesh.run";
/// How often a lost stream of events is opened again before the person is asked.
const ATTEMPTS: u32 = 5;

/// The connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Link {
    #[default]
    Off,
    Connecting,
    On {
        client: Client,
        version: String,
    },
}

/// What is under review.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Review {
    #[default]
    Nothing,
    Planning(Intent),
    Planned {
        request: PlanRequest,
        response: Arc<PlanResponse>,
    },
    Failed {
        intent: Intent,
        failure: Failure,
    },
    /// Its progress is in [`Agent::progress`].
    Running(Run),
}

/// A stream of events that broke off.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lost {
    pub(crate) failure: Failure,
    /// Whether it is not being opened again.
    pub(crate) given_up: bool,
}

/// A run that the agent has accepted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) intent: Intent,
    /// When it was started, in milliseconds since 1970.
    pub(crate) started: u64,
}

impl Run {
    fn to_text(&self) -> String {
        let removes = self.intent == Intent::Remove;
        json!({ "id": self.id, "removes": removes, "started": self.started }).to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        let value = json::value(text).ok()?;
        let removes = value["removes"].as_bool()?;
        Some(Self {
            id: value["id"].as_str()?.to_owned(),
            intent: if removes {
                Intent::Remove
            } else {
                Intent::Apply
            },
            started: value["started"].as_u64()?,
        })
    }
}

/// The agent's state; a handle that is cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Agent {
    store: Store,
    pub(crate) link: RwSignal<Link>,
    /// Why connecting did not work.
    pub(crate) failure: RwSignal<Option<Failure>>,
    pub(crate) clusters: RwSignal<Option<Result<Arc<Clusters>, Failure>>>,
    pub(crate) review: RwSignal<Review>,
    /// What is known of the run under review.
    pub(crate) progress: RwSignal<Progress>,
    /// Why it is not known how the run goes on.
    pub(crate) lost: RwSignal<Option<Lost>>,
    /// Whether the dialog is open.
    pub(crate) dialog: RwSignal<bool>,
    /// Whether a request that changes something is under way.
    pub(crate) sending: RwSignal<bool>,
}

impl Agent {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            link: RwSignal::default(),
            failure: RwSignal::default(),
            clusters: RwSignal::default(),
            review: RwSignal::default(),
            progress: RwSignal::default(),
            lost: RwSignal::default(),
            dialog: RwSignal::default(),
            sending: RwSignal::default(),
        }
    }

    pub(crate) fn client(self) -> Option<Client> {
        match self.link.get() {
            Link::On { client, .. } => Some(client),
            Link::Off | Link::Connecting => None,
        }
    }

    pub(crate) fn is_connected(self) -> bool {
        self.link.with(|link| matches!(link, Link::On { .. }))
    }

    /// The clusters that were found.
    pub(crate) fn found(self) -> Option<Arc<Clusters>> {
        self.clusters
            .with(|clusters| clusters.as_ref()?.as_ref().ok().cloned())
    }

    /// Connects as in this tab before, if at all.
    pub(crate) fn reconnect(self) {
        let kept = browser::load(Keep::Tab, CONNECTION);
        if let Some((address, token)) = kept.as_deref().and_then(|kept| kept.split_once(' ')) {
            self.connect(Client {
                address: address.to_owned(),
                token: token.to_owned(),
            });
        }
    }

    pub(crate) fn connect(self, client: Client) {
        self.link.set(Link::Connecting);
        self.failure.set(None);
        spawn_local(async move {
            match client.session().await {
                Ok(session) => {
                    let kept = format!("{} {}", client.address, client.token);
                    browser::store(Keep::Tab, CONNECTION, &kept);
                    self.link.set(Link::On {
                        client,
                        version: session.version,
                    });
                    self.dialog.set(false);
                    self.store.spoken.set("Connected to the agent".to_owned());
                    self.attach();
                    self.look().await;
                }
                Err(failure) => {
                    self.link.set(Link::Off);
                    self.failure.set(Some(failure));
                    self.dialog.set(true);
                }
            }
        });
    }

    pub(crate) fn disconnect(self) {
        browser::forget(Keep::Tab, CONNECTION);
        self.link.set(Link::Off);
        self.clusters.set(None);
        self.review.set(Review::Nothing);
        self.store.page.set(Page::Edit);
    }

    /// Asks for the clusters again.
    pub(crate) async fn look(self) {
        let Some(client) = untrack(|| self.client()) else {
            return;
        };
        self.clusters.set(None);
        let clusters = client.clusters().await.map(Arc::new);
        self.clusters.set(Some(clusters));
    }

    /// Plans and shows the plan.
    pub(crate) fn plan(self, intent: Intent) {
        let Some(client) = untrack(|| self.client()) else {
            return;
        };
        let rendered = self.store.rendered.get_untracked();
        let Some(bundle) = rendered.bundle.filter(|_| rendered.is_current) else {
            return self.store.fail(
                "There is nothing to plan while the document has errors",
                "Mend them first; the tab Findings lists them.",
            );
        };
        let request = PlanRequest {
            mesh: self.store.now(),
            digest: bundle.digest.clone(),
            intent,
        };
        self.review.set(Review::Planning(intent));
        self.store.page.set(Page::Review);
        spawn_local(async move {
            let review = match client.plan(&request).await {
                Ok(response) => Review::Planned {
                    request,
                    response: Arc::new(response),
                },
                Err(failure) => Review::Failed { intent, failure },
            };
            self.review.set(review);
        });
    }

    /// Carries out the plan that is shown.
    pub(crate) fn apply(self, partial: bool) {
        let Some(client) = untrack(|| self.client()) else {
            return;
        };
        let Review::Planned { request, response } = self.review.get_untracked() else {
            return;
        };
        if self.sending.get_untracked() {
            return;
        }
        self.sending.set(true);
        spawn_local(async move {
            let intent = request.intent;
            let plan_id = response.plan.id.clone();
            let answer = client
                .apply(&ApplyRequest {
                    plan: request,
                    plan_id,
                    partial,
                })
                .await;
            self.sending.set(false);
            match answer {
                Ok(accepted) => {
                    let run = Run {
                        id: accepted.id,
                        intent,
                        started: browser::now(),
                    };
                    browser::store(Keep::Tab, RUN, &run.to_text());
                    self.follow(run);
                }
                Err(failure) => self.review.set(Review::Failed { intent, failure }),
            }
        });
    }

    /// Goes on showing a run that was begun before the page was loaded.
    fn attach(self) {
        let kept = browser::load(Keep::Tab, RUN);
        if let Some(run) = kept.and_then(|kept| Run::from_text(&kept)) {
            self.store.page.set(Page::Review);
            self.follow(run);
        }
    }

    /// Shows a run until its end; a stream that breaks off is opened again from its first event.
    pub(crate) fn follow(self, run: Run) {
        let Some(client) = untrack(|| self.client()) else {
            return;
        };
        self.progress.set(Progress::default());
        self.lost.set(None);
        self.review.set(Review::Running(run.clone()));
        spawn_local(async move {
            let mut failures = 0;
            loop {
                let mut progress = Progress::default();
                let result = client
                    .events(&run.id, |event| {
                        progress.take(event);
                        if self.shows(&run) {
                            self.lost.set(None);
                            self.progress.set(progress.clone());
                        }
                    })
                    .await;
                if !self.shows(&run) {
                    return;
                }
                let Err(failure) = result else {
                    return self.say_end();
                };
                failures += 1;
                // An answer that is an error stays one.
                let given_up = failures >= ATTEMPTS || failure.status != 0;
                self.lost.set(Some(Lost { failure, given_up }));
                if given_up {
                    return;
                }
                sleep(500 * (1 << failures)).await;
                if !self.shows(&run) {
                    return;
                }
            }
        });
    }

    fn shows(self, run: &Run) -> bool {
        self.review
            .with_untracked(|review| matches!(review, Review::Running(shown) if shown.id == run.id))
    }

    fn say_end(self) {
        let is_good = self.progress.with_untracked(|p| {
            p.report
                .as_ref()
                .is_some_and(shared::api::Report::is_success)
        });
        let words = if is_good {
            "Finished without errors"
        } else {
            "Finished with errors"
        };
        self.store.spoken.set(words.to_owned());
    }

    /// Leaves a plan or the result of a run.
    pub(crate) fn close(self) {
        browser::forget(Keep::Tab, RUN);
        self.review.set(Review::Nothing);
        self.store.page.set(Page::Edit);
        spawn_local(self.look());
    }
}

async fn sleep(milliseconds: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        // A window can always set a timer.
        _ = browser::window()
            .set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
    });
    // This promise is never rejected.
    _ = JsFuture::from(promise).await;
}

#[cfg(test)]
mod tests {
    use super::{Intent, Run};

    #[test]
    fn a_run_is_kept_over_a_reload() {
        for intent in [Intent::Apply, Intent::Remove] {
            let run = Run {
                id: "a b".to_owned(),
                intent,
                started: 1_700_000_000_000,
            };
            assert_eq!(Run::from_text(&run.to_text()), Some(run));
        }
        assert_eq!(Run::from_text("{}"), None);
    }
}
