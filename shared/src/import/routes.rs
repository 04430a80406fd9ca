//! Converts Istio's `HTTPRoute`s to the routes of a service.

use serde_json::{Map, Value};

use super::ports;
use super::services::{is_at_gateway, local, pair};
use super::world::World;
use crate::manifests::{Object, field, filled, list};
use crate::passthrough::{self, IstioFields, Message, Shape};
use crate::render::ANSWER_HEADER;

/// The path of the header by which fedmesh's gateways identify their cluster.
const SET: [&str; 3] = ["headers", "response", "set"];

/// Whether fedmesh's own manifests lack the header that identifies the cluster; `None` if they have it, the default, or
/// are not fedmesh's.
pub(super) fn answer_header(world: &World) -> Option<bool> {
    let mut routes = world
        .of_kind("VirtualService")
        .map(|(_, object)| object)
        .filter(|object| object.is_ours() && is_at_gateway(object))
        .flat_map(|object| list(field(&object.value, &["spec", "http"])))
        .peekable();
    // Without requests there is nothing to identify.
    routes.peek()?;
    let without = routes.all(|route| field(route, &SET)[ANSWER_HEADER].is_null());
    without.then_some(false)
}

/// The routes of a service, name and namespace, from those of a VirtualService; routes to other
/// destinations are left out, except other services of its namespace at the same port.
pub(super) fn routes(
    http: &[Value],
    service: (&str, &str),
    number: Option<u32>,
    object: &Object,
) -> Vec<IstioFields> {
    // With several ports, each has the same routes.
    let port = http.first().and_then(ports::at);
    let mut routes = Vec::new();
    for route in http {
        let Some(mut route) = one(route, service, number, object) else {
            continue;
        };
        if !is_at(port, &mut route) {
            continue;
        }
        let Value::Object(mut route) = route else {
            continue;
        };
        prune(&mut route, passthrough::route());
        match paths(&route) {
            Some(paths) => routes.extend(paths),
            None => routes.push(route),
        }
    }
    // A single route for all requests is the default.
    if let [only] = &routes[..]
        && only.is_empty()
    {
        routes.clear();
    }
    routes
}

fn one(route: &Value, service: (&str, &str), port: Option<u32>, object: &Object) -> Option<Value> {
    let mut fields = route.as_object()?.clone();
    without_answer_header(&mut fields);
    let is_service = |host: &Value| local(host, object).is_some_and(|at| pair(&at) == service);
    if let Some(destinations) = fields.shift_remove("route") {
        let destinations = list(&destinations);
        let shares: Option<Vec<Map<String, Value>>> = destinations
            .iter()
            .map(|one| {
                let to = &one["destination"];
                let mut share = share(one);
                if !is_service(&to["host"]) {
                    let (name, of) = local(&to["host"], object)?;
                    let same = port.is_some_and(|port| to["port"]["number"] == port);
                    if of != service.1 || !same {
                        return None;
                    }
                    share.insert("service".into(), name.into());
                }
                Some(share)
            })
            .collect();
        let shares = shares.filter(|shares| !shares.is_empty())?;
        // The service as a whole needs no entry.
        if shares.len() > 1 || shares.iter().any(|share| !share.is_empty()) {
            let shares: Vec<Value> = shares.into_iter().map(Value::Object).collect();
            fields.insert("to".to_owned(), shares.into());
        }
    } else if !fields.contains_key("redirect") && !fields.contains_key("directResponse") {
        return None;
    }
    let to_ourselves = |mirror: &mut Value| {
        if is_service(&mirror["host"])
            && let Value::Object(fields) = mirror
        {
            fields.shift_remove("host");
            fields.shift_remove("port");
        }
    };
    if let Some(mirror) = fields.get_mut("mirror") {
        to_ourselves(mirror);
    }
    if let Some(Value::Array(mirrors)) = fields.get_mut("mirrors") {
        for mirror in mirrors {
            if let Some(destination) = mirror.get_mut("destination") {
                to_ourselves(destination);
            }
        }
    }
    Some(Value::Object(fields))
}

