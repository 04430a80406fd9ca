//! What a person decides about a plan beside the document.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Decisions that a plan takes into account; part of what its id stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Decisions {
    /// Objects of nobody who says so that become the mesh's, as `Kind/namespace/name`; see
    /// [`crate::object::Key::reference`].
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub adopt: BTreeSet<String>,
    /// The name that the mesh was applied under before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    /// Clusters, by name, that have been replaced: their contexts lead to other clusters than at the last
    /// apply.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub replaced: BTreeSet<String>,
    /// Clusters, by name, whose last known addresses are withdrawn. Addresses that can be looked up stay.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub forget_addresses: BTreeSet<String>,
}
