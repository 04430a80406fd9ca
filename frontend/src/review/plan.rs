//! A plan, shown like a pull request.

use shared::api::Intent;
use shared::plan::ClusterPlan;
use shared::plan::decisions::Decision;

use super::causes::with_code;
use super::consent::consent;
use super::decided;
use super::state::{Planned, Review};
use super::steps::{chips, steps};
use crate::browser::dom::{El, el, el_in, text};
use crate::components::failure::reason;
use crate::components::findings;

pub(crate) fn plan(review: Review, planned: &Planned) -> Vec<El> {
    let response = &planned.response;
    let intent = planned.intent;
    let mut parts = Vec::new();
    if planned.is_other {
        let words = el("span")
            .add(text("strong", "Nothing was changed. "))
            .text("The clusters have changed since the previous plan. This is the new plan.");
        let other = reason("warning", words).class("reason warning alone");
        parts.push(other.id("plan-changed").attr("role", "alert"));
    }
    parts.push(consent(review, planned));
    parts.extend(decided::adopt_all(review, intent, &response.plan));
    parts.extend(decided::list(review, intent, &planned.decisions));
    let (last_known, rest) = decided::last_known(review, planned);
    parts.extend(last_known);
    if !rest.is_empty() {
        let words = format!("Findings about the clusters: {}", rest.len());
        let list = findings::list(rest, &review.acts());
        parts.push(
            el_in("details", "fold")
                .add(text("summary", &words))
                .add(list),
        );
    }
    let clusters = response.plan.clusters.iter();
    parts.extend(clusters.map(|one| cluster(review, intent, one)));
    parts
}

fn cluster(review: Review, intent: Intent, plan: &ClusterPlan) -> El {
    let head = el_in("div", "cluster-head")
        .add(text("h2", &plan.name))
        .add(
            el_in("span", "muted")
                .text("context ")
                .add(text("code", &plan.context)),
        )
        .add(el_in("span", "counts").all(chips(|action| plan.count(action))));
    let blocker = blocker(plan).map(|words| {
        let way = plan.decision.as_ref();
        let way = way.map(|decision| decided::way(review, intent, decision));
        reason("error", words).maybe(way).attr("role", "alert")
    });
    let section = el_in("section", "cluster-plan")
        .attr("data-cluster", &plan.name)
        .add(head)
        .maybe(blocker);
    steps(review, intent, plan)
        .into_iter()
        .fold(section, El::maybe)
}

/// Why nothing is applied to a cluster.
fn blocker(plan: &ClusterPlan) -> Option<El> {
    let words = el("span");
    match &plan.error {
        Some(error) => {
            let heading = if plan.steps.is_empty() {
                "Not planned: "
            } else {
                "Cannot be carried out: "
            };
            let words = words.add(text("strong", heading));
            Some(match (&plan.decision, &plan.cause) {
                // The button beside it replaces the remedy.
                (Some(Decision::Replaced(_)), Some(cause)) => words.all(with_code(&format!(
                    "{cause}. Correct the kubeconfig, unless the cluster was replaced."
                ))),
                _ => words.all(with_code(error)),
            })
        }
        None if !plan.can_be_applied() => Some(
            words
                .add(text("strong", "Blocked: "))
                .text("nothing is applied to this cluster until its blocked objects are resolved."),
        ),
        None => None,
    }
}
