//! `spec.gitops`: the repository with the manifests for Argo CD or Flux.

use serde::{Deserialize, Serialize};

/// The Git repository that the bundle is committed to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gitops {
    /// Its URL, `https://…` or `ssh://…`, without a credential.
    #[serde(rename = "repoURL")]
    pub repo_url: String,
    /// The folder in it that has the bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "its root")))]
    pub path: Option<String>,
    /// The branch that is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = crate::defaults::DEFAULT_BRANCH)))]
    pub branch: Option<String>,
    /// A Secret in Flux's namespace with the credential for a private repository. Argo CD finds its
    /// own by the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "none: the repository is public")))]
    pub secret: Option<String>,
}
