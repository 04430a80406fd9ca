//! What is applied to a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::gateways::last_known::LastKnown;
use shared::plan::desired::Desired;

use crate::cluster::Look;

/// The data for an apply to one cluster.
#[derive(Debug)]
pub(crate) struct Target {
    /// The part of the mesh that is applied.
    pub(crate) scope: Scope,
    /// Digest of the document; `None` for a removal.
    pub(crate) document: Option<String>,
    /// The clusters that have, or may have, objects of the mesh after the apply, with their contexts.
    pub(crate) clusters: BTreeMap<String, String>,
    /// The identities of these clusters.
    pub(crate) identities: BTreeMap<String, String>,
    /// The gateway addresses to record.
    pub(crate) last_known: LastKnown,
    /// Whether the addresses are written even if nothing else changes in the cluster.
    pub(crate) keeps_addresses: bool,
    /// The desired objects of all clusters.
    pub(crate) desired: Arc<Desired>,
    /// The observed cluster and its connection.
    pub(crate) look: Look,
}

/// The part of a mesh that is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The whole mesh: objects that are not desired are pruned.
    Everything,
    /// Objects with gateway addresses: all others stay unchanged and recorded.
    Addresses,
}
