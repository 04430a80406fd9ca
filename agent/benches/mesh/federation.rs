//! What is federated: clusters, most of which are in the document only, and services that run in all of them.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// The DNS zone.
pub(crate) const ZONE: &str = "my.dns.zone.name";
/// Where the services are.
pub(crate) const NAMESPACE: &str = "bench";
/// The real clusters, by their contexts, which are their names too.
pub(crate) const CONTEXTS: [&str; 2] = ["cluster1", "cluster2"];
/// Where clients are, and whose istiod is measured.
pub(crate) const CLIENT: &str = CONTEXTS[0];
/// Each has an address of its own in the bed's network.
pub(crate) const MOST_CLUSTERS: usize = 100;

const REGIONS: usize = 3;
/// The cluster whose gateway gets another address, which is the other real one.
pub(crate) const MOVES: usize = 1;

/// How much is federated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size {
    pub(crate) clusters: usize,
    pub(crate) services: usize,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no size such as 10x100");
        let (clusters, services) = text.split_once('x').ok_or_else(wrong)?;
        let size = Self {
            clusters: clusters.parse().map_err(|_| wrong())?,
            services: services.parse().map_err(|_| wrong())?,
        };
        if (CONTEXTS.len()..=MOST_CLUSTERS).contains(&size.clusters) && size.services > 0 {
            return Ok(size);
        }
        Err(format!(
            "`{text}` needs {} to {MOST_CLUSTERS} clusters and a service",
            CONTEXTS.len()
        ))
    }
}

/// A cluster of the federation.
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) zone: String,
    /// Of its ingress gateway. Those of clusters that do not exist lead to the real ones' gateways.
    pub(crate) address: Ipv4Addr,
}

/// A federation of a size, as it is first or after a change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Federation {
    pub(crate) size: Size,
    /// Whether the gateway of [`MOVES`] has its other address.
    pub(crate) moved: bool,
    /// Whether there is one more service.
    pub(crate) added: bool,
    /// The addresses of the real clusters' ingress gateways inside these.
    pub(crate) inside: [IpAddr; CONTEXTS.len()],
}

impl Federation {
    pub(crate) fn new(size: Size, inside: [IpAddr; CONTEXTS.len()]) -> Self {
        Self {
            size,
            inside,
            moved: false,
            added: false,
        }
    }

    /// The real ones come first.
    pub(crate) fn clusters(&self) -> Vec<Cluster> {
        (0..self.size.clusters)
            .map(|index| Cluster {
                name: format!("cluster{}", index + 1),
                region: region(index),
                zone: zone(index),
                address: gateway(index, self.moved && index == MOVES),
            })
            .collect()
    }

    /// How many services there are.
    pub(crate) fn services(&self) -> usize {
        self.size.services + usize::from(self.added)
    }

    /// The address of a real cluster's east-west gateway.
    pub(crate) fn east_west(&self, index: usize) -> Ipv4Addr {
        east_west(index, self.moved && index == MOVES)
    }
}

/// The name of a service.
pub(crate) fn service(index: usize) -> String {
    format!("s{index}")
}

/// The region of a cluster.
pub(crate) fn region(index: usize) -> String {
    format!("r{}", index % REGIONS + 1)
}

/// The zone of a cluster, which it has for itself.
pub(crate) fn zone(index: usize) -> String {
    format!("{}-z{}", region(index), index + 1)
}

/// All addresses of a real cluster's ingress gateway, at any time.
pub(crate) fn gateways_of(real: usize) -> Vec<Ipv4Addr> {
    let usual = (real..MOST_CLUSTERS).step_by(CONTEXTS.len());
    usual
        .map(|index| gateway(index, false))
        .chain([gateway(real, true)])
        .collect()
}

/// All addresses of a real cluster's east-west gateway, at any time.
pub(crate) fn east_west_gateways_of(real: usize) -> [Ipv4Addr; 2] {
    [east_west(real, false), east_west(real, true)]
}

/// The address of a cluster's gateway, or its other one.
fn gateway(index: usize, other: bool) -> Ipv4Addr {
    in_bed(if other { 200 } else { 100 } + index)
}

fn east_west(index: usize, other: bool) -> Ipv4Addr {
    in_bed(if other { 220 } else { 210 } + index)
}

/// An address of the bed's network that nothing else has.
fn in_bed(last: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 250, 1, u8::try_from(last).unwrap())
}
