//! Options of commands that change clusters: the Leases that allow one run at a time.

use std::time::Duration;

use clap::Args;

use super::duration::duration;
use super::output;
use crate::cluster::Holder;
use crate::lock::LockOptions;

/// Default duration of the Leases.
const LEASE_DURATION: &str = "30s";

/// Options for the Leases of a mesh.
#[derive(Debug, Clone, Args)]
pub(super) struct Lock {
    /// Time to wait while another run changes this mesh.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    lock_timeout: Option<Duration>,

    /// Time after which the Leases that block other runs expire if this run is killed.
    #[arg(
        long,
        value_name = "TIME",
        default_value = LEASE_DURATION,
        env = "FEDMESH_LEASE_DURATION",
        value_parser = lease_duration,
        hide_short_help = true
    )]
    lease_duration: Duration,
}

impl Lock {
    pub(super) fn options(&self) -> LockOptions<'static> {
        LockOptions {
            timeout: self.lock_timeout.unwrap_or_default(),
            lease: self.lease_duration,
            waits: &tell,
            ..LockOptions::default()
        }
    }
}

/// Parses the duration of the Leases: long enough for a slow API server, short enough to wait for.
fn lease_duration(text: &str) -> Result<Duration, String> {
    // An empty variable counts as not set.
    let text = if text.is_empty() {
        LEASE_DURATION
    } else {
        text
    };
    let parsed = duration(text)?;
    let allowed = Duration::from_secs(3)..=Duration::from_mins(10);
    if allowed.contains(&parsed) {
        Ok(parsed)
    } else {
        Err("out of range (3s–10m)".to_owned())
    }
}

fn tell(cluster: &str, holder: &Holder) {
    use std::io::Write as _;
    let holder = holder.to_string();
    // A failed write does not end the waiting.
    _ = writeln!(
        output::stderr(),
        "waiting for the Lease in {}, held by {}",
        output::printable(cluster),
        output::printable(&holder)
    );
}
