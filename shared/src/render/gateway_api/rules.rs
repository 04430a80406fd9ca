//! The rules of a route: Istio's `HTTPRoute` in the fields of the Gateway API's HTTPRoute and GRPCRoute.

use serde_json::{Map, Value, json};

use crate::mesh::Protocol;
use crate::render::virtual_service::ANSWER_HEADER;
use crate::resolved::{Cluster, Local, Port, Resolved, Route, Service};
use crate::text::duration::milliseconds;

/// Limit of matches per rule, so that a whole route stays within the API's limit.
const MATCHES_MAX: usize = 8;
/// Istio's default status of a redirect; the Gateway API's own default differs.
const MOVED_PERMANENTLY: u16 = 301;

/// The rules of a port, in one cluster.
pub(super) fn rules(
    port: &Port,
    service: &Service,
    local: Local<'_>,
    cluster: &Cluster,
    resolved: &Resolved,
) -> Vec<Value> {
    if !port.protocol.is_http() {
        return vec![json!({ "backendRefs": [backend(port, local, &Value::Null)] })];
    }
    let mut rules = Vec::new();
    for route in &service.routes {
        let rewrites = route
            .action
            .get("rewrite")
            .is_some_and(|one| !one["uri"].is_null());
        // A prefix can be replaced only if it is the only match.
        let most = if rewrites { 1 } else { MATCHES_MAX };
        let all = [Value::Null];
        let matches = if route.matches.is_empty() {
            &all[..]
        } else {
            &route.matches
        };
        for matches in matches.chunks(most) {
            let mut rule = json!({});
            let converted: Vec<Value> = matches
                .iter()
                .map(|one| match port.protocol {
                    Protocol::Grpc => grpc_match(one),
                    _ => http_match(one),
                })
                .filter(|one| *one != json!({}))
                .collect();
            // A match of all requests is expressed by no matches.
            if converted.len() == matches.len() {
                rule["matches"] = converted.into();
            }
            let mut filters = filters(port, local, cluster, &route.action, &matches[0]);
            if resolved.answer_header {
                set_response_header(&mut filters, ANSWER_HEADER, cluster.name.as_str());
            }
            if !filters.is_empty() {
                rule["filters"] = filters.into();
            }
            if !route.action.contains_key("redirect") {
                rule["backendRefs"] = backends(port, local, route);
            }
            if let Some(timeout) = route.action.get("timeout").and_then(Value::as_str) {
                rule["timeouts"]["request"] = duration(timeout).into();
            }
            rules.push(rule);
        }
    }
    rules
}

fn http_match(one: &Value) -> Value {
    let mut converted = json!({});
    if let Some((kind, path)) = path(one) {
        let kind = match kind {
            "exact" => "Exact",
            "prefix" => "PathPrefix",
            _ => "RegularExpression",
        };
        converted["path"] = json!({ "type": kind, "value": path });
    }
    if let Some(method) = one["method"]["exact"].as_str() {
        converted["method"] = method.into();
    }
    for field in ["headers", "queryParams"] {
        conditions(&mut converted, one, field);
    }
    converted
}

/// By service and method, from gRPC's path `/<service>/<method>`.
fn grpc_match(one: &Value) -> Value {
    let mut converted = json!({});
    let mut parts = path(one).map_or("", |(_, path)| path).split('/').skip(1);
    for field in ["service", "method"] {
        if let Some(name) = parts.next().filter(|name| !name.is_empty()) {
            converted["method"][field] = name.into();
        }
    }
    conditions(&mut converted, one, "headers");
    converted
}

/// The kind of a match's path, and the path.
fn path(one: &Value) -> Option<(&str, &str)> {
    let (kind, path) = one["uri"].as_object()?.iter().next()?;
    Some((kind, path.as_str()?))
}

