//! Rules about features of the document that the Gateway API lacks, with `spec.gatewayApi`.
//!
//! The table of pass-through fields says which of them the Gateway API has (`http` and `grpc` in
//! [`crate::passthrough`]); any other field of a route is reported with its path. Source: the standard channel of
//! `sigs.k8s.io/gateway-api`, `config/crd/standard`.

use serde_json::Value;

use super::{Findings, code, routes};
use crate::istio::IstioVersion;
use crate::mesh::{self, Protocol, Spec, TlsVersion};
use crate::name::HostName;
use crate::passthrough::{self, Field, GatewayValues, IstioFields, Message, Shape};
use crate::resolved::Service;

/// Gateway API 1.3: the first with all rendered fields for HTTP and gRPC in its standard channel.
const FIRST: IstioVersion = IstioVersion::v1(27);
/// Gateway API 1.5: TLSRoute is in the standard channel.
const WITH_TLS_ROUTES: IstioVersion = IstioVersion::v1(30);
/// Gateway API 1.6: TCPRoute, CORS and all codes of redirects are in the standard channel.
const WITH_TCP_ROUTES: IstioVersion = IstioVersion::v1(31);

/// What a kind of route can say of a field; `None` if nothing.
type Of = fn(&Field) -> Option<GatewayValues>;

const HTTP: Of = |field| field.http;
const GRPC: Of = |field| field.grpc;

const LEAVE_OUT: &str =
    "remove `gatewayApi` to use Istio's own objects, or remove the field that needs it";

pub(super) fn check(
    spec: &Spec,
    istio: Option<IstioVersion>,
    services: Option<&[Service]>,
    findings: &mut Findings,
) {
    if spec.gateway_api != Some(true) {
        return;
    }
    let (Some(istio), Some(services)) = (istio, services) else {
        return;
    };
    // East-west gateways have no Gateway API objects (`render::gateway_api`).
    let said_by_it = || {
        let both = spec.services.iter().zip(services).enumerate();
        both.filter(|(_, (_, service))| !service.is_mutual())
    };
    let mut since = |needed: IstioVersion, path: &str, what: &str| {
        if istio < needed {
            findings.error(
                code::GATEWAY_API_VERSION,
                path,
                format!("{what} requires Istio {needed}"),
                format!(
                    "set `spec.istio` to {needed:?} or later if the clusters run it; otherwise {LEAVE_OUT}",
                    needed = needed.to_string()
                ),
            );
        }
    };
    if said_by_it().next().is_some() {
        since(FIRST, "spec.gatewayApi", "`gatewayApi`");
    }
    for (index, (written, service)) in said_by_it() {
        let path = format!("spec.services[{index}]");
        for (place, port) in service.ports.iter().enumerate() {
            let at = match written.port {
                Some(_) => format!("{path}.protocol"),
                None => format!("{path}.ports[{place}].protocol"),
            };
            match port.protocol {
                Protocol::Tls => since(WITH_TLS_ROUTES, &at, "TLSRoute"),
                Protocol::Tcp => since(WITH_TCP_ROUTES, &at, "TCPRoute"),
                Protocol::Http | Protocol::Http2 | Protocol::Grpc => {}
            }
        }
        for (place, route) in written.routes.iter().enumerate() {
            let at = format!("{path}.routes[{place}]");
            let fields = passthrough::route().fields.iter();
            for (name, field) in fields.filter(|(name, _)| route.contains_key(*name)) {
                if let Some(needed) = field.http_since {
                    since(needed, &format!("{at}.{name}"), &format!("`{name}`"));
                }
            }
            let code = route
                .get("redirect")
                .map(|redirect| &redirect["redirectCode"]);
            if code.and_then(Value::as_u64).is_some_and(|code| code > 302) {
                let at = format!("{at}.redirect.redirectCode");
                since(
                    WITH_TCP_ROUTES,
                    &at,
                    "a redirect with a code other than 301 and 302",
                );
            }
        }
    }
    for (index, (written, service)) in said_by_it() {
        let path = format!("spec.services[{index}].routes");
        said(&path, written, service, findings);
        order(&path, &written.routes, findings);
        prefixes(&path, &written.routes, findings);
    }
    if spec.tls.as_ref().and_then(|tls| tls.min_version) == Some(TlsVersion::V1_3) {
        cannot(
            "spec.tls.minVersion",
            "the Gateway API does not support a minimum TLS version of a listener",
            LEAVE_OUT,
            findings,
        );
    }
}

