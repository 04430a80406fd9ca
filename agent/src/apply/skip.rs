//! Decides which clusters an apply does not change, and why.

use std::collections::BTreeMap;

use shared::plan::{ClusterPlan, Plan};

use crate::apply::target::ApplyOptions;

/// The reasons by cluster. A cluster without a reason is applied to.
pub(super) fn reasons(plan: &Plan, options: ApplyOptions) -> BTreeMap<String, String> {
    let mut reasons: BTreeMap<String, String> = plan
        .clusters
        .iter()
        .filter_map(|cluster| Some((cluster.name.clone(), own_reason(cluster)?)))
        .collect();
    if !reasons.is_empty() && !options.partial {
        let blockers = reasons
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        for cluster in &plan.clusters {
            reasons.entry(cluster.name.clone()).or_insert_with(|| {
                format!(
                    "not changed, because of errors in {blockers}; fix them, or set `partial` to \
                    apply to the other clusters"
                )
            });
        }
    }
    reasons
}

fn own_reason(cluster: &ClusterPlan) -> Option<String> {
    if let Some(error) = &cluster.error {
        return Some(error.clone());
    }
    let mut blocking = cluster.steps.iter().filter(|step| step.action.blocks());
    let first = blocking.next()?;
    let why = first.message.as_deref().unwrap_or(first.action.as_str());
    let more = match blocking.count() {
        0 => String::new(),
        count => format!(" (and {count} more)"),
    };
    Some(format!("not changed: {}: {why}{more}", first.object))
}

#[cfg(test)]
mod tests {
    use super::reasons;
    use crate::apply::target::ApplyOptions;
    use shared::kubernetes::object::{Key, Wave};
    use shared::plan::{Action, ClusterPlan, Plan, Step};

    fn cluster(name: &str, error: Option<&str>, actions: &[Action]) -> ClusterPlan {
        let step = |action: &Action| Step {
            object: Key {
                group: String::new(),
                kind: "Service".into(),
                namespace: "web".into(),
                name: "orders".into(),
            },
            wave: Wave::Services,
            action: *action,
            diff: String::new(),
            conflicts: Vec::new(),
            message: action
                .blocks()
                .then(|| "it belongs to mesh `shop`".to_owned()),
            decision: None,
            drift: Vec::new(),
        };
        ClusterPlan {
            name: name.into(),
            context: format!("{name}-context"),
            error: error.map(str::to_owned),
            decision: None,
            cause: None,
            steps: actions.iter().map(step).collect(),
        }
    }

    #[test]
    fn one_blocks_all_unless_partial() {
        let plan = Plan {
            id: String::new(),
            mesh: "demo".into(),
            clusters: vec![
                cluster("a", None, &[Action::Create]),
                cluster("b", Some("down"), &[]),
                cluster(
                    "c",
                    None,
                    &[Action::Blocked, Action::Conflict, Action::Blocked],
                ),
            ],
        };
        let all = reasons(&plan, ApplyOptions::default());
        assert!(all["a"].contains("errors in b, c;"), "{}", all["a"]);
        let some = reasons(
            &plan,
            ApplyOptions {
                partial: true,
                ..ApplyOptions::default()
            },
        );
        assert_eq!(some.len(), 2);
        assert_eq!(some["b"], "down");
        assert_eq!(
            some["c"],
            "not changed: Service web/orders: it belongs to mesh `shop` (and 1 more)"
        );
    }
}
