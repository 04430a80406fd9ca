//! The connection to the agent: its state, and the clusters that it reports.

use std::sync::Arc;

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
}

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

    /// The connected agent.
    pub(crate) fn client(self) -> Option<Client> {
        match self.link.get_untracked() {
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
        self.clusters.set(None);
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
