//! Which cluster is behind each context: two contexts of one cluster, and a context that leads to another
//! cluster than at the last apply, are no places to write to.

use std::collections::{BTreeMap, BTreeSet};

use shared::decisions::{Decision, Decisions};
use shared::plan::{ClusterPlan, Observed};

use crate::cluster::Look;
use crate::place::Place;

/// By cluster name, what tells it from every other one; see [`crate::cluster::identity`].
pub(super) type Identities = BTreeMap<String, String>;

/// What was found about the clusters behind the contexts.
pub(super) struct Identified {
    /// The identities to be recorded.
    pub(super) identities: Identities,
    /// Clusters whose contexts lead to other clusters than at the last apply, by name.
    others: BTreeSet<String>,
}

impl Identified {
    /// What a person may decide about a cluster.
    pub(super) fn decision(&self, cluster: &ClusterPlan) -> Option<Decision> {
        let is_other = self.others.contains(&cluster.name);
        is_other.then(|| Decision::Replaced(cluster.name.clone()))
    }
}

/// Puts errors in the place of what was seen in clusters that are not what they should be.
pub(super) fn check(
    places: &[Place],
    decisions: &Decisions,
    observed: &mut Observed,
    looks: &mut BTreeMap<String, Look>,
) -> Identified {
    let mut recorded: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for parent in looks.values().filter_map(|look| look.parent.as_ref()) {
        for (name, identity) in &parent.identities {
            recorded.entry(name).or_default().push(identity);
        }
    }
    let mut wrong = BTreeMap::new();
    let mut others = BTreeSet::new();
    let seen = |place: &Place| looks.get(&place.name)?.identity.as_deref();
    for place in places {
        let Some(identity) = seen(place) else {
            continue;
        };
        let same = places
            .iter()
            .find(|other| other.name != place.name && seen(other) == Some(identity));
        let known = recorded.get(place.name.as_str());
        let other = known.and_then(|known| known.iter().find(|one| **one != identity));
        let context = &place.context;
        if let Some(same) = same {
            wrong.insert(
                place.name.clone(),
                format!(
                    "contexts {context} and {} lead to one cluster (kube-system has uid {identity}); name each \
                     cluster once, or correct the kubeconfig",
                    same.context
                ),
            );
        } else if let Some(other) = other.filter(|_| !decisions.replaced.contains(&place.name)) {
            others.insert(place.name.clone());
            wrong.insert(
                place.name.clone(),
                format!(
                    "context {context} leads to another cluster than at the last apply (kube-system has uid \
                     {identity}, and had {other}); correct the kubeconfig, or give --replaced {} if the cluster \
                     was replaced",
                    place.name
                ),
            );
        }
    }
    let mut identities: Identities = recorded
        .into_iter()
        .filter_map(|(name, all)| Some((name.to_owned(), (*all.first()?).to_owned())))
        .collect();
    for place in places {
        if let Some(identity) = seen(place) {
            identities.insert(place.name.clone(), identity.to_owned());
        }
    }
    for (name, why) in wrong {
        looks.remove(&name);
        observed.insert(name, Err(why));
    }
    Identified { identities, others }
}
