//! The views of the review: plan, progress and result of a run, verification.

use leptos::prelude::*;
use shared::api::Intent;

use super::decided::DecisionList;
use super::doing::Doing;
use super::plan::PlanView;
use super::run::RunView;
use super::state::{Consent, Planned, Review, TITLE, View};
use super::task::Task;
use super::verify::VerificationView;
use crate::agent::{Agent, Failure};
use crate::components::failure::FailureBox;
use crate::components::icon::Icon;
use crate::state::{Page, Store};

#[component]
pub(crate) fn ReviewPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let review = expect_context::<Review>();
    let body = move || match review.view.get() {
        View::Nothing => ().into_any(),
        View::Asking(task) => view! { <Asking task /> }.into_any(),
        View::Planned(planned) => view! { <PlanView planned /> }.into_any(),
        View::Held {
            planned,
            consent,
            failure,
        } => view! { <Held planned consent failure /> }.into_any(),
        View::Failed { task, failure } => view! { <Failed task failure /> }.into_any(),
        View::Running(run) => match run.doing {
            Doing::Verify | Doing::Drill => view! { <VerificationView run /> }.into_any(),
            Doing::Apply | Doing::Remove => view! { <RunView run /> }.into_any(),
        },
    };
    let is_hidden = move || store.page.get() != Page::Review;
    view! {
        <div class="review-page" id="review-page" hidden=is_hidden>
            <div class="review-head">
                <button
                    type="button"
                    class="quiet"
                    id="back"
                    on:click=move |_| store.page.set(Page::Edit)
                >
                    <Icon name="back" />
                    "Back to the document"
                </button>
                <h1 id=TITLE tabindex="-1">{move || title(review)}</h1>
            </div>
            <div class="review-body">
                <ConnectionLost />
                {body}
            </div>
        </div>
    }
}

/// Why nothing can be done for now.
#[component]
fn ConnectionLost() -> impl IntoView {
    let agent = expect_context::<Agent>();
    move || {
        let failure = agent.failure.get().filter(|_| agent.is_lost())?;
        Some(view! {
            <div>
                <FailureBox failure />
                <p class="buttons">
                    <button type="button" on:click=move |_| agent.dialog.set(true)>"Connect again"</button>
                </p>
            </div>
        })
    }
}

/// A request in progress.
#[component]
fn Asking(task: Task) -> impl IntoView {
    let words = match task {
        Task::Verify { .. } | Task::Drill => "Reading the objects of every cluster",
        Task::Plan(_) | Task::Resume => "Comparing all objects with every cluster",
    };
    view! {
        <p class="elapsed">
            <span class="spinner" aria-hidden="true"></span>
            <span>{words}</span>
        </p>
    }
}

/// The view if another writer is active: the same plan can be applied after it.
#[component]
fn Held(planned: Planned, consent: Consent, failure: Failure) -> impl IntoView {
    let review = expect_context::<Review>();
    let task = Task::Plan(planned.intent);
    let is_sending = move || review.sending.get();
    let words = move || {
        if is_sending() {
            "Sending…"
        } else {
            "Try again"
        }
    };
    view! {
        <FailureBox failure />
        <div class="buttons">
            <button
                type="button"
                class="primary"
                id="try-again"
                disabled=is_sending
                on:click=move |_| review.apply(&planned, consent)
            >
                {words}
            </button>
            <button type="button" id="plan-again" on:click=move |_| review.order(task)>
                "Plan again"
            </button>
        </div>
    }
}

/// The view after an error of a request.
#[component]
fn Failed(task: Task, failure: Failure) -> impl IntoView {
    let review = expect_context::<Review>();
    let (id, words) = match task {
        Task::Verify { .. } => ("verify-again", "Verify again"),
        Task::Drill => ("drill-again", "Try again"),
        Task::Plan(_) | Task::Resume => ("plan-again", "Plan again"),
    };
    // A decision may be the cause.
    let decisions = match task {
        Task::Plan(intent) => Some(view! { <DecisionList intent decisions=review.decisions() /> }),
        _ => None,
    };
    view! {
        <FailureBox failure />
        <div class="buttons">
            <button type="button" class="primary" id=id on:click=move |_| review.order(task)>
                {words}
            </button>
        </div>
        {decisions}
    }
}

fn title(review: Review) -> &'static str {
    let is_applied = review.progress.with(|progress| progress.report.is_some());
    let is_verified = review
        .verification
        .with(|verification| verification.end.is_some());
    review.view.with(|view| match view {
        View::Nothing => "Nothing to review",
        View::Asking(Task::Plan(Intent::Remove)) => "Planning the removal…",
        View::Asking(Task::Verify { .. }) => "Verifying",
        View::Asking(Task::Drill) => "Drill",
        View::Asking(_) => "Planning…",
        View::Planned(planned) => match planned.intent {
            Intent::Apply => "Review the plan",
            Intent::Remove => "Review the removal",
        },
        View::Held { .. } => "Another run is changing this mesh",
        View::Failed { .. } => "Error",
        View::Running(run) => match (run.doing, is_applied, is_verified) {
            (Doing::Apply, false, _) => "Applying",
            (Doing::Apply, true, _) => "Result of the apply",
            (Doing::Remove, false, _) => "Removing",
            (Doing::Remove, true, _) => "Result of the removal",
            (Doing::Verify, _, false) => "Verifying",
            (Doing::Verify, _, true) => "Result of the verification",
            (Doing::Drill, _, false) => "Drill",
            (Doing::Drill, _, true) => "Result of the drill",
        },
    })
}
