//! The totals of a plan, and the confirmation before it is applied.

use shared::api::Intent;
use shared::plan::guard::MassDeletion;
use shared::plan::{Action, ClusterPlan, Plan};

use super::run::verify_button;
use super::state::{Consent, Planned, Review};
use super::steps::chips;
use crate::browser::dom::{El, button, el, el_in, icon, is_ticked, text, value_of};
use crate::browser::signals::*;
use crate::components::failure::reason;

/// The totals, and the buttons.
pub(crate) fn consent(review: Review, planned: &Planned) -> El {
    let plan = &planned.response.plan;
    let removes = planned.intent == Intent::Remove;
    let total = |action: Action| plan.clusters.iter().map(|c| c.count(action)).sum::<usize>();
    let totals = el_in("p", "counts").id("plan-counts").all(chips(total));
    let decision = el_in("div", "decision").add(totals);
    let mut ready = plan.clusters.iter().filter(|one| one.can_be_applied());
    let count = ready.clone().count();
    let verify = |class: &str| (!removes).then(|| verify_button(review, class));
    if plan.can_be_applied() && !plan.has_changes() {
        let words = if removes {
            "Nothing of this mesh is in the clusters."
        } else {
            "All clusters are up to date with the document."
        };
        let unchanged = el_in("p", "good").id("up-to-date");
        return decision
            .add(unchanged.add(icon("good")).text(words))
            .maybe(verify("primary"));
    }
    if count == 0 || !ready.any(has_work) {
        let words = el_in("p", "warned").id("no-work").add(icon("warning"));
        return decision.add(words.text(why_nothing(count, plan)));
    }
    let asked = Asked::new(planned, count);
    let apply = asked.button(review, planned, count);
    decision
        .maybe(skipped(plan).map(|words| el_in("p", "warned").add(icon("skip")).text(&words)))
        .maybe(asked.partial)
        .maybe(asked.deletions)
        .maybe(asked.name)
        .add(el_in("div", "buttons").maybe(verify("")).add(apply))
}

fn has_work(plan: &ClusterPlan) -> bool {
    let mut steps = plan.steps.iter();
    steps.any(|step| step.action != Action::Unchanged && !step.action.is_skipped())
}

/// Why the plan cannot be applied; `ready` clusters are not blocked.
fn why_nothing(ready: usize, plan: &Plan) -> &'static str {
    if ready == 0 {
        "All clusters are blocked; see the reasons below."
    } else if ready < plan.clusters.len() {
        "No changes in the clusters that are not blocked; see below what blocks the others."
    } else {
        "No changes: all objects that differ are skipped; see the reasons below."
    }
}

/// The number of objects that an apply skips.
fn skipped(plan: &Plan) -> Option<String> {
    let clusters = plan.clusters.iter().filter(|one| one.can_be_applied());
    let steps = clusters.flat_map(|cluster| &cluster.steps);
    match steps.filter(|step| step.action.is_skipped()).count() {
        0 => None,
        1 => Some(
            "1 object is skipped, with the objects that depend on it; see the reason below."
                .to_owned(),
        ),
        count => Some(format!(
            "{count} objects are skipped, with the objects that depend on them; see the reasons below."
        )),
    }
}

/// The inputs that confirm a plan, and their values.
struct Asked {
    partial: Option<El>,
    deletions: Option<El>,
    name: Option<El>,
    is_partial: RwSignal<bool>,
    typed: RwSignal<String>,
}

impl Asked {
    /// `ready` clusters are not blocked.
    fn new(planned: &Planned, ready: usize) -> Self {
        let is_partial = RwSignal::new(false);
        let typed = RwSignal::new(String::new());
        let blocked = planned.response.plan.clusters.len() - ready;
        let partial = (blocked > 0).then(|| {
            let tick = el("input")
                .id("partial")
                .attr("type", "checkbox")
                .on("change", move |event| is_partial.set(is_ticked(&event)));
            let words = match blocked {
                1 => "Skip the blocked cluster".to_owned(),
                _ => format!("Skip the {blocked} blocked clusters"),
            };
            el_in("label", "tick").add(tick).text(&words)
        });
        let mass_deletion = planned.response.mass_deletion.as_ref();
        let question = match (planned.intent, mass_deletion) {
            (Intent::Remove, _) => Some(("confirm-remove", "To remove, type the mesh name ")),
            (Intent::Apply, Some(_)) => Some((
                "confirm-delete",
                "To apply these deletions, type the mesh name ",
            )),
            (Intent::Apply, None) => None,
        };
        Self {
            partial,
            deletions: mass_deletion.map(deletions),
            name: question.map(|(id, words)| name_field(id, words, &planned.name(), typed)),
            is_partial,
            typed,
        }
    }

    fn button(&self, review: Review, planned: &Planned, ready: usize) -> El {
        let removes = planned.intent == Intent::Remove;
        let deletes = planned.response.mass_deletion.as_ref();
        let allow_delete = deletes.map(|found| found.deletes);
        let (is_partial, typed) = (self.is_partial, self.typed);
        let asks_name = self.name.is_some();
        let asks_partial = self.partial.is_some();
        let name = planned.name();
        let is_ready = move || {
            let is_meant = !asks_name || typed.with(|typed| *typed == name);
            is_meant && (!asks_partial || is_partial.get()) && !review.sending.get()
        };
        let clusters = match ready {
            1 => "1 cluster".to_owned(),
            _ => format!("{ready} clusters"),
        };
        let verb = if removes { "Remove from" } else { "Apply to" };
        let words = format!("{verb} {clusters}");
        let planned = planned.clone();
        let apply = move || {
            let consent = Consent {
                partial: is_partial.get_untracked(),
                allow_delete,
            };
            review.apply(&planned, consent);
        };
        button(if asks_name { "danger" } else { "primary" }, apply)
            .id("apply")
            .flag("disabled", move || !is_ready())
            .show(move || {
                if review.sending.get() {
                    "Sending…".to_owned()
                } else {
                    words.clone()
                }
            })
    }
}

/// The reasons why the deletions need a confirmation.
fn deletions(found: &MassDeletion) -> El {
    let reasons = found.reasons.iter().map(|reason| text("li", reason));
    let words = el("div")
        .add(text("strong", "This plan deletes"))
        .add(el_in("ul", "bullets").all(reasons));
    reason("error", words)
        .class("reason error alone")
        .id("mass-deletion")
}

fn name_field(id: &str, words: &str, name: &str, typed: RwSignal<String>) -> El {
    let label = el("label")
        .attr("for", id)
        .text(words)
        .add(text("code", name));
    let input = el_in("input", "text")
        .id(id)
        .attr("type", "text")
        .attr("autocomplete", "off")
        .attr("spellcheck", "false")
        .on("input", move |event| typed.set(value_of(&event)));
    el_in("div", "field").add(label).add(input)
}
