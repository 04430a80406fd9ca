//! `follow`: keeps the DNS records, and the gateway addresses in the meshes, up to date.
//!
//! ```text
//! watches ──change──▶ debounce ──▶ pass: gateways ─▶ check ─▶ render ─▶ objects with addresses
//! ```
//!
//! A pass reads everything again, so a change that a watch missed is found by the next pass, after [`RESYNC`] at the
//! latest. **Invariants**: only DNSEndpoints of the mesh are written, with `endpoints: addresses` also its
//! WorkloadEntries and the resolution of ServiceEntries, and the last known addresses in its record;
//! [`shared::gateways::last_known`] decides which addresses are published; and only objects of the document that was applied last
//! are written.

mod clusters;
mod event;
mod pass;
mod records;
mod watch;
mod write;

use std::time::Duration;

use shared::Mesh;
use shared::check::Finding;
use shared::mesh::Target;
use tokio::sync::mpsc::{self, UnboundedSender};

pub use event::{FollowEvent, RecordChange};

use crate::cluster::KubeconfigError;
use crate::lock::LockOptions;
use crate::memory;
use crate::operation::Operations;
use crate::stop::Stop;
use clusters::PassError;
use pass::Follower;

/// Time between two passes without a change.
const RESYNC: Duration = Duration::from_mins(5);
/// The same if host names of load balancers are resolved, whose records have a TTL of a minute in clouds.
const RESOLVE_AGAIN: Duration = Duration::from_mins(1);
/// Delay after the first failed pass, which doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// Longest delay.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// Options of `follow`.
#[derive(Clone, Copy)]
pub struct FollowOptions {
    /// Time to wait for further changes after a change.
    pub debounce: Duration,
    /// Whether to end after one pass.
    pub once: bool,
    /// Options of the Leases, which are held during a write.
    pub lock: LockOptions<'static>,
}

/// Why `follow` cannot start or continue.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The document has errors; contains all its findings.
    #[error("the document has errors")]
    Findings(Vec<Finding>),
    /// There is no kubeconfig, or it cannot be read.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The federation controller writes the records.
    #[error("the federation controller keeps the records of this mesh up to date itself")]
    Controller,
    /// The manifests come from a Git repository.
    #[error(
        "with the engine {}, Argo CD or Flux writes the records from a Git repository, not fedmesh",
        .0.as_str()
    )]
    HandedOver(Target),
    /// The mesh is not applied.
    #[error("mesh {mesh} is not applied in {cluster}")]
    NotApplied {
        /// The mesh.
        mesh: String,
        /// The cluster.
        cluster: String,
    },
    /// Another document was applied.
    #[error("another document of mesh {mesh} is applied in {cluster}")]
    OtherDocument {
        /// The mesh.
        mesh: String,
        /// The cluster.
        cluster: String,
    },
    /// The first pass failed.
    #[error("the records or endpoints could not be written: {0}")]
    First(String),
}

/// Keeps the records up to date until it is stopped; with `once`, updates them once.
///
/// # Errors
/// It cannot start, or another document was applied in the meantime. Later failures are emitted as events and retried.
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
        Err(PassError::Permanent(error)) => return Err(error),
        Err(PassError::Transient(why)) => return Err(FollowError::First(why)),
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
        // This change came during the wait; later changes start another pass.
        _ = changed.try_recv();
        retry = match follower.pass().await {
            Ok(passed) => {
                if passed.skipped != skipped {
                    follower.tell_of_skipped(passed.skipped.as_deref());
                }
                skipped = passed.skipped;
                None
            }
            Err(PassError::Permanent(error)) => return Err(error),
            Err(PassError::Transient(error)) => {
                let pause = retry.map_or(FIRST_RETRY, |last| (last * 2).min(LONGEST_RETRY));
                let retry_in = pause.as_secs();
                follower.tell(FollowEvent::Failed { error, retry_in });
                Some(pause)
            }
        };
        memory::give_back();
    }
}
