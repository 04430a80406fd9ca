//! A report in GitHub's Markdown, for a pull request or a ticket.

use std::io::{self, Write};

use shared::verify::{Check, Outcome, Report};

use super::super::printable;
use super::matrix;
use super::{drill_line, drill_title};

/// Writes the counts, the tables, and the checks that did not pass.
pub(in crate::cli) fn write(to: &mut impl Write, report: &Report) -> io::Result<()> {
    let word = match report.outcome() {
        Outcome::Passed => "✅",
        Outcome::Failed => "❌",
        Outcome::CouldNotCheck => "⚠️",
    };
    writeln!(to, "## {word} mesh {}", escaped(&report.mesh))?;
    writeln!(to, "\n{}", report.summary())?;
    for matrix in matrix::of(&report.checks) {
        writeln!(to, "\n### {}\n", escaped(&matrix.title))?;
        if !matrix.columns.is_empty() {
            let columns: Vec<String> = matrix.columns.iter().map(|c| escaped(c)).collect();
            writeln!(to, "| | {} |", columns.join(" | "))?;
            writeln!(to, "|---|{}", "---|".repeat(columns.len()))?;
            for (row, cells) in &matrix.rows {
                let cells: Vec<String> = cells.iter().map(|check| marked(*check)).collect();
                writeln!(to, "| {} | {} |", escaped(row), cells.join(" | "))?;
            }
        }
        if matrix.left_out > 0 {
            writeln!(to, "\n{} more names are ok everywhere.", matrix.left_out)?;
        }
    }
    if let Some(drill) = &report.drill {
        writeln!(to, "\n### {}\n", escaped(&drill_title(drill)))?;
        for client in &drill.clients {
            writeln!(
                to,
                "- {}: {}",
                escaped(&client.cluster),
                escaped(&drill_line(client))
            )?;
        }
    }
    let off: Vec<&Check> = report
        .checks
        .iter()
        .filter(|check| check.outcome != Outcome::Passed)
        .collect();
    if off.is_empty() {
        return Ok(());
    }
    writeln!(
        to,
        "\n### Checks that did not pass\n\n| check | expected | observed | cause | hint |\n|---|---|---|---|---|"
    )?;
    for check in off {
        let (cause, hint) = check.cause.as_ref().map_or(("", ""), |cause| {
            (cause.message.as_str(), cause.hint.as_str())
        });
        let subject = format!("{} {}", check.family.as_str(), check.subject());
        let texts = [
            &subject,
            &check.expected,
            &check.seen_in_words(),
            cause,
            hint,
        ]
        .map(escaped);
        writeln!(to, "| {} |", texts.join(" | "))?;
    }
    Ok(())
}

fn marked(check: Option<&Check>) -> String {
    let Some(check) = check else {
        return "–".to_owned();
    };
    let text = escaped(&check.cell());
    match (check.outcome, check.advisory) {
        (Outcome::Failed, false) => format!("**{text}**"),
        (Outcome::CouldNotCheck, false) => format!("*{text}*"),
        _ => text,
    }
}

/// Escapes text to one line without markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in printable(text).chars() {
        match c {
            '\n' | '\t' => escaped.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '<' | '[' | ']' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}
