//! References to clusters by name, labels or place, which are updated when a cluster is renamed, moved or removed.

use std::collections::BTreeMap;

use super::{Caller, Cluster, Distribution, Locality, Override, Service, Spec};

impl Spec {
    /// Removes a cluster, and all settings for it alone. A list without another cluster stays empty if a person must
    /// fix it: the checks report a service that runs nowhere.
    pub fn remove_cluster(&mut self, index: usize) {
        if index >= self.clusters.len() {
            return;
        }
        let removed = self.clusters.remove(index);
        // Of two with one name, which the checks refuse, the other keeps the settings of both.
        if self.has_cluster(&removed.name) {
            return;
        }
        let everywhere: Vec<&Cluster> = self.clusters.iter().collect();
        forget_place(&mut self.locality, &removed, &everywhere, &everywhere);
        for service in &mut self.services {
            let ran = runs_in(service, &removed);
            if let Some(clusters) = &mut service.clusters {
                clusters.retain(|name| *name != removed.name);
            }
            if let Some(callers) = &mut service.callers {
                callers.retain_mut(|one| {
                    let called = calls_from(one, &removed);
                    if let Some(clusters) = &mut one.clusters {
                        clusters.retain(|name| *name != removed.name);
                    }
                    !called || everywhere.iter().any(|cluster| calls_from(one, cluster))
                });
            }
            let left: Vec<&Cluster> = everywhere
                .iter()
                .copied()
                .filter(|cluster| runs_in(service, cluster))
                .collect();
            service.overrides.retain_mut(|one| {
                let was_for = is_for(one, &removed);
                if let Some(clusters) = &mut one.clusters {
                    clusters.retain(|name| *name != removed.name);
                }
                !was_for || left.iter().any(|cluster| is_for(one, cluster))
            });
            let serving = if ran { &left } else { &everywhere };
            forget_place(&mut service.locality, &removed, &everywhere, serving);
        }
        for clusters in self.external.iter_mut().flat_map(|one| &mut one.clusters) {
            clusters.retain(|name| *name != removed.name);
        }
        if self.dns.cluster.as_ref() == Some(&removed.name) {
            self.dns.cluster = None;
        }
    }

    /// Renames a cluster and all references to it. A reference is not renamed if another cluster has the name:
    /// afterwards it would be ambiguous.
    pub fn rename_cluster(&mut self, index: usize, name: &str) {
        let is_taken = self.has_cluster(name);
        let Some(cluster) = self.clusters.get_mut(index) else {
            return;
        };
        let before = std::mem::replace(&mut cluster.name, name.to_owned());
        if is_taken || self.has_cluster(&before) {
            return;
        }
        let services = self.services.iter_mut().flat_map(|service| {
            let overrides = service.overrides.iter_mut().map(|one| &mut one.clusters);
            let callers = service.callers.iter_mut().flatten();
            let callers = callers.map(|one| &mut one.clusters);
            overrides.chain(callers).chain([&mut service.clusters])
        });
        let external = self.external.iter_mut().map(|one| &mut one.clusters);
        let lists = services.chain(external).flatten().flatten();
        for reference in lists.chain(&mut self.dns.cluster) {
            if *reference == before {
                name.clone_into(reference);
            }
        }
        for place in places_of(&self.clusters[index]) {
            self.rename_place(&format!("{place}/{before}"), &format!("{place}/{name}"));
        }
    }

    /// Moves a cluster to another region and other zones. Settings of a place that it leaves move with it, if no other
    /// cluster is left there: the first zone's to the first, and so on, and the rest to the last.
    pub fn move_cluster(&mut self, index: usize, region: &str, zones: Vec<String>) {
        let Some(cluster) = self.clusters.get_mut(index) else {
            return;
        };
        let before = cluster.clone();
        region.clone_into(&mut cluster.region);
        cluster.set_zones(zones);
        let new = places_of(cluster);
        let last = new.last().cloned().unwrap_or_default();
        let new = new.into_iter().chain(std::iter::repeat(last));
        let zones: Vec<(String, String)> = places_of(&before).into_iter().zip(new).collect();
        let own = |zone: &str| format!("{zone}/{}", before.name);
        let itself = zones.iter().map(|(from, to)| (own(from), own(to)));
        let moves = [(before.region.clone(), region.to_owned())];
        let moves: Vec<(String, String)> = itself.chain(moves).chain(zones.clone()).collect();
        for (from, to) in &moves {
            self.rename_place(from, to);
        }
    }

