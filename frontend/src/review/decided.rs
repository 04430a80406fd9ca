//! Decisions of the user that are not in the document: the buttons for them, and the list of those made.

use std::collections::BTreeSet;
use std::sync::Arc;

use leptos::prelude::*;
use shared::api::{Intent, PlanResponse};
use shared::check::{Finding, code};
use shared::plan::decisions::{Decision, Decisions};

use super::state::{Planned, Review};
use crate::components::failure::Reason;
use crate::components::icon::Icon;

/// The button for a decision; it plans again.
#[component]
pub(crate) fn DecisionButton(intent: Intent, decision: Decision) -> impl IntoView {
    let review = expect_context::<Review>();
    let (word, about, words, title) = match &decision {
        Decision::Adopt(object) => (
            "adopt",
            object,
            "Adopt".to_owned(),
            "This mesh takes the object over; a removal restores its original state",
        ),
        Decision::RenamedFrom(mesh) => (
            "renamed",
            mesh,
            format!("This mesh was called {mesh}"),
            "This mesh takes over the objects of that mesh",
        ),
        Decision::Replaced(cluster) => (
            "replaced",
            cluster,
            format!("{cluster} was replaced"),
            "The context leads to another cluster on purpose",
        ),
        Decision::ForgetAddresses(cluster) => (
            "withdraw",
            cluster,
            "Withdraw".to_owned(),
            "The last known addresses of its gateways are no longer published",
        ),
    };
    // For screen readers, if the label does not contain it.
    let more = (!words.contains(about.as_str()))
        .then(|| view! { <span class="unseen">{format!(" {about}")}</span> });
    let id = format!("{word} {about}");
    view! {
        <button
            type="button"
            data-decide=id
            title=title
            on:click=move |_| review.decide(intent, vec![decision.clone()])
        >
            {words}
            {more}
        </button>
    }
}

/// The decisions made, each with a button that withdraws it; nothing without any.
#[component]
pub(crate) fn DecisionList(intent: Intent, decisions: Decisions) -> impl IntoView {
    let all = decisions.all();
    if all.is_empty() {
        return None;
    }
    let rows = all
        .into_iter()
        .map(|decision| view! { <Decided intent decision /> });
    Some(view! {
        <section class="cluster-plan" id="decisions">
            <div class="cluster-head">
                <h2>"Decisions"</h2>
                <span class="muted">"This plan applies them."</span>
            </div>
            <ul class="decisions">{rows.collect_view()}</ul>
        </section>
    })
}

/// A decision made.
#[component]
fn Decided(intent: Intent, decision: Decision) -> impl IntoView {
    let review = expect_context::<Review>();
    let (picture, before, name, after) = match &decision {
        Decision::Adopt(object) => ("adopt", "Adopt ", object, ""),
        Decision::RenamedFrom(mesh) => ("change", "This mesh was called ", mesh, ""),
        Decision::Replaced(cluster) => ("cluster", "Cluster ", cluster, " was replaced"),
        Decision::ForgetAddresses(cluster) => (
            "delete",
            "Withdraw the last known addresses of ",
            cluster,
            "",
        ),
    };
    let spoken = format!(": {before}{name}{after}");
    let name = name.clone();
    view! {
        <li>
            <Icon name=picture />
            <span>{before}<code>{name}</code>{after}</span>
            <button type="button" on:click=move |_| review.withdraw(intent, &decision)>
                "Withdraw"
                <span class="unseen">{spoken}</span>
            </button>
        </li>
    }
}

/// A button that adopts all objects that can be; nothing for a single one, which has its own button.
#[component]
pub(crate) fn AdoptAll(intent: Intent, response: Arc<PlanResponse>) -> impl IntoView {
    let review = expect_context::<Review>();
    let steps = response.plan.steps();
    let adoptable: BTreeSet<&str> = steps
        .filter_map(|(_, step)| match &step.decision {
            Some(Decision::Adopt(object)) => Some(object.as_str()),
            _ => None,
        })
        .collect();
    let count = adoptable.len();
    if count < 2 {
        return None;
    }
    let all: Vec<Decision> = adoptable
        .into_iter()
        .map(|object| Decision::Adopt(object.to_owned()))
        .collect();
    Some(view! {
        <Reason picture="error" alone=true>
            <span>{format!("{count} objects exist and do not belong to this mesh.")}</span>
            <button
                type="button"
                id="adopt-all"
                on:click=move |_| review.decide(intent, all.clone())
            >
                {format!("Adopt all {count}")}
            </button>
        </Reason>
    })
}

