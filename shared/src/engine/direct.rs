//! `direct`: each cluster gets its own objects.

use super::{Delivered, Delivery, Description, Engine};
use crate::placed::Placed;
use crate::resolved::Resolved;

pub(super) struct Direct;

impl Engine for Direct {
    fn description() -> Description {
        Description {
            destination: "to each cluster",
            delivery: Delivery::EachCluster,
            kinds: &[],
            publisher: None,
        }
    }

    fn deliver(&self, _: &Resolved, placed: &[Placed], cluster: usize) -> Vec<Delivered> {
        deliver(placed, cluster)
    }
}

pub(super) fn deliver<'a>(
    placed: impl IntoIterator<Item = &'a Placed>,
    cluster: usize,
) -> Vec<Delivered> {
    let here = placed.into_iter().filter_map(|one| {
        Some(Delivered {
            subject: one.subject.clone(),
            origin: one.origin.in_cluster(cluster),
            object: one.in_cluster(cluster)?,
        })
    });
    here.collect()
}
