//! Decisions of the user that are not in the document: the buttons for them, and the list of those made.

use std::collections::BTreeSet;

use shared::api::Intent;
use shared::check::{Finding, code};
use shared::plan::Plan;
use shared::plan::decisions::{Decision, Decisions};

use super::state::{Planned, Review};
use crate::browser::dom::{El, button, el, el_in, icon, text};
use crate::components::failure::reason;

/// The button for a decision; it plans again.
pub(crate) fn way(review: Review, intent: Intent, decision: &Decision) -> El {
    let (word, about, words, title) = match decision {
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
    let more = (!words.contains(about.as_str())).then(|| text("span", &format!(" {about}")));
    let decision = decision.clone();
    button("", move || review.decide(intent, vec![decision.clone()]))
        .attr("data-decide", &format!("{word} {about}"))
        .attr("title", title)
        .text(&words)
        .maybe(more.map(|more| more.class("unseen")))
}

/// The decisions made, each with a button that withdraws it; `None` without any.
pub(crate) fn list(review: Review, intent: Intent, decisions: &Decisions) -> Option<El> {
    let all = decisions.all();
    if all.is_empty() {
        return None;
    }
    let rows = all.into_iter().map(|decision| {
        let (picture, words) = words(&decision);
        let spoken = words.element().text_content().unwrap_or_default();
        let withdraw = button("", move || review.withdraw(intent, &decision))
            .text("Withdraw")
            .add(text("span", &format!(": {spoken}")).class("unseen"));
        el("li").add(icon(picture)).add(words).add(withdraw)
    });
    let head = el_in("div", "cluster-head")
        .add(text("h2", "Decisions"))
        .add(text("span", "This plan applies them.").class("muted"));
    let section = el_in("section", "cluster-plan").id("decisions").add(head);
    Some(section.add(el_in("ul", "decisions").all(rows)))
}

fn words(decision: &Decision) -> (&'static str, El) {
    let words = |before: &str, name: &str, after: &str| {
        el("span").text(before).add(text("code", name)).text(after)
    };
    match decision {
        Decision::Adopt(object) => ("adopt", words("Adopt ", object, "")),
        Decision::RenamedFrom(mesh) => ("change", words("This mesh was called ", mesh, "")),
        Decision::Replaced(cluster) => ("cluster", words("Cluster ", cluster, " was replaced")),
        Decision::ForgetAddresses(cluster) => (
            "delete",
            words("Withdraw the last known addresses of ", cluster, ""),
        ),
    }
}

/// A button that adopts all objects that can be; `None` for a single one, which has its own button.
pub(crate) fn adopt_all(review: Review, intent: Intent, plan: &Plan) -> Option<El> {
    let steps = plan.steps();
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
    let words = format!("{count} objects exist and do not belong to this mesh.");
    let adopt = button("", move || review.decide(intent, all.clone()))
        .id("adopt-all")
        .text(&format!("Adopt all {count}"));
    Some(
        reason("error", el("span").text(&words))
            .class("reason error alone")
            .add(adopt),
    )
}

/// Gateways whose published addresses cannot be looked up, each with a button that withdraws them; and the other
/// findings.
pub(crate) fn last_known(review: Review, planned: &Planned) -> (Option<El>, Vec<Finding>) {
    let mut rest = Vec::new();
    let mut rows = Vec::new();
    for finding in planned.response.findings.iter().cloned() {
        match withdrawable_cluster(&finding, planned) {
            Some(cluster) => {
                let decision = Decision::ForgetAddresses(cluster);
                let words = el("span").text(&finding.message);
                rows.push(reason("warning", words).add(way(review, planned.intent, &decision)));
            }
            None => rest.push(finding),
        }
    }
    let section = (!rows.is_empty()).then(|| {
        let head = el_in("div", "cluster-head").add(text("h2", "Last known addresses"));
        let section = el_in("section", "cluster-plan").id("last-known");
        section.add(head).all(rows)
    });
    (section, rest)
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

    use shared::api::PlanResponse;
    use shared::check::Severity;

    use super::*;
    use crate::agent::message::Document;
    use crate::form::template;

    #[test]
    fn an_address_that_can_be_withdrawn_has_a_cluster() {
        let planned = Planned {
            intent: Intent::Apply,
            document: Arc::new(Document {
                mesh: template::walkthrough(),
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
