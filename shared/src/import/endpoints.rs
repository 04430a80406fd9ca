//! The endpoints of published names in ServiceEntries, of which one is the cluster's own gateway.

use serde_json::Value;

use super::backends::Backends;
use super::clusters::{Known, Place};
use super::names::{At, Names, as_name};
use super::services::local;
use crate::defaults::DEFAULT_GATEWAY_PORT;
use crate::manifests::{Object, field, list, texts};
use crate::traffic::locality::BETWEEN_ZONES;

/// Whether an entry is for published names.
pub(super) fn is_published(object: &Object, names: &Names) -> bool {
    let mut hosts = texts(field(&object.value, &["spec", "hosts"]));
    hosts.any(|host| names.read(&as_name(host)).is_some())
}

/// From the endpoint by which a cluster calls itself.
pub(super) fn own_gateway(object: &Object, names: &Names, backends: &Backends, known: &mut Known) {
    if !is_published(object, names) {
        return;
    }
    let usual = usual_port(object);
    for endpoint in object.endpoints() {
        let own = endpoint["address"].as_str().unwrap_or_default();
        let is_full = own.contains('.');
        let Some((service, namespace)) = local(&own.into(), object).filter(|_| is_full) else {
            continue;
        };
        let place = place_of(endpoint, object, names);
        if place.is_none() && !object.is_ours() {
            continue;
        }
        known.place = known.place.take().or(place);
        let service = (service, namespace);
        if backends.has(&service, object, names) {
            continue;
        }
        let (service, namespace) = service;
        let mut port = usual.and_then(|name| endpoint["ports"][name].as_u64());
        let mut gateway = &mut known.gateway;
        if object.value["spec"]["location"] == "MESH_INTERNAL" {
            // Mutual TLS uses another gateway, with one port.
            let mut ports = endpoint["ports"].as_object().into_iter().flatten();
            port = ports.next().and_then(|(_, port)| port.as_u64());
            gateway = known.east_west.get_or_insert_default();
        }
        gateway.service.get_or_insert(service);
        gateway.namespace.get_or_insert(namespace);
        gateway.port = gateway.port.or(port.and_then(|port| port.try_into().ok()));
    }
}

/// The name of the port that is published as 80, or of all.
pub(super) fn usual_port(object: &Object) -> Option<&str> {
    let ports = list(field(&object.value, &["spec", "ports"]));
    let mut usual = ports.iter().filter(|port| match ports {
        [only] if !object.is_ours() => only["protocol"] == "HTTP",
        _ => port["number"] == DEFAULT_GATEWAY_PORT,
    });
    usual.next().and_then(|port| port["name"].as_str())
}

/// Region and zone of an endpoint, if it has them.
pub(super) fn locality_of(endpoint: &Value) -> Option<(String, String)> {
    let mut locality = endpoint["locality"].as_str()?.split('/').map(str::to_owned);
    Some((locality.next()?, locality.next()?))
}

/// Region and zones of a cluster, from the endpoint by which it calls itself.
fn place_of(endpoint: &Value, object: &Object, names: &Names) -> Option<Place> {
    if endpoint["locality"].is_string() {
        let (region, zones) = locality_of(endpoint)?;
        let zones = if object.is_ours() {
            zones.split(BETWEEN_ZONES).map(str::to_owned).collect()
        } else {
            vec![zones]
        };
        return Some((region, zones));
    }
    // Of fedmesh's entries, all but that of the own zones are named after their first host.
    let mut hosts = texts(field(&object.value, &["spec", "hosts"])).peekable();
    if !object.is_ours() || hosts.peek() == Some(&object.name()) {
        return None;
    }
    let mut place: Option<Place> = None;
    for host in hosts {
        match names.read(&as_name(host))?.at {
            At::Zone(region, zone) => add_zone(&mut place, names.region(region), zone),
            At::Cluster(..) => {}
            _ => return None,
        }
    }
    place
}

/// Adds a zone to a place, if it is in the place's region.
pub(super) fn add_zone(place: &mut Option<Place>, region: &str, zone: &str) {
    let (known, zones) = place.get_or_insert_with(|| (region.to_owned(), Vec::new()));
    if known == region && !zones.iter().any(|one| one == zone) {
        zones.push(zone.to_owned());
    }
}
