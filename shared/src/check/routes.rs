//! Rules about `spec.services[].routes` and `subsets`.

use serde_json::{Map, Value, json};

use super::labels::label;
use super::{Findings, admission, code, fields};
use crate::mesh::Service;
use crate::name::Label;
use crate::passthrough;
use crate::resolved::Route;

/// The shorthand fields for a route's paths.
const SHORT: [&str; 3] = ["exact", "prefix", "regex"];
/// The actions of a route; it has one of them.
const ENDS: [&str; 3] = ["to", "redirect", "directResponse"];

/// The routes of a service, at least one.
pub(super) fn routes(path: &str, service: &Service, findings: &mut Findings) -> Option<Vec<Route>> {
    if service.routes.is_empty() {
        return Some(vec![Route::default()]);
    }
    let before = findings.0.len();
    let mut routes: Vec<Route> = Vec::new();
    for (index, given) in service.routes.iter().enumerate() {
        let at = format!("{path}[{index}]");
        let is_read = fields::check(passthrough::route(), given, &at, findings);
        let route = Route {
            matches: matches(&at, given, findings),
            action: given
                .iter()
                .filter(|(name, _)| *name != "match" && !SHORT.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        };
        action(&at, &route.action, service, findings);
        if is_read {
            admission::route(&at, given, findings);
        }
        reached(&at, &route, &routes, findings);
        // Paths with the same action become one route with several matches. A route without a match handles all
        // requests, and stays separate.
        match routes.last_mut() {
            Some(last)
                if last.action == route.action
                    && !last.matches.is_empty()
                    && !route.matches.is_empty() =>
            {
                last.matches.extend(route.matches);
            }
            _ => routes.push(route),
        }
    }
    let failed = findings.0[before..]
        .iter()
        .any(|finding| finding.severity == super::Severity::Error);
    (!failed).then_some(routes)
}

/// Istio's matches, from shorthand or full form.
fn matches(at: &str, given: &Map<String, Value>, findings: &mut Findings) -> Vec<Value> {
    let short: Vec<&str> = SHORT
        .into_iter()
        .filter(|name| given.contains_key(*name))
        .collect();
    if short.len() + usize::from(given.contains_key("match")) > 1 {
        findings.error(
            code::ROUTE_CONTRADICTS,
            at,
            "the route has more than one of `exact`, `prefix`, `regex` and `match`".into(),
            "remove all but one; `match` can list several matches".into(),
        );
        return Vec::new();
    }
    if let Some(name) = short.first() {
        let text = given[*name].as_str().unwrap_or_default();
        if *name != "regex" && given[*name].is_string() {
            findings.path(at, text);
        }
    }
    taken(given)
}

/// The same for a route without errors.
pub(super) fn taken(given: &Map<String, Value>) -> Vec<Value> {
    let path = SHORT
        .into_iter()
        .find_map(|name| Some(json!({ "uri": { name: given.get(name)?.as_str()? } })));
    let matches = given.get("match").and_then(Value::as_array);
    path.map_or_else(|| matches.cloned().unwrap_or_default(), |path| vec![path])
}

fn action(at: &str, action: &Map<String, Value>, service: &Service, findings: &mut Findings) {
    let ends: Vec<&str> = ENDS
        .into_iter()
        .filter(|name| action.contains_key(*name))
        .collect();
    if ends.len() > 1 {
        findings.error(
            code::ROUTE_CONTRADICTS,
            at,
            format!("`{}` conflict in one route", ends.join("` and `")),
            "remove all but one, or write a route with a different match for each".into(),
        );
    }
    let shares = action.get("to").and_then(Value::as_array);
    let shares = shares.map(Vec::as_slice).unwrap_or_default();
    for (index, share) in shares.iter().enumerate() {
        known_subset(
            &format!("{at}.to[{index}].subset"),
            share,
            service,
            findings,
        );
        other_service(&format!("{at}.to[{index}].service"), share, findings);
    }
    let weights: u64 = shares
        .iter()
        .filter_map(|share| share["weight"].as_u64())
        .sum();
    let weighed = shares.len() > 1 || shares.iter().any(|share| !share["weight"].is_null());
    if weighed && weights != 100 {
        findings.error(
            code::BAD_WEIGHTS,
            &format!("{at}.to"),
            format!("the weights add up to {weights}, not 100"),
            "set a weight in percent for each destination, with a sum of 100".into(),
        );
    }
    if let Some(mirror) = action.get("mirror") {
        known_mirror(&format!("{at}.mirror"), mirror, service, findings);
    }
    let mirrors = action.get("mirrors").and_then(Value::as_array);
    for (index, mirror) in mirrors.into_iter().flatten().enumerate() {
        let at = format!("{at}.mirrors[{index}].destination");
        known_mirror(&at, &mirror["destination"], service, findings);
    }
}

/// A mirror in the service itself requires a subset; one of another host has its own.
fn known_mirror(at: &str, mirror: &Value, service: &Service, findings: &mut Findings) {
    if mirror["host"].is_null() {
        if mirror["subset"].is_null() {
            findings.error(
                code::ROUTE_CONTRADICTS,
                at,
                "the mirror has the same destination as the requests".into(),
                "set `subset` to a subset of the service, or `host` to another host".into(),
            );
        }
        if !mirror["port"].is_null() {
            findings.error(
                code::ROUTE_CONTRADICTS,
                &format!("{at}.port"),
                "a mirror to the service itself cannot have a different port from the requests"
                    .into(),
                "remove `port`, or set `host` to another host".into(),
            );
        }
        known_subset(&format!("{at}.subset"), mirror, service, findings);
    }
}

/// Another Service instead of a subset.
fn other_service(at: &str, share: &Value, findings: &mut Findings) {
    let Some(name) = share["service"].as_str() else {
        return;
    };
    if !share["subset"].is_null() {
        findings.error(
            code::ROUTE_CONTRADICTS,
            at,
            "`service` conflicts with `subset`, which is a subset of the service itself".into(),
            "remove `service` or `subset`".into(),
        );
    }
    findings.label(at, name, "the other service");
}

fn known_subset(at: &str, given: &Value, service: &Service, findings: &mut Findings) {
    let Some(name) = given["subset"].as_str() else {
        return;
    };
    let known = service
        .subsets
        .iter()
        .filter_map(|subset| subset.get("name"));
    let known: Vec<&str> = known.filter_map(Value::as_str).collect();
    if known.contains(&name) {
        return;
    }
    let hint = if known.is_empty() {
        "add it to `subsets`, with the labels of its pods".to_owned()
    } else {
        format!("use one of: {}", known.join(", "))
    };
    findings.error(
        code::UNKNOWN_SUBSET,
        at,
        format!("subset {name:?} is unknown"),
        hint,
    );
}

/// Warns of an unreachable route, because earlier ones match all its requests.
fn reached(at: &str, route: &Route, before: &[Route], findings: &mut Findings) {
    let takes_all = |route: &Route| {
        route.matches.is_empty() || route.matches.contains(&json!({ "uri": { "prefix": "/" } }))
    };
    let taken = before.iter().any(takes_all)
        || !route.matches.is_empty()
            && route
                .matches
                .iter()
                .all(|one| before.iter().any(|other| other.matches.contains(one)));
    if taken {
        findings.warning(
            code::ROUTE_UNREACHED,
            at,
            "the route is unreachable: the routes before it match all its requests".into(),
            "move it before them, or remove it: the first route that matches a request handles it"
                .into(),
        );
    }
}

/// The subsets of a service in Istio's form.
pub(super) fn subsets(
    path: &str,
    given: &[Map<String, Value>],
    findings: &mut Findings,
) -> Option<Vec<Value>> {
    if given.is_empty() {
        return Some(Vec::new());
    }
    let before = findings.0.len();
    let mut names: Vec<&str> = Vec::new();
    for (index, subset) in given.iter().enumerate() {
        let at = format!("{path}[{index}]");
        let is_read = fields::check(passthrough::subset(), subset, &at, findings);
        let name = subset.get("name").map_or(Some(""), Value::as_str);
        let Some(name) = name else { continue };
        if Label::new(name).is_err() {
            findings.label(&format!("{at}.name"), name, "the subset");
        } else if names.contains(&name) {
            findings.error(
                code::DUPLICATE,
                &format!("{at}.name"),
                format!("subset {name:?} is listed twice"),
                "use a different name for each subset".into(),
            );
        }
        names.push(name);
        if let Some(Value::Object(policy)) = subset.get("trafficPolicy").filter(|_| is_read) {
            admission::traffic_policy(&format!("{at}.trafficPolicy"), policy, findings);
        }
        let labels = subset.get("labels").and_then(Value::as_object);
        if labels.is_none_or(Map::is_empty) {
            findings.error(
                code::EMPTY,
                &format!("{at}.labels"),
                "the subset has no labels, so it selects all pods of the service".into(),
                "add labels that only its pods have".into(),
            );
        }
        for (key, value) in labels.into_iter().flatten() {
            if let Some(value) = value.as_str().filter(|value| !value.is_empty()) {
                label(&format!("{at}.labels"), key, value, findings);
            }
        }
    }
    (findings.0.len() == before).then(|| given.iter().cloned().map(Value::Object).collect())
}