fn conditions(converted: &mut Value, one: &Value, field: &str) {
    let given = one[field].as_object().into_iter().flatten();
    let all: Vec<Value> = given
        .map(|(name, condition)| {
            let mut one = json!({ "name": name });
            one["value"] = condition["exact"].clone();
            if let Some(expression) = condition.get("regex") {
                one["type"] = "RegularExpression".into();
                one["value"] = expression.clone();
            }
            one
        })
        .collect();
    if !all.is_empty() {
        converted[field] = all.into();
    }
}

/// The filters of requests and responses; `first` is the first of the matches.
fn filters(
    port: &Port,
    local: Local<'_>,
    cluster: &Cluster,
    action: &Map<String, Value>,
    first: &Value,
) -> Vec<Value> {
    let mut filters = Vec::new();
    if let Some(cors) = action.get("corsPolicy") {
        filters.push(json!({ "type": "CORS", "cors": cross_origin(cors) }));
    }
    if let Some(headers) = action.get("headers") {
        filters.extend(modifiers(headers));
    }
    if let Some(mirror) = action.get("mirror") {
        let percentage = action.get("mirrorPercentage");
        filters.push(copy(mirror, percentage, port, local, cluster));
    }
    let mirrors = action.get("mirrors").and_then(Value::as_array);
    for mirror in mirrors.into_iter().flatten() {
        let percentage = mirror.get("percentage");
        filters.push(copy(
            &mirror["destination"],
            percentage,
            port,
            local,
            cluster,
        ));
    }
    if let Some(rewrite) = action.get("rewrite") {
        let mut to = json!({});
        if let Some(host) = rewrite.get("authority") {
            to["hostname"] = host.clone();
        }
        if let Some(new) = rewrite.get("uri") {
            // Istio replaces the matched part: a prefix, or the whole path.
            to["path"] = match path(first) {
                None | Some(("prefix", _)) => {
                    json!({ "type": "ReplacePrefixMatch", "replacePrefixMatch": new })
                }
                Some(_) => json!({ "type": "ReplaceFullPath", "replaceFullPath": new }),
            };
        }
        filters.push(json!({ "type": "URLRewrite", "urlRewrite": to }));
    }
    if let Some(redirect) = action.get("redirect") {
        let mut to = json!({});
        for (field, name) in [
            ("scheme", "scheme"),
            ("authority", "hostname"),
            ("port", "port"),
        ] {
            if let Some(value) = redirect.get(field) {
                to[name] = value.clone();
            }
        }
        if let Some(path) = redirect.get("uri") {
            to["path"] = json!({ "type": "ReplaceFullPath", "replaceFullPath": path });
        }
        let code = redirect.get("redirectCode").cloned();
        to["statusCode"] = code.unwrap_or_else(|| MOVED_PERMANENTLY.into());
        filters.push(json!({ "type": "RequestRedirect", "requestRedirect": to }));
    }
    filters
}

/// Changes of headers; none if Istio's `Headers` is empty.
fn modifiers(headers: &Value) -> Vec<Value> {
    let mut filters = Vec::new();
    for (of, kind, field) in [
        ("request", "RequestHeaderModifier", "requestHeaderModifier"),
        (
            "response",
            "ResponseHeaderModifier",
            "responseHeaderModifier",
        ),
    ] {
        let mut changes = json!({});
        for how in ["set", "add"] {
            let given = headers[of][how].as_object().into_iter().flatten();
            let all: Vec<Value> = given
                .map(|(name, value)| json!({ "name": name, "value": value }))
                .collect();
            if !all.is_empty() {
                changes[how] = all.into();
            }
        }
        if let Some(names) = headers[of].get("remove") {
            changes["remove"] = names.clone();
        }
        if changes != json!({}) {
            let mut filter = json!({ "type": kind });
            filter[field] = changes;
            filters.push(filter);
        }
    }
    filters
}

fn set_response_header(filters: &mut Vec<Value>, name: &str, value: &str) {
    let one = json!({ "name": name, "value": value });
    let there = filters
        .iter_mut()
        .find(|filter| filter["type"] == "ResponseHeaderModifier");
    let Some(filter) = there else {
        let set = json!({ "set": [one] });
        // Before the filters that send the request elsewhere, like the other changes of headers.
        filters.insert(
            0,
            json!({ "type": "ResponseHeaderModifier", "responseHeaderModifier": set }),
        );
        return;
    };
    match &mut filter["responseHeaderModifier"]["set"] {
        Value::Array(all) => all.push(one),
        none => *none = json!([one]),
    }
}

