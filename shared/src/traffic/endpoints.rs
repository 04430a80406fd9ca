//! Destinations of calls from a cluster's pods: the ServiceEntries and VirtualServices of the gateway `mesh`
//! (`render::service_entry`, `render::mesh_routes`), and the input of the model of answers (`answers`).
//!
//! Every sidecar pays for each name, so names get endpoints of their own only where that has an effect:
//!
//! - the global name, and the name of the caller's own region: an endpoint for each cluster that answers, so that calls
//!   go to the nearest and leave a failing cluster. An endpoint is the cluster's own gateway, reached inside the
//!   cluster, or the narrowest name of another cluster, which DNS keeps up to date;
//! - the names of the caller's own zones, and of its own cluster: its own gateway, so that a local call stays local;
//! - a name with the same clusters as one of these, such as the vanity name: the destination of that name;
//! - the names of other regions, zones and clusters: the addresses in DNS, unless their gateways have unusual ports, which DNS
//!   cannot express: those have endpoints, and so have all regions' names of a service with mutual TLS.
//!
//! The gateway of a service with mutual TLS is the east-west gateway.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::defaults::{DEFAULT_EAST_WEST_PORT, DEFAULT_GATEWAY_PORT};
use crate::mesh::{Endpoints, Protocol};
use crate::name::{HostName, Label};
use crate::resolved::published::{Level, PublishedName, answered_by};
use crate::resolved::{Cluster, Port, Resolved, Service};
use crate::traffic::locality::seen_from;

/// The destination of calls for a name from the pods of a cluster.
pub(crate) enum Destination<'a> {
    /// Endpoints of its own ([`endpoints`]).
    Endpoints,
    /// The caller's own gateway, the only one of its [`endpoints`].
    OwnGateway,
    /// The destination of another name of the service, which has the same clusters.
    SameAs(&'a PublishedName),
    /// Any of the name's addresses in DNS, at the usual ports.
    Dns,
}

/// One endpoint of a name.
pub(crate) struct Endpoint<'a> {
    /// The cluster that it stands for, with its gateway's ports.
    pub(crate) cluster: usize,
    /// The address of that cluster's gateway.
    pub(crate) at: At<'a>,
    /// The cluster's locality for this caller.
    pub(crate) locality: String,
}

/// The address of a gateway.
pub(crate) enum At<'a> {
    /// Inside the caller's own cluster.
    Inside,
    /// The addresses that DNS has for its narrowest name.
    Name(&'a PublishedName),
    /// Its IP addresses.
    Addresses,
}

/// The destination of calls for a name from the cluster `client`.
pub(crate) fn destination<'a>(
    client: usize,
    name: &'a PublishedName,
    service: &'a Service,
    resolved: &Resolved,
) -> Destination<'a> {
    let here = &resolved.clusters[client];
    let behind = |name: &'a PublishedName| answered_by(name, &service.names);
    let is_near_name = is_near(&name.level, here);
    if !is_near_name && goes_by_dns_from_afar(name, service, resolved) {
        return Destination::Dns;
    }
    if is_narrow(&name.level) && is_near_name && *behind(name) == [client] {
        return Destination::OwnGateway;
    }
    // Widest level first.
    let mut wider = service.names.iter().filter(|other| match &other.level {
        Level::Global => name.level != Level::Global,
        Level::Region(region) => *region == here.region && is_narrow(&name.level),
        Level::Zone { .. } => is_near(&other.level, here) && is_of_cluster(&name.level),
        Level::Vanity | Level::Cluster { .. } => false,
    });
    let is_shared = is_near_name && can_share_an_entry(service);
    match wider.find(|wider| is_shared && behind(wider) == behind(name)) {
        Some(wider) => Destination::SameAs(wider),
        None => Destination::Endpoints,
    }
}