/// Reports the fields of a service's routes that the Gateway API lacks.
fn said(path: &str, written: &mesh::Service, service: &Service, findings: &mut Findings) {
    let is_grpc = |port: &crate::resolved::Port| port.protocol == Protocol::Grpc;
    let before = findings.0.len();
    let known = passthrough::route();
    for (index, route) in written.routes.iter().enumerate() {
        let at = format!("{path}[{index}]");
        fields(HTTP, known, route, &at, LEAVE_OUT, findings);
        copies(&at, route, findings);
    }
    // A GRPCRoute lacks all that an HTTPRoute lacks, so only one is reported at a time.
    if findings.0.len() == before && service.ports.iter().any(is_grpc) {
        for (index, route) in written.routes.iter().enumerate() {
            let hint = "use `protocol: http2`: gRPC then has an HTTPRoute, which supports it";
            fields(
                GRPC,
                known,
                route,
                &format!("{path}[{index}]"),
                hint,
                findings,
            );
        }
    }
}

fn cannot(at: &str, what: &str, hint: &str, findings: &mut Findings) {
    findings.error(
        code::GATEWAY_API_CANNOT,
        at,
        what.to_owned(),
        hint.to_owned(),
    );
}

fn fields(
    of: Of,
    message: &Message,
    given: &IstioFields,
    at: &str,
    hint: &str,
    findings: &mut Findings,
) {
    for (name, value) in given {
        let at = format!("{at}.{name}");
        let hint = match name.as_str() {
            "subset" => "add a Service for the pods of the subset, and set `service` to its name",
            "retries" => "remove it; gateways then retry what Istio retries by default",
            _ => hint,
        };
        let field = message.fields.get(name);
        match field.and_then(|field| Some((&field.shape, of(field)?))) {
            Some((shape, values)) => each(shape, value, &at, &mut |shape, value, at| match (
                values,
                shape.message(),
                value,
            ) {
                (GatewayValues::Fields, Some(message), Value::Object(given)) => {
                    fields(of, message, given, at, hint, findings);
                }
                _ => {
                    if let Some((what, other)) = fault(values, value) {
                        cannot(at, what, other.unwrap_or(hint), findings);
                    }
                }
            }),
            None => cannot(
                &at,
                &format!("the Gateway API does not support `{name}` here"),
                hint,
                findings,
            ),
        }
    }
}

/// Calls `f` for each item of a list or a map, or for the value itself, with its path.
fn each(shape: &Shape, given: &Value, at: &str, f: &mut dyn FnMut(&Shape, &Value, &str)) {
    match (shape, given) {
        (Shape::List(of), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                f(of, item, &format!("{at}[{index}]"));
            }
        }
        (Shape::Map(of), Value::Object(values)) => {
            for (name, value) in values {
                f(of, value, &format!("{at}.{name}"));
            }
        }
        _ => f(shape, given, at),
    }
}

/// The reason why the Gateway API rejects a value, and its replacement.
fn fault(values: GatewayValues, given: &Value) -> Option<(&'static str, Option<&'static str>)> {
    let has = |name: &str| given.get(name).is_some();
    // As shorthand, or as a condition.
    let text = ["exact", "prefix"]
        .iter()
        .find_map(|name| given[*name].as_str());
    let path = given.as_str().or(text).unwrap_or_default();
    match values {
        GatewayValues::Exact => {
            (!has("exact")).then_some(("the Gateway API supports only `exact` here", None))
        }
        GatewayValues::Regex => (!has("exact") && !has("regex")).then_some((
            "the Gateway API supports only `exact` and `regex` here",
            Some("use {exact: …}, or {regex: …} such as {regex: \".*\"} for any text"),
        )),
        GatewayValues::Path => {
            let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@%".contains(c);
            let parts = ["//", "/./", "/../", "%2f", "%2F"];
            let good = path.chars().all(plain) && !parts.iter().any(|part| path.contains(part));
            (!good || path.ends_with("/.") || path.ends_with("/..")).then_some((
                "the path has an empty part, a part of dots alone, or a character that is invalid in a URL",
                Some("use the normalized path, with other characters encoded as in %20"),
            ))
        }
        GatewayValues::Host => HostName::new(path).is_err().then_some((
            "a host name consists of lower-case letters, digits, hyphens and dots",
            Some("use a host name without a port"),
        )),
        GatewayValues::Method | GatewayValues::Service | GatewayValues::Call => {
            let is_service = values == GatewayValues::Service || has("prefix");
            let whole = path.matches('/').count() == 2 && is_service == path.ends_with('/');
            (!(whole || is_service && path == "/")).then_some((
                "a GRPCRoute matches requests by a whole service or method only",
                None,
            ))
        }
        GatewayValues::Code => {
            let good = [301, 302, 303, 307, 308].iter().any(|code| *given == *code);
            (!good).then_some((
                "the Gateway API supports only the codes 301, 302, 303, 307 and 308",
                None,
            ))
        }
        GatewayValues::Any | GatewayValues::Fields => None,
    }
}

