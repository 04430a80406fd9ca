//! The element that the part of the page draws into, which plans, applies and verifies.

use crate::agent::api::Failure;
use crate::agent::message::{STAGE, STAGE_EVENT};
use crate::agent::{Agent, Part};
use crate::browser;
use crate::browser::dom::{El, button, el, el_in, text};
use crate::components::failure::failure_box;
use crate::components::findings::acts;
use crate::json;
use crate::state::{Page, Store};

pub(crate) fn review_page(store: Store, agent: Agent) -> El {
    let waiting = el("div").content(move || match agent.part.get() {
        Part::NotYet | Part::There => Vec::new(),
        Part::Loading => vec![text("p", "Loading…").class("muted")],
        Part::Failed { message, task } => {
            let failure = Failure {
                message: format!("a part of the page did not load: {message}"),
                hint: "check that the server of this page is still running".to_owned(),
                ..Failure::default()
            };
            let again = button("primary", move || agent.order(task))
                .id("load-again")
                .text("Try again");
            let back = button("", move || store.page.set(Page::Edit)).text("Back to the document");
            vec![
                failure_box(failure, &acts(store)),
                el_in("p", "buttons").add(again).add(back),
            ]
        }
    });
    let stage = el("div").id(STAGE).on(STAGE_EVENT, move |event| {
        // The part writes valid JSON.
        if let Ok(reported) = json::read(&browser::detail(&event)) {
            agent.on_event(reported);
        }
    });
    el_in("div", "review-page")
        .id("review-page")
        .flag("hidden", move || store.page.get() != Page::Review)
        .add(waiting)
        .add(stage)
}
