//! `direct`: each cluster gets its own objects.

use super::Delivered;
use crate::placed::Placed;

pub(super) fn deliver(placed: &[Placed], cluster: usize) -> Vec<Delivered> {
    placed
        .iter()
        .filter_map(|one| {
            Some(Delivered {
                subject: one.subject.clone(),
                object: one.in_cluster(cluster)?,
            })
        })
        .collect()
}
