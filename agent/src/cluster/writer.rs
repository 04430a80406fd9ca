//! Who writes: the holder of a Lease, as other writers see it.

use std::fmt;
use std::time::Duration;

use k8s_openapi::jiff::{Timestamp, Unit};

/// A run that changes clusters, such as an `apply`.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    identity: String,
    /// When it began.
    pub(super) since: Timestamp,
    /// How long after its last renewal its Lease may not be taken over.
    pub(super) lease: Duration,
}

/// The writer that holds a Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Such as `apply root@laptop pid 4711 run 5f3a90c1`.
    pub(super) identity: String,
    /// When it began, by its own clock.
    pub(super) since: Option<Timestamp>,
}

impl Writer {
    /// This process; `command` is what it does, such as `apply`.
    pub(crate) fn new(command: &str, lease: Duration) -> Self {
        let user = whoami::username().unwrap_or_else(|_| "unknown".to_owned());
        let host = whoami::hostname().unwrap_or_else(|_| "unknown".to_owned());
        let pid = std::process::id();
        // Tells two runs of one agent apart, and processes of two machines of one name.
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
            // Rounding only fails at the end of time.
            Some(since) => write!(f, ", since {}", since.round(Unit::Second).unwrap_or(since)),
            None => Ok(()),
        }
    }
}
