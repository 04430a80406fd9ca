//! A run of the agent, which the tab's storage keeps over a reload.

use serde::{Deserialize, Serialize};

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
