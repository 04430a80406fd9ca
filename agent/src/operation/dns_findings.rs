//! Findings about the cluster DNS configuration, beside the plan.

use shared::check::{Finding, Severity, code};
use shared::cluster_dns;
use shared::kubernetes::ownership::{self, PARENT_NAMESPACE};
use shared::mesh::DnsFlavour;
use shared::resolved::Resolved;

use super::observed::AllObserved;
use crate::cluster::Zone;
use crate::members::MemberCluster;
use crate::shell;

/// Findings for an apply: clusters whose DNS serves another domain, cannot forward a private zone, or needs a restart
/// after a change.
pub(super) fn of_apply(
    members: &[MemberCluster],
    looked: &AllObserved,
    zone: &Zone,
    resolved: &Resolved,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, member) in members.iter().enumerate() {
        if let Some(Ok(seen)) = looked.get(&member.name) {
            findings.extend(cluster_dns::finding(&seen.domains, index, resolved));
        }
        let left_alone = zone.flavour(index) == Some(DnsFlavour::None);
        if let Some(Ok(seen)) = looked.get(&member.name)
            && seen.dns.is_empty()
            && zone.is_private()
            && !left_alone
        {
            findings.push(finding(
                code::NO_CLUSTER_DNS,
                &format!("spec.clusters[{index}].dnsFlavour"),
                format!(
                    "cluster {} has neither CoreDNS nor kube-dns in kube-system",
                    member.name
                ),
                format!(
                    "add the name servers {} for {} to its DNS by hand (OpenShift: spec.servers of \
                     dns.operator/default), and set dnsFlavour: none",
                    zone.nameservers.join(", "),
                    zone.suffix
                ),
            ));
        }
    }
    findings.extend(restarts(members, looked));
    findings
}

/// Findings for a removal: clusters whose DNS configuration could not be read, or needs a restart after a change.
pub(super) fn of_removal(
    members: &[MemberCluster],
    looked: &AllObserved,
    mesh: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, member) in members.iter().enumerate() {
        if let Some(Ok(seen)) = looked.get(&member.name)
            && let Some(why) = &seen.look.dns_unseen
        {
            findings.push(finding(
                code::DNS_NOT_SEARCHED,
                &format!("spec.clusters[{index}].context"),
                format!("cannot read the DNS configuration of cluster {}: {why}", member.name),
                format!(
                    "check it only if {mesh} had dns.nameservers and its record was deleted by hand \
                     (Secret {PARENT_NAMESPACE}/{})",
                    ownership::parent_name(mesh)
                ),
            ));
        }
    }
    findings.extend(restarts(members, looked));
    findings
}

fn restarts(members: &[MemberCluster], looked: &AllObserved) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let Some(Ok(seen)) = looked.get(&member.name) else {
            continue;
        };
        for edit in seen.dns.iter().flatten() {
            if !edit.needs_restart || edit.is_done() {
                continue;
            }
            let workload = match edit.config_map {
                "node-local-dns" => "daemonset/node-local-dns",
                _ => "deployment/coredns",
            };
            findings.push(finding(
                code::DNS_RESTART,
                &format!("spec.clusters[{index}].dnsFlavour"),
                format!(
                    "CoreDNS with {} in {} has no plugin `reload`, so it reads its configuration only at its start",
                    edit.config_map, member.name
                ),
                format!(
                    "restart its pods after the change: kubectl --context {} --namespace kube-system rollout \
                     restart {workload}",
                    shell::word(&member.context)
                ),
            ));
        }
    }
    findings
}

fn finding(code: code::Code, path: &str, message: String, hint: String) -> Finding {
    Finding {
        code: code.id.to_owned(),
        severity: Severity::Warning,
        path: path.to_owned(),
        message,
        hint,
        fix: None,
    }
}
