//! Where the pods of a cluster send calls for a name: what the ServiceEntries and the VirtualServices of
//! `mesh` say (`render::service_entry`, `render::mesh_routes`), and what the model of who answers goes by
//! (`answers`).
//!
//! What a name costs, every sidecar pays, so names get endpoints of their own only where that adds something:
//!
//! - the global name, and the name of the caller's own region: an endpoint for each cluster that answers, so
//!   that calls go to the nearest and leave a cluster that fails. An endpoint is the cluster's own gateway,
//!   reached inside the cluster, or the zone name of another cluster, which DNS keeps pointing at that
//!   cluster's gateway whatever its address is;
//! - the name of the caller's own zone: its own gateway, so that a local call stays local;
//! - a name with the same clusters behind it as one of these goes where that one goes, as the vanity name does;
//! - the names of other regions and zones go wherever DNS says, unless their gateways are on other ports than the
//!   usual ones, which DNS cannot tell: those have endpoints, as all regions' names of a service with mutual TLS.
//!
//! A cluster's gateway is the one by which the service is called: with mutual TLS the east-west gateway.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::mesh::{Endpoints, Protocol};
use crate::published::{Level, PublishedName, answered_by};
use crate::resolved::{
    Cluster, DEFAULT_EAST_WEST_PORT, DEFAULT_GATEWAY_PORT, Port, Resolved, Service,
};

/// Where the pods of a cluster send calls for a name.
pub(crate) enum Destination<'a> {
    /// To endpoints of its own ([`endpoints`]).
    Endpoints,
    /// To the caller's own gateway, the only one of its [`endpoints`].
    OwnGateway,
    /// Where calls for another name of the service go, which has the same clusters behind it.
    SameAs(&'a PublishedName),
    /// To any of the addresses that DNS has for the name, at the usual ports.
    Dns,
}

/// One place to send calls to.
pub(crate) struct Endpoint<'a> {
    /// The cluster that it is there for; its locality is the endpoint's, and its gateway's ports.
    pub(crate) cluster: usize,
    /// Where that cluster's gateway is reached.
    pub(crate) at: At<'a>,
}

/// Where a gateway is reached.
pub(crate) enum At<'a> {
    /// Inside the caller's own cluster.
    Inside,
    /// At the addresses that DNS has for the name of its zone.
    Zone(&'a PublishedName),
    /// At its addresses.
    Addresses,
}

/// Where the cluster `client` sends calls for a name.
pub(crate) fn destination<'a>(
    client: usize,
    name: &'a PublishedName,
    service: &'a Service,
    resolved: &Resolved,
) -> Destination<'a> {
    let here = &resolved.clusters[client];
    let behind = |name: &'a PublishedName| answered_by(name, &service.names);
    let is_near = is_near(name, here);
    if !is_near && goes_by_dns_from_afar(name, service, resolved) {
        return Destination::Dns;
    }
    if matches!(name.level, Level::Zone { .. }) && is_near && *behind(name) == [client] {
        return Destination::OwnGateway;
    }
    // The widest first.
    let mut wider = service.names.iter().filter(|other| match &other.level {
        Level::Global => name.level != Level::Global,
        Level::Region(region) => *region == here.region && matches!(name.level, Level::Zone { .. }),
        Level::Vanity | Level::Zone { .. } => false,
    });
    let is_shared = is_near && can_share_an_entry(service);
    match wider.find(|wider| is_shared && behind(wider) == behind(name)) {
        Some(wider) => Destination::SameAs(wider),
        None => Destination::Endpoints,
    }
}

/// Those of some clusters whose calls for a name may go elsewhere than DNS says. It is quicker than to ask for the
/// destination of each.
pub(crate) fn not_by_dns<'a>(
    clusters: &'a [usize],
    name: &'a PublishedName,
    service: &Service,
    resolved: &'a Resolved,
) -> impl Iterator<Item = usize> + 'a {
    let from_afar = !goes_by_dns_from_afar(name, service, resolved);
    let clusters = clusters.iter().copied();
    clusters.filter(move |&client| from_afar || is_near(name, &resolved.clusters[client]))
}

/// Whether a name is that of the caller's own region or zone, or of all.
fn is_near(name: &PublishedName, here: &Cluster) -> bool {
    match &name.level {
        Level::Vanity | Level::Global => true,
        Level::Region(region) => *region == here.region,
        Level::Zone { .. } => is_zone_of(name, here),
    }
}

