//! Locality preferences: the clusters behind a name that serve each caller. Input of `localityLbSetting` in
//! DestinationRules (`render::destination_rule`) and of the model of answers (`answers`).
//!
//! By default the nearest cluster serves a call: the caller's zone, then its region, then the rest. A region can
//! precede the rest (Istio's `failover`, which has one for each region of callers), or places get shares
//! (`distribute`), and all other places get nothing. One rule of Istio cannot have both; but each cluster has rules of
//! its own, so one cluster's callers can be spread and another's go to the nearest.

use std::collections::BTreeMap;

use crate::name::Label;
use crate::resolved::published::{PublishedName, answered_by};
use crate::resolved::{Cluster, Resolved, Service};
use crate::traffic::endpoints::fails_over;

/// The clusters of a service that serve each caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Region of the caller → the next region. Only where it has an effect: the service runs there, and in a third
    /// region.
    pub next: BTreeMap<Label, Label>,
    /// Index of the caller's cluster → percentage of each place, together 100. The service runs in each of the places,
    /// and in several clusters.
    pub shares: BTreeMap<usize, Vec<(Locality, u8)>>,
}

impl Preferences {
    /// Whether the nearest cluster serves all calls.
    pub(crate) fn is_usual(&self) -> bool {
        self.next.is_empty() && self.shares.is_empty()
    }

    /// Distance of a cluster from a caller's: 0 in its zone, 1 in its region, 2 in the next region, 3 elsewhere.
    pub(crate) fn tier(&self, from: &Cluster, to: &Cluster) -> u8 {
        if from.region == to.region {
            u8::from(from.zone != to.zone)
        } else if self.next.get(&from.region) == Some(&to.region) {
            2
        } else {
            3
        }
    }
}

/// A region, or one of its zones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Locality {
    /// The region.
    pub region: Label,
    /// The zone; `None` for all of the region.
    pub zone: Option<Label>,
}

impl Locality {
    /// Whether a cluster is in this place.
    pub fn has(&self, cluster: &Cluster) -> bool {
        self.region == cluster.region && self.zone.as_ref().is_none_or(|zone| *zone == cluster.zone)
    }
}

/// The form of a locality in Istio.
impl std::fmt::Display for Locality {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.zone {
            Some(zone) => write!(f, "{}/{zone}", self.region),
            None => write!(f, "{}", self.region),
        }
    }
}

/// The shares for calls of the cluster `client` for a name; `None` if they go to the nearest. Shares apply to a name if
/// all of their places are behind it: for a region's name the share of other regions would be lost, and Istio has no
/// localities for a name that is resolved by DNS alone.
pub(crate) fn shares<'a>(
    client: usize,
    name: &PublishedName,
    service: &'a Service,
    resolved: &Resolved,
) -> Option<&'a [(Locality, u8)]> {
    let shares = service.locality.shares.get(&client)?;
    if !fails_over(client, name, service, resolved) {
        return None;
    }
    let behind = answered_by(name, &service.names);
    let is_behind = |place: &Locality| {
        let mut behind = behind.iter();
        behind.any(|&index| place.has(&resolved.clusters[index]))
    };
    shares
        .iter()
        .all(|(place, _)| is_behind(place))
        .then_some(shares)
}
