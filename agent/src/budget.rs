//! How many objects are in memory at once, over all clusters and all requests.
//!
//! What a cluster is handed is rendered when its turn comes. Small meshes are looked at in all clusters at once; of
//! a mesh with ten thousand objects for each cluster, only a few clusters are.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Rendered, an object takes about 13 KB.
const OBJECTS: u32 = 12_000;

/// Room for objects.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

/// Room that is taken, until it is dropped.
pub(crate) struct Room(
    #[expect(dead_code, reason = "held, not read")] Option<OwnedSemaphorePermit>,
);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(OBJECTS as usize)))
    }
}

impl Budget {
    /// Waits until there is room for so many objects; for more than there ever is, until there are no others.
    pub(crate) async fn take(&self, objects: usize) -> Room {
        let objects = u32::try_from(objects).unwrap_or(OBJECTS).clamp(1, OBJECTS);
        // It is never closed.
        Room(self.0.clone().acquire_many_owned(objects).await.ok())
    }
}
