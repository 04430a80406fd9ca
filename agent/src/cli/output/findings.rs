//! Findings, for people.

use std::io::{self, Write};

use shared::check::{Finding, Severity};

use super::{ERROR, HINT, QUIET, WARNING, printable};

/// Writes findings in their order, each with its hint.
pub(in crate::cli) fn findings<'a>(
    to: &mut impl Write,
    findings: impl IntoIterator<Item = &'a Finding>,
) -> io::Result<()> {
    for finding in findings {
        let style = match finding.severity {
            Severity::Error => ERROR,
            Severity::Warning => WARNING,
            Severity::Hint => HINT,
        };
        let place = if finding.path.is_empty() {
            String::new()
        } else {
            format!(" {}:", finding.path)
        };
        writeln!(
            to,
            "{style}{}{style:#}{QUIET}[{}]{QUIET:#}{place} {}",
            finding.severity.as_str(),
            finding.code,
            printable(&finding.message),
        )?;
        if !finding.hint.is_empty() {
            writeln!(to, "  {HINT}hint:{HINT:#} {}", printable(&finding.hint))?;
        }
    }
    Ok(())
}

/// Tells people on standard error what may go wrong although the document can be rendered.
pub(in crate::cli) fn warnings(found: &[Finding]) -> io::Result<()> {
    findings(
        &mut super::stderr(),
        found
            .iter()
            .filter(|finding| finding.severity != Severity::Hint),
    )
}
