//! What the page and the part of it that is loaded on demand say to each other.
//!
//! The part plans, applies and verifies. It is a program of its own with a memory of its own, so
//! whatever passes between the two is text: events of the element that both know, the stage.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::api::Intent;
use shared::check::Fix;

use crate::api::Client;

/// The name of the part's files.
pub(crate) const PART: &str = "review";
/// The id of the element that the part draws into.
pub(crate) const STAGE: &str = "review-stage";
/// The event of the stage that carries an [`Order`].
pub(crate) const ORDER: &str = "order";
/// The event of the stage that carries a [`Told`].
pub(crate) const TOLD: &str = "told";
/// Where the run at hand is kept, for this tab only: the part writes it, and the page sees that
/// there is one.
pub(crate) const RUN: &str = "fedmesh.run";

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Show what would change.
    Plan(Intent),
    /// Prove by traffic that what is applied works; seconds that what fails is tried again.
    Verify { wait: u32 },
    /// Verify, and take a service away; the part that wanted it knows which.
    Drill,
    /// Go on showing the run that was at hand when the page was loaded.
    Resume,
    /// Show nothing any more.
    Rest,
}

impl Task {
    /// Whether it is about the document as it is.
    pub(crate) const fn is_about_document(self) -> bool {
        matches!(self, Self::Plan(_) | Self::Verify { .. } | Self::Drill)
    }
}

/// From the page to the part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) task: Task,
    pub(crate) client: Client,
    /// There where the task is about it.
    pub(crate) document: Option<Document>,
}

/// The document as the agent takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Document {
    /// The part does not look into it, so that it need not know how.
    pub(crate) mesh: Value,
    /// Of the bundle that the page rendered from it.
    pub(crate) digest: String,
}

/// From the part to the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Told {
    /// The person is back at the document; the part goes on with what it does.
    Back,
    /// What was under review is done with.
    Leave,
    /// Whether a run is under way or its result is still to be read.
    Running(bool),
    /// To be said to people who do not see the page.
    Say(String),
    /// A field to go to.
    GoTo(String),
    /// A fix to make.
    Mend(Fix),
    /// A task that the part wants to be given, with the document as it is by then.
    Want(Task),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn what_is_said_is_understood() {
        let order = Order {
            task: Task::Verify { wait: 600 },
            client: Client {
                address: "http://127.0.0.1:1".into(),
                token: "t".into(),
            },
            document: Some(Document {
                mesh: Value::Null,
                digest: "d".into(),
            }),
        };
        assert_eq!(json::read(&json::write(&order)), Ok(order));
        for told in [
            Told::Back,
            Told::Running(true),
            Told::Want(Task::Plan(Intent::Remove)),
            Told::Want(Task::Drill),
            Told::GoTo("spec".into()),
        ] {
            assert_eq!(json::read(&json::write(&told)), Ok(told));
        }
    }
}
