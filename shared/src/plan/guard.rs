//! Confirmation of plans that delete many objects at once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::kubernetes::object::Kind;
use crate::plan::{Action, ClusterPlan, Plan};

/// Up to one in this number of a mesh's objects may be deleted without confirmation.
const SHARE: usize = 3;
/// Limit of names in one reason.
const NAMED: usize = 3;

/// A plan's deletions that must be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MassDeletion {
    /// Number of deletions in the plan.
    pub deletes: usize,
    /// Number of existing objects of the mesh.
    pub objects: usize,
    /// The unusual deletions, for display.
    pub reasons: Vec<String>,
}

/// Whether the deletions of an apply must be confirmed; `None` if not.
pub fn mass_deletion(plan: &Plan) -> Option<MassDeletion> {
    let clusters = plan.clusters.iter().map(|cluster| {
        let deletes = cluster.count(Action::Delete);
        (cluster, deletes, deletes + kept(cluster))
    });
    let (mut deletes, mut objects) = (0, 0);
    let (mut emptied, mut unpublished) = (Vec::new(), BTreeSet::new());
    for (cluster, gone, there) in clusters {
        deletes += gone;
        objects += there;
        // If objects are also created, the cluster is not emptied but replaced.
        if gone > 0 && gone == there && cluster.count(Action::Create) == 0 {
            emptied.push(cluster.name.as_str());
        }
        unpublished.extend(records(cluster));
    }
    let mut reasons = Vec::new();
    if deletes * SHARE > objects {
        reasons.push(format!("{deletes} of {objects} objects of the mesh"));
    }
    if !emptied.is_empty() {
        reasons.push(format!("everything in {}", listed(&emptied)));
    }
    if !unpublished.is_empty() {
        let names: Vec<&str> = unpublished.into_iter().collect();
        reasons.push(format!("every record of {}", listed(&names)));
    }
    (!reasons.is_empty()).then_some(MassDeletion {
        deletes,
        objects,
        reasons,
    })
}

/// The mesh's objects that stay.
fn kept(cluster: &ClusterPlan) -> usize {
    let kept = [Action::Unchanged, Action::Change, Action::Conflict];
    kept.into_iter().map(|action| cluster.count(action)).sum()
}

/// The deleted record sets: each holds all records of a service.
fn records(cluster: &ClusterPlan) -> impl Iterator<Item = &str> {
    let group_kind = Kind::DNS_ENDPOINT.group_kind();
    let deleted = cluster.steps.iter().filter(move |step| {
        step.action == Action::Delete && step.object.group_kind() == group_kind
    });
    deleted.map(|step| step.object.name.as_str())
}

fn listed(names: &[&str]) -> String {
    let first = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::mass_deletion;
    use crate::kubernetes::object::{Key, Wave};
    use crate::plan::{Action, ClusterPlan, Plan, Step};

    fn plan(clusters: &[&[(Action, usize)]]) -> Plan {
        let step = |action| Step {
            object: Key {
                group: String::new(),
                kind: "Service".into(),
                namespace: "web".into(),
                name: "orders".into(),
            },
            wave: Wave::Services,
            action,
            diff: String::new(),
            conflicts: Vec::new(),
            message: None,
            decision: None,
            drift: Vec::new(),
        };
        let clusters = clusters
            .iter()
            .enumerate()
            .map(|(index, counts)| ClusterPlan {
                name: format!("c{index}"),
                context: String::new(),
                error: None,
                decision: None,
                cause: None,
                steps: counts
                    .iter()
                    .flat_map(|&(action, count)| std::iter::repeat_n(step(action), count))
                    .collect(),
            });
        Plan {
            id: String::new(),
            mesh: "demo".into(),
            clusters: clusters.collect(),
        }
    }

    #[test]
    fn a_third_and_a_whole_cluster_must_be_confirmed() {
        use Action::{Change, Create, Delete, Unchanged};
        let reasons = |clusters: &[&[(Action, usize)]]| {
            mass_deletion(&plan(clusters)).map(|found| found.reasons)
        };
        assert_eq!(reasons(&[&[(Create, 9)]]), None);
        assert_eq!(
            reasons(&[&[(Delete, 1), (Unchanged, 1), (Change, 1)]]),
            None
        );
        assert_eq!(
            reasons(&[&[(Delete, 2), (Unchanged, 3)]]).unwrap(),
            ["2 of 5 objects of the mesh"]
        );
        assert_eq!(
            reasons(&[&[(Delete, 1)], &[(Unchanged, 99)]]).unwrap(),
            ["everything in c0"]
        );
        // A cluster that has no objects yet.
        assert_eq!(reasons(&[&[], &[(Unchanged, 99)]]), None);
        // Another API version, or another engine: everything is replaced.
        assert_eq!(
            reasons(&[&[(Delete, 1), (Create, 1)], &[(Unchanged, 99)]]),
            None
        );
        let mut gone = plan(&[&[(Delete, 1), (Unchanged, 99)]]);
        gone.clusters[0].steps[0].object = Key {
            group: "externaldns.k8s.io".into(),
            kind: "DNSEndpoint".into(),
            namespace: "external-dns".into(),
            name: "orders.web".into(),
        };
        let found = mass_deletion(&gone).unwrap();
        assert_eq!(found.reasons, ["every record of orders.web"]);
        assert_eq!((found.deletes, found.objects), (1, 100));
    }
}
