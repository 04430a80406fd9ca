//! Messages between the page and its part `review`, which is loaded on demand.
//!
//! The part is a program with its own memory, so all messages are text: events of an element that both know, the
//! stage.

use serde::{Deserialize, Serialize};
use shared::Mesh;
use shared::api::Intent;
use shared::check::Fix;

use super::api::Client;

/// The name of the part's files.
pub(crate) const PART: &str = "review";
/// The id of the element that the part draws into.
pub(crate) const STAGE: &str = "review-stage";
/// The event of the stage that carries an [`Order`].
pub(crate) const ORDER: &str = "order";
/// The event of the stage that carries a [`StageEvent`].
pub(crate) const STAGE_EVENT: &str = "reported";
/// Storage key of the current run, for this tab only: the part writes it, and the page checks whether it is set.
pub(crate) const RUN: &str = "fedmesh.run";

/// A task of the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Show the plan.
    Plan(Intent),
    /// Prove by traffic that the applied mesh works; failed checks are retried for `wait` seconds.
    Verify { wait: u32 },
    /// Verify, and take a service out of service; the part has the target.
    Drill,
    /// Show the run that was in progress when the page was reloaded.
    Resume,
    /// Show nothing.
    Rest,
}

impl Task {
    /// Whether it needs the document.
    pub(crate) const fn is_about_document(self) -> bool {
        matches!(self, Self::Plan(_) | Self::Verify { .. } | Self::Drill)
    }
}

/// A message from the page to the part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) task: Task,
    pub(crate) client: Client,
    /// Set if the task needs it.
    pub(crate) document: Option<Document>,
}

/// The document as sent to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Document {
    pub(crate) mesh: Mesh,
    /// The digest of the bundle that the page rendered from it.
    pub(crate) digest: String,
}

/// A message from the part to the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StageEvent {
    /// The user went back to the document; the part continues.
    Back,
    /// The review is done.
    Leave,
    /// Whether a run is in progress, or its result has not been read yet.
    Running(bool),
    /// A text for screen readers.
    Say(String),
    /// Focus a field.
    GoTo(String),
    /// Apply a fix.
    Fix(Fix),
    /// Send this task to the part, with the document as it is then.
    Want(Task),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::template;
    use crate::json;

    #[test]
    fn messages_survive_json() {
        let order = Order {
            task: Task::Verify { wait: 600 },
            client: Client {
                address: "http://127.0.0.1:1".into(),
                token: "t".into(),
            },
            document: Some(Document {
                mesh: template::start(),
                digest: "d".into(),
            }),
        };
        assert_eq!(json::read(&json::write(&order)), Ok(order));
        for reported in [
            StageEvent::Back,
            StageEvent::Running(true),
            StageEvent::Want(Task::Plan(Intent::Remove)),
            StageEvent::Want(Task::Drill),
            StageEvent::GoTo("spec".into()),
        ] {
            assert_eq!(json::read(&json::write(&reported)), Ok(reported));
        }
    }
}
