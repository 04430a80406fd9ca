//! Findings about the pods of gateways, beside the plan.

use shared::check::{Finding, Severity, code};
use shared::gateways::workload::Workload;

use super::observed::{AllObserved, Mismatch};
use crate::members::MemberCluster;

/// Gateways whose pods the document does not select, and those whose pods could not be compared.
pub(super) fn of_apply(members: &[MemberCluster], read: &AllObserved) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let Some(Ok(observed)) = read.get(&member.name) else {
            continue;
        };
        findings.extend(
            observed
                .gateways
                .iter()
                .map(|(workload, mismatch)| match mismatch {
                    Mismatch::Selects(service) => workload.finding(index, &member.name, service),
                    Mismatch::Unread(why) => unread(index, workload, why),
                }),
        );
    }
    findings
}

fn unread(cluster: usize, workload: &Workload, why: &str) -> Finding {
    Finding {
        code: code::GATEWAY_SELECTOR.id.to_owned(),
        severity: Severity::Hint,
        path: format!("spec.clusters[{cluster}].{}.selector", workload.field),
        message: format!(
            "whether it selects the pods of the {} is unknown: {why}",
            workload.what
        ),
        hint: "compare it with the labels of the gateway's pods".to_owned(),
        fix: None,
    }
}