/// Whether a route is for a port; removes the conditions on ports.
fn is_at(port: Option<u32>, route: &mut Value) -> bool {
    let (Some(port), Some(Value::Array(matches))) = (port, route.get_mut("match")) else {
        return true;
    };
    matches.retain(|one| one["port"].is_null() || one["port"] == port);
    let good = !matches.is_empty();
    for one in matches.iter_mut().filter_map(Value::as_object_mut) {
        one.shift_remove("port");
    }
    // A condition for all requests needs no entry.
    let takes_all = matches
        .iter()
        .all(|one| one.as_object().is_some_and(Map::is_empty));
    if takes_all && let Value::Object(fields) = route {
        fields.shift_remove("match");
    }
    good
}

/// One of a route's destinations, in the form of `to`.
fn share(destination: &Value) -> Map<String, Value> {
    let mut share = Map::new();
    if let Some(subset) = destination["destination"]["subset"].as_str() {
        share.insert("subset".into(), subset.into());
    }
    for name in ["weight", "headers"] {
        if let Some(value) = destination.get(name) {
            share.insert(name.into(), value.clone());
        }
    }
    share
}

fn without_answer_header(fields: &mut Map<String, Value>) {
    fn take(fields: &mut Map<String, Value>, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else {
            fields.shift_remove(ANSWER_HEADER);
            return;
        };
        let Some(Value::Object(inner)) = fields.get_mut(*first) else {
            return;
        };
        take(inner, rest);
        if inner.is_empty() {
            fields.shift_remove(*first);
        }
    }
    let set = SET.iter().fold(fields.get(SET[0]), |at, name| {
        if *name == SET[0] { at } else { at?.get(*name) }
    });
    if set.and_then(|set| set.get(ANSWER_HEADER)).is_some() {
        take(fields, &SET);
    }
}

/// Shorthand routes, if the matches have only paths.
fn paths(route: &IstioFields) -> Option<Vec<IstioFields>> {
    let matches = route.get("match").and_then(Value::as_array)?;
    // Several paths with an action stay together, or the action would be duplicated.
    if matches.is_empty() || route.len() > 1 && matches.len() > 1 {
        return None;
    }
    matches
        .iter()
        .map(|one| {
            let fields = one.as_object().filter(|fields| fields.len() == 1)?;
            let uri = fields.get("uri")?.as_object()?;
            let (name, path) = uri.iter().next().filter(|_| uri.len() == 1)?;
            let path = path.as_str()?;
            if name != "regex" && !passthrough::is_path(path) {
                // No request has such a path, so the shorthand form rejects it.
                return None;
            }
            let mut short = passthrough::path_route(name, path);
            let rest = route.iter().filter(|(name, _)| *name != "match");
            short.extend(rest.map(|(name, value)| (name.clone(), value.clone())));
            Some(short)
        })
        .collect()
}

/// Removes the fields that a message lacks.
fn prune(fields: &mut IstioFields, message: &Message) {
    fields.retain(|name, value| match message.fields.get(name) {
        Some(field) => {
            let before = is_empty(value);
            prune_value(value, &field.shape);
            // A parent that becomes empty is removed too.
            before || !is_empty(value)
        }
        None => false,
    });
}

fn prune_value(value: &mut Value, shape: &Shape) {
    match (value, shape) {
        (Value::Object(fields), Shape::Message(_)) => {
            if let Some(message) = shape.message() {
                prune(fields, message);
            }
        }
        (Value::Object(values), Shape::Map(of)) => {
            values.values_mut().for_each(|value| prune_value(value, of));
        }
        (Value::Array(items), Shape::List(of)) => {
            for item in items {
                prune_value(item, of);
            }
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}

/// The pass-through fields of a value; `None` if it has none.
pub(super) fn shaped(value: &Value, message: &Message) -> Option<IstioFields> {
    let mut fields = value.as_object()?.clone();
    prune(&mut fields, message);
    filled(fields)
}
