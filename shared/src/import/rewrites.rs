//! VirtualServices that lead calls from a port of an external host to another one, at which a DestinationRule starts
//! TLS. A document has a `targetPort` for that.

use std::collections::BTreeMap;

use serde_json::Value;

use super::counterparts::InCluster;
use super::ports::number;
use super::world::World;
use crate::manifests::{Object, field, list, texts};

/// The ports that calls are led to, by those that are called.
pub(super) type Rewrites = BTreeMap<u32, u32>;

/// The rewritten ports of each host.
pub(super) fn by_host(world: &World) -> BTreeMap<&str, Rewrites> {
    let all = world.of_kind("VirtualService");
    all.filter_map(|(_, object)| of(object)).collect()
}

/// The host and ports of a VirtualService that does nothing else.
fn of(object: &Object) -> Option<(&str, Rewrites)> {
    let spec = &object.value["spec"];
    let hosts: Vec<&str> = texts(&spec["hosts"]).collect();
    let [host] = hosts[..] else {
        return None;
    };
    let is_for_all = texts(&spec["gateways"]).all(|gateway| gateway == "mesh")
        && texts(&spec["exportTo"]).all(|namespace| namespace == "*");
    if !is_for_all || !has_only(spec, &["hosts", "gateways", "exportTo", "http"]) {
        return None;
    }
    let mut ports = Rewrites::new();
    for route in list(&spec["http"]) {
        let [destination] = list(&route["route"]) else {
            return None;
        };
        let to = &destination["destination"];
        let is_plain = has_only(route, &["name", "match", "route"])
            && has_only(destination, &["destination", "weight"])
            && has_only(to, &["host", "port"])
            && to["host"] == host;
        let to = number(&to["port"]["number"]).filter(|_| is_plain)?;
        // The first route of a port takes its calls.
        for one in list(&route["match"]) {
            let from = number(&one["port"]).filter(|_| has_only(one, &["port"]))?;
            ports.entry(from).or_insert(to);
        }
    }
    (!ports.is_empty()).then_some((host, ports))
}

fn has_only(value: &Value, names: &[&str]) -> bool {
    let mut fields = value.as_object().into_iter().flatten();
    fields.all(|(name, _)| names.contains(&name.as_str()))
}

/// The rendered ServiceEntry that leads the same calls to the same ports as a VirtualService.
pub(super) fn instead_of<'a>(object: &Object, cluster: &InCluster<'a>) -> Option<&'a Object> {
    if !object.is("VirtualService") {
        return None;
    }
    let (_, rewrites) = of(object)?;
    let entry = cluster.entry_of(object, cluster.rendered)?;
    let ports = list(field(&entry.value, &["spec", "ports"]));
    let leads = |(from, to): (&u32, &u32)| {
        let mut ports = ports.iter();
        ports.any(|port| port["number"] == *from && port["targetPort"] == *to)
    };
    rewrites.iter().all(leads).then_some(entry)
}

/// Sets the ports in the fields of a DestinationRule to those that are called, like in the document.
pub(super) fn at_called_ports(fields: &mut Value, object: &Object, cluster: &InCluster<'_>) {
    let host = field(&object.value, &["spec", "host"]);
    let is_of_host = |(of, _): &(&str, Rewrites)| host == of;
    let mut replaced = cluster.given.iter();
    let rewrites = replaced.find_map(|one| {
        instead_of(one, cluster)?;
        of(one).filter(is_of_host)
    });
    let settings = fields.pointer_mut("/spec/trafficPolicy/portLevelSettings");
    let (Some((_, rewrites)), Some(Value::Array(settings))) = (rewrites, settings) else {
        return;
    };
    for one in settings {
        let called = rewrites
            .iter()
            .find(|(_, to)| one["port"]["number"] == **to);
        if let Some((from, _)) = called {
            one["port"]["number"] = (*from).into();
        }
    }
}