/// Mirrored requests must go to an explicit port.
fn copies(at: &str, route: &IstioFields, findings: &mut Findings) {
    let mut one = |at: String, mirror: &Value| {
        if mirror["subset"].is_null() && mirror["port"]["number"].is_null() {
            cannot(
                &at,
                "the Gateway API requires the port of a mirror",
                "set `port: {number: …}`",
                findings,
            );
        }
    };
    if let Some(mirror) = route.get("mirror") {
        one(format!("{at}.mirror"), mirror);
    }
    let mirrors = route.get("mirrors").and_then(Value::as_array);
    for (index, mirror) in mirrors.into_iter().flatten().enumerate() {
        one(
            format!("{at}.mirrors[{index}].destination"),
            &mirror["destination"],
        );
    }
}

/// In Istio the first matching route handles a request; in the Gateway API the one with the more specific match.
/// Reports routes for which that differs.
fn order(path: &str, written: &[IstioFields], findings: &mut Findings) {
    let mut before: Vec<(usize, Value)> = Vec::new();
    for (index, route) in written.iter().enumerate() {
        let mut matches = routes::taken(route);
        if matches.is_empty() {
            matches.push(Value::Null);
        }
        let overtaken = before.iter().find(|(_, first)| {
            matches
                .iter()
                .any(|one| rank(one) > rank(first) && may_both_match(one, first))
        });
        if let Some((first, _)) = overtaken {
            findings.error(
                code::GATEWAY_API_ORDER,
                &format!("{path}[{index}]"),
                format!("requests for `routes[{first}]` go to this route, because its match is more specific"),
                format!(
                    "move it before `routes[{first}]`, or change the matches so that no request matches both"
                ),
            );
        }
        before.extend(matches.into_iter().map(|one| (index, one)));
    }
}

/// Precedence of a match: by the kind and length of its path, then whether it has a method, then the number of headers
/// and parameters (`HTTPRouteRule` of the Gateway API; expressions last, as in Istio).
fn rank(one: &Value) -> (u8, usize, bool, usize, usize) {
    let (kind, path) = uri(one);
    let kind = match kind {
        "exact" => 2,
        "prefix" => 1,
        _ => 0,
    };
    let count = |name: &str| one[name].as_object().map_or(0, serde_json::Map::len);
    (
        kind,
        path.len(),
        one["method"].is_object(),
        count("headers"),
        count("queryParams"),
    )
}

/// The kind of a match's path, and the path without a slash at the end of a prefix.
fn uri(one: &Value) -> (&str, &str) {
    let uri = one["uri"].as_object().and_then(|uri| uri.iter().next());
    match uri {
        Some((kind, path)) if kind == "prefix" => (
            kind,
            path.as_str().unwrap_or_default().trim_end_matches('/'),
        ),
        Some((kind, path)) => (kind, path.as_str().unwrap_or_default()),
        None => ("prefix", ""),
    }
}

/// Whether a request may match both; if that is not obvious, it may.
fn may_both_match(one: &Value, other: &Value) -> bool {
    let under = |path: &str, prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let (a, b) = (uri(one), uri(other));
    let paths = match (a.0, b.0) {
        ("exact", "exact") => a.1 == b.1,
        ("exact", "prefix") => under(a.1, b.1),
        ("prefix", "exact") => under(b.1, a.1),
        ("prefix", "prefix") => under(a.1, b.1) || under(b.1, a.1),
        _ => true,
    };
    let differ = |a: &Value, b: &Value| a["exact"].is_string() && b["exact"].is_string() && a != b;
    let distinguishable = ["headers", "queryParams"].iter().any(|name| {
        let fields = one[*name].as_object();
        fields
            .into_iter()
            .flatten()
            .any(|(field, value)| differ(value, &other[*name][field]))
    });
    paths && !distinguishable && !differ(&one["method"], &other["method"])
}

/// Reports once per service that its prefixes have a slightly different meaning.
fn prefixes(path: &str, written: &[IstioFields], findings: &mut Findings) {
    let first = written.iter().position(|route| {
        let taken = routes::taken(route);
        taken.iter().any(|one| {
            let prefix = one["uri"]["prefix"].as_str();
            prefix.is_some_and(|prefix| prefix != "/")
        })
    });
    if let Some(index) = first {
        findings.hint(
            code::GATEWAY_API_PREFIX,
            &format!("{path}[{index}]"),
            "a prefix matches whole path elements: `/cart` matches `/cart` and `/cart/1`, not `/carts`".into(),
            "use {regex: \"/cart.*\"} to match all paths that start with the text".into(),
        );
    }
}
