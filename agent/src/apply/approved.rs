//! Decides whether a plan may be applied, and to which of its clusters.

use std::collections::BTreeMap;

use shared::api::Intent;
use shared::plan::guard::{self, MassDeletion};
use shared::plan::{ClusterPlan, Plan};

use super::target::Target;
use crate::lock::Leases;

/// Options of an apply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// Continue with the other clusters if some are blocked.
    pub partial: bool,
    /// Confirmed number of deletions, for plans that delete many objects; see [`shared::plan::guard`].
    pub allow_delete: Option<usize>,
}

/// Why a plan is blocked. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// Some clusters are blocked.
    #[error("{} of {clusters} clusters are blocked", .reasons.len())]
    Clusters {
        /// Why, by cluster.
        reasons: BTreeMap<String, String>,
        /// The number of all clusters.
        clusters: usize,
    },
    /// The plan deletes more objects than allowed without confirmation.
    #[error("the plan deletes {}", .0.reasons.join(", "))]
    Deletes(MassDeletion),
}

impl Blocked {
    /// The hint.
    pub fn hint(&self) -> String {
        match self {
            Self::Clusters { .. } => {
                "resolve the errors in the plan, or use --partial to apply to the other clusters"
                    .to_owned()
            }
            Self::Deletes(MassDeletion { deletes, .. }) => format!(
                "review the deletions in the plan; use --allow-delete {deletes} if they are intended"
            ),
        }
    }
}

/// The deletions that must be confirmed. A removal deletes everything on purpose.
pub(crate) fn mass_deletion(plan: &Plan, intent: Intent) -> Option<MassDeletion> {
    match intent {
        Intent::Apply => guard::mass_deletion(plan),
        Intent::Remove => None,
    }
}

/// Checks that a plan may be applied with these options.
///
/// # Errors
/// See [`Blocked`].
pub(crate) fn allow(plan: &Plan, intent: Intent, options: ApplyOptions) -> Result<(), Blocked> {
    let reasons: BTreeMap<String, String> = plan
        .clusters
        .iter()
        .filter_map(|cluster| Some((cluster.name.clone(), reason(cluster)?)))
        .collect();
    let clusters = plan.clusters.len();
    if !reasons.is_empty() && (reasons.len() == clusters || !options.partial) {
        return Err(Blocked::Clusters { reasons, clusters });
    }
    match mass_deletion(plan, intent) {
        Some(found) if options.allow_delete.is_none_or(|most| most < found.deletes) => {
            Err(Blocked::Deletes(found))
        }
        _ => Ok(()),
    }
}

/// Why a cluster is blocked, if it is.
fn reason(cluster: &ClusterPlan) -> Option<String> {
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

/// A plan that may be applied. Only [`ApprovedPlan::new`] creates one.
#[derive(Debug)]
pub struct ApprovedPlan {
    pub(super) mesh: String,
    /// Each cluster with its target, or the reason why it is skipped.
    pub(super) clusters: Vec<(ClusterPlan, Result<Target, String>)>,
}

impl ApprovedPlan {
    /// Approves a plan. `targets` are those of the clusters that could be read.
    ///
    /// # Errors
    /// See [`Blocked`].
    pub(crate) fn new(
        plan: Plan,
        mut targets: BTreeMap<String, Target>,
        intent: Intent,
        options: ApplyOptions,
    ) -> Result<Self, Blocked> {
        allow(&plan, intent, options)?;
        let clusters = plan.clusters.into_iter().map(|cluster| {
            let target = match (reason(&cluster), targets.remove(&cluster.name)) {
                (Some(why), _) => Err(why),
                (None, target) => target.ok_or_else(|| "the cluster was not read".to_owned()),
            };
            (cluster, target)
        });
        Ok(Self {
            clusters: clusters.collect(),
            mesh: plan.mesh,
        })
    }

    /// The names of all clusters.
    pub(crate) fn clusters(&self) -> impl Iterator<Item = &str> {
        let clusters = self.clusters.iter();
        clusters.map(|(cluster, _)| cluster.name.as_str())
    }

    /// Allows changes only while the Lease of each cluster is held.
    pub(crate) fn guard(&mut self, leases: &Leases) {
        for (_, target) in &mut self.clusters {
            if let Ok(target) = target {
                leases.guard(&mut target.look.connection);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::kubernetes::object::{Key, Wave};
    use shared::plan::{Action, Step};

    use super::*;

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

    fn approve(clusters: Vec<ClusterPlan>, partial: bool) -> Result<ApprovedPlan, Blocked> {
        let options = ApplyOptions {
            partial,
            ..ApplyOptions::default()
        };
        let plan = Plan::new("demo".into(), clusters);
        ApprovedPlan::new(plan, BTreeMap::new(), Intent::Apply, options)
    }

    #[test]
    fn one_blocks_all_unless_partial() {
        let ready = || cluster("a", None, &[Action::Create]);
        let blocked = || {
            [
                cluster("b", Some("down"), &[]),
                cluster(
                    "c",
                    None,
                    &[Action::Blocked, Action::Conflict, Action::Blocked],
                ),
            ]
        };
        let of_object = "not changed: Service web/orders: it belongs to mesh `shop` (and 1 more)";
        let reasons = [("b", "down"), ("c", of_object)];
        let reasons = reasons.map(|(name, why)| (name.to_owned(), why.to_owned()));
        let with = |clusters| Blocked::Clusters {
            reasons: reasons.clone().into(),
            clusters,
        };
        let all = || [vec![ready()], blocked().into()].concat();
        assert_eq!(approve(all(), false).unwrap_err(), with(3));
        let some = approve(all(), true).unwrap();
        let skipped = some.clusters[1..].iter();
        let skipped =
            skipped.map(|(cluster, target)| (&*cluster.name, target.as_ref().unwrap_err()));
        let skipped: Vec<_> = skipped.collect();
        assert_eq!(skipped, [("b", &reasons[0].1), ("c", &reasons[1].1)]);
        // Without a cluster to apply to, there is nothing to continue with.
        let none = approve(blocked().into(), true);
        assert_eq!(none.unwrap_err(), with(2));
        approve(vec![ready()], false).unwrap();
    }
}
