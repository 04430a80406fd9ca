//! The steps of a plan: the action on an object, its diff, and why it is skipped.

use shared::api::Intent;
use shared::plan::decisions::Decision;
use shared::plan::{Action, ClusterPlan, Step};
use wasm_bindgen::JsCast;
use web_sys::HtmlDetailsElement;

use super::causes::with_code;
use super::decided;
use super::state::Review;
use crate::browser::dom::{El, el, el_in, icon, text};
use crate::browser::signals::*;
use crate::components::failure::reason;
use crate::result::highlight;

/// The number of steps of each action.
pub(crate) fn chips(count: impl Fn(Action) -> usize) -> Vec<El> {
    let counts = Action::AS_SHOWN.map(|action| (action, count(action)));
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    counts
        .map(|(action, count)| chip(action, &format!("{count} {}", action.as_str())))
        .collect()
}

fn chip(action: Action, words: &str) -> El {
    let picture = match action {
        Action::Create => "plus",
        Action::Change => "change",
        Action::Unchanged => "same",
        Action::Delete => "delete",
        Action::Disown => "release",
        Action::Adopt => "adopt",
        Action::Conflict => "warning",
        Action::Rejected => "error",
        Action::Blocked => "blocked",
    };
    el_in("span", &format!("chip {}", action.as_str()))
        .add(icon(picture))
        .text(words)
}

/// The steps of a cluster; those that change nothing are folded.
pub(crate) fn steps(review: Review, intent: Intent, plan: &ClusterPlan) -> [Option<El>; 2] {
    let of = |action: Action| plan.steps.iter().filter(move |step| step.action == action);
    let changing = Action::AS_SHOWN
        .into_iter()
        .filter(|action| *action != Action::Unchanged)
        .flat_map(of)
        .map(|one| step(review, intent, one));
    let unchanged = plan.count(Action::Unchanged);
    let kept = (unchanged > 0).then(|| {
        let names = of(Action::Unchanged)
            .map(|step| el_in("li", "plain").add(text("code", &step.object.to_string())));
        el_in("details", "fold")
            .add(text("summary", &format!("{unchanged} unchanged")))
            .add(el_in("ul", "step-list").all(names))
    });
    [Some(el_in("ul", "step-list").all(changing)), kept]
}

fn step(review: Review, intent: Intent, step: &Step) -> El {
    let head = |tag: &str, class: &str| {
        el_in(tag, class)
            .add(chip(step.action, step.action.as_str()))
            .add(text("code", &step.object.to_string()))
            .add(text("span", &step.object.group).class("muted kind"))
            .maybe(note(step))
    };
    let body = if step.diff.is_empty() {
        head("div", "line")
    } else {
        folded(step, head("summary", ""))
    };
    let conflicts = step.conflicts.iter().map(|conflict| {
        let words = el("span")
            .add(text("strong", &conflict.manager))
            .text(" owns ")
            .add(text("code", &conflict.field))
            .text(
                ". The object is skipped. Remove the field from the manifests of that manager, list it in spec.ignore, \
                 or use --take-over on the command line.",
            );
        reason("warning", words)
    });
    let why = why(step).map(|(picture, words)| {
        let way = step.decision.as_ref();
        reason(picture, words).maybe(way.map(|decision| decided::way(review, intent, decision)))
    });
    el_in("li", step.action.as_str())
        .add(body)
        .all(conflicts)
        .maybe(why)
}

/// The note at a step.
fn note(step: &Step) -> Option<El> {
    let message = step.message.as_deref()?;
    let note = || el_in("span", "muted note").all(with_code(message));
    (!step.action.is_skipped()).then(note)
}

/// Why a step is skipped, in words of the page if the user can decide here.
fn why(step: &Step) -> Option<(&'static str, El)> {
    let message = step.message.as_deref()?;
    let words = el("span");
    Some(match (&step.decision, step.action) {
        (Some(Decision::Adopt(_)), _) => (
            "error",
            words.text(
                "It exists and does not belong to this mesh. Adopt it in every cluster where it exists, or use \
                 another name or namespace.",
            ),
        ),
        (Some(Decision::RenamedFrom(mesh)), _) => (
            "error",
            words
                .text("It belongs to mesh ")
                .add(text("code", mesh))
                .text(". Use another name or namespace in one of the two documents, unless this mesh was renamed."),
        ),
        (_, Action::Blocked) => ("error", words.all(with_code(message))),
        (_, Action::Rejected) => (
            "error",
            words
                .add(text("strong", "The API server rejects it: "))
                .all(with_code(message)),
        ),
        _ => return None,
    })
}

/// A step with its diff. Diffs of changes are open; the others open on demand.
fn folded(step: &Step, head: El) -> El {
    let (added, removed) = highlight::diff_count(&step.diff);
    let open = RwSignal::new(matches!(step.action, Action::Change | Action::Adopt));
    let size = el_in("span", "size")
        .add(text("span", &format!("+{added}")).class("added"))
        .text(" ")
        .add(text("span", &format!("−{removed}")).class("removed"));
    let diff = step.diff.clone();
    let shown = el("div").one(move || {
        let diff = diff.clone();
        open.get().then(|| {
            el_in("pre", "diff")
                .attr("tabindex", "0")
                .attr("role", "region")
                .attr("aria-label", "Difference")
                .html(move || highlight::diff(&diff))
        })
    });
    let details = el("details")
        .add(head.add(el_in("span", "space")).add(size))
        .add(shown);
    let element: HtmlDetailsElement = details.element().clone().unchecked_into();
    element.set_open(open.get_untracked());
    details.on("toggle", move |_| open.set(element.open()))
}
