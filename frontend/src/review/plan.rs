//! A plan, shown like a pull request.

use leptos::prelude::*;
use shared::api::Intent;
use shared::plan::ClusterPlan;
use shared::plan::decisions::Decision;

use super::consent::Confirmation;
use super::decided::{AdoptAll, DecisionButton, DecisionList, LastKnown, last_known};
use super::state::Planned;
use super::steps::{Steps, chips};
use crate::components::explanation::with_code;
use crate::components::failure::Reason;
use crate::components::findings::FindingList;

#[component]
pub(crate) fn PlanView(planned: Planned) -> impl IntoView {
    let intent = planned.intent;
    let response = planned.response.clone();
    let decisions = (*planned.decisions).clone();
    let changed = planned.is_other.then(|| {
        view! {
            <Reason picture="warning" alone=true attr:id="plan-changed" attr:role="alert">
                <span>
                    <strong>"Nothing was changed. "</strong>
                    "The clusters have changed since the previous plan. This is the new plan."
                </span>
            </Reason>
        }
    });
    let (last_known, findings) = last_known(&planned);
    let findings = (!findings.is_empty()).then(|| {
        let words = format!("Findings about the clusters: {}", findings.len());
        view! {
            <details class="fold">
                <summary>{words}</summary>
                <FindingList findings />
            </details>
        }
    });
    let clusters = response.plan.clusters.iter().cloned();
    let clusters = clusters.map(|plan| view! { <Cluster intent plan /> });
    view! {
        {changed}
        <Confirmation planned />
        <AdoptAll intent response=response.clone() />
        <DecisionList intent decisions />
        <LastKnown intent addresses=last_known />
        {findings}
        {clusters.collect_view()}
    }
}

#[component]
fn Cluster(intent: Intent, plan: ClusterPlan) -> impl IntoView {
    let blocker = blocker(&plan).map(|words| {
        let decision = plan.decision.clone();
        let decide = decision.map(|decision| view! { <DecisionButton intent decision /> });
        view! {
            <Reason picture="error" attr:role="alert">
                <span>{words}</span>
                {decide}
            </Reason>
        }
    });
    view! {
        <section class="cluster-plan" data-cluster=plan.name.clone()>
            <div class="cluster-head">
                <h2>{plan.name.clone()}</h2>
                <span class="muted">"context " <code>{plan.context.clone()}</code></span>
                <span class="counts">{chips(|action| plan.count(action))}</span>
            </div>
            {blocker}
            <Steps intent steps=plan.steps />
        </section>
    }
}

/// Why nothing is applied to a cluster.
fn blocker(plan: &ClusterPlan) -> Option<AnyView> {
    match &plan.error {
        Some(error) => {
            let heading = if plan.steps.is_empty() {
                "Not planned: "
            } else {
                "Cannot be carried out: "
            };
            let words = match (&plan.decision, &plan.cause) {
                // The button beside it replaces the remedy.
                (Some(Decision::Replaced(_)), Some(cause)) => with_code(&format!(
                    "{cause}. Correct the kubeconfig, unless the cluster was replaced."
                )),
                _ => with_code(error),
            };
            Some(view! { <strong>{heading}</strong> {words} }.into_any())
        }
        None if !plan.can_be_applied() => Some(
            view! {
                <strong>"Blocked: "</strong>
                "nothing is applied to this cluster until its blocked objects are resolved."
            }
            .into_any(),
        ),
        None => None,
    }
}