/// Those of `clusters` whose calls for a name may not follow DNS; cheaper than computing each destination.
pub(crate) fn not_by_dns<'a>(
    clusters: &'a [usize],
    name: &'a PublishedName,
    service: &Service,
    resolved: &'a Resolved,
) -> impl Iterator<Item = usize> + 'a {
    let from_afar = !goes_by_dns_from_afar(name, service, resolved);
    let clusters = clusters.iter().copied();
    clusters.filter(move |&client| from_afar || is_near(&name.level, &resolved.clusters[client]))
}

/// Whether a name is global, or that of the caller's own region, zone or cluster.
fn is_near(level: &Level, here: &Cluster) -> bool {
    match level {
        Level::Vanity | Level::Global => true,
        Level::Region(region) => *region == here.region,
        Level::Zone { region, zone } => *region == here.region && here.zones.contains(zone),
        Level::Cluster { cluster, .. } => *cluster == here.name,
    }
}

/// Whether a name is of a zone or a cluster.
fn is_narrow(level: &Level) -> bool {
    matches!(level, Level::Zone { .. }) || is_of_cluster(level)
}

fn is_of_cluster(level: &Level) -> bool {
    matches!(level, Level::Cluster { .. })
}

/// Whether calls for a name of another region or zone go to any of its addresses.
fn goes_by_dns_from_afar(name: &PublishedName, service: &Service, resolved: &Resolved) -> bool {
    let is_region = matches!(name.level, Level::Region(_));
    !(is_region && service.is_mutual()) && may_go_by_dns(name, service, resolved)
}

/// The names whose destination is that of `wider`.
pub(crate) fn led_to<'a>(
    client: usize,
    wider: &'a PublishedName,
    service: &'a Service,
    resolved: &Resolved,
) -> impl Iterator<Item = &'a PublishedName> {
    let names = service.names.iter();
    names.filter(move |name| {
        // Only near names are, so the others can be skipped.
        is_near(&name.level, &resolved.clusters[client])
            && matches!(destination(client, name, service, resolved),
                Destination::SameAs(to) if to.host == wider.host)
    })
}

/// The endpoints of a name, one for each cluster behind it.
pub(crate) fn endpoints<'a>(
    client: usize,
    name: &'a PublishedName,
    service: &'a Service,
    resolved: &Resolved,
) -> Vec<Endpoint<'a>> {
    let clusters = &resolved.clusters;
    let mut endpoints: Vec<Endpoint<'a>> = Vec::new();
    let mut positions: BTreeMap<&HostName, usize> = BTreeMap::new();
    for &cluster in answered_by(name, &service.names) {
        let at = match resolved.endpoints {
            _ if cluster == client => At::Inside,
            Endpoints::Addresses => At::Addresses,
            Endpoints::Names => match narrowest(cluster, service, resolved) {
                Some(name) => At::Name(name),
                // The checks refuse this (`check::levels`).
                None => continue,
            },
        };
        let endpoint = Endpoint {
            cluster,
            at,
            locality: seen_from(&clusters[client], &clusters[cluster]),
        };
        // Without names of clusters, those in one zone share its name, and the port (`check::clusters`): one endpoint, in
        // the locality of the first by name.
        if let At::Name(name) = endpoint.at
            && let Some(known) = positions.get(&name.host)
        {
            let shared: &mut Endpoint<'a> = &mut endpoints[*known];
            if clusters[cluster].name < clusters[shared.cluster].name {
                *shared = endpoint;
            }
            continue;
        }
        if let At::Name(name) = endpoint.at {
            positions.insert(&name.host, endpoints.len());
        }
        endpoints.push(endpoint);
    }
    endpoints
}

/// Whether calls for a service's name leave a failing cluster: they have several endpoints.
pub(crate) fn fails_over(
    client: usize,
    name: &PublishedName,
    service: &Service,
    resolved: &Resolved,
) -> bool {
    match destination(client, name, service, resolved) {
        Destination::Endpoints => answered_by(name, &service.names).len() > 1,
        Destination::SameAs(other) => fails_over(client, other, service, resolved),
        Destination::OwnGateway | Destination::Dns => false,
    }
}

