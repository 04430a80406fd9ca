//! Delegation between VirtualServices: routes of delegates replace those that lead to them, as in Istio
//! (`MergeHTTPRoutes` in `pilot/pkg/model/virtualservice.go`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::comparable::destinations;
use super::world::World;
use crate::check::{Findings, code};
use crate::manifests::{Budget, Object, TooManyCopies, bytes, field, list};

/// Maps of a match, which are merged by their keys.
const MAPS: [&str; 4] = ["headers", "withoutHeaders", "queryParams", "sourceLabels"];

/// Merges the delegates that the manifests have into their roots, and removes them.
///
/// # Errors
/// The copies of routes exceed the limit.
pub(super) fn merge(world: &mut World, findings: &mut Findings) -> Result<(), TooManyCopies> {
    let delegates: BTreeMap<(usize, &str, &str), usize> = world
        .all()
        .enumerate()
        .filter(|(_, (_, object))| {
            let hosts = field(&object.value, &["spec", "hosts"]);
            object.is("VirtualService") && list(hosts).is_empty()
        })
        .map(|(index, (cluster, object))| ((cluster, object.namespace(), object.name()), index))
        .collect();
    let mut found = Findings::default();
    let mut budget = Budget::default();
    let mut merged: Vec<(usize, Vec<Value>)> = Vec::new();
    let mut root_of: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, (cluster, root)) in world.all().enumerate() {
        let http = root.routes("http");
        let has_delegates = http.iter().any(|route| route["delegate"].is_object());
        if !root.is("VirtualService") || !has_delegates {
            continue;
        }
        let mut routes = Vec::new();
        for (number, route) in http.iter().enumerate() {
            let Some((namespace, name)) = delegate(route, root) else {
                routes.push(route.clone());
                continue;
            };
            if let Some(&at) = delegates.get(&(cluster, namespace, name)) {
                root_of.insert(at, index);
                reserve(route, &world.objects[at], &mut budget)?;
                routes.extend(with_root(route, &world.objects[at], &mut found));
            } else {
                missing(root, number, &format!("{namespace}/{name}"), &mut found);
                routes.push(route.clone());
            }
        }
        merged.push((index, routes));
    }
    for (&delegate, &root) in &root_of {
        found.hint(
            code::REPLACED,
            &world.objects[delegate].place(),
            format!(
                "its routes are imported as those of `VirtualService {}/{}`",
                world.objects[root].namespace(),
                world.objects[root].name()
            ),
            "remove it once the document is applied".into(),
        );
    }
    findings.add_new(found);
    for (index, routes) in merged {
        world.objects[index].value["spec"]["http"] = routes.into();
    }
    for &index in root_of.keys().rev() {
        world.objects.remove(index);
        world.places.remove(index);
    }
    Ok(())
}

/// Reserves the size of merged routes: each match of either is copied for each of the other's.
fn reserve(route: &Value, delegate: &Object, budget: &mut Budget) -> Result<(), TooManyCopies> {
    let matches = |route: &Value| list(&route["match"]).len().max(1);
    let http = field(&delegate.value, &["spec", "http"]);
    budget.take(bytes(http), matches(route))?;
    budget.take(bytes(route), list(http).iter().map(matches).sum())
}

/// Namespace and name of the VirtualService that a route of `root` delegates to.
fn delegate<'a>(route: &'a Value, root: &'a Object) -> Option<(&'a str, &'a str)> {
    let delegate = route["delegate"].as_object()?;
    let text = |name: &str| delegate.get(name).and_then(Value::as_str);
    let namespace = text("namespace").filter(|namespace| !namespace.is_empty());
    Some((
        namespace.unwrap_or(root.namespace()),
        text("name").unwrap_or_default(),
    ))
}

fn missing(root: &Object, number: usize, delegate: &str, findings: &mut Findings) {
    findings.warning(
        code::NOT_CARRIED,
        &format!("{} spec.http[{number}].delegate", root.place()),
        format!("the manifests have no delegate `{delegate}`, so its routes are not imported"),
        "import the delegate together with the VirtualService".into(),
    );
}

