//! What was to be taken over from other managers, and is in conflict with none.

use shared::check::{Finding, Severity, code};
use shared::decisions::Decisions;
use shared::plan::Plan;

/// One for each field that is named for nothing. Where a cluster has no plan, the conflict may be there.
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
            message: format!("`{field}` is in conflict in no cluster"),
            hint: "give --take-over an object and a field as the plan names them".to_owned(),
            fix: None,
        })
        .collect()
}
