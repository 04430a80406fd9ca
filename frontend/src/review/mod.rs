//! The part of the page that plans, applies and verifies: a program that is loaded when an agent is connected. It
//! draws into the stage, executes orders and sends messages to the page; see [`crate::agent::message`].
//!
//! **Invariant**: it contains neither the form nor the checks; the document is a JSON value here.

mod causes;
mod consent;
mod decided;
mod doing;
mod drill;
mod families;
mod follow;
mod page;
mod plan;
mod progress;
mod request;
mod run;
mod state;
mod steps;
mod table;
mod verification;
mod verify;

use any_spawner::Executor;

use crate::agent::message::{ORDER, STAGE};
use crate::browser;
use crate::browser::dom::at;
use crate::browser::signals::*;
use state::Review;

/// Starts to listen for orders.
pub fn start() {
    // It fails only if an executor is set already.
    _ = Executor::init_wasm_bindgen();
    let Some(stage) = at(STAGE) else {
        return;
    };
    let owner = Owner::new();
    owner.with(|| {
        let review = Review::new();
        let stage = stage.on(ORDER, move |event| {
            review.take(&browser::detail(&event));
        });
        page::show(stage, review);
    });
    // The part lives as long as its window.
    std::mem::forget(owner);
}
