//! Limits the objects that are in memory at once, over all clusters and requests.
//!
//! The objects of a cluster are rendered when there is room. All clusters of a small mesh are processed at once, but
//! only a few of a mesh with ten thousand objects per cluster.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most objects in memory; a rendered object takes about 13 KB.
const OBJECTS: u32 = 12_000;

/// Room for objects.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

/// Reserved room, until it is dropped.
pub(crate) struct Room(
    #[expect(dead_code, reason = "held, not read")] Option<OwnedSemaphorePermit>,
);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(OBJECTS as usize)))
    }
}

impl Budget {
    /// Waits for room for this number of objects; more objects than the limit wait until there are no others.
    pub(crate) async fn take(&self, objects: usize) -> Room {
        let objects = u32::try_from(objects).unwrap_or(OBJECTS).clamp(1, OBJECTS);
        // The semaphore is never closed.
        Room(self.0.clone().acquire_many_owned(objects).await.ok())
    }
}
