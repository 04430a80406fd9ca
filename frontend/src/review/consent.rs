//! The totals of a plan, and the confirmation before it is applied.

use leptos::prelude::*;
use shared::api::Intent;
use shared::plan::{Action, ClusterPlan, Plan};

use super::run::VerifyButton;
use super::state::{Consent, Planned, Review};
use super::steps::chips;
use crate::agent::Agent;
use crate::components::failure::Reason;
use crate::components::icon::Icon;

/// The totals, and the buttons.
#[component]
pub(crate) fn Confirmation(planned: Planned) -> impl IntoView {
    let plan = &planned.response.plan;
    let removes = planned.intent == Intent::Remove;
    let totals = chips(|action| plan.clusters.iter().map(|c| c.count(action)).sum());
    let mut ready = plan.clusters.iter().filter(|one| one.can_be_applied());
    let count = ready.clone().count();
    let rest = if plan.can_be_applied() && !plan.has_changes() {
        view! { <UpToDate removes /> }.into_any()
    } else if count == 0 || !ready.any(has_work) {
        view! {
            <p class="warned" id="no-work">
                <Icon name="warning" />
                {why_nothing(count, plan)}
            </p>
        }
        .into_any()
    } else {
        view! { <Questions planned ready=count /> }.into_any()
    };
    view! {
        <div class="decision">
            <p class="counts" id="plan-counts">{totals}</p>
            {rest}
        </div>
    }
}

/// The message that there is nothing to apply.
#[component]
fn UpToDate(removes: bool) -> impl IntoView {
    let words = if removes {
        "Nothing of this mesh is in the clusters."
    } else {
        "All clusters are up to date with the document."
    };
    view! {
        <p class="good" id="up-to-date">
            <Icon name="good" />
            {words}
        </p>
        {(!removes).then(|| view! { <VerifyButton is_primary=true /> })}
    }
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

/// The inputs that confirm a plan, and the button that applies it.
#[component]
fn Questions(
    planned: Planned,
    /// The number of clusters that are not blocked.
    ready: usize,
) -> impl IntoView {
    let response = planned.response.clone();
    let removes = planned.intent == Intent::Remove;
    let is_partial = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let skipped = skipped(&response.plan).map(|words| {
        view! {
            <p class="warned">
                <Icon name="skip" />
                {words}
            </p>
        }
    });
    let blocked = response.plan.clusters.len() - ready;
    let partial = (blocked > 0).then(|| view! { <Partial blocked is_partial /> });
    let mass_deletion = response.mass_deletion.as_ref();
    let deletions = mass_deletion.map(|found| {
        let reasons = found.reasons.clone();
        view! { <Deletions reasons /> }
    });
    let question = match (planned.intent, mass_deletion) {
        (Intent::Remove, _) => Some(("confirm-remove", "To remove, type the mesh name ")),
        (Intent::Apply, Some(_)) => Some((
            "confirm-delete",
            "To apply these deletions, type the mesh name ",
        )),
        (Intent::Apply, None) => None,
    };
    let name = question.map(|(id, words)| {
        let name = planned.name();
        view! { <NameField id words name typed /> }
    });
    let allow_delete = mass_deletion.map(|found| found.deletes);
    let verify = (!removes).then(|| view! { <VerifyButton /> });
    view! {
        {skipped}
        {partial}
        {deletions}
        {name}
        <div class="buttons">
            {verify}
            <ApplyButton
                planned
                ready
                allow_delete
                typed=question.is_some().then_some(typed)
                is_partial=(blocked > 0).then_some(is_partial)
            />
        </div>
    }
}

/// The button that applies a plan once it is confirmed.
#[component]
fn ApplyButton(
    planned: Planned,
    /// The number of clusters that are not blocked.
    ready: usize,
    /// See [`Consent::allow_delete`].
    allow_delete: Option<usize>,
    /// The input for the name of the mesh, if it has to be typed.
    typed: Option<RwSignal<String>>,
    /// Whether the blocked clusters are to be skipped, if there are any.
    is_partial: Option<RwSignal<bool>>,
) -> impl IntoView {
    let review = expect_context::<Review>();
    let agent = expect_context::<Agent>();
    let name = planned.name();
    let is_ready = move || {
        typed.is_none_or(|typed| typed.with(|typed| *typed == name))
            && is_partial.is_none_or(|is_partial| is_partial.get())
            && !review.sending.get()
            && agent.is_connected()
    };
    let clusters = match ready {
        1 => "1 cluster".to_owned(),
        _ => format!("{ready} clusters"),
    };
    let verb = match planned.intent {
        Intent::Apply => "Apply to",
        Intent::Remove => "Remove from",
    };
    let label = move || {
        if review.sending.get() {
            "Sending…".to_owned()
        } else {
            format!("{verb} {clusters}")
        }
    };
    let apply = move |_| {
        let partial = is_partial.is_some_and(|is_partial| is_partial.get_untracked());
        let consent = Consent {
            partial,
            allow_delete,
        };
        review.apply(&planned, consent);
    };
    let class = if typed.is_some() { "danger" } else { "primary" };
    view! {
        <button type="button" class=class id="apply" disabled=move || !is_ready() on:click=apply>
            {label}
        </button>
    }
}

/// The choice to skip the clusters that are blocked.
#[component]
fn Partial(blocked: usize, is_partial: RwSignal<bool>) -> impl IntoView {
    let words = match blocked {
        1 => "Skip the blocked cluster".to_owned(),
        _ => format!("Skip the {blocked} blocked clusters"),
    };
    view! {
        <label class="tick">
            <input id="partial" type="checkbox" bind:checked=is_partial />
            {words}
        </label>
    }
}

/// The reasons why the deletions need a confirmation.
#[component]
fn Deletions(reasons: Vec<String>) -> impl IntoView {
    let reasons = reasons
        .into_iter()
        .map(|reason| view! { <li>{reason}</li> });
    let reasons = reasons.collect_view();
    view! {
        <Reason picture="error" alone=true attr:id="mass-deletion">
            <div>
                <strong>"This plan deletes"</strong>
                <ul class="bullets">{reasons}</ul>
            </div>
        </Reason>
    }
}

/// The input for the name of the mesh.
#[component]
fn NameField(
    id: &'static str,
    words: &'static str,
    name: String,
    typed: RwSignal<String>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>{words}<code>{name}</code></label>
            <input
                class="text"
                id=id
                type="text"
                autocomplete="off"
                spellcheck="false"
                bind:value=typed
            />
        </div>
    }
}
