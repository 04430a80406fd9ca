//! What would change, what is changing, how it went.

use shared::api::Intent;

use crate::agent::{Agent, Review};
use crate::components::failure::failure_box;
use crate::components::plan::plan;
use crate::components::run::run;
use crate::dom::{El, button, el, el_in, icon, text};
use crate::signals::*;
use crate::state::{Page, Store};

pub(crate) fn review_page(store: Store, agent: Agent) -> El {
    let back = button("quiet", move || store.page.set(Page::Edit))
        .id("back")
        .add(icon("back"))
        .text("Back to the document");
    let title = el("h1").show(move || title(agent).to_owned());
    let body = el_in("div", "review-body").content(move || match agent.review.get() {
        Review::Nothing => Vec::new(),
        Review::Planning(_) => {
            let words = text("span", "Comparing every object with every cluster");
            let spinner = el_in("span", "spinner").attr("aria-hidden", "true");
            vec![el_in("p", "elapsed").add(spinner).add(words)]
        }
        Review::Planned { request, response } => plan(store, agent, &request, &response),
        Review::Failed { intent, failure } => {
            let again = button("primary", move || agent.plan(intent)).id("plan-again");
            let again = el_in("div", "buttons").add(again.text("Plan again"));
            vec![failure_box(store, failure), again]
        }
        Review::Running(under_way) => vec![run(store, agent, &under_way)],
    });
    el_in("div", "review-page")
        .id("review-page")
        .add(el_in("div", "review-head").add(back).add(title))
        .add(body)
}

fn title(agent: Agent) -> &'static str {
    let is_over = agent.progress.with(|progress| progress.report.is_some());
    agent.review.with(|review| match review {
        Review::Nothing => "Nothing under review",
        Review::Planning(Intent::Apply) => "Asking the clusters…",
        Review::Planning(Intent::Remove) => "Looking for what is there…",
        Review::Planned { request, .. } => match request.intent {
            Intent::Apply => "Review what would change",
            Intent::Remove => "Review what would be removed",
        },
        Review::Failed { .. } => "It did not work",
        Review::Running(run) => match (run.intent, is_over) {
            (Intent::Apply, false) => "Applying",
            (Intent::Apply, true) => "Result of the apply",
            (Intent::Remove, false) => "Removing",
            (Intent::Remove, true) => "Result of the removal",
        },
    })
}
