//! What a check finds, for the tests that look at findings.

use shared::check::{Finding, Severity};
use shared::facts::Facts;
use shared::{Mesh, check};

/// Everything that is found in a document, which is resolved exactly if it has no error.
pub(crate) fn findings(mesh: &Mesh) -> Vec<Finding> {
    let checked = check(mesh, &Facts::default());
    assert_eq!(
        checked.resolved.is_some(),
        checked.count(Severity::Error) == 0,
        "a document is resolved exactly if it has no error: {:#?}",
        checked.findings
    );
    checked.findings
}

/// A finding says what it is about as people read it, and what to do.
#[track_caller]
pub(crate) fn assert_is_told(found: &Finding) {
    assert!(
        !found.message.ends_with('.') && !found.hint.is_empty(),
        "{found:#?}"
    );
}
