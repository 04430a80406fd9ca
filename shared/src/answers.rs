//! Who answers a name: the model of what the rendered objects do, with nothing down or with
//! something.
//!
//! | what is down | its gateway's record | endpoints that lead there |
//! |---|---|---|
//! | a cluster | stays: nobody knows better | do not answer |
//! | a cluster's gateway | goes, once records are followed; the name falls back by CNAME | lead where the name falls back to; the cluster's own pods find no gateway |
//! | a service in a cluster | stays: the gateway is well | answer 503 |
//!
//! By DNS alone, a caller takes any address of a name, and a dead one is lost to it. In a mesh a name
//! with more than one cluster behind it has an endpoint for each (`render::service_entry`), sorted by
//! locality, and dead ones are left out (`render::destination_rule`): Envoy sends calls to the nearest
//! locality, to the next one as well when less than 1/1.4 of the endpoints in it are well
//! (its overprovisioning factor), and to none that is dead. A name with one cluster behind it, and
//! another zone's name, is as good as its address.
//!
//! Of a service without an HTTP port only connections are seen: one that its gateway takes and then
//! drops ejects nobody. A sidecar tells plain TCP by its port alone and takes every name for the global
//! one (`render::service_entry`). Of several ports, this is about those with requests.

use std::collections::BTreeSet;

use crate::mesh::Protocol;
use crate::outage::Outage;
use crate::published::{Level, PublishedName, answered_by, fails_over};
use crate::resolved::{Resolved, Service};

/// Who answers calls for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers {
    /// Any of these clusters, ascending, and every call is answered.
    By(Vec<usize>),
    /// Any of these, but calls that reach others are lost.
    Partly {
        /// The clusters that answer, ascending.
        by: Vec<usize>,
        /// The clusters that do not, ascending.
        lost: Vec<usize>,
    },
    /// No call is answered.
    Nobody(Reason),
}

/// Why no call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The caller's own cluster is down.
    ClientDown,
    /// No gateway behind the name has an address, so the name has no record.
    NoRecord,
    /// Everything behind the name is down.
    Down,
}

impl Answers {
    /// The clusters that answer, ascending; none when nobody does.
    pub fn by(&self) -> &[usize] {
        match self {
            Self::By(by) | Self::Partly { by, .. } => by,
            Self::Nobody(_) => &[],
        }
    }

    fn of(all: &BTreeSet<usize>, world: World<'_>) -> Self {
        let (by, lost): (Vec<usize>, Vec<usize>) =
            all.iter().partition(|&&cluster| world.lives(cluster));
        match (by.is_empty(), lost.is_empty()) {
            (true, true) => Self::Nobody(Reason::NoRecord),
            (true, false) => Self::Nobody(Reason::Down),
            (false, true) => Self::By(by),
            (false, false) => Self::Partly { by, lost },
        }
    }
}

/// Who answers a caller that only goes by DNS, wherever it is. `service` is an index into
/// [`Resolved::services`], `name` one of its names.
pub fn by_dns(
    resolved: &Resolved,
    service: usize,
    name: &PublishedName,
    outage: &Outage,
) -> Answers {
    let world = World {
        resolved,
        service,
        outage,
    };
    Answers::of(&world.addresses(name), world)
}

/// Who answers a pod with a sidecar in the cluster `client`.
pub fn in_mesh(
    resolved: &Resolved,
    client: usize,
    service: usize,
    name: &PublishedName,
    outage: &Outage,
) -> Answers {
    if outage.clusters.contains(&client) {
        return Answers::Nobody(Reason::ClientDown);
    }
    let world = World {
        resolved,
        service,
        outage,
    };
    let name = world.name_in_mesh(name);
    let endpoints = world.endpoints(client, name);
    if !fails_over(name, &world.service().names) {
        let all = endpoints.iter().flat_map(|endpoint| &endpoint.hosts);
        return Answers::of(&all.copied().collect(), world);
    }
    // Hundredths of the calls that no nearer locality takes.
    let mut left = 100;
    let mut by = BTreeSet::new();
    for priority in 0..=2 {
        let hosts: Vec<usize> = endpoints
            .iter()
            .filter(|endpoint| endpoint.priority == priority)
            .flat_map(|endpoint| endpoint.hosts.iter().copied())
            .collect();
        let well = hosts.iter().filter(|&&host| world.stays(host)).count();
        if left > 0 && well > 0 {
            by.extend(hosts.iter().copied().filter(|&host| world.stays(host)));
            left = usize::saturating_sub(left, 140 * well / hosts.len());
        }
    }
    if by.is_empty() {
        let nothing = endpoints.iter().all(|endpoint| endpoint.hosts.is_empty());
        return Answers::Nobody(if nothing {
            Reason::NoRecord
        } else {
            Reason::Down
        });
    }
    Answers::of(&by, world)
}

