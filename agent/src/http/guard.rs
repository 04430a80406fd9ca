//! The request guard: checks Host, Origin and token of every request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::answer::Refusal;
use super::connections::OfConnection;
use super::{Agent, Origin, Token};

/// Allows the page's own files only, and to compile WebAssembly, but no `eval`.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; worker-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of every response.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    // This does not affect allowed origins, which read responses by CORS.
    (RESOURCE_POLICY, "same-origin"),
];

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Seconds for which a browser may cache the response to a preflight.
const PREFLIGHT_SECONDS: &str = "600";

/// The conditions for a request to be accepted.
#[derive(Debug)]
pub struct RequestGuard {
    /// The `Host` headers of the agent.
    hosts: Vec<String>,
    /// Origins of the agent's own page.
    own: Vec<String>,
    /// Origins of pages that are hosted elsewhere.
    others: Vec<Origin>,
    token: Token,
}

impl RequestGuard {
    /// A guard for a loopback address, which accepts requests with the token, and pages from `others`.
    pub fn new(address: SocketAddr, token: Token, others: Vec<Origin>) -> Self {
        let port = address.port();
        let mut names = vec![
            "127.0.0.1".to_owned(),
            "localhost".to_owned(),
            "[::1]".to_owned(),
        ];
        let listening = match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        if !names.contains(&listening) {
            names.push(listening);
        }
        let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        if port == 80 {
            // Clients leave out the default port of the scheme.
            hosts.append(&mut names);
        }
        let own = hosts.iter().map(|host| format!("http://{host}")).collect();
        Self {
            hosts,
            own,
            others,
            token,
        }
    }

    /// Whether a request was sent to a host name of the agent. Only this check detects a foreign page whose name
    /// resolves to the agent (DNS rebinding).
    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut values = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (values.next(), values.next()) else {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "the request must have exactly one Host header",
                "send exactly one Host header (RFC 9112, 3.2)",
            ));
        };
        // A request for an absolute URL (RFC 9112, 3.2.2) contains the host a second time.
        let named = uri.authority().map(axum::http::uri::Authority::as_str);
        let is_ours = |name: &str| {
            self.hosts
                .iter()
                .any(|host| host.eq_ignore_ascii_case(name))
        };
        if host.to_str().is_ok_and(is_ours) && named.is_none_or(is_ours) {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "the Host header is not a host name of this agent",
            format!(
                "use the link that the agent printed, http://{}/",
                self.hosts.first().map_or("", |host| host)
            ),
        ))
    }

    /// Whether a request comes from an allowed page. Returns the origin of a page that is hosted elsewhere, for the
    /// CORS headers of the response.
    fn check_origin(&self, headers: &HeaderMap) -> Result<Option<&Origin>, Refusal> {
        let mut values = headers.get_all(header::ORIGIN).iter();
        let refusal = || {
            Refusal::new(
                StatusCode::FORBIDDEN,
                "pages from this origin may not use the agent",
                "start the agent with --allow-origin and the page's scheme://host[:port]",
            )
        };
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(origin), None) => {
                let origin = origin.as_bytes();
                if self.own.iter().any(|own| own.as_bytes() == origin) {
                    return Ok(None);
                }
                let other = self
                    .others
                    .iter()
                    .find(|other| other.as_str().as_bytes() == origin);
                other.map(Some).ok_or_else(refusal)
            }
            (Some(_), Some(_)) => Err(refusal()),
        }
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        if let (Some(value), None) = (values.next(), values.next())
            && let Some((scheme, token)) = value.as_bytes().split_at_checked("Bearer ".len())
            && scheme.eq_ignore_ascii_case(b"Bearer ")
            && self.token.is(token)
        {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "the token of the request is missing or invalid",
            "open the link that the agent printed at its last start; each start creates a new token",
        ))
    }
}

/// Forwards a request or rejects it, and sets the headers of every response.
pub(super) async fn guard(State(agent): State<Agent>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let guard = &agent.0.guard;
    let method = request.method().clone();
    // Without the query, which may contain a token by mistake.
    let path = request.uri().path().to_owned();
    let is_api = is_api(&path);

    let mut is_foreign = false;
    let mut response = match guard.check_host(request.uri(), request.headers()) {
        Err(refusal) => refusal.into_response(),
        Ok(()) => match guard.check_origin(request.headers()) {
            Err(refusal) => {
                is_foreign = true;
                refusal.into_response()
            }
            Ok(other) => {
                let mut response = if is_preflight(&method, is_api, request.headers()) {
                    preflight(request.headers())
                } else if is_api && let Err(refusal) = guard.check_token(request.headers()) {
                    let mut response = refusal.into_response();
                    response
                        .headers_mut()
                        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                    response
                } else {
                    if is_api
                        && let Some(connection) = request.extensions().get::<Arc<OfConnection>>()
                    {
                        connection.trust();
                    }
                    next.run(request).await
                };
                if is_api && let Some(other) = other {
                    allow(&mut response, other);
                }
                response
            }
        },
    };
    finish(&mut response, is_api);
    if is_foreign {
        // So that fedmesh's page on another origin learns that there was a response, of which it sees nothing: it is
        // refused and not alone. That something listens is no secret: any page can see it from how soon requests fail.
        response
            .headers_mut()
            .insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    }
    tracing::info!(
        "{method} {} {} {} ms",
        path.escape_debug(),
        response.status().as_u16(),
        begun.elapsed().as_millis()
    );
    response
}

/// Whether a path belongs to the API, known or not.
pub(super) fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

fn is_preflight(method: &Method, is_api: bool, headers: &HeaderMap) -> bool {
    is_api
        && method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The response to a preflight: what pages of allowed origins may send. It is the same for every path, so it discloses
/// nothing; the request that follows needs the token.
fn preflight(asked: &HeaderMap) -> Response {
    const PRIVATE_NETWORK_ASKED: HeaderName =
        HeaderName::from_static("access-control-request-private-network");
    const PRIVATE_NETWORK: HeaderName =
        HeaderName::from_static("access-control-allow-private-network");

    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if asked
        .get(&PRIVATE_NETWORK_ASKED)
        .is_some_and(|value| value == "true")
    {
        headers.insert(PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    response
}

/// Allows a page of another origin to read a response.
fn allow(response: &mut Response, origin: &Origin) {
    // An origin is ASCII, so it is always a valid header value.
    if let Ok(value) = HeaderValue::from_str(origin.as_str()) {
        response
            .headers_mut()
            .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
    }
}

fn finish(response: &mut Response, is_api: bool) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_api {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
    }
}
