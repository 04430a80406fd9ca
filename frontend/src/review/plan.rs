//! A plan, like a pull request.

use shared::api::Intent;
use shared::plan::{Action, ClusterPlan, Step};
use wasm_bindgen::JsCast;
use web_sys::HtmlDetailsElement;

use super::run::verify_button;
use super::state::{Planned, Review};
use crate::components::failure::blocked;
use crate::components::findings;
use crate::dom::{El, button, el, el_in, icon, is_ticked, text, value_of};
use crate::highlight;
use crate::signals::*;

/// What is shown first: what goes, then what is in the way, then the rest.
const ORDER: [Action; 7] = [
    Action::Delete,
    Action::Conflict,
    Action::Rejected,
    Action::Disown,
    Action::Change,
    Action::Create,
    Action::Unchanged,
];

pub(crate) fn plan(review: Review, planned: &Planned) -> Vec<El> {
    let response = &planned.response;
    let mut parts = vec![decision(review, planned)];
    if !response.findings.is_empty() {
        let count = response.findings.len();
        let summary = text(
            "summary",
            &format!("Findings with what is in the clusters: {count}"),
        );
        let list = findings::list(response.findings.clone(), &review.acts());
        parts.push(el_in("details", "fold").add(summary).add(list));
    }
    parts.extend(response.plan.clusters.iter().map(cluster));
    parts
}

/// The totals, and the way on.
fn decision(review: Review, planned: &Planned) -> El {
    let plan = &planned.response.plan;
    let removes = planned.intent == Intent::Remove;
    let name = planned.name();
    let good = plan
        .clusters
        .iter()
        .filter(|cluster| cluster.can_be_applied())
        .count();
    let (all_good, some_good) = (plan.can_be_applied(), good > 0);
    let has_changes = plan.has_changes() || !all_good;
    let partial = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let total = |action: Action| plan.clusters.iter().map(|c| c.count(action)).sum::<usize>();

    let mut decision =
        el_in("div", "decision").add(el_in("p", "counts").id("plan-counts").all(chips(total)));
    if !some_good {
        let words = "No cluster can be applied to; see why below.";
        decision = decision.add(el_in("p", "warned").add(icon("warning")).text(words));
    } else if !all_good {
        let tick = el("input")
            .id("partial")
            .attr("type", "checkbox")
            .on("change", move |event| partial.set(is_ticked(&event)));
        let words = "Leave out the clusters that have something in the way";
        decision = decision.add(el_in("label", "tick").add(tick).text(words));
    }
    if !has_changes {
        let words = if removes {
            "Nothing of this mesh is in the clusters."
        } else {
            "The clusters are as the document says."
        };
        let in_step = el_in("p", "good").id("in-step");
        let verify = (!removes).then(|| verify_button(review, "primary"));
        return decision
            .add(in_step.add(icon("good")).text(words))
            .maybe(verify);
    }
    if removes {
        let label = el("label")
            .attr("for", "confirm-remove")
            .text("To remove, type the mesh name ");
        let input = el_in("input", "text")
            .id("confirm-remove")
            .attr("type", "text")
            .attr("autocomplete", "off")
            .attr("spellcheck", "false")
            .on("input", move |event| typed.set(value_of(&event)));
        let label = label.add(text("code", &name));
        decision = decision.add(el_in("div", "field").add(label).add(input));
    }
    let clusters = if good == 1 {
        "1 cluster".to_owned()
    } else {
        format!("{good} clusters")
    };
    let words = format!(
        "{} {clusters}",
        if removes { "Remove from" } else { "Apply to" }
    );
    let is_ready = move || {
        let is_meant = !removes || typed.with(|typed| *typed == name);
        is_meant && (all_good || partial.get()) && !review.sending.get()
    };
    let class = if removes { "danger" } else { "primary" };
    let planned = planned.clone();
    let apply = button(class, move || {
        review.apply(&planned, partial.get_untracked());
    })
    .id("apply")
    .flag("disabled", move || !is_ready())
    .show(move || {
        if review.sending.get() {
            "Sending…".to_owned()
        } else {
            words.clone()
        }
    });
    let verify = (!removes).then(|| verify_button(review, ""));
    decision.add(el_in("div", "buttons").maybe(verify).add(apply))
}

/// How many steps there are of each action.
fn chips(count: impl Fn(Action) -> usize) -> Vec<El> {
    let counts = ORDER.map(|action| (action, count(action)));
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
        Action::Conflict => "warning",
        Action::Rejected => "error",
    };
    el_in("span", &format!("chip {}", action.as_str()))
        .add(icon(picture))
        .text(words)
}

fn cluster(plan: &ClusterPlan) -> El {
    let head = el_in("div", "cluster-head")
        .add(text("h2", &plan.name))
        .add(
            el_in("span", "muted")
                .text("context ")
                .add(text("code", &plan.context)),
        )
        .add(el_in("span", "space"))
        .all(chips(|action| plan.count(action)));
    let error = plan.error.as_ref().map(|error| {
        let words = el("span").add(text("strong", "Not planned: ")).text(error);
        blocked("error", words).attr("role", "alert")
    });
    let of = |action: Action| plan.steps.iter().filter(move |step| step.action == action);
    let changing = ORDER
        .into_iter()
        .filter(|action| *action != Action::Unchanged)
        .flat_map(of);
    let unchanged = plan.count(Action::Unchanged);
    let kept = (unchanged > 0).then(|| {
        let names = of(Action::Unchanged)
            .map(|step| el_in("li", "plain").add(text("code", &step.object.to_string())));
        el_in("details", "fold")
            .add(text("summary", &format!("{unchanged} unchanged")))
            .add(el_in("ul", "step-list").all(names))
    });
    el_in("section", "cluster-plan")
        .attr("data-cluster", &plan.name)
        .add(head)
        .maybe(error)
        .add(el_in("ul", "step-list").all(changing.map(step)))
        .maybe(kept)
}

fn step(step: &Step) -> El {
    let head = |tag: &str, class: &str| {
        el_in(tag, class)
            .add(chip(step.action, step.action.as_str()))
            .add(text("code", &step.object.to_string()))
            .add(text("span", &step.object.group).class("muted kind"))
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
            .text(". fedmesh forces nothing: have it let go of the field, or rename the object; then plan again.");
        blocked("warning", words)
    });
    let refusal = step.message.as_ref().map(|message| {
        blocked(
            "error",
            el("span")
                .add(text("strong", "The cluster refuses it: "))
                .text(message),
        )
    });
    el_in("li", step.action.as_str())
        .add(body)
        .all(conflicts)
        .maybe(refusal)
}

/// A step with its difference. Changes are what a person has to read; the rest opens on demand.
fn folded(step: &Step, head: El) -> El {
    let (added, removed) = highlight::diff_count(&step.diff);
    let open = RwSignal::new(step.action == Action::Change);
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
