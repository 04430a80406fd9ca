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
//! (its overprovisioning factor), and to none that is dead. Where shares hold ([`crate::locality`]), only
//! their places have endpoints, and each that is well takes its share. With Istio 1.0 there are no localities, and
//! where less than half of the endpoints are well, calls go to all of them. A name with one cluster behind it, and
//! another zone's name, is as good as its address. An endpoint has one port: where a name falls back to
//! gateways on another one, nobody answers.
//!
//! Of a service without an HTTP port only connections are seen: one that its gateway takes and then
//! drops ejects nobody, unless it is in mutual TLS, which takes a pod to agree on. A sidecar tells plain TCP by its port alone and takes every name for the global
//! one (`render::service_entry`). Of several ports, this is about those with requests.

use std::collections::{BTreeMap, BTreeSet};

use crate::endpoints::{At, Destination, destination, endpoints, fails_over, ports_of, usually_at};
use crate::locality::shares;
use crate::name::Label;
use crate::outage::Outage;
use crate::published::{Level, PublishedName};
use crate::render::dns_endpoint::can_be_published;
use crate::resolved::{Gateway, Resolved, Service};

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
    /// The name has no record: no gateway behind it has an address, or DNS has no form for those
    /// that they have.
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

    /// Of what calls reach: clusters, and whether they answer there.
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

/// Who answers a caller that only goes by DNS, wherever it is, and knows the gateways' ports.
/// `service` is an index into [`Resolved::services`], `name` one of its names.
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
    if !fails_over(client, name, world.service(), resolved) {
        let mut reached = BTreeSet::new();
        for endpoint in &endpoints {
            reached.extend(&endpoint.reached);
        }
        return Answers::of(&reached);
    }
    // Hundredths of the calls that no nearer locality takes.
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
            // Envoy's panic threshold, which other versions are told to be next to nothing.
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

/// How the calls of a pod with a sidecar in the cluster `client` are spread where places take shares of
/// them: the clusters that calls reach, ascending, with their percentages, together 100. `None` where calls
/// go to the nearest, and where no call reaches anybody.
///
/// Istio divides the share of a place among its localities by how many endpoints these have (istio
/// `pilot/pkg/networking/core/loadbalancer`, `applyLocalityWeights`). Envoy takes a locality's part by how
/// much of it is well, with its overprovisioning factor, and spreads it evenly among what is well.
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
    let mut localities: BTreeMap<(&Label, &Label), Vec<Endpoint>> = BTreeMap::new();
    for endpoint in world.endpoints(client, name) {
        let there = &resolved.clusters[endpoint.of?];
        let locality = localities.entry((&there.region, &there.zone));
        locality.or_default().push(endpoint);
    }
    // In millionths of a percent, which take more than the 32 bits of a browser.
    let mut parts: BTreeMap<usize, u64> = BTreeMap::new();
    for (place, share) in shares {
        let of_place = |(region, zone): (&Label, &Label)| {
            place.region == *region && place.zone.as_ref().is_none_or(|one| one == zone)
        };
        let inside = localities.iter().filter(|(at, _)| of_place(**at));
        let inside: Vec<&Vec<Endpoint>> = inside.map(|(_, endpoints)| endpoints).collect();
        let endpoints_inside: usize = inside.iter().map(|one| one.len()).sum();
        for endpoints in inside {
            let weight =
                (u64::from(*share) * long(endpoints.len())).div_ceil(long(endpoints_inside));
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

/// Parts of a whole as whole percentages that come to 100: what is left by rounding down goes to the largest
/// remainders.
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
    // Stable: of equal ones the first.
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

/// One endpoint of a name, as a client sees it.
struct Endpoint {
    /// The cluster that it is there for, in whose locality it is; `None` for whatever DNS gives.
    of: Option<usize>,
    /// From 0, the nearest; 0 for all where they take shares, and with Istio 1.0.
    priority: u8,
    /// The clusters that its address leads to, and whether they answer at its port.
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

    /// Whether a client's sidecar goes on sending calls to the cluster although the service there is
    /// down: connections to its gateway still succeed.
    fn keeps(self, cluster: usize) -> bool {
        // Mutual TLS is agreed on with a pod, so without one there is no connection.
        !self.service().is_http()
            && !self.service().is_mutual()
            && !self.outage.clusters.contains(&cluster)
            && !self.outage.gateways.contains(&cluster)
    }

    /// The name that a sidecar takes a name for.
    fn name_in_mesh(self, name: &'a PublishedName) -> &'a PublishedName {
        let service = self.service();
        if !ports_of(false, service).is_empty() {
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
        // Unknown ones are looked up before anything is published.
        addresses.as_ref().is_none_or(|list| !list.is_empty())
            && !self.outage.gateways.contains(&cluster)
    }

    /// Where the client sends calls for a name, and who is there.
    fn endpoints(self, client: usize, name: &PublishedName) -> Vec<Endpoint> {
        let clusters = &self.resolved.clusters;
        let here = &clusters[client];
        // `like`: the cluster whose gateway's ports the endpoint has; without one, the usual ones.
        let at = |priority, hosts: BTreeSet<usize>, like: Option<usize>| {
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
                priority,
                reached: hosts
                    .into_iter()
                    .map(|host| (host, answers(host)))
                    .collect(),
            }
        };
        let targets = match destination(client, name, self.service(), self.resolved) {
            Destination::Dns => return vec![at(0, self.addresses(name), None)],
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
                None => self.service().locality.tier(here, there),
                Some(shares) if shares.iter().any(|(place, _)| place.has(there)) => 0,
                Some(_) => continue,
            };
            let hosts = match endpoint.at {
                At::Inside => BTreeSet::from([client]),
                At::Zone(zone) => self.addresses(zone),
                At::Addresses if self.has_address(endpoint.cluster) => {
                    BTreeSet::from([endpoint.cluster])
                }
                At::Addresses => BTreeSet::new(),
            };
            list.push(at(priority, hosts, Some(endpoint.cluster)));
        }
        list
    }
}
