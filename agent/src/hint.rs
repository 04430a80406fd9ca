//! What to do about an error of [`crate::operation`], for the command line and the API alike.

use crate::operation::PlanError;

impl PlanError {
    /// What to do.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Findings(_) => "mend what the findings name and try again".to_owned(),
            Self::Kubeconfig(_) => {
                "`kubectl config get-contexts` shows what a kubeconfig has; fedmesh reads the same files".to_owned()
            }
            Self::NoName => "write metadata.name as it was when the mesh was applied".to_owned(),
        }
    }
}
