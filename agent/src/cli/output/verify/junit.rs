//! A report as JUnit XML, for CI, in the form that both Jenkins and GitLab read: a suite per family, `failure` for
//! failed checks, `error` for checks that could not be made, and `skipped` for checks that are for information.

use std::io::{self, Write};

use shared::verify::{Check, Family, Outcome, Report};

use super::super::paragraph;

/// Writes the whole report.
pub(in crate::cli) fn write(to: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let all: Vec<&Check> = report.checks.iter().collect();
    writeln!(
        to,
        "<testsuites name=\"fedmesh verify {}\" {}>",
        escaped(&report.mesh),
        counts(&all)
    )?;
    for family in Family::ALL {
        let checks: Vec<&Check> = all
            .iter()
            .filter(|check| check.family == family)
            .copied()
            .collect();
        if checks.is_empty() {
            continue;
        }
        writeln!(
            to,
            "  <testsuite name=\"{}\" {}>",
            family.as_str(),
            counts(&checks)
        )?;
        for check in checks {
            write_case(to, check)?;
        }
        writeln!(to, "  </testsuite>")?;
    }
    writeln!(to, "</testsuites>")
}

/// The XML element for a check that did not pass; `None` for a passed check.
fn element(check: &Check) -> Option<&'static str> {
    match (check.outcome, check.advisory) {
        (Outcome::Passed, _) => None,
        (_, true) => Some("skipped"),
        (Outcome::Failed, false) => Some("failure"),
        (Outcome::CouldNotCheck, false) => Some("error"),
    }
}

fn counts(checks: &[&Check]) -> String {
    let count = |name: &str| {
        checks
            .iter()
            .filter(|check| element(check) == Some(name))
            .count()
    };
    let milliseconds: u64 = checks
        .iter()
        .filter_map(|check| check.seen.milliseconds)
        .map(u64::from)
        .sum();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
        checks.len(),
        count("failure"),
        count("error"),
        count("skipped"),
        seconds(milliseconds)
    )
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

fn write_case(to: &mut impl Write, check: &Check) -> io::Result<()> {
    let class = if check.cluster.is_empty() {
        check.family.as_str().to_owned()
    } else {
        format!("{}.{}", check.family.as_str(), check.cluster)
    };
    let mut name = check.subject();
    if !check.asked.is_empty() && check.family != Family::Call {
        name = format!("{name} at {}", check.asked);
    }
    write!(
        to,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
        escaped(&class),
        escaped(&name),
        seconds(check.seen.milliseconds.unwrap_or(0).into())
    )?;
    let Some(element) = element(check) else {
        return writeln!(to, "/>");
    };
    let (code, message, hint) = check.cause.as_ref().map_or(("", "", ""), |cause| {
        (
            cause.code.as_str(),
            cause.message.as_str(),
            cause.hint.as_str(),
        )
    });
    let message = format!("{code}: {message}");
    write!(to, ">\n      <{element} message=\"{}\"", escaped(&message))?;
    // `skipped` has no attribute `type`.
    if element != "skipped" {
        write!(to, " type=\"{}\"", escaped(code))?;
    }
    let details = format!(
        "expected: {}\nobserved: {}\nhint: {hint}",
        check.expected,
        check.seen_in_words()
    );
    writeln!(to, ">{}</{element}>\n    </testcase>", escaped(&details))
}

/// Escapes text for attributes and content. Characters that are invalid in XML 1.0 (2.2) are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in paragraph(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
