//! Which of the clusters that run a service receive the calls of which callers.

use std::collections::BTreeMap;
use std::fmt;

use crate::name::Label;
use crate::resolved::Cluster;

/// The clusters of a service that serve each caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Region of the caller → the next region. Only where it has an effect: the service runs there, and in a third
    /// region.
    pub next: BTreeMap<Label, Label>,
    /// Index of the caller's cluster → percentage of each place, together 100. The service runs in each of the places,
    /// and in several clusters.
    pub shares: BTreeMap<usize, Vec<(RegionOrZone, u8)>>,
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
pub struct RegionOrZone {
    /// The region.
    pub region: Label,
    /// The zone; `None` for all of the region.
    pub zone: Option<Label>,
}

impl RegionOrZone {
    /// Whether a cluster is in this place.
    pub fn has(&self, cluster: &Cluster) -> bool {
        self.region == cluster.region && self.zone.as_ref().is_none_or(|zone| *zone == cluster.zone)
    }
}

/// The form of a locality in Istio.
impl fmt::Display for RegionOrZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            Some(zone) => write!(f, "{}/{zone}", self.region),
            None => write!(f, "{}", self.region),
        }
    }
}
