//! The observed state of the clusters of a document.

use std::collections::{BTreeMap, BTreeSet};

use shared::gateways::workload::{Labels, Workload};
use shared::plan::ClusterPlan;

use crate::cluster::{DnsLook, Look};

/// The observed state of one cluster, with its planned steps.
pub(super) struct ObservedMember {
    /// The planned steps; `None` if there are neither desired nor existing objects.
    pub(super) plan: Option<ClusterPlan>,
    /// The identity of the cluster; see [`cluster::identity`].
    pub(super) identity: Option<String>,
    /// Its DNS configuration.
    pub(super) dns: DnsLook,
    pub(super) look: Look,
    /// The gateways whose pods the document does not select, or may not.
    pub(super) gateways: Vec<(Workload, Mismatch)>,
    /// The places of nodes where the document does not have the cluster, `region/zone`, or why they are unknown.
    pub(super) nodes_elsewhere: Result<BTreeSet<String>, String>,
}

/// What is known of a gateway whose pods the document may not select.
pub(super) enum Mismatch {
    /// It selects none of them; the selector of its Service.
    Selects(Labels),
    /// Why they could not be compared.
    Unread(String),
}

/// The observed state of all clusters, by name.
pub(super) type AllObserved = BTreeMap<String, Result<ObservedMember, String>>;
