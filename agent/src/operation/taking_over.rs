//! Findings about fields to take over that have no conflict.

use shared::check::{Finding, Severity, code};
use shared::plan::Plan;
use shared::plan::decisions::Decisions;

/// A finding for each field without a conflict. There are none if a cluster has no plan, since the conflict may be
/// there.
pub(super) fn findings(decisions: &Decisions, plan: &Plan) -> Vec<Finding> {
    if plan.clusters.iter().any(|cluster| cluster.error.is_some()) {
        return Vec::new();
    }
    let unused = decisions.nothing_to_take_over(plan).into_iter();
    unused
        .map(|field| Finding {
            code: code::NOTHING_TO_TAKE_OVER.id.to_owned(),
            severity: Severity::Warning,
            path: "spec".to_owned(),
            message: format!("`{field}` has no conflict in any cluster"),
            hint: "set --take-over to an object and a field as the plan lists them".to_owned(),
            fix: None,
        })
        .collect()
}
