//! Rules about pass-through fields of Istio: only fields that Istio has, with valid values. Otherwise an API server
//! would refuse them at an apply, or Istio ignore them.

use serde_json::Value;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::headers::{is_header, is_header_value};
use super::{Findings, code};
use crate::mesh::istio_fields::{IstioFields, Kind, PRIME_MAX, kind};
use crate::name::HostName;
use crate::text::duration::{is_duration, milliseconds};

/// Longest regular expression that Istio accepts, in bytes (`pkg/config/validation`).
const REGEX_MAX: usize = 1024;

/// Compares a value with its shape, an object; `path` is its path. Returns whether it fits; otherwise there are
/// findings.
pub(super) fn check(
    shape: &Value,
    given: &IstioFields,
    path: &str,
    findings: &mut Findings,
) -> bool {
    let before = findings.0.len();
    if let Value::Object(fields) = shape {
        object(fields, given, path, findings);
    }
    findings.0.len() == before
}

fn object(fields: &IstioFields, given: &IstioFields, path: &str, findings: &mut Findings) {
    let any = fields.get("*");
    for (name, value) in given {
        let at = format!("{path}.{name}");
        match any.or_else(|| fields.get(name)) {
            Some(shape) => walk(shape, value, &at, findings),
            None => findings.error(
                code::UNKNOWN_FIELD,
                &at,
                format!("field {name:?} is unknown here"),
                format!("use one of: {}", names(fields)),
            ),
        }
    }
}

fn walk(shape: &Value, given: &Value, path: &str, findings: &mut Findings) {
    match (shape, given) {
        (Value::Object(fields), Value::Object(given)) => object(fields, given, path, findings),
        (Value::Array(shapes), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                walk(&shapes[0], item, &format!("{path}[{index}]"), findings);
            }
        }
        (Value::String(word), _) => {
            if let Some(desired) = desired(word, given) {
                findings.error(
                    code::BAD_VALUE,
                    path,
                    format!("`{given}` is not {desired}"),
                    format!("write {desired}"),
                );
            } else {
                regular_expressions(word, given, path, findings);
            }
        }
        (Value::Object(fields), _) => findings.error(
            code::BAD_VALUE,
            path,
            format!("`{given}` is not an object"),
            format!(
                "write an object with any of these fields: {}",
                names(fields)
            ),
        ),
        _ => findings.error(
            code::BAD_VALUE,
            path,
            format!("`{given}` is not a list"),
            "write a list, each entry after a hyphen".into(),
        ),
    }
}

fn names(fields: &IstioFields) -> String {
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    names.join(", ")
}

/// The expected kind of value, if the value does not fit.
fn desired(word: &str, given: &Value) -> Option<String> {
    let number = |from: u64, to: u64| {
        given
            .as_u64()
            .is_some_and(|number| (from..=to).contains(&number))
    };
    let text = |good: &dyn Fn(&str) -> bool| given.as_str().is_some_and(good);
    let kind = match kind(word) {
        Ok(kind) => kind,
        Err(mut choices) => {
            let good = choices.any(|choice| given.as_str() == Some(choice));
            return (!good).then(|| format!("one of {}", word.replace('|', ", ")));
        }
    };
    let (good, desired) = match kind {
        Kind::Text => (
            text(&|text| !text.is_empty() && !text.contains(char::is_control)),
            "a string, in quotes where YAML reads another type",
        ),
        Kind::Bool => (given.is_boolean(), "true or false"),
        Kind::Count => (
            number(0, i32::MAX.unsigned_abs().into()),
            "a whole number of at least 0",
        ),
        Kind::Port => (number(1, 65535), "a port from 1 to 65535"),
        Kind::Status => (number(200, 599), "a status from 200 to 599"),
        Kind::Redirection => (number(300, 399), "a status from 300 to 399"),
        Kind::Percent => (
            given
                .as_f64()
                .is_some_and(|number| number == 0.0 || (0.0001..=100.0).contains(&number)),
            "a number from 0 to 100, in steps of 0.0001",
        ),
        Kind::WholePercent => (number(0, 100), "a whole number from 0 to 100"),
        Kind::Prime => (
            given
                .as_u64()
                .is_some_and(|number| number <= PRIME_MAX && is_prime(number)),
            "a prime number below 5,000,011, such as 65537",
        ),
        Kind::Duration => (text(&is_duration), "a duration such as 500ms or 1m30s"),
        Kind::Seconds => (
            text(&|text| milliseconds(text).is_some_and(|time| time > 0 && time % 1000 == 0)),
            "a duration of whole seconds such as 30s or 24h",
        ),
        Kind::Header => (text(&is_header), "a header name such as x-user"),
        Kind::HeaderValue => (
            text(&is_header_value),
            "a string without control characters, with %% for a percent sign",
        ),
        Kind::RetryOn => (
            text(&is_retry_on),
            "a list of Envoy's retry conditions and HTTP statuses, separated by commas, such as 5xx,reset,409",
        ),
        Kind::Host => (text(&|text| HostName::new(text).is_ok()), "a host name"),
        Kind::Bytes => (
            text(&|text| !text.is_empty() && STANDARD.decode(text).is_ok()),
            "bytes in base64",
        ),
        Kind::Regex => (
            text(&|text| !text.is_empty()),
            "a regular expression in quotes",
        ),
        Kind::Match | Kind::Presence => {
            let good = given.as_object().is_some_and(|fields| {
                let mut fields = fields.iter();
                match (fields.next(), fields.next()) {
                    (None, _) => kind == Kind::Presence,
                    (Some((name, text)), None) => {
                        ["exact", "prefix", "regex"].contains(&name.as_str())
                            && text.as_str().is_some_and(|text| !text.is_empty())
                    }
                    _ => false,
                }
            });
            (good, "one of {exact: …}, {prefix: …} and {regex: …}")
        }
    };
    (!good).then(|| desired.to_owned())
}

