//! A report as JUnit XML, for CI, in the form that both Jenkins and GitLab read: a suite per family, `failure` for
//! failed checks, `error` for checks that could not be made, and `skipped` for checks that are for information.

use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as JUnit, TestCase, TestCaseStatus, TestSuite};
use shared::verify::{Check, Family, Outcome, Report};

use super::super::paragraph;

/// Writes the whole report.
pub(in crate::cli) fn write(to: &mut impl Write, report: &Report) -> io::Result<()> {
    let mut junit = JUnit::new(format!("fedmesh verify {}", paragraph(&report.mesh)));
    junit.set_time(time(&report.checks));
    for family in Family::ALL {
        let checks = report.checks.iter().filter(|check| check.family == family);
        let checks: Vec<&Check> = checks.collect();
        if !checks.is_empty() {
            let mut suite = TestSuite::new(family.as_str());
            suite.set_time(time(checks.iter().copied()));
            suite.add_test_cases(checks.into_iter().map(case));
            junit.add_test_suite(suite);
        }
    }
    junit.serialize(to).map_err(io::Error::other)
}

fn time<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Duration {
    let milliseconds = checks
        .into_iter()
        .filter_map(|check| check.seen.milliseconds);
    Duration::from_millis(milliseconds.map(u64::from).sum())
}

fn case(check: &Check) -> TestCase {
    let mut name = check.subject();
    if !check.asked.is_empty() && check.family != Family::Call {
        name = format!("{name} at {}", check.asked);
    }
    let mut case = TestCase::new(paragraph(&name), status(check));
    case.set_classname(if check.cluster.is_empty() {
        check.family.as_str().to_owned()
    } else {
        format!("{}.{}", check.family.as_str(), paragraph(&check.cluster))
    });
    case.set_time(time([check]));
    case
}

fn status(check: &Check) -> TestCaseStatus {
    let mut status = match (check.outcome, check.advisory) {
        (Outcome::Passed, _) => return TestCaseStatus::success(),
        (_, true) => TestCaseStatus::skipped(),
        (Outcome::Failed, false) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        (Outcome::CouldNotCheck, false) => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let (code, message, hint) = check.cause.as_ref().map_or(("", "", ""), |cause| {
        (
            cause.code.as_str(),
            cause.message.as_str(),
            cause.hint.as_str(),
        )
    });
    let message = format!("{code}: {message}");
    status.set_message(paragraph(&message));
    // `skipped` has no attribute `type` in Jenkins' schema.
    if !matches!(status, TestCaseStatus::Skipped { .. }) {
        status.set_type(code);
    }
    let details = format!(
        "expected: {}\nobserved: {}\nhint: {hint}",
        check.expected,
        check.seen_in_words()
    );
    status.set_description(paragraph(&details));
    status
}