/// Whether several names can share a ServiceEntry, or a VirtualService can route them to one: not with both plain TCP,
/// which Istio refuses beside a second name, and TLS, whose names need a ServiceEntry.
fn can_share_an_entry(service: &Service) -> bool {
    let has = |protocol| service.ports.iter().any(|port| port.protocol == protocol);
    !(has(Protocol::Tcp) && has(Protocol::Tls))
}

/// The ports in the entry of the global name, or of another: plain TCP is for the global name only
/// (`render::service_entry`).
pub(crate) fn ports_of(global: bool, service: &Service) -> Vec<&Port> {
    let ports = service.ports.iter();
    ports
        .filter(|port| global || port.protocol != Protocol::Tcp)
        .collect()
}

/// Whether DNS is enough to call a name: it has no ports.
fn may_go_by_dns(name: &PublishedName, service: &Service, resolved: &Resolved) -> bool {
    answered_by(name, &service.names).iter().all(|&index| {
        let cluster = &resolved.clusters[index];
        let mut ports = ports_of(false, service).into_iter();
        ports.all(|port| service.port_at(port, cluster) == usually_at(port, service, resolved))
    })
}

/// The port of gateways, unless the document sets another.
pub(crate) fn usually_at(port: &Port, service: &Service, resolved: &Resolved) -> u16 {
    if service.is_mutual() {
        DEFAULT_EAST_WEST_PORT
    } else if port.protocol.is_http() && port.published == DEFAULT_GATEWAY_PORT {
        resolved.usual_gateway_port()
    } else {
        port.published
    }
}

/// The name of a zone, if the service has names of zones.
pub(crate) fn zone_name<'a>(
    region: &Label,
    zone: &Label,
    service: &'a Service,
) -> Option<&'a PublishedName> {
    // Names are sorted by level (`published::names`), and this runs once per pair of clusters.
    let found = service.names.binary_search_by(|name| match &name.level {
        Level::Zone {
            region: other,
            zone: name,
        } => (other, name).cmp(&(region, zone)),
        Level::Vanity | Level::Global | Level::Region(_) => Ordering::Less,
        Level::Cluster { .. } => Ordering::Greater,
    });
    found.ok().map(|index| &service.names[index])
}

/// The narrowest name that leads to a cluster: its own, else that of a zone with no other cluster that runs the service,
/// else that of its first zone.
pub(crate) fn narrowest<'a>(
    cluster: usize,
    service: &'a Service,
    resolved: &Resolved,
) -> Option<&'a PublishedName> {
    let here = &resolved.clusters[cluster];
    if let Some(own) = cluster_name(here, service) {
        return Some(own);
    }
    let zones = here.zones.iter();
    let mut zones = zones.filter_map(|zone| zone_name(&here.region, zone, service));
    let first = zones.next()?;
    let is_alone = |name: &&PublishedName| name.clusters == [cluster];
    let alone = std::iter::once(first).chain(zones).find(is_alone);
    Some(alone.unwrap_or(first))
}

/// The name of a cluster, if the service has names of clusters.
pub(crate) fn cluster_name<'a>(
    cluster: &Cluster,
    service: &'a Service,
) -> Option<&'a PublishedName> {
    if !has_clusters(service) {
        return None;
    }
    let found = service.names.binary_search_by(|name| match &name.level {
        Level::Cluster {
            region,
            zone,
            cluster: name,
        } => (region, zone, name).cmp(&(&cluster.region, &cluster.zones[0], &cluster.name)),
        Level::Vanity | Level::Global | Level::Region(_) | Level::Zone { .. } => Ordering::Less,
    });
    found.ok().map(|index| &service.names[index])
}

/// Whether a service has names of clusters, which are the last.
fn has_clusters(service: &Service) -> bool {
    let last = service.names.last();
    last.is_some_and(|name| is_of_cluster(&name.level))
}
