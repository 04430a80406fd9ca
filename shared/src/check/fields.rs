//! Rules about pass-through fields: only fields that their API has, with valid values. Otherwise an API server would
//! refuse them at an apply, or Istio ignore them.

use serde_json::Value;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::headers::{is_header, is_header_value};
use super::{Findings, code};
use crate::name::HostName;
use crate::passthrough::{IstioFields, Kind, Message, PRIME_MAX, Shape};
use crate::text::duration::{is_duration, milliseconds};

/// Longest regular expression that Istio accepts, in bytes (`pkg/config/validation`).
const REGEX_MAX: usize = 1024;

/// Compares fields with their message; `path` is their path. Returns whether they fit; otherwise there are findings.
pub(super) fn check(
    message: &Message,
    given: &IstioFields,
    path: &str,
    findings: &mut Findings,
) -> bool {
    let before = findings.0.len();
    for (name, value) in given {
        let at = format!("{path}.{name}");
        match message.fields.get(name) {
            Some(field) => walk(&field.shape, value, &at, findings),
            None => findings.error(
                code::UNKNOWN_FIELD,
                &at,
                format!("field {name:?} is unknown here"),
                format!("use one of: {}", names(message)),
            ),
        }
    }
    findings.0.len() == before
}

fn walk(shape: &Shape, given: &Value, path: &str, findings: &mut Findings) {
    let message = match shape {
        Shape::Message(_) => shape.message(),
        _ => None,
    };
    match (shape, given) {
        (Shape::Message(_), Value::Object(given)) => {
            if let Some(message) = message {
                check(message, given, path, findings);
            }
        }
        (Shape::Map(of), Value::Object(given)) => {
            for (name, value) in given {
                walk(of, value, &format!("{path}.{name}"), findings);
            }
        }
        (Shape::List(of), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                walk(of, item, &format!("{path}[{index}]"), findings);
            }
        }
        (Shape::Kind(kind), _) if fits(*kind, given) => {
            regular_expressions(*kind, given, path, findings);
        }
        (Shape::Kind(kind), _) => not(given, kind.expected(), path, findings),
        (Shape::Choices(choices), _) => {
            let good = choices
                .iter()
                .any(|choice| given.as_str() == Some(choice.as_str()));
            if !good {
                let expected = format!("one of {}", choices.join(", "));
                not(given, &expected, path, findings);
            }
        }
        (Shape::Message(_) | Shape::Map(_), _) => findings.error(
            code::BAD_VALUE,
            path,
            format!("`{given}` is not an object"),
            format!(
                "write an object with any of these fields: {}",
                message.map_or("*".to_owned(), names)
            ),
        ),
        (Shape::List(_), _) => findings.error(
            code::BAD_VALUE,
            path,
            format!("`{given}` is not a list"),
            "write a list, each entry after a hyphen".into(),
        ),
    }
}

fn not(given: &Value, expected: &str, path: &str, findings: &mut Findings) {
    findings.error(
        code::BAD_VALUE,
        path,
        format!("`{given}` is not {expected}"),
        format!("write {expected}"),
    );
}

fn names(message: &Message) -> String {
    let names: Vec<&str> = message.fields.keys().map(String::as_str).collect();
    names.join(", ")
}

fn fits(kind: Kind, given: &Value) -> bool {
    let number = |from: u64, to: u64| {
        given
            .as_u64()
            .is_some_and(|number| (from..=to).contains(&number))
    };
    let fraction = |good: &dyn Fn(f64) -> bool| given.as_f64().is_some_and(good);
    let text = |good: &dyn Fn(&str) -> bool| given.as_str().is_some_and(good);
    match kind {
        Kind::Text => text(&|text| !text.is_empty() && !text.contains(char::is_control)),
        Kind::Bool => given.is_boolean(),
        Kind::Count => number(0, i32::MAX.unsigned_abs().into()),
        Kind::Unsigned => number(0, u32::MAX.into()),
        Kind::Port => number(1, 65535),
        Kind::Status => number(200, 599),
        Kind::AnyStatus => number(100, 599),
        Kind::Redirection => number(300, 399),
        Kind::Percent => fraction(&|number| number == 0.0 || (0.0001..=100.0).contains(&number)),
        Kind::Number => fraction(&|number| number > 0.0),
        Kind::WholePercent => number(0, 100),
        Kind::Prime => number(0, PRIME_MAX) && given.as_u64().is_some_and(is_prime),
        Kind::Duration => text(&is_duration),
        Kind::Seconds => {
            text(&|text| milliseconds(text).is_some_and(|time| time > 0 && time % 1000 == 0))
        }
        Kind::Header => text(&is_header),
        Kind::HeaderValue => text(&is_header_value),
        Kind::RetryOn => text(&is_retry_on),
        Kind::Host => text(&|text| HostName::new(text).is_ok()),
        Kind::Bytes => text(&|text| !text.is_empty() && STANDARD.decode(text).is_ok()),
        Kind::Regex => text(&|text| !text.is_empty()),
        Kind::Match | Kind::Presence => given.as_object().is_some_and(|fields| {
            let mut fields = fields.iter();
            match (fields.next(), fields.next()) {
                (None, _) => kind == Kind::Presence,
                (Some((name, text)), None) => {
                    ["exact", "prefix", "regex"].contains(&name.as_str())
                        && text.as_str().is_some_and(|text| !text.is_empty())
                }
                _ => false,
            }
        }),
    }
}

fn regular_expressions(kind: Kind, given: &Value, path: &str, findings: &mut Findings) {
    let (at, text) = match kind {
        Kind::Regex => (path.to_owned(), given.as_str()),
        Kind::Match | Kind::Presence => (
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
