//! Options of commands that change clusters: how to be the only one who does.

use std::time::Duration;

use clap::Args;

use super::duration::duration;
use super::output;
use crate::cluster::Holder;
use crate::lock::LockOptions;

/// How long Leases outlive a run that dies, unless something else is asked for.
const LEASE_DURATION: &str = "30s";

/// How to become the only writer of a mesh.
#[derive(Debug, Clone, Args)]
pub(super) struct Lock {
    /// While another run changes this mesh, wait so long for it to end.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    lock_timeout: Option<Duration>,

    /// How long the Leases that keep other writers away outlive this run if it dies.
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

/// Between what a slow API server needs and what a person waits for.
fn lease_duration(text: &str) -> Result<Duration, String> {
    // A variable that is empty is one that is not set.
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
    // It waits whether or not somebody reads this.
    _ = writeln!(
        output::stderr(),
        "waiting for the Lease in {}, held by {}",
        output::printable(cluster),
        output::printable(&holder)
    );
}
