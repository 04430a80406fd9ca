//! Findings about the cluster DNS configuration, beside the plan.

use shared::check::{Finding, Severity, code};
use shared::cluster_dns;
use shared::kubernetes::object::Key;
use shared::kubernetes::ownership::{self, PARENT_NAMESPACE};
use shared::resolved::Resolved;

use super::observed::AllObserved;
use crate::cluster::Zone;
use crate::members::MemberCluster;
use shared::text::shell;

/// Findings for an apply: clusters whose DNS serves another domain, is configured by hand or was not looked up, and changes
/// that others undo or that need a restart.
pub(super) fn of_apply(
    members: &[MemberCluster],
    looked: &AllObserved,
    zone: &Zone,
    resolved: &Resolved,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let Some(Ok(seen)) = looked.get(&member.name) else {
            continue;
        };
        findings.extend(cluster_dns::finding(&seen.dns.domains, index, resolved));
        let manual = seen.dns.manual.iter();
        findings.extend(
            manual.map(|one| one.finding(index, &member.name, &zone.suffix, &zone.nameservers)),
        );
        if let Some(why) = &seen.dns.not_found {
            findings.push(Finding {
                severity: Severity::Hint,
                ..finding(
                    code::NO_CLUSTER_DNS,
                    &format!("spec.clusters[{index}].dnsFlavour"),
                    format!(
                        "the DNS of cluster {} is known by the names of its ConfigMaps alone: {why}",
                        member.name
                    ),
                    "check that its pods use them, or grant the role that `fedmesh-agent access` prints"
                        .to_owned(),
                )
            });
        }
        let edits = seen.dns.edits.iter().flatten();
        findings.extend(
            edits
                .filter(|edit| edit.holds_ours && !edit.is_done())
                .filter_map(|edit| {
                    let owner = edit.owner.as_ref()?;
                    owner.finding(&edit.config_map, index, &member.name)
                }),
        );
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
            && let Some(why) = &seen.dns.unseen
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
        for edit in seen.dns.edits.iter().flatten() {
            let Some(workload) = edit.restarts.as_ref().filter(|_| !edit.is_done()) else {
                continue;
            };
            let Key {
                namespace, name, ..
            } = &edit.config_map;
            findings.push(finding(
                code::DNS_RESTART,
                &format!("spec.clusters[{index}].dnsFlavour"),
                format!(
                    "CoreDNS with {name} in {} has no plugin `reload`, so it reads its configuration only at its start",
                    member.name
                ),
                format!(
                    "restart its pods after the change: kubectl --context {} --namespace {namespace} rollout restart \
                     {workload}",
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
