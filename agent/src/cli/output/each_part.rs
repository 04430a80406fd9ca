//! Renders the parts of a bundle on all cores, in order.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use shared::bundle::{Part, Rendered};

/// Calls `make` with each part, on one thread per core, and `take` with each result, in the order of the parts. Each
/// thread holds at most two parts in memory.
pub(in crate::cli) fn each_part<T: Send, E>(
    rendered: &Rendered,
    make: impl Fn(Part) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let parts = rendered.parts();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let lanes = cores.min(parts.len()).max(1);
    let (make, parts) = (&make, parts.as_slice());
    thread::scope(|scope| {
        let results: Vec<Receiver<T>> = (0..lanes)
            .map(|lane| {
                let (give, result) = sync_channel(0);
                scope.spawn(move || {
                    // An error means that the receiver is gone, so no result is needed any more.
                    let mut own = parts.iter().skip(lane).step_by(lanes);
                    own.try_for_each(|part| give.send(make(*part)))
                });
                result
            })
            .collect();
        for index in 0..parts.len() {
            match results[index % lanes].recv() {
                Ok(one) => take(one)?,
                // The thread panicked; the scope resumes the panic at its end.
                Err(_) => break,
            }
        }
        Ok(())
    })
}
