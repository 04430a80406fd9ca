//! What to do about errors, for the command line and the API alike.

use crate::follow::FollowError;
use crate::operation::PlanError;

const IN_REPOSITORY: &str = "write the folder with `fedmesh-agent render --to DIR` and commit it; `verify` proves the result";

impl PlanError {
    /// What to do.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Findings(_) => "mend what the findings name and try again".to_owned(),
            Self::Kubeconfig(_) => {
                "`kubectl config get-contexts` shows what a kubeconfig has; fedmesh reads the same files".to_owned()
            }
            Self::NoName => "write metadata.name as it was when the mesh was applied".to_owned(),
            Self::HandedOver => IN_REPOSITORY.to_owned(),
        }
    }
}

impl FollowError {
    /// What to do, if there is anything.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Findings(_) => "mend what the findings name and try again",
            Self::Kubeconfig(_) => {
                "`kubectl config get-contexts` shows what a kubeconfig has; fedmesh reads the same files"
            }
            Self::Controller => return None,
            Self::HandedOver => IN_REPOSITORY,
            Self::NotApplied { .. } => "apply the document first",
            Self::OtherDocument { .. } => {
                "follow with the document that was applied last, or apply this one first"
            }
            Self::First(_) => "see whether `fedmesh-agent status` can look at the clusters",
        };
        Some(hint.to_owned())
    }
}
