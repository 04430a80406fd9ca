//! Findings and syntax errors of a document, for people.

use std::io::{self, Write};

use shared::check::{Finding, Severity};
use shared::mesh::ReadErrors;

use super::{ERROR, HEADING, HINT, QUIET, WARNING, printable};
use crate::cli::origin::Origin;

/// Writes findings in their order, each with its hint and its line in the document.
pub(in crate::cli) fn findings<'a>(
    to: &mut impl Write,
    origin: Option<&Origin>,
    findings: impl IntoIterator<Item = &'a Finding>,
) -> io::Result<()> {
    let Some(origin) = origin else {
        return findings.into_iter().try_for_each(|one| finding(to, one));
    };
    for placed in origin.placed(findings) {
        let line = placed.place.map(|place| place.line);
        let column = placed.place.map(|place| place.column);
        at(to, &origin.file, line, column)?;
        finding(to, placed.finding)?;
    }
    Ok(())
}

/// Writes `mesh.yaml:12:7: `, with line and column if they are known.
fn at(to: &mut impl Write, file: &str, line: Option<u64>, column: Option<u64>) -> io::Result<()> {
    write!(to, "{HEADING}{}", printable(file))?;
    for number in [line, column].into_iter().flatten() {
        write!(to, ":{number}")?;
    }
    write!(to, ":{HEADING:#} ")
}

fn finding(to: &mut impl Write, finding: &Finding) -> io::Result<()> {
    let style = match finding.severity {
        Severity::Error => ERROR,
        Severity::Warning => WARNING,
        Severity::Hint => HINT,
    };
    let place = if finding.path.is_empty() {
        String::new()
    } else {
        format!(" {}:", printable(&finding.path))
    };
    writeln!(
        to,
        "{style}{}{style:#}{QUIET}[{}]{QUIET:#}{place} {}",
        finding.severity.as_str(),
        finding.code,
        printable(&finding.message),
    )?;
    hint(to, &finding.hint)
}

fn hint(to: &mut impl Write, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    writeln!(to, "  {HINT}hint:{HINT:#} {}", printable(text))
}

/// Writes the errors of a file that is not a document.
pub(in crate::cli) fn read_errors(
    to: &mut impl Write,
    file: &str,
    errors: &ReadErrors,
) -> io::Result<()> {
    for error in errors.iter() {
        at(to, file, error.line, error.column)?;
        write!(to, "{ERROR}error:{ERROR:#} ")?;
        if !error.path.is_empty() {
            write!(to, "{}: ", printable(&error.path))?;
        }
        writeln!(to, "{}", printable(&error.message))?;
        hint(to, &error.hint)?;
    }
    Ok(())
}

/// Writes errors and warnings of a document that can be rendered to standard error.
pub(in crate::cli) fn warnings(origin: Option<&Origin>, found: &[Finding]) -> io::Result<()> {
    let found = found.iter();
    let warnings = found.filter(|finding| finding.severity != Severity::Hint);
    findings(&mut super::stderr(), origin, warnings)
}
