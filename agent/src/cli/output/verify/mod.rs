//! A report of a verification: for people, for CI, and for a pull request.

pub(in crate::cli) mod junit;
pub(in crate::cli) mod markdown;
mod matrix;
pub(in crate::cli) mod text;

use shared::verify::{Check, Counts, Drill, DrillClient, Outcome, Report};

use super::counted;

#[cfg(test)]
mod tests;

/// `3 passed, 1 failed`
fn summary(report: &Report) -> String {
    let Counts {
        passed,
        failed,
        could_not_check,
        advisory,
    } = report.counts();
    let mut parts = vec![format!("{passed} passed")];
    for (count, words) in [
        (failed, "failed"),
        (could_not_check, "could not be checked"),
        (advisory, "for information"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    format!(
        "{}: {}",
        counted(report.checks.len(), "check"),
        parts.join(", ")
    )
}

/// What a check was about, in one line.
fn subject(check: &Check) -> String {
    let mut words = Vec::new();
    for word in [&check.cluster, &check.service, &check.level, &check.host] {
        if !word.is_empty() {
            words.push(word.as_str());
        }
    }
    words.join(" ")
}

/// What was seen, in one line.
fn seen(check: &Check) -> String {
    let seen = &check.seen;
    let mut parts = Vec::new();
    if let Some(status) = seen.status {
        parts.push(format!("status {status}"));
    }
    if let Some(cluster) = &seen.answered_by {
        parts.push(format!("from {cluster}"));
    }
    if !seen.addresses.is_empty() {
        parts.push(seen.addresses.join(", "));
    }
    if !seen.text.is_empty() {
        parts.push(seen.text.lines().collect::<Vec<_>>().join(" "));
    }
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    }
    if let Some(milliseconds) = seen.milliseconds {
        parts.push(format!("in {milliseconds} ms"));
    }
    parts.join(" ")
}

/// A cell of a matrix: `ok` with the time, or the code of the cause.
fn cell(check: &Check) -> String {
    match (check.outcome, &check.cause, check.seen.milliseconds) {
        (Outcome::Passed, _, Some(milliseconds)) => format!("ok {milliseconds} ms"),
        (Outcome::Passed, _, None) => "ok".to_owned(),
        (_, Some(cause), _) if check.advisory => format!("({})", cause.code),
        (_, Some(cause), _) => cause.code.clone(),
        (outcome, None, _) => outcome.as_str().to_owned(),
    }
}

/// What a drill was, in one line.
fn drill_title(drill: &Drill) -> String {
    format!(
        "drill: {} taken away in {}, calling {}",
        drill.service, drill.cluster, drill.host
    )
}

/// What a client saw of it, in one line.
fn drill_line(client: &DrillClient) -> String {
    let time = |time: Option<u32>, words: &str| match time {
        Some(milliseconds) => format!("{words} after {milliseconds} ms"),
        None => format!("not {words}"),
    };
    format!(
        "{} of {} lost, {} ({}), {}",
        client.lost,
        counted(client.requests as usize, "request"),
        time(client.moved_after, "moved"),
        client.answered_by.join(", "),
        time(client.returned_after, "returned"),
    )
}