/// One endpoint of a name, as a client sees it.
struct Endpoint {
    /// 0 in the client's zone, 1 in its region, 2 elsewhere.
    priority: u8,
    /// The clusters that its address leads to.
    hosts: Vec<usize>,
}

#[derive(Clone, Copy)]
struct World<'a> {
    resolved: &'a Resolved,
    service: usize,
    outage: &'a Outage,
}

impl<'a> World<'a> {
    fn service(self) -> &'a Service {
        &self.resolved.services[self.service]
    }

    /// Whether calls that reach the cluster's gateway are answered.
    fn lives(self, cluster: usize) -> bool {
        !self.outage.clusters.contains(&cluster)
            && !self.outage.gateways.contains(&cluster)
            && !self.outage.services.contains(&(cluster, self.service))
    }

    /// Whether a client's sidecar goes on sending calls to the cluster.
    fn stays(self, cluster: usize) -> bool {
        self.lives(cluster)
            || (!self.service().is_http()
                && !self.outage.clusters.contains(&cluster)
                && !self.outage.gateways.contains(&cluster))
    }

    /// The name that a sidecar takes a name for.
    fn name_in_mesh(self, name: &'a PublishedName) -> &'a PublishedName {
        let service = self.service();
        let mut ports = service.ports.iter();
        if ports.any(|port| port.protocol != Protocol::Tcp) {
            return name;
        }
        let global = |name: &&PublishedName| name.level == Level::Global;
        service.names.iter().find(global).unwrap_or(name)
    }

    /// The clusters whose gateways' addresses DNS gives for a name.
    fn addresses(self, name: &PublishedName) -> BTreeSet<usize> {
        let names = &self.service().names;
        let mut at = Some(name);
        while let Some(name) = at {
            let published: BTreeSet<usize> = name
                .clusters
                .iter()
                .copied()
                .filter(|&cluster| self.has_record(cluster))
                .collect();
            if !published.is_empty() {
                return published;
            }
            let above = name.falls_back_to.as_ref();
            at = above.and_then(|host| names.iter().find(|name| name.host == *host));
        }
        BTreeSet::new()
    }

    fn has_record(self, cluster: usize) -> bool {
        let addresses = &self.resolved.clusters[cluster].gateway.addresses;
        // Unknown ones are looked up before anything is published.
        addresses.as_ref().is_none_or(|list| !list.is_empty())
            && !self.outage.gateways.contains(&cluster)
    }

    /// What `render::service_entry` gives the client for a name.
    fn endpoints(self, client: usize, name: &PublishedName) -> Vec<Endpoint> {
        let service = self.service();
        let clusters = &self.resolved.clusters;
        let here = &clusters[client];
        let foreign_zone = match &name.level {
            Level::Zone { region, zone } => {
                !(service.clusters.contains(&client)
                    && (region, zone) == (&here.region, &here.zone))
            }
            Level::Vanity | Level::Global | Level::Region(_) => false,
        };
        if foreign_zone {
            return vec![Endpoint {
                priority: 0,
                hosts: self.addresses(name).into_iter().collect(),
            }];
        }
        let mut zones = BTreeSet::new();
        answered_by(name, &service.names)
            .iter()
            .filter_map(|&cluster| {
                let there = &clusters[cluster];
                let priority = if (&there.region, &there.zone) == (&here.region, &here.zone) {
                    0
                } else if there.region == here.region {
                    1
                } else {
                    2
                };
                let hosts = if cluster == client {
                    vec![client]
                } else {
                    // Clusters of one zone share its name.
                    if !zones.insert((&there.region, &there.zone)) {
                        return None;
                    }
                    let zone = service.names.iter().find(|name| {
                        name.level
                            == Level::Zone {
                                region: there.region.clone(),
                                zone: there.zone.clone(),
                            }
                    })?;
                    self.addresses(zone).into_iter().collect()
                };
                Some(Endpoint { priority, hosts })
            })
            .collect()
    }
}
