//! The connection to the agent: its state, the clusters that it reports, and the way to the part of the page
//! that plans, applies and verifies.

use std::sync::Arc;

use shared::api::Clusters;
use wasm_bindgen_futures::spawn_local;

use super::api::{Client, Failure};
use super::message::{Document, ORDER, Order, PART, RUN, STAGE, StageEvent, Task};
use crate::browser::dom;
use crate::browser::signals::*;
use crate::browser::{self, Keep};
use crate::json;
use crate::state::renderer;
use crate::state::{Page, Store};

/// Storage key of address and token, for this tab only.
const CONNECTION: &str = "fedmesh.agent";

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

/// Whether the part of the page that plans, applies and verifies is loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Part {
    #[default]
    NotYet,
    Loading,
    There,
    /// It did not load; the task that it was loaded for can be tried again.
    Failed {
        message: String,
        task: Task,
    },
}

/// The agent's state; a handle that is cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Agent {
    store: Store,
    pub(crate) link: RwSignal<Link>,
    /// Why the connection failed.
    pub(crate) failure: RwSignal<Option<Failure>>,
    pub(crate) clusters: RwSignal<Option<Result<Arc<Clusters>, Failure>>>,
    pub(crate) part: RwSignal<Part>,
    /// Whether a run is in progress, or its result has not been read yet.
    pub(crate) is_running: RwSignal<bool>,
    /// Whether the dialog is open.
    pub(crate) dialog: RwSignal<bool>,
}

impl Agent {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            link: RwSignal::default(),
            failure: RwSignal::default(),
            clusters: RwSignal::default(),
            part: RwSignal::default(),
            is_running: RwSignal::default(),
            dialog: RwSignal::default(),
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

    /// The clusters that the agent reported.
    pub(crate) fn found(self) -> Option<Arc<Clusters>> {
        self.clusters
            .with(|clusters| clusters.as_ref()?.as_ref().ok().cloned())
    }

    /// Restores the connection of this tab, if there was one.
    pub(crate) fn reconnect(self) {
        let kept = browser::load(Keep::Tab, CONNECTION);
        if let Some(client) = kept.and_then(|kept| json::read(&kept).ok()) {
            self.connect(client);
        }
    }

    pub(crate) fn connect(self, client: Client) {
        self.link.set(Link::Connecting);
        self.failure.set(None);
        spawn_local(async move {
            match client.session().await {
                Ok(session) => {
                    browser::store(Keep::Tab, CONNECTION, &json::write(&client));
                    self.link.set(Link::On {
                        client,
                        version: session.version,
                    });
                    self.dialog.set(false);
                    self.store.spoken.set("Connected to the agent".to_owned());
                    if browser::load(Keep::Tab, RUN).is_some() {
                        self.order(Task::Resume);
                    }
                    self.look().await;
                    // Load the part early; an error is shown when the part is first needed.
                    _ = browser::load_part(PART).await;
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
        self.order(Task::Rest);
        browser::forget(Keep::Tab, CONNECTION);
        self.link.set(Link::Off);
        self.clusters.set(None);
        self.is_running.set(false);
        self.store.page.set(Page::Edit);
    }

    /// Requests the clusters again.
    pub(crate) async fn look(self) {
        let Some(client) = untrack(|| self.client()) else {
            return;
        };
        self.clusters.set(None);
        let clusters = client.clusters().await.map(Arc::new);
        self.clusters.set(Some(clusters));
    }

    /// Sends a task to the part and shows the part.
    pub(crate) fn order(self, task: Task) {
        let Some(client) = untrack(|| self.client()) else {
            return;
        };
        if task.is_about_document() && !untrack(|| self.store.is_good()) {
            return self.store.fail(
                "A document with errors cannot be planned or verified",
                "Fix the errors that the Findings tab lists.",
            );
        }
        if task == Task::Rest {
            if self.part.get_untracked() != Part::There {
                return;
            }
        } else {
            self.store.page.set(Page::Review);
        }
        spawn_local(async move {
            let mut document = None;
            if task.is_about_document() {
                let Some(rendered) = renderer::current(self.store).await else {
                    self.store.page.set(Page::Edit);
                    return;
                };
                document = Some(Document {
                    mesh: (*rendered.of).clone(),
                    digest: rendered.manifests.digest.clone(),
                });
            }
            let order = json::write(&Order {
                task,
                client,
                document,
            });
            if self.part.get_untracked() != Part::There {
                self.part.set(Part::Loading);
                let loaded = browser::load_part(PART).await;
                self.part.set(match loaded {
                    Ok(()) => Part::There,
                    Err(message) => Part::Failed { message, task },
                });
            }
            if let Some(stage) = dom::at(STAGE) {
                browser::send(stage.element(), ORDER, &order);
            }
        });
    }

    /// Handles an event of the part.
    pub(crate) fn on_event(self, reported: StageEvent) {
        match reported {
            StageEvent::Back => self.store.page.set(Page::Edit),
            StageEvent::Leave => {
                self.store.page.set(Page::Edit);
                spawn_local(self.look());
            }
            StageEvent::Running(is_running) => self.is_running.set(is_running),
            StageEvent::Say(words) => self.store.spoken.set(words),
            StageEvent::GoTo(path) => self.store.go_to(&path),
            StageEvent::Fix(fix) => self.store.fix(&fix),
            StageEvent::Want(task) => self.order(task),
        }
    }
}