/// Whether calls for a name of another region or zone go to any of its addresses.
fn goes_by_dns_from_afar(name: &PublishedName, service: &Service, resolved: &Resolved) -> bool {
    let is_region = matches!(name.level, Level::Region(_));
    !(is_region && service.is_mutual()) && may_go_by_dns(name, service, resolved)
}

/// The names for which calls go where those for another go.
pub(crate) fn led_to<'a>(
    client: usize,
    wider: &'a PublishedName,
    service: &'a Service,
    resolved: &Resolved,
) -> impl Iterator<Item = &'a PublishedName> {
    let names = service.names.iter();
    names.filter(move |name| {
        // Only near names are: the others need not be looked at.
        is_near(name, &resolved.clusters[client])
            && matches!(destination(client, name, service, resolved),
                Destination::SameAs(to) if to.host == wider.host)
    })
}

/// An endpoint for each cluster behind a name.
pub(crate) fn endpoints<'a>(
    client: usize,
    name: &'a PublishedName,
    service: &'a Service,
    resolved: &Resolved,
) -> Vec<Endpoint<'a>> {
    // Clusters in one zone share the zone's name, and the port (`check::clusters`): one endpoint.
    let mut seen = BTreeSet::new();
    let mut endpoints = Vec::new();
    for &cluster in answered_by(name, &service.names) {
        let at = match resolved.endpoints {
            _ if cluster == client => At::Inside,
            Endpoints::Addresses => At::Addresses,
            Endpoints::Names => match zone_name(&resolved.clusters[cluster], service) {
                Some(zone) => At::Zone(zone),
                // The checks refuse it (`check::levels`).
                None => continue,
            },
        };
        if !matches!(at, At::Zone(zone) if !seen.insert(&zone.host)) {
            endpoints.push(Endpoint { cluster, at });
        }
    }
    endpoints
}

/// Whether calls for a name of a service are led away from a cluster that fails: they have endpoints for more than one.
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

/// Whether several names can be in one ServiceEntry, or one VirtualService can lead them to one: not with both plain
/// TCP, which Istio refuses beside a second name, and TLS, whose names only a ServiceEntry tells.
fn can_share_an_entry(service: &Service) -> bool {
    let has = |protocol| service.ports.iter().any(|port| port.protocol == protocol);
    !(has(Protocol::Tcp) && has(Protocol::Tls))
}

/// The ports in the entry of the global name, or of another: plain TCP is the global name's alone
/// (`render::service_entry`).
pub(crate) fn ports_of(global: bool, service: &Service) -> Vec<&Port> {
    let ports = service.ports.iter();
    ports
        .filter(|port| global || port.protocol != Protocol::Tcp)
        .collect()
}

/// Whether DNS says all that is needed to call a name: it knows no ports.
fn may_go_by_dns(name: &PublishedName, service: &Service, resolved: &Resolved) -> bool {
    answered_by(name, &service.names).iter().all(|&index| {
        let cluster = &resolved.clusters[index];
        let mut ports = ports_of(false, service).into_iter();
        ports.all(|port| service.port_at(port, cluster) == usually_at(port, service, resolved))
    })
}

/// Where gateways have a port, unless the document says otherwise.
pub(crate) fn usually_at(port: &Port, service: &Service, resolved: &Resolved) -> u16 {
    if service.is_mutual() {
        DEFAULT_EAST_WEST_PORT
    } else if port.protocol.is_http() && port.published == DEFAULT_GATEWAY_PORT {
        resolved.usual_gateway_port()
    } else {
        port.published
    }
}

fn is_zone_of(name: &PublishedName, cluster: &Cluster) -> bool {
    matches!(&name.level, Level::Zone { region, zone }
        if (region, zone) == (&cluster.region, &cluster.zone))
}

/// The name of a cluster's zone, where the service has names of zones.
pub(crate) fn zone_name<'a>(cluster: &Cluster, service: &'a Service) -> Option<&'a PublishedName> {
    // Names are sorted by their levels (`published::names`), and this is asked for clusters times clusters.
    let found = service.names.binary_search_by(|name| match &name.level {
        Level::Zone { region, zone } => (region, zone).cmp(&(&cluster.region, &cluster.zone)),
        Level::Vanity | Level::Global | Level::Region(_) => Ordering::Less,
    });
    found.ok().map(|index| &service.names[index])
}
