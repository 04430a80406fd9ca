//! The clusters that answer a name: a model of the rendered objects, with or without an outage.
//!
//! | outage | its gateway's record | endpoints that lead there |
//! |---|---|---|
//! | a cluster | stays: its state is unknown | do not answer |
//! | a cluster's gateway | is removed, once records are followed; the name falls back by CNAME | lead to the fallback; the cluster's own pods find no gateway |
//! | a service in a cluster | stays: the gateway is healthy | answer 503 |
//!
//! By DNS alone, a caller uses any address of a name, and calls to a dead one are lost. In a mesh, a name with several
//! clusters has an endpoint for each (`render::service_entry`), sorted by locality, and dead endpoints are ejected
//! (`render::destination_rule`): Envoy sends calls to the nearest locality, to the next one as well if less than 1/1.4
//! of its endpoints are healthy (the overprovisioning factor), and to no dead endpoint. With `distribute`
//! ([`crate::traffic::locality`]), only places with a share have endpoints, and each healthy place gets its share. With Istio
//! 1.0 there are no localities, and if less than half of the endpoints are healthy, calls go to all of them. A name
//! with one cluster, and a name of another zone, depend on their address alone. An endpoint has one port: if a name
//! falls back to gateways on another one, calls are lost.
//!
//! For a service without an HTTP port only connections are observed: one that its gateway accepts and then closes
//! ejects no endpoint, unless it is mutual TLS, whose handshake needs a pod. A sidecar distinguishes plain TCP by port
//! only and sends calls for every name to the global one (`render::service_entry`). Of several ports, the model covers
//! those with requests.

use std::collections::{BTreeMap, BTreeSet};

use crate::resolved::published::{Level, PublishedName};
use crate::resolved::targets::can_be_published;
use crate::resolved::{Gateway, Resolved, Service};
use crate::traffic::endpoints::{
    At, Destination, destination, endpoints, fails_over, ports_of, usually_at,
};
use crate::traffic::locality::{is_part, shares, tier, weights};
use crate::traffic::outage::Outage;

/// The clusters that answer calls for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers {
    /// Any of these clusters, ascending; every call is answered.
    By(Vec<usize>),
    /// Any of these, but calls that reach other clusters are lost.
    Partly {
        /// The clusters that answer, ascending.
        by: Vec<usize>,
        /// The clusters that do not, ascending.
        lost: Vec<usize>,
    },
    /// No call is answered.
    Nobody(Reason),
}

/// The reason why no call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The caller's own cluster is down.
    ClientDown,
    /// The name has no record: no gateway behind it has an address, or only addresses that DNS records cannot hold.
    NoRecord,
    /// All clusters behind the name are down.
    Down,
}

impl Answers {
    /// The clusters that answer, ascending; empty if no call is answered.
    pub fn by(&self) -> &[usize] {
        match self {
            Self::By(by) | Self::Partly { by, .. } => by,
            Self::Nobody(_) => &[],
        }
    }

    /// Classifies the clusters that calls reach, each with whether it answers.
    fn of(reached: &BTreeSet<(usize, bool)>) -> Self {
        let those = |answer: bool| -> Vec<usize> {
            let those = reached.iter().filter(|(_, answers)| *answers == answer);
            those.map(|&(cluster, _)| cluster).collect()
        };
        let (by, lost) = (those(true), those(false));
        match (by.is_empty(), lost.is_empty()) {
            (true, true) => Self::Nobody(Reason::NoRecord),
            (true, false) => Self::Nobody(Reason::Down),
            (false, true) => Self::By(by),
            (false, false) => Self::Partly { by, lost },
        }
    }
}

/// The answers for a caller without a sidecar, in any place, that uses the gateways' ports. `service` is an index into
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
    let mut reached = BTreeSet::new();
    for cluster in world.addresses(name) {
        reached.insert((cluster, world.lives(cluster)));
    }
    Answers::of(&reached)
}

/// The answers for a pod with a sidecar in the cluster `client`.
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
    if !fails_over(client, name, world.service(), resolved) {
        let mut reached = BTreeSet::new();
        for endpoint in &endpoints {
            reached.extend(&endpoint.reached);
        }
        return Answers::of(&reached);
    }
    // Percentage of the calls that no nearer locality gets.
    let mut left = 100;
    let mut by = BTreeSet::new();
    for priority in 0..=3 {
        let mut all = 0;
        let mut staying = Vec::new();
        for endpoint in endpoints.iter().filter(|at| at.priority == priority) {
            all += endpoint.reached.len();
            let reached = endpoint.reached.iter();
            staying.extend(reached.filter(|&&(cluster, answers)| answers || world.keeps(cluster)));
        }
        if resolved.istio.is_oldest() && 2 * staying.len() < all {
            // Envoy's panic threshold, which is set to almost nothing for other versions.
            let endpoints = endpoints.iter().filter(|at| at.priority == priority);
            staying = endpoints.flat_map(|at| &at.reached).collect();
        }
        if left > 0 && !staying.is_empty() {
            left = usize::saturating_sub(left, 140 * staying.len() / all);
            by.extend(staying.into_iter().copied());
        }
    }
    if by.is_empty() {
        let nothing = endpoints.iter().all(|endpoint| endpoint.reached.is_empty());
        return Answers::Nobody(if nothing {
            Reason::NoRecord
        } else {
            Reason::Down
        });
    }
    Answers::of(&by)
}

