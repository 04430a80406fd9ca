//! Detects contexts that must not be written to: two contexts of one cluster, and a context that leads to another
//! cluster than at the last apply.

use std::collections::BTreeMap;

use shared::check::{Finding, Severity, code};
use shared::plan::ClusterPlan;
use shared::plan::decisions::{Decision, Decisions};

use super::observed::AllObserved;
use crate::members::MemberCluster;

/// The identity of each cluster by name; see [`crate::cluster::identity`].
pub(super) type Identities = BTreeMap<String, String>;

/// The result of comparing identities.
pub(super) struct Identified {
    /// The identities to record.
    pub(super) identities: Identities,
    /// Clusters whose identity could not be compared.
    pub(super) findings: Vec<Finding>,
    /// The clusters whose contexts lead to other clusters than at the last apply: the error without its remedy.
    others: BTreeMap<String, String>,
}

impl Identified {
    /// The decision that resolves the error of a cluster, if any, and the error without this remedy.
    pub(super) fn decision(&self, cluster: &ClusterPlan) -> Option<(Decision, String)> {
        let cause = self.others.get(&cluster.name)?;
        Some((Decision::Replaced(cluster.name.clone()), cause.clone()))
    }
}

/// A context that must not be written to.
pub(crate) struct WrongContext {
    /// The error and its fix.
    pub(crate) message: String,
    /// The error alone, if the cluster may have been replaced.
    other: Option<String>,
}

/// The contexts that lead to the same cluster as another, or to another cluster than the recorded one, by cluster.
/// `seen` returns the identity of a cluster, `recorded` those that an apply recorded for it.
pub(crate) fn wrong_contexts<'a>(
    members: &[MemberCluster],
    seen: impl Fn(&MemberCluster) -> Option<&'a str>,
    recorded: impl Fn(&MemberCluster) -> Vec<&'a str>,
) -> BTreeMap<String, WrongContext> {
    let mut wrong = BTreeMap::new();
    for member in members {
        let Some(identity) = seen(member) else {
            continue;
        };
        let same = members
            .iter()
            .find(|other| other.name != member.name && seen(other) == Some(identity));
        let known = recorded(member);
        let other = known.iter().find(|one| **one != identity);
        let context = &member.context;
        let found = if let Some(same) = same {
            let message = format!(
                "contexts {context} and {} lead to the same cluster (kube-system has uid {identity}); use each \
                cluster once, or fix the kubeconfig",
                same.context
            );
            WrongContext {
                message,
                other: None,
            }
        } else if let Some(other) = other {
            let cause = format!(
                "context {context} leads to another cluster than at the last apply (kube-system has uid \
                {identity}, previously {other})"
            );
            let message = format!(
                "{cause}; fix the kubeconfig, or apply with --replaced {} if the cluster was replaced",
                member.name
            );
            WrongContext {
                message,
                other: Some(cause),
            }
        } else {
            continue;
        };
        wrong.insert(member.name.clone(), found);
    }
    wrong
}

/// Replaces the observed state of clusters behind wrong contexts with errors.
pub(super) fn check(
    members: &[MemberCluster],
    decisions: &Decisions,
    looked: &mut AllObserved,
) -> Identified {
    let found = |member: &MemberCluster| looked.get(&member.name)?.as_ref().ok();
    let mut recorded: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for parent in members
        .iter()
        .filter_map(|member| found(member)?.look.parent.as_ref())
    {
        for (name, identity) in &parent.identities {
            recorded.entry(name).or_default().push(identity);
        }
    }
    let seen = |member: &MemberCluster| found(member)?.identity.as_deref();
    let compared = |member: &MemberCluster| {
        let known = recorded.get(member.name.as_str());
        let known = known.filter(|_| !decisions.replaced.contains(&member.name));
        known.cloned().unwrap_or_default()
    };
    let wrong = wrong_contexts(members, seen, compared);
    let mut identities: Identities = recorded
        .iter()
        .filter_map(|(name, all)| Some(((*name).to_owned(), (*all.first()?).to_owned())))
        .collect();
    let mut findings = Vec::new();
    for (index, member) in members.iter().enumerate() {
        match found(member).map(|found| found.identity.as_ref()) {
            Some(Some(identity)) => {
                identities.insert(member.name.clone(), identity.clone());
            }
            Some(None) => findings.push(not_compared(index, member)),
            // The plan has the error of a cluster that was not read.
            None => {}
        }
    }
    let mut others = BTreeMap::new();
    for (name, wrong) in wrong {
        if let Some(cause) = wrong.other {
            others.insert(name.clone(), cause);
        }
        looked.insert(name, Err(wrong.message));
    }
    Identified {
        identities,
        findings,
        others,
    }
}

fn not_compared(index: usize, member: &MemberCluster) -> Finding {
    Finding {
        code: code::IDENTITY_UNKNOWN.id.to_owned(),
        severity: Severity::Warning,
        path: format!("spec.clusters[{index}].context"),
        message: format!(
            "context {}: not allowed to get Namespace kube-system, whose uid identifies the cluster; a context that \
             leads to another cluster than at the last apply is not detected",
            member.context
        ),
        hint: "grant the ClusterRole that `fedmesh-agent access` prints".to_owned(),
        fix: None,
    }
}
