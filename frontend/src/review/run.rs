//! The progress and the result of a run.

use shared::api::{ClusterReport, Intent, Report};
use shared::kubernetes::object::{Key, Wave};

use super::doing::{Doing, Run};
use super::follow::Lost;
use super::progress::{ClusterProgress, WaveState};
use super::state::Review;
use crate::agent::message::Task;
use crate::browser;
use crate::browser::dom::{El, button, depend, el, el_in, icon, text};
use crate::browser::signals::*;
use crate::components::failure::{failure_box, reason};

pub(crate) fn run(review: Review, run: &Run) -> El {
    let progress = review.progress;
    let is_over = memo(move || progress.with(|progress| progress.report.is_some()));
    let is_waiting = memo(move || !is_over.get() && review.lost.with(Option::is_none));
    let started = run.started;
    let (again, ended) = (run.clone(), run.clone());
    el_in("div", "run")
        .add(el("div").content(move || match review.lost.get() {
            Some(lost) => broken_off(review, &again, lost),
            None => Vec::new(),
        }))
        .add(el("div").one(move || {
            depend(is_over);
            let report = progress.with_untracked(|progress| progress.report.clone());
            report.map(|report| ending(review, &ended, &report))
        }))
        .add(el("div").one(move || is_waiting.get().then(|| waiting(started))))
        .add(el_in("div", "run").content(move || {
            progress.with(|progress| {
                let reports = progress.report.iter().flat_map(|report| &report.clusters);
                let of = |name: &str| reports.clone().find(|report| report.name == name);
                progress
                    .clusters
                    .iter()
                    .map(|c| cluster(c, of(&c.name)))
                    .collect()
            })
        }))
}

/// The message that the connection was lost, so the state of the run is unknown.
pub(crate) fn broken_off(review: Review, run: &Run, lost: Lost) -> Vec<El> {
    let run = run.clone();
    let next = el_in("p", "buttons");
    let next = if lost.given_up {
        next.add(button("", move || review.follow(run.clone())).text("Try again"))
            .add(button("", move || review.leave()).text("Close"))
    } else {
        next.add(text("span", "Trying again…").class("muted"))
    };
    vec![failure_box(lost.failure, &review.acts()), next]
}

fn ending(review: Review, run: &Run, report: &Report) -> El {
    let is_good = report.is_success();
    let removes = run.doing == Doing::Remove;
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
    // After an apply, the next step is to verify; after a removal, there is nothing to verify.
    let proves = !removes && is_good;
    let done = button(if removes && is_good { "primary" } else { "" }, move || {
        review.leave();
    })
    .id("done")
    .text("Done");
    let again = button(if is_good { "" } else { "primary" }, move || {
        review.want(Task::Plan(intent));
    })
    .id("plan-again")
    .text("Plan again");
    let verify = (!removes).then(|| verify_button(review, if proves { "primary" } else { "" }));
    el_in("div", "decision")
        .id("result")
        .attr("data-success", &is_good.to_string())
        .add(
            el_in("p", class)
                .add(icon(picture))
                .add(text("strong", words))
                .maybe(duration(report.duration_ms)),
        )
        .add(el_in("div", "buttons").maybe(verify).add(done).add(again))
}

/// The duration of a run; `None` if the agent does not report it.
fn duration(milliseconds: u64) -> Option<El> {
    let (seconds, tenths) = (milliseconds / 1000, milliseconds % 1000 / 100);
    let words = match seconds {
        0 if tenths == 0 => return None,
        0..60 => format!(" {seconds}.{tenths} s"),
        _ => format!(" {} min {} s", seconds / 60, seconds % 60),
    };
    Some(text("span", &words).class("muted"))
}

/// The button that verifies.
pub(crate) fn verify_button(review: Review, class: &str) -> El {
    button(class, move || review.want(Task::Verify { wait: 0 }))
        .id("verify")
        .attr("title", "Prove by traffic that the applied mesh works")
        .text("Verify")
}