/// The distribution of the calls of a pod with a sidecar in the cluster `client`, where `distribute` applies: the
/// clusters that calls reach, ascending, with percentages that add up to 100. `None` where calls go to the nearest
/// cluster, or reach none.
///
/// Istio divides the share of a place among its localities by their number of endpoints (istio
/// `pilot/pkg/networking/core/loadbalancer`, `applyLocalityWeights`). Envoy weights a locality by its healthy part,
/// with the overprovisioning factor, and spreads calls evenly among healthy endpoints.
pub fn percentages(
    resolved: &Resolved,
    client: usize,
    service: usize,
    name: &PublishedName,
    outage: &Outage,
) -> Option<Vec<(usize, u8)>> {
    let world = World {
        resolved,
        service,
        outage,
    };
    let name = world.name_in_mesh(name);
    let shares = shares(client, name, world.service(), resolved)?;
    if outage.clusters.contains(&client) {
        return None;
    }
    let endpoints = world.endpoints(client, name);
    let places: Vec<(usize, String)> = endpoints
        .iter()
        .filter_map(|endpoint| Some((endpoint.of?, endpoint.locality.clone()?)))
        .collect();
    let mut localities: BTreeMap<String, Vec<Endpoint>> = BTreeMap::new();
    for endpoint in endpoints {
        let locality = endpoint.locality.clone()?;
        localities.entry(locality).or_default().push(endpoint);
    }
    // In millionths of a percent, which need more than the 32 bits of a browser.
    let mut parts: BTreeMap<usize, u64> = BTreeMap::new();
    for (area, share) in weights(shares, &places, &resolved.clusters) {
        let inside = localities.iter().filter(|(at, _)| is_part(at, &area));
        let inside: Vec<&Vec<Endpoint>> = inside.map(|(_, endpoints)| endpoints).collect();
        let endpoints_inside: usize = inside.iter().map(|one| one.len()).sum();
        for endpoints in inside {
            let weight =
                (u64::from(share) * long(endpoints.len())).div_ceil(long(endpoints_inside));
            let reached = endpoints.iter().flat_map(|endpoint| &endpoint.reached);
            let all = long(reached.clone().count());
            let stays = |&&(cluster, answers): &&(usize, bool)| answers || world.keeps(cluster);
            let staying: Vec<usize> = reached.filter(stays).map(|(cluster, _)| *cluster).collect();
            if staying.is_empty() {
                continue;
            }
            let count = long(staying.len());
            let well = u64::min(1_000_000, 1_400_000 * count / all);
            for cluster in &staying {
                *parts.entry(*cluster).or_default() += weight * well / count;
            }
        }
    }
    (!parts.is_empty()).then(|| in_percent(&parts))
}

