//! Limits the requests that render and plan at once.
//!
//! Each takes CPU and memory for seconds. The others wait in order; if too many wait, further ones are rejected.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Refusal;

/// Concurrent requests. More would not be faster, since each uses all CPUs.
const AT_ONCE: usize = 2;
/// Most waiting requests. A page sends one at a time.
const WAITING: usize = 64;

/// The turns of all requests.
#[derive(Debug)]
pub(super) struct Turns {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A request's turn, until the last clone is dropped.
#[derive(Debug, Clone)]
pub(super) struct Turn(#[expect(dead_code, reason = "held, not read")] Arc<OwnedSemaphorePermit>);

impl Default for Turns {
    fn default() -> Self {
        Self {
            free: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: AtomicUsize::new(0),
        }
    }
}

impl Turns {
    /// Waits for a turn.
    ///
    /// # Errors
    /// Too many others wait.
    pub(super) async fn take(&self) -> Result<Turn, Refusal> {
        let waiting = Waiting::new(&self.waiting)?;
        let permit = Arc::clone(&self.free).acquire_owned().await;
        drop(waiting);
        // The semaphore is never closed.
        let permit = permit.map_err(|_| Refusal::internal())?;
        Ok(Turn(Arc::new(permit)))
    }
}

/// A request that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Result<Self, Refusal> {
        let before = count.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(count);
        if before >= WAITING {
            return Err(Refusal::busy(
                format!("{WAITING} other requests are waiting for a plan"),
                "try again later",
            ));
        }
        Ok(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
