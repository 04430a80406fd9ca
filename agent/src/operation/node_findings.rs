//! Findings about the zones of nodes, beside the plan.

use shared::check::Finding;
use shared::resolved::Resolved;
use shared::traffic::nodes;

use super::observed::AllObserved;
use crate::members::MemberCluster;

/// Clusters with nodes in other places than the document has, and those whose nodes could not be read.
pub(super) fn of_apply(
    members: &[MemberCluster],
    read: &AllObserved,
    resolved: &Resolved,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, (member, cluster)) in members.iter().zip(&resolved.clusters).enumerate() {
        let Some(Ok(observed)) = read.get(&member.name) else {
            continue;
        };
        findings.extend(match &observed.nodes_elsewhere {
            Ok(places) => nodes::elsewhere(index, cluster, places),
            Err(why) => Some(nodes::unread(index, &member.name, why)),
        });
    }
    findings
}
