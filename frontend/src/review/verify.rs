//! The progress and the result of a verification.

use std::rc::Rc;
use std::sync::Arc;

use shared::verify::{Family, Outcome, Report};

use super::causes::{CauseIds, causes};
use super::doing::{Doing, Run};
use super::drill;
use super::families::families;
use super::run::{broken_off, elapsed};
use super::state::Review;
use super::table::table;
use super::verification::{End, Stage, Verification, families as all_families, verdict};
use crate::agent::message::Task;
use crate::browser::dom::{El, button, depend, el, el_in, icon, text};
use crate::browser::signals::*;
use crate::components::failure::failure_box;

/// Seconds for which failed checks are retried on request: longer than it takes to publish records, and than
/// caches keep them.
const LONG: u32 = 600;

pub(crate) fn verify(review: Review, run: &Run) -> Vec<El> {
    let verification = review.verification;
    let is_over = memo(move || verification.with(|verification| verification.end.is_some()));
    let is_waiting = memo(move || !is_over.get() && review.lost.with(Option::is_none));
    let (again, under_way) = (run.clone(), run.clone());
    let lost = el("div").content(move || match review.lost.get() {
        Some(lost) => broken_off(review, &again, lost),
        None => Vec::new(),
    });
    let course = el_in("div", "run")
        .one(move || is_waiting.get().then(|| course(review, under_way.clone())));
    let result = el_in("div", "run").content(move || {
        depend(is_over);
        match verification.with_untracked(|verification| verification.end.clone()) {
            None => Vec::new(),
            Some(End::Report(report)) => result(review, &report),
            Some(End::Failed(failure)) => {
                vec![failure_box(failure, &review.acts()), ways_on(review, false)]
            }
        }
    });
    vec![el_in("div", "run").add(lost).add(course).add(result)]
}

/// The progress, and the button to stop.
fn course(review: Review, run: Run) -> El {
    let verification = review.verification;
    let started = run.started;
    let with_drill = run.doing == Doing::Drill;
    let stop = button("", move || review.stop(&run))
        .id("stop")
        .flag("disabled", move || review.sending.get())
        .text(if with_drill {
            "Stop and restore"
        } else {
            "Stop and show the results so far"
        });
    let head = el_in("div", "cluster-head")
        .add(elapsed(started))
        .add(el_in("span", "space"))
        .add(stop);
    let done = move || verification.with(|verification| verification.done(with_drill));
    let bar = el("progress")
        .attr("aria-label", "Checks")
        .set("max", move || Some(done().1.max(1).to_string()))
        .set("value", move || Some(done().0.to_string()));
    let steps = el_in("ol", "waves").content(move || {
        verification.with(|verification| {
            let families = all_families(with_drill).iter();
            families
                .map(|(family, words)| step(words, verification.stage(*family)))
                .collect()
        })
    });
    let not_stopped = el("div").one(move || {
        let failure = review.not_stopped.get();
        failure.map(|failure| failure_box(failure, &review.acts()))
    });
    let words = el_in("p", "current")
        .id("verify-progress")
        .show(move || verification.with(Verification::words));
    let note = text(
        "p",
        if with_drill {
            "The replicas are restored in any case. You can close the page; the agent continues."
        } else {
            "The mesh is not changed. In a cluster without a client to call from, a Job calls instead and \
             is deleted at the end. You can close the page; the agent continues."
        },
    );
    let section = el_in("section", "cluster-plan running")
        .id("verifying")
        .add(head)
        .add(bar)
        .add(steps)
        .add(words);
    el_in("div", "run")
        .add(section)
        .add(not_stopped)
        .add(note.class("muted"))
}

fn step(words: &str, stage: Stage) -> El {
    let (class, picture, word) = match stage {
        Stage::Done(checks) => ("done", "good", format!("{checks} made")),
        Stage::Running => ("running", "change", "running".to_owned()),
        Stage::Ahead => ("ahead", "gap", "pending".to_owned()),
    };
    el_in("li", class)
        .add(icon(picture))
        .add(text("span", &format!("{words}: {word}")))
}

fn result(review: Review, report: &Arc<Report>) -> Vec<El> {
    let outcome = report.outcome();
    let (class, picture) = look(outcome);
    let words = el("div")
        .add(
            el_in("p", class)
                .add(icon(picture))
                .add(text("strong", verdict(report))),
        )
        .add(text("p", &report.summary()).class("muted"));
    let summary = el_in("div", "decision")
        .id("verified")
        .attr("data-outcome", outcome.as_str())
        .add(words)
        .add(ways_on(review, outcome != Outcome::Passed));
    let ids = Rc::new(CauseIds::of(&report.checks));
    let caption = "Calls: a row for each name, a column for each client's cluster";
    let calls = table(report, Family::Call, caption, &ids, Some(review)).map(|table| {
        let title = text("h2", "Calls from a client in each cluster");
        el_in("section", "cluster-plan")
            .id("calls")
            .add(el_in("div", "cluster-head").add(title))
            .add(table)
    });
    let mut parts = vec![summary];
    parts.extend(drill::result(report, &ids));
    parts.extend(calls);
    parts.extend(causes(&report.checks, &ids));
    parts.extend(families(report, &ids));
    parts
}

/// The buttons after the end.
fn ways_on(review: Review, can_get_better: bool) -> El {
    let done = button("primary", move || review.leave())
        .id("done")
        .text("Done");
    let verify = move |wait| move || review.want(Task::Verify { wait });
    let again = button("", verify(0))
        .id("verify-again")
        .text("Verify again");
    let until = can_get_better.then(|| {
        button("", verify(LONG))
            .id("verify-until")
            .attr(
                "title",
                "Retries failed checks until they pass, for at most ten minutes",
            )
            .text("Retry for 10 minutes")
    });
    el_in("div", "buttons").add(done).add(again).maybe(until)
}

/// Class and picture of an outcome.
pub(crate) const fn look(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Passed => ("good", "good"),
        Outcome::Failed => ("bad", "error"),
        Outcome::CouldNotCheck => ("warned", "warning"),
    }
}
