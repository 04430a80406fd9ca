//! The connection to the agent: its state, and the clusters that it reports.

use std::sync::Arc;

use gloo::timers::callback::Interval;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::Clusters;

use super::api::{Client, Failure};
use crate::browser::storage::Keep;

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
    /// It no longer answers, or not to this token; it is asked again until the user disconnects.
    Lost {
        client: Client,
        version: String,
    },
}

/// Milliseconds between the requests that find out whether the agent is still there.
const BEAT: u32 = 10_000;

/// The agent's state; a handle that is cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Agent {
    pub(crate) link: RwSignal<Link>,
    /// Why the connection failed.
    pub(crate) failure: RwSignal<Option<Failure>>,
    pub(crate) clusters: RwSignal<Option<Result<Arc<Clusters>, Failure>>>,
    /// Whether the dialog is open.
    pub(crate) dialog: RwSignal<bool>,
}

impl Agent {
    pub(crate) fn new() -> Self {
        Self {
            link: RwSignal::default(),
            failure: RwSignal::default(),
            clusters: RwSignal::default(),
            dialog: RwSignal::default(),
        }
    }

    /// The connected agent; also one whose connection is lost, so that a request to it fails with the reason.
    pub(crate) fn client(self) -> Option<Client> {
        match self.link.get_untracked() {
            Link::On { client, .. } | Link::Lost { client, .. } => Some(client),
            Link::Off | Link::Connecting => None,
        }
    }

    pub(crate) fn is_lost(self) -> bool {
        self.link.with(|link| matches!(link, Link::Lost { .. }))
    }

    /// Why no task can succeed with the clusters that the agent reported.
    pub(crate) fn problem(self) -> Option<String> {
        match self.clusters.get()? {
            Err(failure) => Some(failure.message),
            Ok(clusters) => problem_of(&clusters),
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
        if let Some(client) = Keep::Tab.get(CONNECTION) {
            self.connect(client);
        }
    }

    pub(crate) fn connect(self, client: Client) {
        self.link.set(Link::Connecting);
        self.failure.set(None);
        spawn_local(async move {
            match client.session().await {
                Ok(session) => {
                    Keep::Tab.set(CONNECTION, &client);
                    self.dialog.set(false);
                    self.link.set(Link::On {
                        client,
                        version: session.version,
                    });
                    self.refresh().await;
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
        Keep::Tab.forget(CONNECTION);
        self.link.set(Link::Off);
        self.failure.set(None);
        self.clusters.set(None);
    }

    /// Asks the agent now and then whether it is still there, and when the user comes back to the page.
    pub(crate) fn watch(self) {
        // As long as the page.
        Interval::new(BEAT, move || spawn_local(self.check())).forget();
        window_event_listener(ev::focus, move |_| spawn_local(self.check()));
    }

    /// Asks a connected agent whether it is still there.
    pub(crate) async fn check(self) {
        let link = self.link.get_untracked();
        let (client, version, was_lost) = match &link {
            Link::On { client, version } => (client.clone(), version.clone(), false),
            Link::Lost { client, version } => (client.clone(), version.clone(), true),
            Link::Off | Link::Connecting => return,
        };
        let session = client.session().await;
        // The user may have disconnected meanwhile.
        if self.link.get_untracked() != link {
            return;
        }
        match session {
            Ok(session) if was_lost => {
                self.failure.set(None);
                self.link.set(Link::On {
                    client,
                    version: session.version,
                });
                self.refresh().await;
            }
            Ok(_) => {}
            Err(failure) => {
                self.failure.set(Some(failure));
                if !was_lost {
                    self.link.set(Link::Lost { client, version });
                }
            }
        }
    }

    /// Requests the clusters again.
    pub(crate) async fn refresh(self) {
        let Some(client) = self.client() else {
            return;
        };
        self.clusters.set(None);
        let clusters = client.clusters().await.map(Arc::new);
        self.clusters.set(Some(clusters));
    }
}

fn problem_of(clusters: &Clusters) -> Option<String> {
    let contexts = &clusters.contexts;
    if clusters.error.is_some() {
        return clusters.error.clone();
    }
    if contexts.is_empty() {
        return Some("the kubeconfig has no context".to_owned());
    }
    contexts
        .iter()
        .all(|context| context.error.is_some())
        .then(|| "no cluster of the kubeconfig can be reached".to_owned())
}

#[cfg(test)]
mod tests {
    use shared::api::Context;

    use super::*;

    #[test]
    fn one_cluster_that_can_be_reached_is_enough() {
        let context = |error: Option<&str>| Context {
            name: "one".to_owned(),
            error: error.map(str::to_owned),
            version: None,
            region: None,
            zones: Vec::new(),
            gateway: None,
        };
        let clusters = |error: Option<&str>, contexts: Vec<Context>| Clusters {
            error: error.map(str::to_owned),
            contexts,
        };
        for (clusters, problem) in [
            (
                clusters(Some("no kubeconfig"), Vec::new()),
                Some("no kubeconfig"),
            ),
            (
                clusters(None, Vec::new()),
                Some("the kubeconfig has no context"),
            ),
            (
                clusters(None, vec![context(Some("refused"))]),
                Some("no cluster of the kubeconfig can be reached"),
            ),
            (
                clusters(None, vec![context(Some("refused")), context(None)]),
                None,
            ),
        ] {
            assert_eq!(problem_of(&clusters).as_deref(), problem);
        }
    }
}
