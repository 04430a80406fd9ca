//! Locality preferences: the clusters behind a name that serve each caller. Input of `localityLbSetting` in
//! DestinationRules (`render::destination_rule`) and of the model of answers (`answers`).
//!
//! By default the nearest cluster serves a call: the caller's zone, then its region, then the rest. A region can
//! precede the rest (Istio's `failover`, which has one for each region of callers), or areas get shares
//! (`distribute`), and all others get nothing. One rule of Istio cannot have both; but each cluster has rules of
//! its own, so one cluster's callers can be spread and another's go to the nearest.
//!
//! Istio compares the locality of an endpoint with that of the caller's node, and an endpoint has only one, while the
//! nodes of a regional cluster are in several zones. Since each cluster has entries of its own, their endpoints have the
//! locality that is right for its callers ([`Site::seen_from`]): a regional cluster's own gateway is in its region, and the
//! other clusters of that region are in one of another name ([`OTHERS`]), which precedes the rest. So the own gateway
//! comes first in every zone, which a locality of one of the zones would not achieve: another cluster's gateway in the
//! zone of the caller's node would be nearer.

use std::collections::BTreeMap;

use crate::name::Label;
use crate::resolved::preferences::{Area, Preferences};
use crate::resolved::published::{PublishedName, answered_by};
use crate::resolved::{Cluster, Resolved, Service};
use crate::traffic::endpoints::fails_over;

/// Added to a region's name for its other clusters, in the entries of a regional cluster. No region has a dot.
pub(crate) const OTHERS: &str = ".others";
/// Between the zones of a regional cluster, in localities.
pub(crate) const BETWEEN_ZONES: &str = ".";

/// Where a cluster is.
pub(crate) struct Site<'a> {
    pub(crate) name: &'a str,
    pub(crate) region: &'a str,
    /// Its zones, ascending.
    pub(crate) zones: Vec<&'a str>,
    /// Whether another cluster has one of these zones.
    pub(crate) shares_zones: bool,
}

impl<'a> From<&'a Cluster> for Site<'a> {
    fn from(cluster: &'a Cluster) -> Self {
        Self {
            name: cluster.name.as_str(),
            region: cluster.region.as_str(),
            zones: cluster.zones.iter().map(Label::as_str).collect(),
            shares_zones: cluster.shares_zones,
        }
    }
}

impl Site<'_> {
    /// The locality of the cluster's gateway in the entries of the cluster `client`: `region/zone`, with the cluster as
    /// subzone if it shares a zone, so that shares can tell it from the others.
    pub(crate) fn seen_from(&self, client: &Self) -> String {
        let is_near = client.region == self.region;
        let is_beside = is_near && client.zones.len() > 1 && client.name != self.name;
        let others = if is_beside { OTHERS } else { "" };
        let zones = match client.zones.as_slice() {
            [zone] if is_near && self.zones.contains(zone) => (*zone).to_owned(),
            _ => self.zones.join(BETWEEN_ZONES),
        };
        let mut locality = format!("{}{others}/{zones}", self.region);
        if self.shares_zones {
            locality = format!("{locality}/{}", self.name);
        }
        locality
    }
}

/// [`Site::seen_from`] of clusters of a document.
pub(crate) fn seen_from(client: &Cluster, cluster: &Cluster) -> String {
    Site::from(cluster).seen_from(&Site::from(client))
}

/// Which clusters have a zone in common with another one; `places` are the zones of each, as `region/zone`.
pub(crate) fn sharing_zones(places: &[Vec<String>]) -> Vec<bool> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for place in places.iter().flatten() {
        *counts.entry(place).or_default() += 1;
    }
    let is_shared = |place: &String| counts[place.as_str()] > 1;
    places.iter().map(|of| of.iter().any(is_shared)).collect()
}

/// Whether other clusters of the region of a regional cluster `client` run a service, so that its entries have them as
/// [`OTHERS`].
pub(crate) fn has_others(client: usize, serving: &[usize], clusters: &[Cluster]) -> bool {
    let here = &clusters[client];
    let is_other = |&at: &usize| at != client && clusters[at].region == here.region;
    here.is_regional() && serving.iter().any(is_other)
}