/// Gateways whose published addresses cannot be looked up, each with a button that withdraws them; nothing without
/// any.
#[component]
pub(crate) fn LastKnown(
    intent: Intent,
    /// The findings about them, with the clusters.
    addresses: Vec<(Finding, String)>,
) -> impl IntoView {
    if addresses.is_empty() {
        return None;
    }
    let rows = addresses.into_iter().map(|(finding, cluster)| {
        let decision = Decision::ForgetAddresses(cluster);
        view! {
            <Reason picture="warning">
                <span>{finding.message}</span>
                <DecisionButton intent decision />
            </Reason>
        }
    });
    Some(view! {
        <section class="cluster-plan" id="last-known">
            <div class="cluster-head">
                <h2>"Last known addresses"</h2>
            </div>
            {rows.collect_view()}
        </section>
    })
}

/// Findings about last known addresses that can be withdrawn, with their clusters; and the other findings.
pub(crate) fn last_known(planned: &Planned) -> (Vec<(Finding, String)>, Vec<Finding>) {
    let mut last_known = Vec::new();
    let mut rest = Vec::new();
    for finding in planned.response.findings.iter().cloned() {
        match withdrawable_cluster(&finding, planned) {
            Some(cluster) => last_known.push((finding, cluster)),
            None => rest.push(finding),
        }
    }
    (last_known, rest)
}

/// The cluster of a finding about last known addresses that can be withdrawn.
fn withdrawable_cluster(finding: &Finding, planned: &Planned) -> Option<String> {
    if finding.code != code::LAST_KNOWN.id {
        return None;
    }
    let (index, _) = finding
        .path
        .strip_prefix("spec.clusters[")?
        .split_once(']')?;
    let index: usize = index.parse().ok()?;
    let name = &planned.document.mesh.spec.clusters.get(index)?.name;
    let is_withdrawable = planned.response.withdrawable.contains(name);
    is_withdrawable.then(|| name.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use shared::Mesh;
    use shared::check::Severity;
    use shared::plan::Plan;

    use super::*;
    use crate::document::start;
    use crate::review::task::Document;

    #[test]
    fn an_address_that_can_be_withdrawn_has_a_cluster() {
        let planned = Planned {
            intent: Intent::Apply,
            document: Arc::new(Document {
                mesh: Mesh::from_value(&start::walkthrough()).0,
                digest: String::new(),
            }),
            decisions: Arc::default(),
            is_other: false,
            response: Arc::new(PlanResponse {
                findings: Vec::new(),
                withdrawable: BTreeSet::from(["cluster2".to_owned()]),
                mass_deletion: None,
                plan: Plan {
                    id: String::new(),
                    mesh: String::new(),
                    clusters: Vec::new(),
                },
            }),
        };
        let finding = |code: &str, path: &str| Finding {
            code: code.to_owned(),
            severity: Severity::Warning,
            path: path.to_owned(),
            message: "m".to_owned(),
            hint: "h".to_owned(),
            fix: None,
        };
        let of = |cluster: usize| format!("spec.clusters[{cluster}].gateway.addresses");
        for (finding, cluster) in [
            (finding("FM0807", &of(1)), Some("cluster2")),
            (finding("FM0807", &of(0)), None),
            (finding("FM0208", &of(1)), None),
            (finding("FM0807", "spec.clusters[2]"), None),
            (finding("FM0807", "spec.dns"), None),
        ] {
            let found = withdrawable_cluster(&finding, &planned);
            assert_eq!(found.as_deref(), cluster, "{finding:?}");
        }
    }
}