fn long(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Parts of a whole as whole percentages that add up to 100; the remainder of rounding down goes to the largest
/// fractions.
fn in_percent(parts: &BTreeMap<usize, u64>) -> Vec<(usize, u8)> {
    let whole: u64 = parts.values().sum();
    let mut percentages: Vec<(usize, u64)> = parts
        .iter()
        .map(|(cluster, part)| (*cluster, part * 100 / whole))
        .collect();
    let left = 100 - percentages.iter().map(|(_, percent)| percent).sum::<u64>();
    let mut by_remainder: Vec<(u64, usize)> = parts
        .values()
        .enumerate()
        .map(|(at, part)| (part * 100 % whole, at))
        .collect();
    // Stable: the first of equal ones.
    by_remainder.sort_by_key(|(remainder, _)| std::cmp::Reverse(*remainder));
    for (_, at) in by_remainder
        .into_iter()
        .take(usize::try_from(left).unwrap_or(0))
    {
        percentages[at].1 += 1;
    }
    let small = |percent: u64| u8::try_from(percent).unwrap_or(100);
    percentages
        .into_iter()
        .map(|(cluster, percent)| (cluster, small(percent)))
        .collect()
}

/// One endpoint of a name in a client's mesh.
struct Endpoint {
    /// The cluster that it stands for; `None` for any address in DNS.
    of: Option<usize>,
    /// The cluster's locality for the client.
    locality: Option<String>,
    /// From 0, the nearest; 0 for all with `distribute`, and with Istio 1.0.
    priority: u8,
    /// The clusters that its address leads to, each with whether it answers at the port.
    reached: Vec<(usize, bool)>,
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

    /// Whether a client's sidecar keeps sending calls to the cluster although the service there is down: connections to
    /// its gateway still succeed.
    fn keeps(self, cluster: usize) -> bool {
        // The handshake of mutual TLS needs a pod, so without one there is no connection.
        !self.service().is_http()
            && !self.service().is_mutual()
            && !self.outage.clusters.contains(&cluster)
            && !self.outage.gateways.contains(&cluster)
    }

    /// The name to which a sidecar sends calls for a name.
    fn name_in_mesh(self, name: &'a PublishedName) -> &'a PublishedName {
        let service = self.service();
        if !ports_of(false, service).is_empty() {
            return name;
        }
        let global = |name: &&PublishedName| name.level == Level::Global;
        service.names.iter().find(global).unwrap_or(name)
    }

    /// The clusters whose gateways' addresses DNS has for a name.
    fn addresses(self, name: &PublishedName) -> BTreeSet<usize> {
        let names = &self.service().names;
        let mut at = Some(name);
        while let Some(name) = at {
            let published: BTreeSet<usize> = name
                .clusters
                .iter()
                .copied()
                .filter(|&cluster| self.has_address(cluster))
                .collect();
            if !published.is_empty() {
                let mut addresses = BTreeSet::new();
                for &cluster in &published {
                    let known = &self.gateway(cluster).addresses;
                    addresses.extend(known.iter().flatten().cloned());
                }
                return if can_be_published(&addresses, self.resolved) {
                    published
                } else {
                    BTreeSet::new()
                };
            }
            let above = name.falls_back_to.as_ref();
            at = above.and_then(|host| names.iter().find(|name| name.host == *host));
        }
        BTreeSet::new()
    }

    fn gateway(self, cluster: usize) -> &'a Gateway {
        self.service().gateway_of(&self.resolved.clusters[cluster])
    }

    fn has_address(self, cluster: usize) -> bool {
        let addresses = &self.gateway(cluster).addresses;
        // Unknown addresses are looked up before records are published.
        addresses.as_ref().is_none_or(|list| !list.is_empty())
            && !self.outage.gateways.contains(&cluster)
    }

    /// The endpoints to which the client sends calls for a name.
    fn endpoints(self, client: usize, name: &PublishedName) -> Vec<Endpoint> {
        let clusters = &self.resolved.clusters;
        // `like`: the cluster whose gateway's ports the endpoint has; `None` for the usual ones.
        let at =
            |priority, hosts: BTreeSet<usize>, like: Option<usize>, locality: Option<String>| {
                let answers = |host: usize| {
                    let service = self.service();
                    let mut ports = service.ports.iter();
                    self.lives(host)
                        && ports.all(|port| {
                            let called = match like {
                                Some(at) => service.port_at(port, &clusters[at]),
                                None => usually_at(port, service, self.resolved),
                            };
                            service.port_at(port, &clusters[host]) == called
                        })
                };
                Endpoint {
                    of: like,
                    locality,
                    priority,
                    reached: hosts
                        .into_iter()
                        .map(|host| (host, answers(host)))
                        .collect(),
                }
            };
        let targets = match destination(client, name, self.service(), self.resolved) {
            Destination::Dns => return vec![at(0, self.addresses(name), None, None)],
            Destination::SameAs(other) => return self.endpoints(client, other),
            Destination::OwnGateway | Destination::Endpoints => {
                endpoints(client, name, self.service(), self.resolved)
            }
        };
        let shares = shares(client, name, self.service(), self.resolved);
        let mut list = Vec::new();
        for endpoint in targets {
            let there = &clusters[endpoint.cluster];
            let priority = match shares {
                None if self.resolved.istio.is_oldest() => 0,
                None => tier(client, endpoint.cluster, self.service(), self.resolved),
                Some(shares) if shares.iter().any(|(area, _)| area.has(there)) => 0,
                Some(_) => continue,
            };
            let hosts = match endpoint.at {
                At::Inside => BTreeSet::from([client]),
                At::Name(name) => self.addresses(name),
                At::Addresses if self.has_address(endpoint.cluster) => {
                    BTreeSet::from([endpoint.cluster])
                }
                At::Addresses => BTreeSet::new(),
            };
            let locality = Some(endpoint.locality);
            list.push(at(priority, hosts, Some(endpoint.cluster), locality));
        }
        list
    }
}
