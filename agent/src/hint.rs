//! Hints for errors of planning and following, for the command line and the API.

use crate::follow::FollowError;
use crate::operation::PlanError;

const IN_REPOSITORY: &str =
    "commit the output of `fedmesh-agent render --to DIR`, then check the result with `verify`";

impl PlanError {
    /// The hint.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Findings(_) => "fix the findings and try again".to_owned(),
            Self::Kubeconfig(_) => {
                "check `kubectl config get-contexts`, which reads the same files as fedmesh"
                    .to_owned()
            }
            Self::NoName => {
                "set metadata.name to the name that the mesh was applied with".to_owned()
            }
            Self::HandedOver(_) => IN_REPOSITORY.to_owned(),
        }
    }
}

impl FollowError {
    /// The hint, if there is one.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Findings(_) => "fix the findings and try again",
            Self::Kubeconfig(_) => {
                "check `kubectl config get-contexts`, which reads the same files as fedmesh"
            }
            Self::Controller => return None,
            Self::HandedOver(_) => IN_REPOSITORY,
            Self::NotApplied { .. } => "apply the document first",
            Self::OtherDocument { .. } => {
                "use the document that was applied last, or apply this one first"
            }
            Self::First(_) => "check whether `fedmesh-agent status` can read the clusters",
        };
        Some(hint.to_owned())
    }
}
