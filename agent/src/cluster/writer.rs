//! The identity of a writer, as the holder of a Lease.

use std::fmt;
use std::time::Duration;

use k8s_openapi::jiff::{Timestamp, Unit};

/// A run that changes clusters, such as an `apply`.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    identity: String,
    /// Start of the run.
    pub(super) since: Timestamp,
    /// Duration of its Lease after a renewal.
    pub(super) lease: Duration,
}

/// The writer that holds a Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Such as `apply root@laptop pid 4711 run 5f3a90c1`.
    pub(super) identity: String,
    /// Start of the run, by its own clock.
    pub(super) since: Option<Timestamp>,
}

impl Writer {
    /// This process; `command` names its task, such as `apply`.
    pub(crate) fn new(command: &str, lease: Duration) -> Self {
        let user = whoami::username().unwrap_or_else(|_| "unknown".to_owned());
        let host = whoami::hostname().unwrap_or_else(|_| "unknown".to_owned());
        let pid = std::process::id();
        // Distinguishes two runs of one agent, and processes on two machines of one name.
        let run = fastrand::u32(..);
        Self {
            identity: format!("{command} {user}@{host} pid {pid} run {run:08x}"),
            since: Timestamp::now(),
            lease,
        }
    }

    pub(super) fn identity(&self) -> &str {
        &self.identity
    }
}

/// Such as `apply root@laptop pid 4711 run 5f3a90c1, since 2026-11-29T12:00:00Z`.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.identity.is_empty() {
            return f.write_str("another writer");
        }
        f.write_str(&self.identity)?;
        match self.since {
            // Rounding fails only at the end of the range.
            Some(since) => write!(f, ", since {}", since.round(Unit::Second).unwrap_or(since)),
            None => Ok(()),
        }
    }
}
