//! The status of the document: findings in numbers and in words.

use shared::check::{Finding, Severity, code};

/// The number of findings of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Errors about empty fields.
    pub(crate) gaps: usize,
    /// Other errors.
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) hints: usize,
}

/// Whether a finding is about an empty field.
pub(crate) fn is_gap(finding: &Finding) -> bool {
    let codes = [code::EMPTY, code::NO_LOCALITY, code::NO_CLUSTER];
    codes.iter().any(|code| code.id == finding.code)
}

/// A number of things: `1 error`, `2 errors`.
pub(crate) fn number(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    }
}

impl Counts {
    /// Counts findings.
    pub(crate) fn of(findings: &[Finding]) -> Self {
        let mut counts = Self::default();
        for finding in findings {
            match finding.severity {
                Severity::Error if is_gap(finding) => counts.gaps += 1,
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Hint => counts.hints += 1,
            }
        }
        counts
    }

    /// The status of the document in words.
    pub(crate) fn words(self) -> String {
        let mut parts = Vec::new();
        match (self.errors, self.gaps) {
            (0, 0) => parts.push("no errors".to_owned()),
            (0, gaps) => parts.push(format!("{gaps} to fill in")),
            (errors, 0) => parts.push(number(errors, "error")),
            (errors, gaps) => {
                parts.push(number(errors, "error"));
                parts.push(format!("{gaps} to fill in"));
            }
        }
        for (count, word) in [(self.warnings, "warning"), (self.hints, "hint")] {
            if count > 0 {
                parts.push(number(count, word));
            }
        }
        parts.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Counts;
    use crate::document::{start, value};
    use crate::workers::rendering::Checks;

    fn words(document: &Value) -> String {
        Counts::of(&Checks::of(document).findings).words()
    }

    #[test]
    fn the_status_in_words() {
        assert_eq!(words(&start::empty()), "8 to fill in · 2 hints");
        let mut document = start::walkthrough();
        assert_eq!(words(&document), "no errors · 2 warnings · 1 hint");
        value::set(&mut document, "spec.dns.suffix", json!("Bad"));
        assert_eq!(words(&document), "1 error");
        value::remove(&mut document, "spec.clusters[0].zone");
        assert_eq!(words(&document), "1 error · 1 to fill in");
    }
}
