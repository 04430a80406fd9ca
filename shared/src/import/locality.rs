//! Locality preferences: `localityLbSetting` in the DestinationRules of published names.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifests::{Object, field, list};
use crate::mesh::{Cluster, Distribution, Locality, RegionFailover};
use crate::traffic::locality::{OTHERS, Site, is_part, sharing_zones};

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
        // A regional cluster's rules have this of its own region.
        if let (Some(from), Some(to)) = (one["from"].as_str(), one["to"].as_str())
            && !to.ends_with(OTHERS)
        {
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
    /// `by_zone`: clusters with the same zones have one endpoint, in the locality of one of them.
    pub(super) fn settle(self, clusters: &[Cluster], by_zone: bool) -> Option<Locality> {
        let is_region = |text: &String| clusters.iter().any(|one| one.region == *text);
        let failover: Vec<RegionFailover> = self
            .next
            .into_iter()
            .filter(|(from, to)| is_region(from) && is_region(to))
            .map(|(from, to)| RegionFailover {
                from: Some(from),
                to,
            })
            .collect();
        let sites = sites(clusters);
        // A rule for all callers applies to its own cluster; clusters with the same may be all of a zone.
        let mut of_clusters: BTreeMap<BTreeMap<String, u32>, BTreeSet<usize>> = BTreeMap::new();
        let mut places: Vec<(Option<String>, BTreeMap<String, u32>)> = Vec::new();
        for ((client, from), to) in self.shares {
            let to = to.into_iter();
            let to = to.map(|(place, share)| Some((area(&place, client, &sites, by_zone)?, share)));
            let Some(to) = to.collect::<Option<BTreeMap<String, u32>>>() else {
                continue;
            };
            if from == "*" {
                of_clusters.entry(to).or_default().insert(client);
            } else {
                places.push((area(&from, client, &sites, by_zone), to));
            }
        }
        for (to, clients) in of_clusters {
            if let Some(area) = area_of(&clients, &sites) {
                places.push((Some(area), to));
                continue;
            }
            let alone = clients.iter().map(|client| BTreeSet::from([*client]));
            places.extend(alone.map(|client| (area_of(&client, &sites), to.clone())));
        }
        places.sort();
        places.dedup_by(|one, other| one.0 == other.0);
        let places = places.into_iter().filter(|(from, _)| from.is_some());
        let distribute: Vec<Distribution> =
            places.map(|(from, to)| Distribution { from, to }).collect();
        let nothing = failover.is_empty() && distribute.is_empty();
        (!nothing).then_some(Locality {
            failover,
            distribute,
        })
    }
}

fn sites(clusters: &[Cluster]) -> Vec<Site<'_>> {
    let places = |one: &Cluster| -> Vec<String> {
        let zones = one.all_zones();
        zones.map(|zone| format!("{}/{zone}", one.region)).collect()
    };
    let places: Vec<Vec<String>> = clusters.iter().map(places).collect();
    let sites = clusters.iter().zip(sharing_zones(&places));
    sites
        .map(|(one, shares_zones)| {
            let zones: BTreeSet<&str> = one.all_zones().collect();
            Site {
                name: &one.name,
                region: &one.region,
                zones: zones.into_iter().collect(),
                shares_zones,
            }
        })
        .collect()
}

/// The document's form of an area in the rules of the cluster `client`; `None` if it has none.
fn area(text: &str, client: usize, sites: &[Site<'_>], by_zone: bool) -> Option<String> {
    let is_inside = |one: &Site<'_>| is_part(&one.seen_from(&sites[client]), text);
    let inside = sites.iter().enumerate().filter(|(_, one)| is_inside(one));
    let mut inside: BTreeSet<usize> = inside.map(|(index, _)| index).collect();
    if by_zone {
        let of_endpoint = |one: &Site<'_>| {
            let mut inside = inside.iter().filter(|index| **index != client);
            inside.any(|index| {
                (sites[*index].region, &sites[*index].zones) == (one.region, &one.zones)
            })
        };
        let others = sites
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != client);
        let others = others.filter(|(_, one)| of_endpoint(one));
        let others: Vec<usize> = others.map(|(index, _)| index).collect();
        inside.extend(others);
    }
    let is_region = sites.iter().any(|one| one.region == text);
    if is_region {
        return Some(text.to_owned());
    }
    area_of(&inside, sites)
}

/// The zone that only these clusters have, or the cluster, if it is one.
fn area_of(inside: &BTreeSet<usize>, sites: &[Site<'_>]) -> Option<String> {
    let first = &sites[*inside.first()?];
    let has =
        |site: &Site<'_>, zone: &str| site.region == first.region && site.zones.contains(&zone);
    let is_theirs = |zone: &&&str| {
        let mut all = sites.iter().enumerate();
        all.all(|(index, site)| inside.contains(&index) == has(site, zone))
    };
    if let Some(zone) = first.zones.iter().find(is_theirs) {
        return Some(format!("{}/{zone}", first.region));
    }
    let zone = first.zones.first().filter(|_| inside.len() == 1)?;
    Some(format!("{}/{zone}/{}", first.region, first.name))
}
