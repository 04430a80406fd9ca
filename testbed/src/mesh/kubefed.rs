//! KubeFed for the clusters of a bed with pods.

use super::MeshBed;
use crate::bed::BedError;
use crate::bed::kubefed::{KubeFed, start};

impl MeshBed {
    /// As [`Testbed::start_kubefed`](crate::Testbed::start_kubefed), in the bed's network; every cluster joins,
    /// under its context's name.
    ///
    /// # Errors
    /// As there.
    pub fn start_kubefed(&self, host: &str) -> Result<KubeFed, BedError> {
        let host = self.node(host)?.entry.clone();
        let members = self.clusters.iter();
        let members: Vec<_> = members
            .map(|node| (node.entry.context.as_str(), node.entry.clone()))
            .collect();
        std::thread::scope(|scope| {
            // A separate thread, so that the caller's network does not change.
            let started = scope.spawn(|| {
                self.enter()?;
                start(&self.kubectl, self.folder.path(), host, &members)
            });
            started
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}