fn waiting(started: u64) -> El {
    let note = text("span", "You can close the page; the agent continues.");
    elapsed(started).add(note.class("muted"))
}

/// The time since the run was started.
pub(crate) fn elapsed(started: u64) -> El {
    let seconds = move || browser::now().saturating_sub(started) / 1000;
    let shown = RwSignal::new(seconds());
    let tick = browser::every(1_000, move || shown.set(seconds()));
    on_cleanup(move || {
        if let Some(tick) = tick {
            browser::stop(tick);
        }
    });
    el_in("p", "elapsed")
        .add(el_in("span", "spinner").attr("aria-hidden", "true"))
        .add(
            el("span")
                .text("Running for ")
                .show(move || format!("{} s.", shown.get())),
        )
}

fn cluster(cluster: &ClusterProgress, report: Option<&ClusterReport>) -> El {
    let state = match (cluster.ended, cluster.is_good()) {
        (false, _) => "running",
        (true, true) => "done",
        (true, false) => "failed",
    };
    let done = format!("{} of {} objects", cluster.done, cluster.objects);
    let head = el_in("div", "cluster-head")
        .add(text("h2", &cluster.name))
        .add(text("span", &done).class("muted"))
        .add(el_in("span", "space"))
        .add(text("span", &report.map(counts).unwrap_or_default()).class("muted"));
    let bar = text("progress", &done)
        .attr("max", &cluster.objects.max(1).to_string())
        .attr("value", &cluster.done.to_string());
    let last = cluster.last.as_ref().filter(|_| !cluster.ended);
    let current = match (&cluster.waiting, last) {
        (Some(waiting), _) => Some(
            el_in("p", "current waiting")
                .add(icon("wait"))
                .text("Waiting: ")
                .text(waiting),
        ),
        (None, last) => last.map(|last| el_in("p", "current").add(text("code", &last.to_string()))),
    };
    let error = cluster.error.as_ref().map(|error| {
        let words = el("span").add(text("strong", "Stopped: ")).text(error);
        reason("error", words).attr("role", "alert")
    });
    let failures = cluster.failures.iter().map(|(object, why)| {
        let words = el("span")
            .add(text("code", &object.to_string()))
            .text(": ")
            .text(why);
        reason("error", words)
    });
    el_in("section", &format!("cluster-plan {state}"))
        .attr("data-cluster", &cluster.name)
        .attr("data-state", state)
        .add(head)
        .add(bar)
        .add(el_in("ol", "waves").all(Wave::ALL.map(|wave| step(cluster, wave))))
        .maybe(current)
        .maybe(error)
        .all(failures)
        .all(
            cluster
                .skipped
                .iter()
                .map(|(because, objects)| skipped(because, objects)),
        )
}

/// Objects that were skipped because another one was not applied.
fn skipped(because: &Key, objects: &[Key]) -> El {
    let count = match objects.len() {
        1 => "1 object skipped".to_owned(),
        count => format!("{count} objects skipped"),
    };
    let names: Vec<El> = objects
        .iter()
        .map(|object| el("li").add(text("code", &object.to_string())))
        .collect();
    let words = el("div")
        .add(text("strong", &count))
        .text(", because ")
        .add(text("code", &because.to_string()))
        .text(" was not applied:")
        .add(el_in("ul", "bullets").all(names));
    reason("skip", words)
}

fn step(cluster: &ClusterProgress, wave: Wave) -> El {
    let (class, picture, word) = match cluster.wave(wave) {
        WaveState::Done => ("done", "good", "done"),
        WaveState::Running => ("running", "change", "running"),
        WaveState::Stopped => ("stopped", "error", "stopped"),
        WaveState::Ahead if cluster.ended => ("ahead", "same", "nothing to do"),
        WaveState::Ahead => ("ahead", "gap", "pending"),
    };
    el_in("li", class)
        .add(icon(picture))
        .text(wave.as_str())
        .add(text("span", &format!(": {word}")).class("unseen"))
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
