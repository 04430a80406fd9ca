//! Rules about `spec.services[].failover` and `probe`.

use serde_json::Value;

use super::{Findings, admission, code, fields};
use crate::defaults::{DEFAULT_CONNECT_TIMEOUT, DEFAULT_PER_TRY_TIMEOUT};
use crate::mesh::{Failover, Service};
use crate::passthrough::{self, IstioFields};
use crate::resolved::{Probe, Retry, Route};
use crate::text::duration::{is_duration, milliseconds};

/// `several`: whether calls can go to another cluster.
pub(super) fn retry(
    path: &str,
    failover: Option<&Failover>,
    several: bool,
    findings: &mut Findings,
) -> Option<Retry> {
    let timeout = failover.and_then(|failover| failover.per_try_timeout.as_deref());
    if let Some(text) = timeout
        && !is_duration(text)
    {
        not_a_duration(&format!("{path}.perTryTimeout"), text, findings);
        return None;
    }
    match failover.and_then(|failover| failover.retry) {
        Some(true) => Some(Retry::All {
            per_try_timeout: timeout.unwrap_or(DEFAULT_PER_TRY_TIMEOUT).to_owned(),
        }),
        Some(false) => Some(Retry::Undelivered),
        None => {
            if several {
                findings.hint(
                    code::RETRY_OPEN,
                    &format!("{path}.retry"),
                    "`retry` is not set, so calls in flight are lost when their cluster fails"
                        .into(),
                    "set `retry: true` if requests are retryable, `retry: false` if not".into(),
                );
            }
            Some(Retry::Undelivered)
        }
    }
}

/// The timeout of a connection to another cluster, in Istio's syntax.
///
/// It is not compared with `perTryTimeout`, which Envoy starts when the connection is established.
pub(super) fn connect_timeout(
    path: &str,
    failover: Option<&Failover>,
    findings: &mut Findings,
) -> Option<String> {
    let given = failover.and_then(|failover| failover.connect_timeout.as_deref());
    let text = given.unwrap_or(DEFAULT_CONNECT_TIMEOUT);
    if !is_duration(text) {
        not_a_duration(path, text, findings);
        return None;
    }
    if !is_connect_timeout(text) {
        findings.error(
            code::CONNECT_TIMEOUT_RANGE,
            path,
            format!("connect timeout `{text}` is out of range (10ms to 1m)"),
            "set it to three round trips to the farthest cluster, plus a second for a lost packet"
                .into(),
        );
        return None;
    }
    Some(text.to_owned())
}

/// Whether the timeout is in range: between 10 ms and a minute.
pub(crate) fn is_connect_timeout(text: &str) -> bool {
    milliseconds(text).is_some_and(|time| (10..=60_000).contains(&time))
}

fn not_a_duration(path: &str, text: &str, findings: &mut Findings) {
    findings.error(
        code::BAD_DURATION,
        path,
        format!("{text:?} is not a duration"),
        "use a duration of at least `1ms`, such as `500ms` or `1m30s`".into(),
    );
}

/// The document's overrides of the ejection of failing gateways.
pub(super) fn outlier_detection(
    path: &str,
    failover: Option<&Failover>,
    findings: &mut Findings,
) -> Option<IstioFields> {
    let Some(given) = failover.and_then(|failover| failover.outlier_detection.as_ref()) else {
        return Some(IstioFields::new());
    };
    if !fields::check(passthrough::outlier_detection(), given, path, findings)
        || !admission::outlier_detection(path, given, findings)
    {
        return None;
    }
    let number = |field: &str| given.get(field).and_then(Value::as_f64);
    if let Some(percent) = number("maxEjectionPercent").filter(|percent| *percent < 100.0) {
        findings.warning(
            code::NO_EJECTION,
            &format!("{path}.maxEjectionPercent"),
            format!("`maxEjectionPercent: {percent}` keeps calls at the last gateways of a locality when they fail"),
            "set it to 100, so that calls fail over to another cluster".into(),
        );
    }
    let none = |field: &str| number(field) == Some(0.0);
    if none("consecutiveGatewayErrors")
        && number("consecutive5xxErrors").is_none_or(|errors| errors == 0.0)
        && number("consecutiveLocalOriginFailures").is_none_or(|errors| errors == 0.0)
    {
        findings.warning(
            code::NO_EJECTION,
            &format!("{path}.consecutiveGatewayErrors"),
            "no failure ejects a gateway, so calls do not fail over from one that fails".into(),
            "set `consecutiveGatewayErrors`, `consecutive5xxErrors` or both to at least 1".into(),
        );
    }
    Some(given.clone())
}

pub(super) fn probe(
    path: &str,
    service: &Service,
    routes: Option<&[Route]>,
    findings: &mut Findings,
) -> Option<Probe> {
    let given = service.probe.clone().unwrap_or_default();
    let first = |kind: &str| {
        let matches = routes
            .into_iter()
            .flatten()
            .flat_map(|route| &route.matches);
        let mut paths = matches.filter_map(|one| one["uri"][kind].as_str());
        paths.next().map(str::to_owned)
    };
    let request = match given.path {
        Some(text) => {
            if !findings.path(&format!("{path}.path"), &text) {
                return None;
            }
            text
        }
        None => first("exact")
            .or_else(|| first("prefix"))
            .unwrap_or_else(|| "/".to_owned()),
    };
    let status = match given.status {
        None => None,
        Some(status @ 100..=599) => u16::try_from(status).ok(),
        Some(status) => {
            findings.error(
                code::BAD_PROBE,
                &format!("{path}.status"),
                format!("HTTP status `{status}` is out of range (100–599)"),
                "use a number from 100 to 599, such as 200".into(),
            );
            return None;
        }
    };
    Some(Probe {
        path: request,
        status,
    })
}
