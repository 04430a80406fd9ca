//! What a probe client is asked for, and what it found.

use std::collections::BTreeMap;
use std::time::Duration;

use shared::verify::{Cause, Resolution};

use super::curl::Transfer;

/// The requests and lookups of a probe client.
#[derive(Debug, Clone)]
pub(super) struct ProbeRequest {
    /// Each has a host or port of its own.
    pub(super) urls: Vec<String>,
    /// Names that the cluster's DNS resolves.
    pub(super) names: Vec<String>,
    /// Deadline of each transfer.
    pub(super) deadline: Duration,
}

/// The results of a probe client.
#[derive(Debug)]
pub(super) struct ProbeResult {
    /// Keyed by `host[:port]`.
    pub(super) transfers: BTreeMap<String, Transfer>,
    /// Keyed by name; or the reason why DNS could not be queried at all.
    pub(super) names: Result<BTreeMap<String, Resolution>, Cause>,
}
