//! Findings about the cluster DNS configuration, beside the plan.

use shared::check::{Finding, Severity, code};
use shared::kubernetes::ownership::{self, PARENT_NAMESPACE};
use shared::mesh::DnsFlavour;

use super::planning::AllLooked;
use crate::cluster::Zone;
use crate::place::Place;
use crate::shell;

/// Findings for an apply: clusters whose DNS cannot forward a private zone, or needs a restart after a change.
pub(super) fn of_apply(places: &[Place], looked: &AllLooked, zone: &Zone) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, place) in places.iter().enumerate() {
        let left_alone = zone.flavour(index) == Some(DnsFlavour::None);
        if let Some(Ok(seen)) = looked.get(&place.name)
            && seen.dns.is_empty()
            && zone.is_private()
            && !left_alone
        {
            findings.push(finding(
                code::NO_CLUSTER_DNS,
                &format!("spec.clusters[{index}].dnsFlavour"),
                format!(
                    "cluster {} has neither CoreDNS nor kube-dns in kube-system",
                    place.name
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
    findings.extend(restarts(places, looked));
    findings
}

/// Findings for a removal: clusters whose DNS configuration could not be read, or needs a restart after a change.
pub(super) fn of_removal(places: &[Place], looked: &AllLooked, mesh: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, place) in places.iter().enumerate() {
        if let Some(Ok(seen)) = looked.get(&place.name)
            && let Some(why) = &seen.look.dns_unseen
        {
            findings.push(finding(
                code::DNS_NOT_LOOKED_AT,
                &format!("spec.clusters[{index}].context"),
                format!("cannot read the DNS configuration of cluster {}: {why}", place.name),
                format!(
                    "check it only if {mesh} had dns.nameservers and its record was deleted by hand \
                     (Secret {PARENT_NAMESPACE}/{})",
                    ownership::parent_name(mesh)
                ),
            ));
        }
    }
    findings.extend(restarts(places, looked));
    findings
}

fn restarts(places: &[Place], looked: &AllLooked) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, place) in places.iter().enumerate() {
        let Some(Ok(seen)) = looked.get(&place.name) else {
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
                    edit.config_map, place.name
                ),
                format!(
                    "restart its pods after the change: kubectl --context {} --namespace kube-system rollout \
                     restart {workload}",
                    shell::word(&place.context)
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
