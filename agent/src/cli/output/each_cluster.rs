//! The manifests of one cluster after the other, made on all cores.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use shared::bundle::Rendered;

/// Calls `make` with the index of each cluster, on as many threads as there are cores, and `take` with
/// what it gives, in the order of the document. Of each thread, at most two clusters are in memory.
pub(in crate::cli) fn each_cluster<T: Send, E>(
    rendered: &Rendered,
    make: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let count = rendered.clusters().len();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let lanes = cores.min(count).max(1);
    let make = &make;
    thread::scope(|scope| {
        let results: Vec<Receiver<T>> = (0..lanes)
            .map(|lane| {
                let (give, result) = sync_channel(0);
                scope.spawn(move || {
                    // An error here says that nobody takes any more.
                    (lane..count)
                        .step_by(lanes)
                        .try_for_each(|index| give.send(make(index)))
                });
                result
            })
            .collect();
        for index in 0..count {
            match results[index % lanes].recv() {
                Ok(one) => take(one)?,
                // The thread panicked, which goes on from here at the end of the scope.
                Err(_) => break,
            }
        }
        Ok(())
    })
}
