//! The observed state of the clusters of a document.

use std::collections::BTreeMap;

use shared::cluster_dns::{Edit, Refusal};
use shared::plan::ClusterPlan;

use crate::cluster::Look;

/// The observed state of one cluster, with its planned steps.
pub(super) struct ObservedMember {
    /// The planned steps; `None` if there are neither desired nor existing objects.
    pub(super) plan: Option<ClusterPlan>,
    /// The identity of the cluster; see [`cluster::identity`].
    pub(super) identity: Option<String>,
    /// The edits of its DNS configuration.
    pub(super) dns: Vec<Result<Edit, Refusal>>,
    pub(super) look: Look,
}

/// The observed state of all clusters, by name.
pub(super) type AllObserved = BTreeMap<String, Result<ObservedMember, String>>;
