//! Follows a run by its stream of events, which is opened again after a lost connection.

use serde::de::DeserializeOwned;
use wasm_bindgen_futures::spawn_local;

use super::doing::Run;
use super::state::Review;
use crate::agent::api::Failure;
use crate::browser;
use crate::browser::signals::*;

/// How often a lost stream is opened again before the user is asked.
const ATTEMPTS: u32 = 5;

/// A lost stream of events.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lost {
    pub(crate) failure: Failure,
    /// Whether it is no longer opened again.
    pub(crate) given_up: bool,
}

/// A state that is built from the events of a run.
pub(crate) trait Follow: Default + Clone + Send + Sync + 'static {
    /// A line of the stream.
    type Event: DeserializeOwned;
    /// The path of the streams, such as `applies`.
    const PATH: &'static str;

    /// Handles an event.
    fn take(&mut self, event: Self::Event);

    /// Whether the last event was handled.
    fn is_over(&self) -> bool;

    /// The outcome in words.
    fn ending(&self) -> &'static str;

    /// Shows a run until its end; a lost stream is opened again from its first event.
    fn follow(review: Review, run: Run, shown: RwSignal<Self>) {
        shown.set(Self::default());
        spawn_local(async move {
            let mut failures = 0;
            loop {
                let Err(failure) = once(review, &run, shown).await else {
                    if review.shows(&run) {
                        review.ended(shown.with_untracked(Self::ending));
                    }
                    return;
                };
                if !review.shows(&run) {
                    return;
                }
                failures += 1;
                // An error response is final.
                let given_up = failures >= ATTEMPTS || failure.status != 0;
                review.lost.set(Some(Lost { failure, given_up }));
                if given_up {
                    return;
                }
                browser::sleep(500 * (1 << failures)).await;
                if !review.shows(&run) {
                    return;
                }
            }
        });
    }
}

/// Reads the stream once, from its first event.
async fn once<T: Follow>(review: Review, run: &Run, shown: RwSignal<T>) -> Result<(), Failure> {
    let Some(client) = review.client() else {
        return Ok(());
    };
    let mut known = T::default();
    let path = format!("{}/{}", T::PATH, run.id);
    let take = |event| {
        known.take(event);
        // Stop reading when the run is no longer shown.
        let is_shown = review.shows(run);
        if is_shown {
            review.lost.set(None);
            shown.set(known.clone());
        }
        !is_shown || known.is_over()
    };
    client.events(&path, take).await
}
