//! The views of the review: plan, progress and result of a run, verification.

use shared::api::Intent;

use super::decided;
use super::doing::Doing;
use super::plan::plan;
use super::run::run;
use super::state::{Consent, Planned, Review, TITLE, View};
use super::verify::verify;
use crate::agent::api::Failure;
use crate::agent::message::{StageEvent, Task};
use crate::browser::dom::{El, button, el, el_in, icon, text};
use crate::components::failure::failure_box;

/// Draws into the stage.
pub(crate) fn show(stage: El, review: Review) {
    let back = button("quiet", move || review.emit(&StageEvent::Back))
        .id("back")
        .add(icon("back"))
        .text("Back to the document");
    let title = el("h1")
        .id(TITLE)
        .attr("tabindex", "-1")
        .show(move || title(review).to_owned());
    let body = el_in("div", "review-body").content(move || match review.view.get() {
        View::Nothing => Vec::new(),
        View::NotUnderstood(error) => {
            let failure = Failure {
                message: format!("invalid message between two parts of this page: {error}"),
                hint: "reload the page; both parts must have the same version".to_owned(),
                ..Failure::default()
            };
            vec![failure_box(failure, &review.acts())]
        }
        View::Asking(task) => vec![asking(task)],
        View::Planned(planned) => plan(review, &planned),
        View::Held {
            planned,
            consent,
            failure,
        } => held(review, planned, consent, failure),
        View::Failed { task, failure } => {
            let (id, words) = match task {
                Task::Verify { .. } => ("verify-again", "Verify again"),
                Task::Drill => ("drill-again", "Try again"),
                _ => ("plan-again", "Plan again"),
            };
            let again = button("primary", move || review.want(task)).id(id);
            let again = el_in("div", "buttons").add(again.text(words));
            let mut parts = vec![failure_box(failure, &review.acts()), again];
            // A decision may be the cause.
            if let Task::Plan(intent) = task {
                parts.extend(decided::list(review, intent, &review.decisions()));
            }
            parts
        }
        View::Running(under_way) => match under_way.doing {
            Doing::Verify | Doing::Drill => verify(review, &under_way),
            Doing::Apply | Doing::Remove => vec![run(review, &under_way)],
        },
    });
    // The element stays where it is added.
    _ = stage
        .add(el_in("div", "review-head").add(back).add(title))
        .add(body);
}

/// The view if another writer is active: the same plan can be applied after it.
fn held(review: Review, planned: Planned, consent: Consent, failure: Failure) -> Vec<El> {
    let task = Task::Plan(planned.intent);
    let again = button("primary", move || review.apply(&planned, consent))
        .id("try-again")
        .flag("disabled", move || review.sending.get())
        .show(move || {
            let words = if review.sending.get() {
                "Sending…"
            } else {
                "Try again"
            };
            words.to_owned()
        });
    let plan = button("", move || review.want(task))
        .id("plan-again")
        .text("Plan again");
    vec![
        failure_box(failure, &review.acts()),
        el_in("div", "buttons").add(again).add(plan),
    ]
}

fn asking(task: Task) -> El {
    let words = match task {
        Task::Verify { .. } | Task::Drill => "Reading the objects of every cluster",
        _ => "Comparing all objects with every cluster",
    };
    let spinner = el_in("span", "spinner").attr("aria-hidden", "true");
    el_in("p", "elapsed").add(spinner).add(text("span", words))
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
        View::NotUnderstood(_) | View::Failed { .. } => "Error",
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
