//! `direct`: each cluster gets its own objects.

use super::Delivered;
use crate::placed::Placed;

pub(super) fn deliver<'a>(
    placed: impl IntoIterator<Item = &'a Placed>,
    cluster: usize,
) -> Vec<Delivered> {
    let here = placed.into_iter().filter_map(|one| {
        Some(Delivered {
            subject: one.subject.clone(),
            object: one.in_cluster(cluster)?,
        })
    });
    here.collect()
}
