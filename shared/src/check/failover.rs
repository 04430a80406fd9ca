//! Rules about `spec.services[].failover` and `probe`.

use super::services::is_path;
use super::{Findings, code};
use crate::mesh::{Failover, PathMatch, Service};
use crate::resolved::{DEFAULT_PER_TRY_TIMEOUT, Probe, Retry};

/// `several`: whether there is another cluster to send a call to.
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
        findings.error(
            code::BAD_DURATION,
            &format!("{path}.perTryTimeout"),
            format!("{text:?} is not a duration"),
            "write one such as 500ms or 1m30s, at least 1ms".into(),
        );
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
                    "calls under way when a cluster fails are lost".into(),
                    "say retry: true if calls may be repeated, false if not".into(),
                );
            }
            Some(Retry::Undelivered)
        }
    }
}

pub(super) fn probe(path: &str, service: &Service, findings: &mut Findings) -> Option<Probe> {
    let given = service.probe.clone().unwrap_or_default();
    let (exact, prefix): (Vec<_>, Vec<_>) = service
        .routes
        .iter()
        .partition(|route| matches!(route, PathMatch::Exact(_)));
    let first_route = exact.into_iter().chain(prefix).next();
    let request = match (given.path, first_route) {
        (Some(text), _) => {
            if !is_path(&format!("{path}.path"), &text, findings) {
                return None;
            }
            text
        }
        (None, Some(PathMatch::Exact(text) | PathMatch::Prefix(text))) => text.clone(),
        (None, None) => "/".to_owned(),
    };
    let status = match given.status {
        None => None,
        Some(status @ 100..=599) => u16::try_from(status).ok(),
        Some(status) => {
            findings.error(
                code::BAD_PROBE,
                &format!("{path}.status"),
                format!("{status} is not a status of HTTP"),
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

/// Whether Istio reads `text` as a duration: decimal numbers, each with a unit, the greater units
/// first, one millisecond at least (Go's `time.ParseDuration`, without signs and fractions).
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut units: &[(&str, u64)] = &[("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_lowercase).count();
        let (unit, after) = after.split_at(letters);
        let Some(place) = units.iter().position(|(name, _)| *name == unit) else {
            return false;
        };
        let Ok(number) = number.parse::<u32>() else {
            return false;
        };
        total = total.saturating_add(u64::from(number) * units[place].1);
        units = &units[place + 1..];
        rest = after;
    }
    total > 0
}

#[cfg(test)]
mod tests {
    use super::is_duration;

    #[test]
    fn durations_are_as_go_reads_them() {
        for good in ["1ms", "500ms", "2s", "1m30s", "1h1m1s1ms", "90s", "0s1ms"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in [
            "",
            "0s",
            "2",
            "s",
            "2 s",
            "-1s",
            "1.5s",
            "1s1m",
            "1s1s",
            "2S",
            "2sec",
            "99999999999s",
            "1µs",
            "²s",
        ] {
            assert!(!is_duration(bad), "{bad}");
        }
    }
}