/// The routes of a delegate for the requests of a root's route.
fn with_root(route: &Value, delegate: &Object, findings: &mut Findings) -> Vec<Value> {
    let mut routes = delegate.routes("http").to_vec();
    // Short names are those of the delegate's namespace.
    destinations(&mut routes, delegate);
    let routes = routes.into_iter().enumerate();
    routes
        .filter_map(|(number, of_delegate)| {
            let merged = merged(route, of_delegate);
            if merged.is_none() {
                findings.warning(
                    code::IMPORT_CONTRADICTS,
                    &format!("{} spec.http[{number}]", delegate.place()),
                    "the match contradicts that of the route that delegates here, so Istio ignores the route".into(),
                    "remove the route, or match a part of the requests that are delegated".into(),
                );
            }
            merged
        })
        .collect()
}

/// A delegate's route with the root's settings; `None` if Istio ignores it.
fn merged(root: &Value, delegate: Value) -> Option<Value> {
    let matches = matches(list(&root["match"]), list(&delegate["match"]))?;
    let Value::Object(mut fields) = delegate else {
        return None;
    };
    fields.shift_remove("match");
    for (name, value) in root.as_object().into_iter().flatten() {
        if !["match", "delegate", "name"].contains(&name.as_str()) {
            fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    named(&mut fields, root);
    if !matches.is_empty() {
        fields.insert("match".to_owned(), matches.into());
    }
    Some(fields.into())
}

/// Combines the names of a root and its delegate.
fn named(fields: &mut Map<String, Value>, root: &Value) {
    if let Some(name) = root["name"].as_str() {
        let own = fields.get("name").and_then(Value::as_str);
        let name = own.map_or_else(|| name.to_owned(), |own| format!("{name}-{own}"));
        fields.insert("name".to_owned(), name.into());
    }
}

fn matches(root: &[Value], delegate: &[Value]) -> Option<Vec<Value>> {
    if root.is_empty() || delegate.is_empty() {
        return Some([root, delegate].concat());
    }
    let mut all = Vec::new();
    for one in delegate {
        let before = all.len();
        let agreeing = root.iter().filter(|root| !contradicts(root, one));
        all.extend(agreeing.filter_map(|root| both(root, one)));
        if all.len() == before {
            return None;
        }
    }
    Some(all)
}

/// The match for the requests of both.
fn both(root: &Value, delegate: &Value) -> Option<Value> {
    let mut fields = delegate.as_object()?.clone();
    named(&mut fields, root);
    for (name, value) in root.as_object()?.iter().filter(|(name, _)| *name != "name") {
        let own = fields.entry(name.clone()).or_insert_with(|| value.clone());
        if MAPS.contains(&name.as_str())
            && let (Some(own), Some(more)) = (own.as_object_mut(), value.as_object())
        {
            for (key, value) in more {
                own.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    Some(fields.into())
}

/// Whether a delegate's match is for other requests than the root's (`hasConflict`).
fn contradicts(root: &Value, delegate: &Value) -> bool {
    let texts = ["uri", "scheme", "method", "authority"];
    let by_key = ["headers", "withoutHeaders", "queryParams"]
        .iter()
        .any(|map| {
            let own = delegate[map].as_object().into_iter().flatten();
            own.into_iter()
                .any(|(key, value)| is_outside(&root[map][key], value))
        });
    let differ = |own: &Value, root: &Value| !own.is_null() && !root.is_null() && own != root;
    let labels = delegate["sourceLabels"].as_object().into_iter().flatten();
    let gateways = |one: &Value| list(&one["gateways"]).to_vec();
    let of_root = gateways(root);
    let has = |gateway: &Value| of_root.is_empty() || of_root.contains(gateway);
    texts
        .iter()
        .any(|name| is_outside(&root[name], &delegate[name]))
        || by_key
        || (root["ignoreUriCase"] == true) != (delegate["ignoreUriCase"] == true)
        || differ(&delegate["port"], &root["port"])
        || root["sourceNamespace"].is_string()
            && root["sourceNamespace"] != delegate["sourceNamespace"]
        || labels
            .into_iter()
            .any(|(key, value)| differ(value, &root["sourceLabels"][key]))
        || !gateways(delegate).iter().all(has)
}

/// Whether the values of a delegate's condition are not among those of the root's (`stringMatchConflict`).
fn is_outside(root: &Value, delegate: &Value) -> bool {
    if root.is_null() || delegate.is_null() {
        return false;
    }
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let (exact, prefix) = (text(delegate, "exact"), text(delegate, "prefix"));
    match (text(root, "exact"), text(root, "prefix")) {
        (root, _) if !root.is_empty() => exact != root,
        (_, root) if root.is_empty() => true,
        (_, root) => {
            let own = if prefix.is_empty() { exact } else { prefix };
            own.is_empty() || !own.starts_with(&root)
        }
    }
}
