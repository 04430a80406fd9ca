//! Judges a call, to a gateway or from a client inside a mesh.

use super::backend::Backend;
use super::cause::Cause;
use super::off::OffObject;

/// The expected answer.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The status; `None` for any below 500, except a refusal by the service's sidecar.
    pub status: Option<u16>,
    /// The clusters that may answer; empty if only the status counts.
    pub answered_by: &'a [String],
}

/// The result of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An HTTP answer.
    Answered(HttpResponse),
    /// An open connection, or a TLS session, for protocols without requests.
    Connected,
    /// No answer.
    Failed(Failure),
}

/// An HTTP response, limited to the parts in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The value of fedmesh's header: the cluster whose gateway forwarded the request.
    pub cluster: Option<String>,
    /// Whether Envoy signed the response (`server: envoy` or `istio-envoy`).
    pub envoy: bool,
    /// The beginning of the body; empty if it was not read.
    pub body: String,
}

impl HttpResponse {
    /// Whether a sidecar refused the request by an `AuthorizationPolicy` (envoy
    /// `source/extensions/filters/http/rbac/rbac_filter.cc`).
    fn is_denial(&self) -> bool {
        self.status == DENIED && self.body.contains("RBAC: access denied")
    }
}

/// The status of a call that the service's pods refuse.
pub const DENIED: u16 = 403;

/// Judges a call of a client that the service's pods must refuse.
///
/// # Errors
/// The probable cause.
pub fn judge_refused(reply: &Reply, around: &Around) -> Result<(), Cause> {
    match reply {
        // Without a body the source of the status is unknown; the service gets no such call.
        Reply::Answered(answer)
            if answer.status == DENIED && (answer.body.is_empty() || answer.is_denial()) =>
        {
            Ok(())
        }
        Reply::Answered(answer) if answer.status < 500 => Err(Cause::NotDenied {
            status: answer.status,
        }),
        reply => {
            let expected = Expected {
                status: Some(DENIED),
                answered_by: &[],
            };
            judge_call(expected, reply, around)
        }
    }
}

/// The reason why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The name has no address for the client.
    Unresolved,
    /// No connection.
    Refused,
    /// The connection broke.
    Reset,
    /// The deadline was exceeded.
    Timeout,
    /// The TLS handshake failed.
    Tls(String),
    /// An invalid certificate, or none.
    Certificate(String),
    /// With mutual TLS, the certificate of another workload than the service's: its identity.
    Identity(String),
    /// With mutual TLS, a certificate that is not signed by the roots of these clusters.
    ForeignRoot(Vec<String>),
    /// Something else, in the program's words.
    Other(String),
}

impl Failure {
    /// Converts curl's exit code and message (`curl.1`, EXIT CODES).
    pub fn of_curl(code: u16, message: &str) -> Self {
        match code {
            6 => Self::Unresolved,
            7 => Self::Refused,
            28 => Self::Timeout,
            35 | 58 | 60 => Self::Tls(message.to_owned()),
            52 | 55 | 56 => Self::Reset,
            _ if message.is_empty() => Self::Other(format!("curl ended with code {code}")),
            _ => Self::Other(message.to_owned()),
        }
    }
}

/// Evidence from the API servers; unknown facts are absent.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Whether the client's pod has a sidecar.
    pub sidecar: Option<bool>,
    /// Locality of the client's node, if it differs from the document's: observed and desired.
    pub locality: Option<(String, String)>,
    /// The client's cluster.
    pub client: String,
    /// Whether the client's sidecar originates TLS to a gateway.
    pub tls: bool,
    /// Whether the call goes to the Kubernetes Service itself, without a gateway.
    pub is_local: bool,
    /// Whether it is mutual TLS with the service's pods.
    pub mutual: bool,
    /// With mutual TLS, the clusters that may answer and whose mesh has another root than the client's.
    pub foreign_roots: Vec<String>,
    /// Objects of the service that are off.
    pub objects: Vec<OffObject>,
    /// The fault of the certificate of a gateway that may answer, if it was checked: Envoy seldom reports why a
    /// connection failed.
    pub certificate: Option<String>,
    /// The Service in each cluster that may answer.
    pub backends: Vec<Backend>,
    /// Clusters that may answer and whose gateways have no address.
    pub without_address: Vec<String>,
    /// The fault of the record of the same name, as resolved in the same cluster.
    pub record: Option<Cause>,
}

