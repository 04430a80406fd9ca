//! Where the pods of a cluster send calls for a name: what the ServiceEntries say
//! (`render::service_entry`), and what the model of who answers goes by (`answers`).
//!
//! - the global name with the vanity name, and each region's name: an endpoint for each cluster
//!   that answers. An endpoint is the cluster's own gateway, reached inside the cluster, or the zone
//!   name of another cluster, which DNS keeps pointing at that cluster's gateway whatever its
//!   address is;
//! - a serving cluster's own zone's name: the same, so that a local call stays local;
//! - the names of zones with gateways on other ports than the usual ones, which DNS cannot tell: the same;
//! - all other zones' names are resolved by DNS alone.
//!
//! A cluster's gateway is the one by which the service is called: with mutual TLS the east-west gateway.

use std::collections::BTreeSet;

use crate::mesh::Protocol;
use crate::published::{Level, PublishedName, answered_by};
use crate::resolved::{
    Cluster, DEFAULT_EAST_WEST_PORT, DEFAULT_GATEWAY_PORT, Port, Resolved, Service,
};

/// One place to send calls to.
pub(crate) struct Endpoint<'a> {
    /// The cluster that it is there for; its locality is the endpoint's, and its gateway's ports.
    pub(crate) cluster: usize,
    /// The name of that cluster's zone; `None` for the caller's own gateway.
    pub(crate) zone: Option<&'a PublishedName>,
}

/// The ports in the entry of the global name, or of another: plain TCP is the global name's alone
/// (`render::service_entry`).
pub(crate) fn ports_of(global: bool, service: &Service) -> Vec<&Port> {
    let ports = service.ports.iter();
    ports
        .filter(|port| global || port.protocol != Protocol::Tcp)
        .collect()
}

/// Where the cluster `client` sends calls for a name; `None` where it goes by DNS alone, at the
/// usual ports.
pub(crate) fn endpoints<'a>(
    client: usize,
    name: &'a PublishedName,
    service: &'a Service,
    resolved: &Resolved,
) -> Option<Vec<Endpoint<'a>>> {
    if may_go_by_dns(name, service, resolved) && !is_own_zone(client, name, service, resolved) {
        return None;
    }
    // Clusters in one zone share the zone's name, and the port (`check::clusters`): one endpoint.
    let mut seen = BTreeSet::new();
    let mut endpoints = Vec::new();
    for &index in answered_by(name, &service.names) {
        let cluster = &resolved.clusters[index];
        let zone = (index != client).then(|| zone_name(cluster, service));
        if zone.is_none_or(|zone| seen.insert(&zone.host)) {
            endpoints.push(Endpoint {
                cluster: index,
                zone,
            });
        }
    }
    Some(endpoints)
}

/// Whether a name is a zone's of which DNS says all that is needed: it knows no ports.
pub(crate) fn may_go_by_dns(name: &PublishedName, service: &Service, resolved: &Resolved) -> bool {
    matches!(name.level, Level::Zone { .. })
        && answered_by(name, &service.names).iter().all(|&index| {
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

/// Whether a name is that of the zone of a cluster that serves.
pub(crate) fn is_own_zone(
    client: usize,
    name: &PublishedName,
    service: &Service,
    resolved: &Resolved,
) -> bool {
    service.clusters.contains(&client) && is_zone_of(name, &resolved.clusters[client])
}

fn is_zone_of(name: &PublishedName, cluster: &Cluster) -> bool {
    matches!(&name.level, Level::Zone { region, zone }
        if (region, zone) == (&cluster.region, &cluster.zone))
}

/// The name of a cluster's zone.
pub(crate) fn zone_name<'a>(cluster: &Cluster, service: &'a Service) -> &'a PublishedName {
    match service.names.iter().find(|name| is_zone_of(name, cluster)) {
        Some(name) => name,
        None => unreachable!("every cluster's zone has a name in every service"),
    }
}
