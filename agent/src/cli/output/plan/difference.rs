//! The differences between a plan and an earlier one.

use std::collections::BTreeMap;
use std::io::{self, Write};

use shared::kubernetes::object::Key;
use shared::plan::{Action, ClusterPlan, Plan, Step};

use super::groups::in_clusters;
use super::{Detail, HEADING, QUIET, printable};

/// Most differences that are written.
const MOST_LINES: usize = 30;

/// A difference in one object, or in a cluster as a whole.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Difference {
    object: Option<Key>,
    text: String,
}

/// Writes the differences between `before` and `now`, with clusters grouped by difference.
pub(in crate::cli) fn write_difference(
    to: &mut impl Write,
    before: &Plan,
    now: &Plan,
) -> io::Result<()> {
    let mut clusters_of: BTreeMap<Difference, Vec<&str>> = BTreeMap::new();
    for cluster in &now.clusters {
        let old = before.clusters.iter().find(|one| one.name == cluster.name);
        for difference in differences(old, cluster) {
            clusters_of
                .entry(difference)
                .or_default()
                .push(&cluster.name);
        }
    }
    for cluster in &before.clusters {
        if !now.clusters.iter().any(|one| one.name == cluster.name) {
            let difference = of_cluster("is no longer in the plan".to_owned());
            clusters_of
                .entry(difference)
                .or_default()
                .push(&cluster.name);
        }
    }
    let heading = format!(
        "plan {} differs from plan {}",
        now.short_id(),
        before.short_id()
    );
    writeln!(to, "{HEADING}{heading}{HEADING:#}")?;
    for (difference, clusters) in clusters_of.iter().take(MOST_LINES) {
        let clusters = in_clusters(clusters, Detail::Folded);
        let object = match &difference.object {
            Some(object) => format!("{object} "),
            None => String::new(),
        };
        writeln!(
            to,
            "  {}{}: {}",
            printable(&object),
            printable(&clusters),
            printable(&difference.text)
        )?;
    }
    let more = clusters_of.len().saturating_sub(MOST_LINES);
    if more > 0 {
        writeln!(to, "  {QUIET}and {more} more{QUIET:#}")?;
    }
    Ok(())
}

fn of_cluster(text: String) -> Difference {
    Difference { object: None, text }
}

fn differences(before: Option<&ClusterPlan>, now: &ClusterPlan) -> Vec<Difference> {
    let Some(before) = before else {
        return vec![of_cluster("was not in the plan".to_owned())];
    };
    if before == now {
        return Vec::new();
    }
    let mut all = Vec::new();
    if before.context != now.context {
        let (old, new) = (&before.context, &now.context);
        all.push(of_cluster(format!("context changed from {old} to {new}")));
    }
    if before.error != now.error {
        let text = match &now.error {
            Some(error) => error.clone(),
            None => "has a plan now".to_owned(),
        };
        all.push(of_cluster(text));
    }
    if now.error.is_some() {
        // With an error, there is no plan.
        return all;
    }
    let mut old: BTreeMap<&Key, &Step> = before
        .steps
        .iter()
        .map(|step| (&step.object, step))
        .collect();
    for step in &now.steps {
        let text = match old.remove(&step.object) {
            Some(earlier) if earlier == step => continue,
            Some(earlier) if earlier.action == step.action => {
                format!("to {} differently", word(step.action))
            }
            Some(earlier) => format!(
                "was to {}, now to {}",
                word(earlier.action),
                word(step.action)
            ),
            None => format!("was not planned, now to {}", word(step.action)),
        };
        all.push(Difference {
            object: Some(step.object.clone()),
            text,
        });
    }
    all.extend(old.into_iter().map(|(key, step)| Difference {
        object: Some(key.clone()),
        text: format!("was to {}, now nothing", word(step.action)),
    }));
    all
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Change => "change",
        Action::Unchanged => "stay unchanged",
        Action::Delete => "delete",
        Action::Disown => "disown",
        Action::Adopt => "adopt",
        Action::Conflict => "be skipped because of a conflict",
        Action::Rejected => "be rejected",
        Action::Blocked => "be blocked",
    }
}
