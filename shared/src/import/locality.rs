//! Locality preferences: `localityLbSetting` in the DestinationRules of published names.

use std::collections::BTreeMap;

use crate::manifests::{Object, field, list};
use crate::mesh::{Cluster, Distribution, Locality, RegionFailover};

/// The preferences in a service's rules, with unresolved places.
#[derive(Default)]
pub(super) struct Found {
    /// Region of the caller → next region.
    next: BTreeMap<String, String>,
    /// Cluster of the rule and place of the caller → shares.
    shares: BTreeMap<(usize, String), BTreeMap<String, u32>>,
}

/// Adds the preferences of a rule in a cluster.
pub(super) fn add(cluster: usize, rule: &Object, found: &mut Found) {
    let path = ["spec", "trafficPolicy", "loadBalancer", "localityLbSetting"];
    let setting = field(&rule.value, &path);
    for one in list(&setting["failover"]) {
        if let (Some(from), Some(to)) = (one["from"].as_str(), one["to"].as_str()) {
            found.next.insert(from.to_owned(), to.to_owned());
        }
    }
    for one in list(&setting["distribute"]) {
        let shares = one["to"].as_object().into_iter().flatten();
        let shares: Option<BTreeMap<String, u32>> = shares
            .map(|(place, share)| {
                let share = u32::try_from(share.as_u64()?).ok()?;
                Some((without_wildcard(place).to_owned(), share))
            })
            .collect();
        if let (Some(from), Some(shares)) = (one["from"].as_str(), shares) {
            let from = without_wildcard(from).to_owned();
            found.shares.insert((cluster, from), shares);
        }
    }
}

/// The region of `region/*`.
fn without_wildcard(place: &str) -> &str {
    place.trim_end_matches("/*")
}

impl Found {
    /// The document's form; entries with places of no cluster are left out, and reported by the comparison.
    pub(super) fn settle(self, clusters: &[Cluster]) -> Option<Locality> {
        let locality = |cluster: &Cluster| format!("{}/{}", cluster.region, cluster.zone);
        let is_region = |text: &String| clusters.iter().any(|one| one.region == *text);
        let is_place =
            |text: &String| is_region(text) || clusters.iter().any(|one| locality(one) == *text);
        let failover: Vec<RegionFailover> = self
            .next
            .into_iter()
            .filter(|(from, to)| is_region(from) && is_region(to))
            .map(|(from, to)| RegionFailover {
                from: Some(from),
                to,
            })
            .collect();
        let mut distribute: Vec<Distribution> = Vec::new();
        for ((cluster, from), to) in self.shares {
            // A rule for all callers applies to its own cluster.
            let from = if from == "*" {
                locality(&clusters[cluster])
            } else {
                from
            };
            let from = Some(from).filter(is_place);
            if from.is_some()
                && to.keys().all(is_place)
                && !distribute.iter().any(|one| one.from == from)
            {
                distribute.push(Distribution { from, to });
            }
        }
        let nothing = failover.is_empty() && distribute.is_empty();
        (!nothing).then_some(Locality {
            failover,
            distribute,
        })
    }
}
