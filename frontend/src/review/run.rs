//! The progress and the result of an apply or a removal.

use gloo::timers::callback::Interval;
use leptos::prelude::*;
use shared::api::{ClusterReport, Intent, Report};
use shared::kubernetes::object::{Key, Wave};

use super::doing::{Doing, Run};
use super::progress::{ClusterProgress, WaveState};
use super::state::Review;
use super::task::Task;
use crate::browser;
use crate::components::failure::{FailureBox, Reason};
use crate::components::icon::Icon;

#[component]
pub(crate) fn RunView(run: Run) -> impl IntoView {
    let review = expect_context::<Review>();
    let progress = review.progress;
    let (removes, started) = (run.doing == Doing::Remove, run.started);
    let report = Memo::new(move |_| progress.with(|progress| progress.report.clone()));
    let is_waiting = move || report.with(Option::is_none) && review.lost.with(Option::is_none);
    let ending = move || {
        report
            .get()
            .map(|report| view! { <Ending report removes /> })
    };
    let clusters = Memo::new(move |_| {
        let name = |cluster: &ClusterProgress| cluster.name.clone();
        progress.with(|progress| progress.clusters.iter().map(name).collect::<Vec<_>>())
    });
    view! {
        <div class="run">
            <ConnectionLost run />
            <div>{ending}</div>
            <div>
                <Show when=is_waiting>
                    <Elapsed started>
                        <span class="muted">"You can close the page; the agent continues."</span>
                    </Elapsed>
                </Show>
            </div>
            <div class="run">
                <For
                    each=move || clusters.get()
                    key=String::clone
                    children=|name| view! { <Cluster name /> }
                />
            </div>
        </div>
    }
}

/// The message that the connection was lost, so the state of the run is unknown; empty while it is not lost.
#[component]
pub(crate) fn ConnectionLost(run: Run) -> impl IntoView {
    let review = expect_context::<Review>();
    let message = move || {
        let lost = review.lost.get()?;
        let run = run.clone();
        let next = if lost.given_up {
            view! {
                <button type="button" on:click=move |_| review.follow(run.clone())>"Try again"</button>
                <button type="button" on:click=move |_| review.leave()>"Close"</button>
            }
            .into_any()
        } else {
            view! { <span class="muted">"Trying again…"</span> }.into_any()
        };
        Some(view! {
            <FailureBox failure=lost.failure />
            <p class="buttons">{next}</p>
        })
    };
    view! { <div>{message}</div> }
}

/// The result, and the buttons after it.
#[component]
fn Ending(report: Report, removes: bool) -> impl IntoView {
    let review = expect_context::<Review>();
    let is_good = report.is_success();
    let words = match (removes, is_good) {
        (false, true) => "Applied. All clusters are up to date with the document.",
        (true, true) => "Removed. The clusters have no objects of this mesh any more.",
        (_, false) => "Finished with errors. Fix the errors below, then plan again.",
    };
    let (class, picture) = if is_good {
        ("good", "good")
    } else {
        ("bad", "error")
    };
    let intent = if removes {
        Intent::Remove
    } else {
        Intent::Apply
    };
    let duration = duration(report.duration_ms);
    let duration = duration.map(|words| view! { <span class="muted">{words}</span> });
    // After an apply, the next step is to verify; after a removal, there is nothing to verify.
    let verify = (!removes).then(|| view! { <VerifyButton is_primary=is_good /> });
    view! {
        <div class="decision" id="result" data-success=is_good.to_string()>
            <p class=class>
                <Icon name=picture />
                <strong>{words}</strong>
                {duration}
            </p>
            <div class="buttons">
                {verify}
                <button
                    type="button"
                    class=(removes && is_good).then_some("primary")
                    id="done"
                    on:click=move |_| review.leave()
                >
                    "Done"
                </button>
                <button
                    type="button"
                    class=(!is_good).then_some("primary")
                    id="plan-again"
                    on:click=move |_| review.order(Task::Plan(intent))
                >
                    "Plan again"
                </button>
            </div>
        </div>
    }
}

/// The duration of a run; `None` if the agent does not report it.
fn duration(milliseconds: u64) -> Option<String> {
    let (seconds, tenths) = (milliseconds / 1000, milliseconds % 1000 / 100);
    match seconds {
        0 if tenths == 0 => None,
        0..60 => Some(format!(" {seconds}.{tenths} s")),
        _ => Some(format!(" {} min {} s", seconds / 60, seconds % 60)),
    }
}

/// The button that verifies.
#[component]
pub(crate) fn VerifyButton(#[prop(optional)] is_primary: bool) -> impl IntoView {
    let review = expect_context::<Review>();
    view! {
        <button
            type="button"
            class=is_primary.then_some("primary")
            id="verify"
            title="Prove by traffic that the applied mesh works"
            on:click=move |_| review.order(Task::Verify { wait: 0 })
        >
            "Verify"
        </button>
    }
}

/// The time since a run was started.
#[component]
pub(crate) fn Elapsed(started: u64, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    let seconds = move || browser::now().saturating_sub(started) / 1000;
    let shown = RwSignal::new(seconds());
    // Stored, because dropping it stops it: that is done together with this view.
    _ = StoredValue::new_local(Interval::new(1_000, move || shown.set(seconds())));
    view! {
        <p class="elapsed">
            <span class="spinner" aria-hidden="true"></span>
            <span>"Running for " {move || format!("{} s.", shown.get())}</span>
            {children.map(|children| children())}
        </p>
    }
}