/// Distance of a service's cluster from a caller's: 0 in the caller's zone, or for a regional cluster only in itself; 1
/// in its region, 2 in the next region, 3 elsewhere.
pub(crate) fn tier(client: usize, cluster: usize, service: &Service, resolved: &Resolved) -> u8 {
    let clusters = &resolved.clusters;
    let (from, to) = (&clusters[client], &clusters[cluster]);
    if from.region == to.region {
        match from.is_regional() {
            true if client == cluster => 0,
            // Rules without localities cannot prefer them.
            true if !resolved.istio.has_locality() => 3,
            true => 1,
            false => u8::from(from.common_zone(to).is_none()),
        }
    } else if service.locality.next.get(&from.region) == Some(&to.region)
        && !has_others(client, &service.clusters, clusters)
    {
        2
    } else {
        3
    }
}

/// Istio's `failover` in the rules of a cluster for a service that runs in the clusters `serving`: region of a caller →
/// the region that precedes the rest.
pub(crate) fn next(
    client: usize,
    preferences: &Preferences,
    serving: &[usize],
    clusters: &[Cluster],
) -> BTreeMap<String, String> {
    let next = preferences.next.iter();
    let mut next: BTreeMap<String, String> = next
        .map(|(from, to)| (from.to_string(), to.to_string()))
        .collect();
    if has_others(client, serving, clusters) {
        let region = &clusters[client].region;
        next.insert(region.to_string(), format!("{region}{OTHERS}"));
    }
    next
}

/// The shares for calls of the cluster `client` for a name; `None` if they go to the nearest. Shares apply to a name if
/// all of their areas are behind it: for a region's name the share of other regions would be lost, and Istio has no
/// localities for a name that is resolved by DNS alone.
pub(crate) fn shares<'a>(
    client: usize,
    name: &PublishedName,
    service: &'a Service,
    resolved: &Resolved,
) -> Option<&'a [(Area, u8)]> {
    let shares = service.locality.shares.get(&client)?;
    if !fails_over(client, name, service, resolved) {
        return None;
    }
    let behind = answered_by(name, &service.names);
    let is_behind = |area: &Area| {
        let mut behind = behind.iter();
        behind.any(|&index| area.has(&resolved.clusters[index]))
    };
    shares
        .iter()
        .all(|(area, _)| is_behind(area))
        .then_some(shares)
}

/// Shares as Istio's `distribute`: localities, or their beginnings, with percentages. `endpoints` are the clusters of
/// the endpoints with their localities. An area whose endpoints no text matches is divided among their localities by the
/// number of endpoints, as Istio divides an area.
pub(crate) fn weights(
    shares: &[(Area, u8)],
    endpoints: &[(usize, String)],
    clusters: &[Cluster],
) -> BTreeMap<String, u8> {
    let mut weights = BTreeMap::new();
    for (area, share) in shares {
        let is_inside = |at: usize| area.has(&clusters[at]);
        let is_same = |text: &&str| {
            let mut all = endpoints.iter();
            all.all(|(at, locality)| is_inside(*at) == is_part(locality, text))
        };
        let text = area.to_string();
        let mut inside: BTreeMap<&str, u8> = BTreeMap::new();
        for (_, locality) in endpoints.iter().filter(|(at, _)| is_inside(*at)) {
            let count = inside.entry(locality).or_default();
            *count = count.saturating_add(1);
        }
        // Several in one zone have subzones.
        let first = inside.keys().next().filter(|_| inside.len() > 1);
        let zone = first.and_then(|locality| {
            let (end, _) = locality.match_indices('/').nth(1)?;
            locality.get(..end)
        });
        if let Some(same) = [Some(text.as_str()), zone]
            .into_iter()
            .flatten()
            .find(is_same)
        {
            weights.insert(same.to_owned(), *share);
            continue;
        }
        let all: u32 = inside.values().map(|count| u32::from(*count)).sum();
        let (mut before, mut given) = (0, 0);
        for (locality, count) in inside {
            before += u32::from(count);
            // Sums are rounded, not shares, so that they add up to the whole.
            let until = u8::try_from(before * u32::from(*share) / all).unwrap_or(*share);
            weights.insert(locality.to_owned(), until - given);
            given = until;
        }
    }
    // Istio refuses a weight of 0, and gives nothing to what is not listed.
    weights.retain(|_, weight| *weight > 0);
    weights
}

/// Whether a locality is in an area of Istio's `distribute`.
pub(crate) fn is_part(locality: &str, area: &str) -> bool {
    let rest = locality.strip_prefix(area);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