/// Judges a call: `Ok` if it is as expected, else the probable cause, from the client's side to the service's.
///
/// # Errors
/// The probable cause.
pub fn judge_call(expected: Expected<'_>, reply: &Reply, around: &Around) -> Result<(), Cause> {
    let failed = |cause| {
        Err(if around.sidecar == Some(false) {
            Cause::NoSidecar
        } else {
            cause
        })
    };
    match reply {
        Reply::Connected => Ok(()),
        Reply::Failed(failure) => failed(of_failure(failure, around)),
        Reply::Answered(answer) => {
            let right_status = match expected.status {
                Some(status) => status == answer.status,
                None => answer.status < 500 && !answer.is_denial(),
            };
            let by = |cluster: &String| expected.answered_by.contains(cluster);
            let right_cluster =
                expected.answered_by.is_empty() || answer.cluster.as_ref().is_some_and(by);
            if right_status && right_cluster {
                return Ok(());
            }
            failed(of_answer(expected, answer, right_status, around))
        }
    }
}

fn of_failure(failure: &Failure, around: &Around) -> Cause {
    match failure {
        Failure::Unresolved => around
            .record
            .clone()
            .or_else(|| without_address(around))
            .or_else(|| off_object(around))
            .unwrap_or(Cause::Unresolved),
        // With a sidecar curl always connects to it, so this is the connection to the gateway.
        Failure::Refused => nowhere_to_go(around).unwrap_or(Cause::Refused),
        Failure::Reset => no_common_root(around)
            .or_else(|| off_object(around))
            .or_else(|| no_endpoints(around))
            .or_else(|| headless_port(around))
            .or_else(|| port_fault(around))
            .unwrap_or_else(|| Cause::Reset(String::new())),
        Failure::Timeout => nowhere_to_go(around).unwrap_or(Cause::Timeout),
        Failure::Tls(why) => no_endpoints(around).unwrap_or_else(|| Cause::Tls(why.clone())),
        Failure::Certificate(why) => Cause::Certificate(why.clone()),
        Failure::Identity(seen) => Cause::Identity(seen.clone()),
        Failure::ForeignRoot(clusters) => Cause::NoCommonRoot {
            clusters: clusters.clone(),
        },
        Failure::Other(why) => Cause::Other(why.clone()),
    }
}

fn of_answer(
    expected: Expected<'_>,
    answer: &HttpResponse,
    right_status: bool,
    around: &Around,
) -> Cause {
    if let Some(cause) = of_envoy(answer, around) {
        return cause;
    }
    if answer.is_denial() {
        return Cause::AccessDenied;
    }
    match &answer.cluster {
        Some(cluster) if !expected.answered_by.is_empty() => {
            if !expected.answered_by.contains(cluster) {
                return astray(cluster, expected, around);
            }
            of_service(answer, cluster, expected, around)
        }
        Some(cluster) => of_service(answer, cluster, expected, around),
        None if answer.status == 404 && !expected.answered_by.is_empty() => {
            let alone = answer.envoy && answer.body.is_empty();
            let cause = if alone {
                Cause::NoHost
            } else {
                Cause::Unmarked
            };
            off_object(around).unwrap_or(cause)
        }
        None if answer.status == 502 && answer.body.is_empty() => {
            off_object(around).unwrap_or(Cause::NoRoute)
        }
        None if answer.status >= 500 => {
            nowhere_to_go(around).unwrap_or_else(|| status(answer, expected))
        }
        None if right_status => off_object(around).unwrap_or(Cause::Unmarked),
        None => off_object(around).unwrap_or_else(|| status(answer, expected)),
    }
}