/// The progress in a cluster.
#[component]
fn Cluster(name: String) -> impl IntoView {
    let review = expect_context::<Review>();
    let cluster = {
        let name = name.clone();
        Memo::new(move |_| {
            review
                .progress
                .with(|progress| progress.cluster(&name).cloned().unwrap_or_default())
        })
    };
    let totals = {
        let name = name.clone();
        Memo::new(move |_| {
            review
                .progress
                .with(|progress| progress.result(&name).map(counts).unwrap_or_default())
        })
    };
    let state = move || {
        cluster.with(|cluster| match (cluster.ended, cluster.is_good()) {
            (false, _) => "running",
            (true, true) => "done",
            (true, false) => "failed",
        })
    };
    let done =
        move || cluster.with(|cluster| format!("{} of {} objects", cluster.done, cluster.objects));
    let error = move || {
        let error = cluster.with(|cluster| cluster.error.clone())?;
        Some(view! {
            <Reason picture="error" attr:role="alert">
                <span><strong>"Stopped: "</strong>{error}</span>
            </Reason>
        })
    };
    let failures = move || {
        let failures = cluster.with(|cluster| cluster.failures.clone()).into_iter();
        let failures = failures.map(|(object, why)| {
            view! {
                <Reason picture="error">
                    <span><code>{object.to_string()}</code>": "{why}</span>
                </Reason>
            }
        });
        failures.collect_view()
    };
    let skipped = move || {
        let skipped = cluster.with(|cluster| cluster.skipped.clone()).into_iter();
        let skipped = skipped.map(|(because, objects)| view! { <Skipped because objects /> });
        skipped.collect_view()
    };
    let heading = name.clone();
    let waves = Wave::ALL
        .into_iter()
        .map(|wave| view! { <WaveStep cluster wave /> });
    view! {
        <section
            class=move || format!("cluster-plan {}", state())
            data-cluster=name
            data-state=state
        >
            <div class="cluster-head">
                <h2>{heading}</h2>
                <span class="muted">{done}</span>
                <span class="space"></span>
                <span class="muted">{move || totals.get()}</span>
            </div>
            <progress
                max=move || cluster.with(|cluster| cluster.objects.max(1).to_string())
                value=move || cluster.with(|cluster| cluster.done.to_string())
            >
                {done}
            </progress>
            <ol class="waves">{waves.collect_view()}</ol>
            <Current cluster />
            {error}
            {failures}
            {skipped}
        </section>
    }
}

/// What a cluster waits for, or its object that was reported last.
#[component]
fn Current(cluster: Memo<ClusterProgress>) -> impl IntoView {
    move || {
        cluster.with(|cluster| match (&cluster.waiting, &cluster.last) {
            (Some(waiting), _) => Some(
                view! {
                    <p class="current waiting"><Icon name="wait" />"Waiting: "{waiting.clone()}</p>
                }
                .into_any(),
            ),
            (None, Some(last)) if !cluster.ended => {
                Some(view! { <p class="current"><code>{last.to_string()}</code></p> }.into_any())
            }
            (None, _) => None,
        })
    }
}

/// Objects that were skipped because another one was not applied.
#[component]
fn Skipped(because: Key, objects: Vec<Key>) -> impl IntoView {
    let count = match objects.len() {
        1 => "1 object skipped".to_owned(),
        count => format!("{count} objects skipped"),
    };
    let names = objects.iter().map(|object| {
        let object = object.to_string();
        view! { <li><code>{object}</code></li> }
    });
    let names = names.collect_view();
    view! {
        <Reason picture="skip">
            <div>
                <strong>{count}</strong>
                ", because "
                <code>{because.to_string()}</code>
                " was not applied:"
                <ul class="bullets">{names}</ul>
            </div>
        </Reason>
    }
}

/// The state of a wave in a cluster.
#[component]
fn WaveStep(cluster: Memo<ClusterProgress>, wave: Wave) -> impl IntoView {
    let look = Memo::new(move |_| {
        cluster.with(|cluster| match cluster.wave(wave) {
            WaveState::Done => ("done", "good", "done"),
            WaveState::Running => ("running", "change", "running"),
            WaveState::Stopped => ("stopped", "error", "stopped"),
            WaveState::Ahead if cluster.ended => ("ahead", "same", "nothing to do"),
            WaveState::Ahead => ("ahead", "gap", "pending"),
        })
    });
    move || {
        let (class, picture, word) = look.get();
        view! {
            <li class=class>
                <Icon name=picture />
                {wave.as_str()}
                <span class="unseen">{format!(": {word}")}</span>
            </li>
        }
    }
}

fn counts(report: &ClusterReport) -> String {
    let counts = [
        (report.created, "created"),
        (report.changed, "changed"),
        (report.unchanged, "unchanged"),
        (report.deleted, "deleted"),
        (report.adopted, "adopted"),
        (report.disowned, "disowned"),
        (report.failed, "failed"),
        (report.skipped, "skipped"),
    ];
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    parts.join(" · ")
}
