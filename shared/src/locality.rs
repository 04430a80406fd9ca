//! Which of the clusters behind a name take the calls of which callers: what `localityLbSetting` of the
//! DestinationRules says (`render::destination_rule`), and what the model of who answers goes by
//! (`answers`).
//!
//! Without a word the nearest cluster takes them: the caller's zone, then its region, then the rest. A
//! region can come before the rest (Istio's `failover`, which knows one for each region of callers), or
//! places take shares (`distribute`), and who is not among them takes nothing. Both together do not exist in one
//! rule of Istio's; but each cluster has rules of its own, so one cluster's callers can be spread and
//! another's go to the nearest.

use std::collections::BTreeMap;

use crate::endpoints::fails_over;
use crate::name::Label;
use crate::published::{PublishedName, answered_by};
use crate::resolved::{Cluster, Resolved, Service};

/// Which of the clusters that run a service take the calls of which callers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Region of the caller → the region that comes after it. Only where that makes a difference: the
    /// service runs there, and in a third region.
    pub next: BTreeMap<Label, Label>,
    /// Index of the caller's cluster → what each place takes in percent, together 100. The service runs
    /// in each of the places, and in more than one cluster.
    pub shares: BTreeMap<usize, Vec<(Place, u8)>>,
}

impl Preferences {
    /// Whether the nearest cluster takes all calls.
    pub(crate) fn is_usual(&self) -> bool {
        self.next.is_empty() && self.shares.is_empty()
    }

    /// How far a cluster is from a caller in another, or the same: 0 in its zone, 1 in its region, 2 in
    /// the region that comes next, 3 elsewhere.
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
pub struct Place {
    /// The region.
    pub region: Label,
    /// The zone; `None` for all of the region.
    pub zone: Option<Label>,
}

impl Place {
    /// Whether a cluster is there.
    pub fn has(&self, cluster: &Cluster) -> bool {
        self.region == cluster.region && self.zone.as_ref().is_none_or(|zone| *zone == cluster.zone)
    }
}

/// As Istio writes a locality.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.zone {
            Some(zone) => write!(f, "{}/{zone}", self.region),
            None => write!(f, "{}", self.region),
        }
    }
}

/// The shares that calls of the cluster `client` for a name are spread by; `None` where they go to the
/// nearest. Shares hold for a name if all of their places are behind it: of a region's name the
/// other regions' share would be lost, and Istio knows no place of a name that goes by DNS alone.
pub(crate) fn shares<'a>(
    client: usize,
    name: &PublishedName,
    service: &'a Service,
    resolved: &Resolved,
) -> Option<&'a [(Place, u8)]> {
    let shares = service.locality.shares.get(&client)?;
    if !fails_over(client, name, service, resolved) {
        return None;
    }
    let behind = answered_by(name, &service.names);
    let is_behind = |place: &Place| {
        let mut behind = behind.iter();
        behind.any(|&index| place.has(&resolved.clusters[index]))
    };
    shares
        .iter()
        .all(|(place, _)| is_behind(place))
        .then_some(shares)
}
