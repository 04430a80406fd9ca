//! A run of the agent, which the tab's storage keeps over a reload.

use serde::{Deserialize, Serialize};

use crate::browser::storage::Keep;

/// Storage key of the current run, for this tab only.
const RUN: &str = "fedmesh.run";

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Doing {
    Apply,
    Remove,
    Verify,
    /// Verifies with a drill, which takes a service out of service.
    Drill,
}

/// A run that the agent has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) doing: Doing,
    /// When it was started, in milliseconds since 1970.
    pub(crate) started: u64,
}

impl Run {
    /// The run that this tab has stored.
    pub(crate) fn stored() -> Option<Self> {
        Keep::Tab.get(RUN)
    }

    /// Where the browser stores nothing, the run is only lost with a reload.
    pub(crate) fn store(&self) {
        Keep::Tab.set(RUN, self);
    }

    /// Removes the stored run.
    pub(crate) fn forget() {
        Keep::Tab.forget(RUN);
    }
}
