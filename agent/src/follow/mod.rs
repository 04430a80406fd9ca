//! Following: the DNS records, and addresses of gateways in the meshes, stay true while gateways change address.
//!
//! ```text
//! watches ──something has changed──▶ pause ──▶ pass: gateways ─▶ check ─▶ render ─▶ what has addresses
//! ```
//!
//! A pass looks at everything anew, so a change that no watch has seen is found by the next one, at
//! the latest after [`RESYNC`]. **Invariants**: nothing is written but DNSEndpoints of the mesh, with `endpoints:
//! addresses` its WorkloadEntries and how ServiceEntries find them, and the last known addresses in its record;
//! addresses are decided by the rule of [`shared::last_known`]; and nothing of another document than the one that was
//! applied last is ever written.

mod event;
mod pass;
mod records;
mod watch;
mod write;

use std::time::Duration;

use shared::Mesh;
use shared::check::Finding;
use tokio::sync::mpsc::{self, UnboundedSender};

pub use event::{FollowEvent, RecordChange};

use crate::cluster::KubeconfigError;
use crate::lock::LockOptions;
use crate::memory;
use crate::operation::Operations;
use crate::stop::Stop;
use pass::{Follower, Trouble};

/// Between two looks at everything, whatever the watches say.
const RESYNC: Duration = Duration::from_mins(5);
/// The same where load balancers' host names are resolved: clouds keep their answers for a minute.
const RESOLVE_AGAIN: Duration = Duration::from_mins(1);
/// After the first pass that failed; each later pause is twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// No pause is longer.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// How to follow.
#[derive(Clone, Copy)]
pub struct FollowOptions {
    /// How long to wait for more changes after one.
    pub debounce: Duration,
    /// Whether one pass is enough.
    pub once: bool,
    /// How to become the only writer for the time of a write.
    pub lock: LockOptions<'static>,
}

/// Following cannot begin, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The document has errors; these are all its findings.
    #[error("the document has errors")]
    Findings(Vec<Finding>),
    /// There is no kubeconfig, or it cannot be read.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The federation's own controller writes the records.
    #[error(
        "the federation's controller writes the records of this mesh, and follows the gateways itself"
    )]
    Controller,
    /// They come from a repository.
    #[error(
        "with the engine gitops, Argo CD or Flux write the records, from a Git repository; fedmesh does not"
    )]
    HandedOver,
    /// There is nothing to keep true.
    #[error("mesh {mesh} is not applied in {cluster}")]
    NotApplied {
        /// The mesh.
        mesh: String,
        /// The cluster.
        cluster: String,
    },
    /// Somebody has applied another document since.
    #[error("what is applied in {cluster} comes from another document of mesh {mesh}")]
    OtherDocument {
        /// The mesh.
        mesh: String,
        /// The cluster.
        cluster: String,
    },
    /// The first pass could not be made.
    #[error("the records or endpoints could not be written: {0}")]
    First(String),
}

/// Keeps the records true until a stop is asked for; with `once`, makes them true and comes back.
///
/// # Errors
/// It cannot begin, or another document was applied in the meantime. What fails later is told as an
/// event and tried again.
pub async fn follow(
    operations: &Operations,
    mesh: &Mesh,
    options: FollowOptions,
    stop: &Stop,
    events: &UnboundedSender<FollowEvent>,
) -> Result<(), FollowError> {
    let mut follower = Follower::new(operations, mesh, events, options.lock);
    let first = match follower.pass().await {
        Ok(passed) => passed,
        Err(Trouble::Final(error)) => return Err(error),
        Err(Trouble::Passing(why)) => return Err(FollowError::First(why)),
    };
    if options.once {
        return first
            .skipped
            .map_or(Ok(()), |why| Err(FollowError::First(why)));
    }
    follower.tell_of_start();
    let kept = first.kept;
    let mut skipped = first.skipped;
    follower.tell_of_skipped(skipped.as_deref());
    memory::give_back();
    let (sender, mut changed) = mpsc::channel(1);
    let _watches = watch::start(operations, mesh, &kept, &sender);
    let mut retry = None;
    loop {
        tokio::select! {
            () = stop.requested() => return Ok(()),
            _ = changed.recv() => tokio::select! {
                () = stop.requested() => return Ok(()),
                () = tokio::time::sleep(options.debounce) => {}
            },
            () = tokio::time::sleep(retry.unwrap_or_else(|| follower.resync())) => {}
        }
        // Said while it waited; what comes from here on is another change.
        _ = changed.try_recv();
        retry = match follower.pass().await {
            Ok(passed) => {
                if passed.skipped != skipped {
                    follower.tell_of_skipped(passed.skipped.as_deref());
                }
                skipped = passed.skipped;
                None
            }
            Err(Trouble::Final(error)) => return Err(error),
            Err(Trouble::Passing(error)) => {
                let pause = retry.map_or(FIRST_RETRY, |last| (last * 2).min(LONGEST_RETRY));
                let retry_in = pause.as_secs();
                follower.tell(FollowEvent::Failed { error, retry_in });
                Some(pause)
            }
        };
        memory::give_back();
    }
}