fn regular_expressions(word: &str, given: &Value, path: &str, findings: &mut Findings) {
    let (at, text) = match kind(word) {
        Ok(Kind::Regex) => (path.to_owned(), given.as_str()),
        Ok(Kind::Match | Kind::Presence) => (
            format!("{path}.regex"),
            given.get("regex").and_then(Value::as_str),
        ),
        _ => return,
    };
    if let Some(text) = text
        && let Some(fault) = regex_fault(text)
    {
        findings.error(
            code::BAD_REGEX,
            &at,
            format!("{text:?} {fault}"),
            "use the syntax of RE2, see https://github.com/google/re2/wiki/Syntax".into(),
        );
    }
}

/// Whether Envoy accepts a Maglev table of that size.
fn is_prime(number: u64) -> bool {
    let mut divisors = (2..).take_while(|divisor| divisor * divisor <= number);
    number > 1 && !divisors.any(|divisor| number.is_multiple_of(divisor))
}

/// Envoy's values of `x-envoy-retry-on` and `x-envoy-retry-grpc-on`, and statuses that have a name (Istio's
/// `pkg/config/validation`).
fn is_retry_on(text: &str) -> bool {
    const NAMES: [&str; 16] = [
        "5xx",
        "gateway-error",
        "reset",
        "reset-before-request",
        "connect-failure",
        "retriable-4xx",
        "refused-stream",
        "retriable-status-codes",
        "retriable-headers",
        "envoy-ratelimited",
        "http3-post-connect-failure",
        "cancelled",
        "deadline-exceeded",
        "internal",
        "resource-exhausted",
        "unavailable",
    ];
    text.split(',').all(|one| {
        let status = one.parse::<u16>().unwrap_or_default();
        NAMES.contains(&one)
            || matches!(status, 100..=103 | 200..=208 | 226 | 300..=305 | 307 | 308 | 400..=418 | 421..=426
                | 428 | 429 | 431 | 451 | 500..=508 | 510 | 511)
    })
}

/// The most frequent faults: syntax of other engines that RE2 lacks, and unclosed brackets. Istio's own admission finds
/// the others at a dry run.
fn regex_fault(text: &str) -> Option<&'static str> {
    if text.len() > REGEX_MAX {
        return Some("is too long for Istio (at most 1,024 bytes)");
    }
    let (mut open, mut in_class) = (0_usize, false);
    // Whether the previous part can be repeated.
    let mut repeatable = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '\\' {
            match rest.next() {
                None => return Some("ends in a backslash"),
                Some('1'..='9') => return Some("has a back-reference, which RE2 does not support"),
                Some(_) => repeatable = true,
            }
            continue;
        }
        if in_class {
            in_class = c != ']';
            continue;
        }
        match c {
            '[' => {
                in_class = true;
                // A first bracket is one of the characters.
                let after = rest.as_str().trim_start_matches('^');
                if let Some(after) = after.strip_prefix(']') {
                    rest = after.chars();
                }
                repeatable = true;
            }
            '(' => {
                let after = rest.as_str();
                if ["?=", "?!", "?<=", "?<!"]
                    .iter()
                    .any(|look| after.starts_with(look))
                {
                    return Some("has a look-ahead or look-behind, which RE2 does not support");
                }
                if let Some(after) = after.strip_prefix('?') {
                    rest = after.chars();
                }
                open += 1;
                repeatable = false;
            }
            ')' => match open.checked_sub(1) {
                Some(fewer) => (open, repeatable) = (fewer, true),
                None => return Some("closes a group that is not open"),
            },
            '|' | '^' => repeatable = false,
            '*' | '+' | '?' if !repeatable => {
                return Some("has a `*`, `+` or `?` with nothing to repeat");
            }
            _ => repeatable = true,
        }
    }
    if in_class || open > 0 {
        return Some("has an unclosed group or character class");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::regex_fault;

    #[test]
    fn regular_expressions_of_other_engines_are_detected() {
        for good in [
            "/api/v[0-9]+/.*",
            "a|b",
            "(?i)html",
            "(?P<name>x)y?",
            "[]a]+",
            "[^]]*",
            r"\(x\)\*",
            r"[\]]",
            "x{2,3}",
            ".*?",
        ] {
            assert_eq!(regex_fault(good), None, "{good}");
        }
        for bad in [
            "*.html", "a(?=b)", "a(?!b)", "(?<=a)b", r"(a)\1", "(a", "a)", "[a", "a|*", r"a\",
            "(+)",
        ] {
            assert!(regex_fault(bad).is_some(), "{bad}");
        }
        assert!(regex_fault(&"x".repeat(1025)).is_some());
    }
}
