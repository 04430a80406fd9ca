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
    /// Index of the caller's cluster → percentage of each area, together 100. The service runs in each of the areas,
    /// and in several clusters.
    pub shares: BTreeMap<usize, Vec<(Area, u8)>>,
}

impl Preferences {
    /// Whether the nearest cluster serves all calls.
    pub(crate) fn is_usual(&self) -> bool {
        self.next.is_empty() && self.shares.is_empty()
    }
}

/// A region, one of its zones, or a cluster in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Area {
    /// The region.
    pub region: Label,
    /// The zone; `None` for all of the region.
    pub zone: Option<Label>,
    /// The cluster, which has the zone; `None` for all of it.
    pub cluster: Option<Label>,
}

impl Area {
    /// Whether a cluster is in this area.
    pub fn has(&self, cluster: &Cluster) -> bool {
        let is_in = |zone: &Label| cluster.zones.contains(zone);
        self.region == cluster.region
            && self.zone.as_ref().is_none_or(is_in)
            && self
                .cluster
                .as_ref()
                .is_none_or(|name| *name == cluster.name)
    }
}

/// The form of a locality in Istio.
impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.region)?;
        for narrower in [&self.zone, &self.cluster].into_iter().flatten() {
            write!(f, "/{narrower}")?;
        }
        Ok(())
    }
}
