//! The progress and the result of a verification.

use std::sync::Arc;

use leptos::prelude::*;
use shared::verify::{Family, Outcome, Report, Table};

use super::causes::{CauseIds, Causes};
use super::doing::{Doing, Run};
use super::drill::DrillResult;
use super::families::Families;
use super::run::{ConnectionLost, Elapsed};
use super::state::Review;
use super::table::CheckTable;
use super::task::Task;
use super::verification::{End, Stage, Verification, families, verdict};
use crate::components::failure::FailureBox;
use crate::components::icon::Icon;

/// Seconds for which failed checks are retried on request: longer than it takes to publish records, and than
/// caches keep them.
const LONG: u32 = 600;

#[component]
pub(crate) fn VerificationView(run: Run) -> impl IntoView {
    let review = expect_context::<Review>();
    let verification = review.verification;
    let end = Memo::new(move |_| verification.with(|verification| verification.end.clone()));
    let is_waiting = move || end.with(Option::is_none) && review.lost.with(Option::is_none);
    let result = move || match end.get()? {
        End::Report(report) => Some(view! { <Results report /> }.into_any()),
        End::Failed(failure) => Some(
            view! {
                <FailureBox failure />
                <NextSteps can_improve=false />
            }
            .into_any(),
        ),
    };
    view! {
        <div class="run">
            <ConnectionLost run=run.clone() />
            <div class="run">
                <Show when=is_waiting>
                    <Course run=run.clone() />
                </Show>
            </div>
            <div class="run">{result}</div>
        </div>
    }
}

/// The progress, and the button to stop.
#[component]
fn Course(run: Run) -> impl IntoView {
    let review = expect_context::<Review>();
    let verification = review.verification;
    let started = run.started;
    let with_drill = run.doing == Doing::Drill;
    let (stop, note) = if with_drill {
        (
            "Stop and restore",
            "The replicas are restored in any case. You can close the page; the agent continues.",
        )
    } else {
        (
            "Stop and show the results so far",
            "The mesh is not changed. In a cluster without a client to call from, a Job calls instead and \
             is deleted at the end. You can close the page; the agent continues.",
        )
    };
    let done = move || verification.with(|verification| verification.done(with_drill));
    let steps = families(with_drill).iter();
    let steps = steps.map(|&(family, label)| view! { <Step family label /> });
    let not_stopped = move || {
        review
            .not_stopped
            .get()
            .map(|failure| view! { <FailureBox failure /> })
    };
    view! {
        <div class="run">
            <section class="cluster-plan running" id="verifying">
                <div class="cluster-head">
                    <Elapsed started />
                    <span class="space"></span>
                    <button
                        type="button"
                        id="stop"
                        disabled=move || review.sending.get()
                        on:click=move |_| review.stop(&run)
                    >
                        {stop}
                    </button>
                </div>
                <progress
                    aria-label="Checks"
                    max=move || done().1.max(1).to_string()
                    value=move || done().0.to_string()
                ></progress>
                <ol class="waves">{steps.collect_view()}</ol>
                <p class="current" id="verify-progress">
                    {move || verification.with(Verification::words)}
                </p>
            </section>
            <div>{not_stopped}</div>
            <p class="muted">{note}</p>
        </div>
    }
}

/// The progress of a family.
#[component]
fn Step(family: Family, label: &'static str) -> impl IntoView {
    let review = expect_context::<Review>();
    let stage = Memo::new(move |_| {
        review
            .verification
            .with(|verification| verification.stage(family))
    });
    move || {
        let (class, picture, word) = match stage.get() {
            Stage::Done(checks) => ("done", "good", format!("{checks} made")),
            Stage::Running => ("running", "change", "running".to_owned()),
            Stage::Ahead => ("ahead", "gap", "pending".to_owned()),
        };
        view! {
            <li class=class>
                <Icon name=picture />
                <span>{format!("{label}: {word}")}</span>
            </li>
        }
    }
}

#[component]
fn Results(report: Arc<Report>) -> impl IntoView {
    let outcome = report.outcome();
    let (class, picture) = look(outcome);
    let can_improve = outcome != Outcome::Passed;
    let ids = Arc::new(CauseIds::of(&report.checks));
    view! {
        <div class="decision" id="verified" data-outcome=outcome.as_str()>
            <div>
                <p class=class>
                    <Icon name=picture />
                    <strong>{verdict(&report)}</strong>
                </p>
                <p class="muted">{report.summary()}</p>
            </div>
            <NextSteps can_improve />
        </div>
        <DrillResult report=report.clone() ids=ids.clone() />
        <Calls report=report.clone() ids=ids.clone() />
        <Causes report=report.clone() ids=ids.clone() />
        <Families report ids />
    }
}

/// The table of the calls; nothing without any.
#[component]
fn Calls(report: Arc<Report>, ids: Arc<CauseIds>) -> impl IntoView {
    if Table::of(Family::Call, &report.checks).services.is_empty() {
        return None;
    }
    let caption = "Calls: a row for each name, a column for each client's cluster";
    Some(view! {
        <section class="cluster-plan" id="calls">
            <div class="cluster-head">
                <h2>"Calls from a client in each cluster"</h2>
            </div>
            <CheckTable report ids family=Family::Call caption with_drills=true />
        </section>
    })
}

/// The buttons after the end.
#[component]
fn NextSteps(
    /// Whether a check may pass later.
    can_improve: bool,
) -> impl IntoView {
    let review = expect_context::<Review>();
    let verify = move |wait| review.order(Task::Verify { wait });
    let until = can_improve.then(|| {
        view! {
            <button
                type="button"
                id="verify-until"
                title="Retries failed checks until they pass, for at most ten minutes"
                on:click=move |_| verify(LONG)
            >
                "Retry for 10 minutes"
            </button>
        }
    });
    view! {
        <div class="buttons">
            <button type="button" class="primary" id="done" on:click=move |_| review.leave()>
                "Done"
            </button>
            <button type="button" id="verify-again" on:click=move |_| verify(0)>
                "Verify again"
            </button>
            {until}
        </div>
    }
}

/// Class and picture of an outcome.
pub(crate) const fn look(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Passed => ("good", "good"),
        Outcome::Failed => ("bad", "error"),
        Outcome::CouldNotCheck => ("warned", "warning"),
    }
}