/// The backends of requests, with their weights.
fn backends(port: &Port, local: Local<'_>, route: &Route) -> Value {
    let Some(shares) = route.action.get("to").and_then(Value::as_array) else {
        return json!([backend(port, local, &Value::Null)]);
    };
    let shares = shares.iter().map(|share| {
        let mut to = backend(port, local, &share["service"]);
        if let Some(weight) = share.get("weight") {
            to["weight"] = weight.clone();
        }
        let filters = share.get("headers").map(modifiers).unwrap_or_default();
        if !filters.is_empty() {
            to["filters"] = filters.into();
        }
        to
    });
    shares.collect()
}

/// The service, or another one of its namespace.
fn backend(port: &Port, local: Local<'_>, other: &Value) -> Value {
    let name = other.as_str().unwrap_or(local.name.as_str());
    json!({ "name": name, "port": port.number })
}

/// Mirroring of requests. The Gateway API allows only a Service of the same namespace; for all other hosts Istio has a
/// kind of its own.
fn copy(
    to: &Value,
    percentage: Option<&Value>,
    port: &Port,
    local: Local<'_>,
    cluster: &Cluster,
) -> Value {
    let host = to["host"].as_str().unwrap_or(local.name.as_str());
    let short = host.split('.').next().unwrap_or(host);
    let mut backend = backend(port, local, &short.into());
    if host.contains('.') && host != cluster.local_host(short, local.namespace) {
        backend = json!({ "group": "networking.istio.io", "kind": "Hostname", "name": host });
    }
    if let Some(number) = to["port"].get("number") {
        backend["port"] = number.clone();
    }
    let mut mirror = json!({ "backendRef": backend });
    if let Some(percent) = percentage.and_then(|one| one.get("value")) {
        match (percent.as_u64(), percent.as_f64()) {
            (Some(whole), _) => mirror["percent"] = whole.into(),
            (None, Some(fraction)) => {
                // In millionths, Envoy's precision.
                let numerator: u32 = format!("{:.0}", fraction * 10_000.0)
                    .parse()
                    .unwrap_or_default();
                mirror["fraction"] = json!({ "numerator": numerator, "denominator": 1_000_000 });
            }
            (None, None) => {}
        }
    }
    json!({ "type": "RequestMirror", "requestMirror": mirror })
}

fn cross_origin(cors: &Value) -> Value {
    let mut policy = json!({});
    let origins = cors["allowOrigins"].as_array().into_iter().flatten();
    let origins: Vec<Value> = origins.map(|one| one["exact"].clone()).collect();
    if !origins.is_empty() {
        policy["allowOrigins"] = origins.into();
    }
    for field in [
        "allowMethods",
        "allowHeaders",
        "exposeHeaders",
        "allowCredentials",
    ] {
        if let Some(value) = cors.get(field) {
            policy[field] = value.clone();
        }
    }
    if let Some(age) = cors["maxAge"].as_str() {
        // At least one second.
        let seconds = milliseconds(age).unwrap_or_default().div_ceil(1000);
        policy["maxAge"] = seconds.into();
    }
    policy
}

/// A duration in the form of the Gateway API (GEP-2257): no fractions.
fn duration(text: &str) -> String {
    let mut rest = milliseconds(text).unwrap_or_default();
    let mut parts = Vec::new();
    for (unit, length) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if rest >= length {
            parts.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_have_no_fractions() {
        for (given, desired) in [
            ("500ms", "500ms"),
            ("3s", "3s"),
            ("1.5s", "1s500ms"),
            ("90s", "1m30s"),
            ("1h1m1s1ms", "1h1m1s1ms"),
            ("0.25h", "15m"),
        ] {
            assert_eq!(duration(given), desired, "{given}");
        }
    }
}