    /// Renames a place in which no cluster is left.
    fn rename_place(&mut self, from: &str, to: &str) {
        if self.clusters.iter().any(|one| is_in(one, from)) {
            return;
        }
        let services = self.services.iter_mut().map(|one| &mut one.locality);
        for locality in services.chain([&mut self.locality]).flatten() {
            rename_place(locality, from, to);
        }
    }

    fn has_cluster(&self, name: &str) -> bool {
        self.clusters.iter().any(|cluster| cluster.name == name)
    }
}

/// Whether labels select a cluster; empty ones select none.
fn selects(selector: &BTreeMap<String, String>, cluster: &Cluster) -> bool {
    !selector.is_empty() && cluster.has_labels(selector)
}

fn runs_in(service: &Service, cluster: &Cluster) -> bool {
    match &service.clusters {
        Some(clusters) => clusters.contains(&cluster.name),
        None => service.cluster_selector.is_empty() || selects(&service.cluster_selector, cluster),
    }
}

fn is_for(one: &Override, cluster: &Cluster) -> bool {
    let clusters = one.clusters.as_ref();
    clusters.is_some_and(|clusters| clusters.contains(&cluster.name))
        || selects(&one.cluster_selector, cluster)
}

fn calls_from(one: &Caller, cluster: &Cluster) -> bool {
    match &one.clusters {
        Some(clusters) => clusters.contains(&cluster.name),
        None => one.cluster_selector.is_empty() || selects(&one.cluster_selector, cluster),
    }
}

/// The zones of a cluster in the notation of `locality`; an empty one if it has none.
fn places_of(cluster: &Cluster) -> Vec<String> {
    let zones: Vec<&str> = cluster.all_zones().collect();
    let zones = if zones.is_empty() { vec![""] } else { zones };
    let zones = zones.into_iter();
    zones
        .map(|zone| format!("{}/{zone}", cluster.region))
        .collect()
}

/// Whether a cluster is in a region, in a zone as `region/zone`, or the one that `region/zone/cluster` names.
fn is_in(cluster: &Cluster, place: &str) -> bool {
    let is_itself = |zone: &String| {
        let named = place.strip_prefix(zone.as_str());
        named.and_then(|rest| rest.strip_prefix('/')) == Some(cluster.name.as_str())
    };
    cluster.region == place
        || places_of(cluster)
            .iter()
            .any(|zone| zone == place || is_itself(zone))
}

/// Removes the settings of places without a cluster: for callers there, and for serving clusters there. Their share is
/// divided among the other places in proportion.
fn forget_place(
    locality: &mut Option<Locality>,
    removed: &Cluster,
    callers: &[&Cluster],
    serving: &[&Cluster],
) {
    let Some(said) = locality else { return };
    let before = said.clone();
    let is_gone = |place: &str, from: &[&Cluster]| {
        is_in(removed, place) && !from.iter().any(|cluster| is_in(cluster, place))
    };
    let has_callers =
        |from: &Option<String>| from.as_ref().is_none_or(|from| !is_gone(from, callers));
    said.failover
        .retain(|one| has_callers(&one.from) && !is_gone(&one.to, serving));
    said.distribute.retain_mut(|one| {
        let places = one.to.len();
        one.to.retain(|place, _| !is_gone(place, serving));
        if one.to.len() < places {
            make_whole(one);
        }
        has_callers(&one.from) && !one.to.is_empty()
    });
    if *said == Locality::default() && before != Locality::default() {
        *locality = None;
    }
}

/// Scales shares to 100, in proportion.
fn make_whole(distribution: &mut Distribution) {
    let total: u64 = distribution.to.values().copied().map(u64::from).sum();
    let (mut before, mut given) = (0, 0);
    for share in distribution.to.values_mut() {
        before += u64::from(*share);
        // Sums are rounded, not shares, so that they always add up to 100; a share is at most 100, as before.
        let until = (before * 100 + total / 2).checked_div(total).unwrap_or(0);
        *share = u32::try_from(until - given).unwrap_or(u32::MAX);
        given = until;
    }
}

fn rename_place(locality: &mut Locality, from: &str, to: &str) {
    let rename = |place: &mut String| {
        if place == from {
            to.clone_into(place);
        }
    };
    for one in &mut locality.failover {
        one.from.as_mut().map(rename);
        rename(&mut one.to);
    }
    for one in &mut locality.distribute {
        one.from.as_mut().map(rename);
        if let Some(share) = one.to.remove(from) {
            let there = one.to.entry(to.to_owned()).or_default();
            *there = there.saturating_add(share);
        }
    }
}
