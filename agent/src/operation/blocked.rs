//! Plans that are blocked.

use shared::api::Intent;
use shared::plan::guard::{self, MassDeletion};

use super::{ApplyOptions, Planned};

/// Why a plan is blocked. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// Some clusters are blocked.
    #[error("{blocked} of {clusters} clusters are blocked")]
    Clusters {
        /// The number of blocked clusters.
        blocked: usize,
        /// The number of all clusters.
        clusters: usize,
    },
    /// The plan deletes more objects than allowed without confirmation.
    #[error("the plan deletes {}", .0.reasons.join(", and "))]
    Deletes(MassDeletion),
}

impl Blocked {
    /// The hint.
    pub fn hint(&self) -> String {
        match self {
            Self::Clusters { .. } => {
                "resolve the errors in the plan, or use --partial to apply to the other clusters"
                    .to_owned()
            }
            Self::Deletes(MassDeletion { deletes, .. }) => format!(
                "review the deletions in the plan; use --allow-delete {deletes} if they are intended"
            ),
        }
    }
}

impl Planned {
    /// The number of clusters that are not blocked.
    pub fn ready(&self) -> usize {
        let clusters = self.plan.clusters.iter();
        clusters.filter(|cluster| cluster.can_be_applied()).count()
    }

    /// Checks that the plan may be applied with these options.
    ///
    /// # Errors
    /// See [`Blocked`].
    pub fn allow(&self, intent: Intent, options: ApplyOptions) -> Result<(), Blocked> {
        let (ready, clusters) = (self.ready(), self.plan.clusters.len());
        if ready < clusters && (ready == 0 || !options.partial) {
            return Err(Blocked::Clusters {
                blocked: clusters - ready,
                clusters,
            });
        }
        match guard::mass_deletion(&self.plan) {
            // A removal deletes everything on purpose.
            Some(found)
                if intent == Intent::Apply
                    && options.allow_delete.is_none_or(|most| most < found.deletes) =>
            {
                Err(Blocked::Deletes(found))
            }
            _ => Ok(()),
        }
    }
}
