//! `spec.target`: the name of the engine. All else about an engine is in its description, see `crate::engine`.

use serde::{Deserialize, Serialize};
use strum::VariantArray as _;

/// The engine that delivers the manifests.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Target {
    /// Each cluster gets its own objects.
    #[default]
    Direct,
    /// The host cluster gets federation-v2 v0.0.4's template, placement and override objects.
    KubefedV1alpha1,
    /// The host cluster gets KubeFed v0.10.0's objects.
    KubefedV1beta1,
    /// Karmada gets templates and policies.
    Karmada,
    /// The hub of Open Cluster Management gets a ManifestWork for each cluster and subject.
    Ocm,
    /// A Git repository gets a Kustomize base with overlays, for Argo CD or Flux.
    Gitops,
}

impl Target {
    /// All engines, in the order of display.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        Self::VARIANTS.iter().copied()
    }

    /// The name in the document.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
