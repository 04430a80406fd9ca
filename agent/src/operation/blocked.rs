//! Why a plan is not carried out.

use shared::api::Intent;
use shared::guard::{self, MassDeletion};

use super::{ApplyOptions, Planned};

/// Why a plan is not carried out; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// Clusters that cannot be applied to.
    #[error("{blocked} of {clusters} clusters cannot be applied to")]
    Clusters {
        /// How many.
        blocked: usize,
        /// Of how many.
        clusters: usize,
    },
    /// More is deleted than may be without a word.
    #[error("the plan deletes {}", .0.reasons.join(", and "))]
    Deletes(MassDeletion),
}

impl Blocked {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::Clusters { .. } => {
                "resolve what the plan lists, or give --partial to apply to the other clusters"
                    .to_owned()
            }
            Self::Deletes(MassDeletion { deletes, .. }) => format!(
                "look at the deletions in the plan; give --allow-delete {deletes} if they are intended"
            ),
        }
    }
}

impl Planned {
    /// How many clusters can be applied to.
    pub fn ready(&self) -> usize {
        let clusters = self.plan.clusters.iter();
        clusters.filter(|cluster| cluster.can_be_applied()).count()
    }

    /// Why the plan is not carried out with these options.
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
            // A removal is asked for by its name.
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
