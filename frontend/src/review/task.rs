//! Tasks of the review, and the document that they are about.

use shared::Mesh;
use shared::api::Intent;

/// A task of the review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Show the plan.
    Plan(Intent),
    /// Prove by traffic that the applied mesh works; failed checks are retried for `wait` seconds.
    Verify { wait: u32 },
    /// Verify, and take a service out of service; the review has the target.
    Drill,
    /// Show the run that was in progress when the page was reloaded.
    Resume,
}

impl Task {
    /// Whether it needs the document.
    pub(crate) const fn is_about_document(self) -> bool {
        matches!(self, Self::Plan(_) | Self::Verify { .. } | Self::Drill)
    }
}

/// The document as sent to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) mesh: Mesh,
    /// The digest of the bundle that the page rendered from it.
    pub(crate) digest: String,
}