/// The cause of a response that Envoy generated itself (envoy `source/common/router/router.cc`,
/// `source/common/http/utility.cc`).
fn of_envoy(answer: &HttpResponse, around: &Around) -> Option<Cause> {
    let body = answer.body.as_str();
    if body.contains("no healthy upstream") {
        return Some(nowhere_to_go(around).unwrap_or(Cause::Unhealthy));
    }
    if body.contains("upstream request timeout") {
        return Some(off_object(around).unwrap_or(Cause::Timeout));
    }
    if !body.contains("upstream connect error or disconnect/reset before headers") {
        // The body may be missing; a 503 signed by Envoy that passed no gateway is its own.
        let own = answer.envoy && answer.cluster.is_none() && answer.status == 503;
        return (own && body.is_empty()).then(|| nowhere_to_go(around).unwrap_or(Cause::Unhealthy));
    }
    let after = |mark: &str| {
        body.split_once(mark)
            .map(|(_, rest)| rest.split([',', '\n']).next().unwrap_or(rest).trim())
            .unwrap_or_default()
    };
    let reason = after("reset reason: ");
    let transport = after("transport failure reason: ");
    if transport.contains("CERTIFICATE") && around.tls && answer.cluster.is_none() {
        return Some(Cause::Certificate(transport.to_owned()));
    }
    if transport.contains("TLS") || transport.contains("SSL") {
        if let Some(cause) = no_common_root(around) {
            return Some(cause);
        }
        if around.mutual && transport.contains("CERTIFICATE") {
            return Some(Cause::Identity(transport.to_owned()));
        }
        return Some(Cause::Tls(transport.to_owned()));
    }
    if reason.contains("timeout") {
        return Some(nowhere_to_go(around).unwrap_or(Cause::Timeout));
    }
    if reason.contains("connection failure") || reason.contains("overflow") {
        return Some(nowhere_to_go(around).unwrap_or(Cause::Refused));
    }
    Some(
        off_object(around)
            .or_else(|| headless_port(around))
            .or_else(|| port_fault(around))
            .unwrap_or_else(|| Cause::Reset(reason.to_owned())),
    )
}

/// The cause if the request passed a gateway that may answer.
fn of_service(
    answer: &HttpResponse,
    cluster: &str,
    expected: Expected<'_>,
    around: &Around,
) -> Cause {
    // Without a body the source of the error is unknown.
    if answer.status == 503
        && answer.body.is_empty()
        && let Some(cause @ Cause::NoEndpoints { .. }) = no_endpoints(around)
    {
        return cause;
    }
    if answer.status >= 500 {
        Cause::ServiceError {
            status: answer.status,
            cluster: cluster.to_owned(),
        }
    } else {
        status(answer, expected)
    }
}

fn status(answer: &HttpResponse, expected: Expected<'_>) -> Cause {
    Cause::Status {
        status: answer.status,
        expected: status_text(expected.status),
    }
}

/// The status for display, or `below 500`.
pub(super) fn status_text(status: Option<u16>) -> String {
    status.map_or_else(|| "below 500".to_owned(), |status| status.to_string())
}

/// The cause if another cluster answered with success.
fn astray(seen: &str, expected: Expected<'_>, around: &Around) -> Cause {
    if let Some((seen, desired)) = &around.locality {
        return Cause::Locality {
            cluster: around.client.clone(),
            seen: seen.clone(),
            desired: desired.clone(),
        };
    }
    nowhere_to_go(around).unwrap_or_else(|| Cause::WrongCluster {
        seen: seen.to_owned(),
        expected: expected.answered_by.to_vec(),
    })
}

/// Reasons why Envoy has no endpoint for a request.
fn nowhere_to_go(around: &Around) -> Option<Cause> {
    worst(around)
        .map(OffObject::cause)
        .or_else(|| around.certificate.clone().map(Cause::Certificate))
        .or_else(|| no_common_root(around))
        .or_else(|| no_endpoints(around))
        .or_else(|| headless_port(around))
        .or_else(|| without_address(around))
        // Other objects may be off without harm.
        .or_else(|| off_object(around))
}

/// An object that is missing or refused takes precedence over one that is changed.
fn worst(around: &Around) -> Option<&OffObject> {
    let mut objects = around.objects.iter();
    objects.find(|off| !off.how.may_be_harmless())
}

fn off_object(around: &Around) -> Option<Cause> {
    worst(around)
        .or_else(|| around.objects.first())
        .map(OffObject::cause)
}

fn no_endpoints(around: &Around) -> Option<Cause> {
    let backend = around.backends.iter().find(|b| b.ready == Some(0))?;
    Some(Cause::NoEndpoints {
        cluster: backend.cluster.clone(),
        service: backend.service.clone(),
    })
}

/// Gateways have the pods' port from Istio.
fn headless_port(around: &Around) -> Option<Cause> {
    let mut backends = around.backends.iter().filter(|_| around.is_local);
    backends.find_map(Backend::headless_port)
}

fn no_common_root(around: &Around) -> Option<Cause> {
    (!around.foreign_roots.is_empty()).then(|| Cause::NoCommonRoot {
        clusters: around.foreign_roots.clone(),
    })
}

fn port_fault(around: &Around) -> Option<Cause> {
    around.backends.iter().find_map(Backend::port_fault)
}

fn without_address(around: &Around) -> Option<Cause> {
    (!around.without_address.is_empty()).then(|| Cause::GatewayAddress {
        clusters: around.without_address.clone(),
    })
}
