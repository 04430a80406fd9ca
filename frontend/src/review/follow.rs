//! Follows a run by its stream of events, which is opened again after a lost connection.

use std::time::Duration;

use gloo::timers::future::sleep;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::de::DeserializeOwned;

use super::state::Review;
use crate::agent::{Client, Failure};

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

    /// Shows a run until its end, or until another view is shown; a lost stream is opened again from its first event.
    fn follow(review: Review, client: Client, run: String, shown: RwSignal<Self>) {
        let view = review.current_view();
        let is_shown = move || review.current_view() == view;
        shown.set(Self::default());
        spawn_local(async move {
            let path = format!("{}/{run}", Self::PATH);
            let mut failures = 0;
            while is_shown() {
                let mut known = Self::default();
                let take = |event| {
                    if !is_shown() {
                        return true;
                    }
                    known.take(event);
                    if review.lost.with_untracked(Option::is_some) {
                        review.lost.set(None);
                    }
                    shown.set(known.clone());
                    known.is_over()
                };
                let result = client.events(&path, take).await;
                if !is_shown() {
                    return;
                }
                let Err(failure) = result else {
                    return review.ended(known.ending());
                };
                failures += 1;
                // An error response is final.
                let given_up = failures >= ATTEMPTS || failure.status != 0;
                review.lost.set(Some(Lost { failure, given_up }));
                if given_up {
                    return;
                }
                sleep(Duration::from_millis(500 << failures)).await;
            }
        });
    }
}
