//! A report for people at a terminal.

use std::io::{self, Write};

use anstyle::Style;
use shared::verify::{Check, Drill, Family, Fault, Outcome, Report, faults};

use super::super::{ADDED, ERROR, HEADING, HINT, QUIET, WARNING, printable};
use super::matrix::{self, Matrix};
use super::{drill_line, drill_title};

/// Writes the tables, then the causes of checks that did not pass with hints, then the counts.
pub(in crate::cli) fn write(to: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(to, "{HEADING}mesh {}{HEADING:#}", printable(&report.mesh))?;
    let objects = report
        .checks
        .iter()
        .filter(|check| check.family == Family::Objects && check.host.is_empty());
    for check in objects {
        let words = if check.outcome == Outcome::Passed {
            check.seen.text.clone()
        } else {
            check.cell()
        };
        let style = style(check);
        writeln!(
            to,
            "  {}: objects {style}{}{style:#}",
            printable(&check.cluster),
            printable(&words)
        )?;
    }
    for matrix in matrix::of(&report.checks) {
        write_matrix(to, &matrix)?;
    }
    if let Some(drill) = &report.drill {
        write_drill(to, drill)?;
    }
    write_causes(to, &report.checks)?;
    let style = match report.outcome() {
        Outcome::Passed => ADDED,
        Outcome::Failed => ERROR,
        Outcome::CouldNotCheck => WARNING,
    };
    writeln!(to, "\n{style}{}{style:#}", report.summary())
}

fn style(check: &Check) -> Style {
    match (check.outcome, check.advisory) {
        (Outcome::Passed, _) => ADDED,
        (_, true) => QUIET,
        (Outcome::Failed, false) => ERROR,
        (Outcome::CouldNotCheck, false) => WARNING,
    }
}

fn write_matrix(to: &mut impl Write, matrix: &Matrix<'_>) -> io::Result<()> {
    let Matrix {
        title,
        columns,
        rows,
        left_out,
    } = matrix;
    writeln!(to, "\n{HEADING}{}{HEADING:#}", printable(title))?;
    let who = rows.iter().map(|(row, _)| row.chars().count()).max();
    let who = who.unwrap_or(0);
    // Text is padded before it is coloured, because escape sequences would count as width.
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = rows.iter().filter_map(|(_, cells)| cells[index]);
            let widest = cells.map(|check| check.cell().chars().count()).max();
            widest.unwrap_or(0).max(column.chars().count())
        })
        .collect();
    if !columns.is_empty() {
        let padded = columns.iter().zip(&widths);
        let padded = padded.map(|(column, width)| format!("  {:width$}", printable(column)));
        let line = format!("  {:who$}{}", "", padded.collect::<String>());
        writeln!(to, "{QUIET}{}{QUIET:#}", line.trim_end())?;
        for (row, cells) in rows {
            write!(to, "  {:who$}", printable(row))?;
            for (index, (check, width)) in cells.iter().zip(&widths).enumerate() {
                let (text, style) = check.map_or_else(
                    || ("-".to_owned(), QUIET),
                    |check| (check.cell(), style(check)),
                );
                // No padding after the last column.
                let width = if index + 1 == cells.len() { 0 } else { *width };
                write!(to, "  {style}{:width$}{style:#}", printable(&text))?;
            }
            writeln!(to)?;
        }
    }
    if *left_out > 0 {
        let who = rows.len();
        writeln!(
            to,
            "  {QUIET}{left_out} more names: ok for all {who}{QUIET:#}"
        )?;
    }
    Ok(())
}

fn write_drill(to: &mut impl Write, drill: &Drill) -> io::Result<()> {
    writeln!(
        to,
        "\n{HEADING}{}{HEADING:#}",
        printable(&drill_title(drill))
    )?;
    for client in &drill.clients {
        writeln!(
            to,
            "  {}: {}",
            printable(&client.cluster),
            printable(&drill_line(client))
        )?;
    }
    Ok(())
}

/// One entry for each cause.
fn write_causes(to: &mut impl Write, checks: &[Check]) -> io::Result<()> {
    for Fault { cause, checks } in faults(checks) {
        let Some(first) = checks.first() else {
            continue;
        };
        let (style, word) = (style(first), first.verdict());
        writeln!(
            to,
            "\n{style}{word}{style:#}{QUIET}[{}]{QUIET:#} {}",
            cause.code,
            printable(&cause.message)
        )?;
        let shown = if first.advisory { 1 } else { SHOWN };
        for check in checks.iter().take(shown) {
            writeln!(
                to,
                "  {} {}: {}; expected {}",
                check.family.as_str(),
                printable(&check.subject()),
                printable(&check.seen_in_words()),
                printable(&check.expected)
            )?;
        }
        if checks.len() > shown {
            writeln!(to, "  and {} more", checks.len() - shown)?;
        }
        writeln!(to, "  {HINT}hint:{HINT:#} {}", printable(&cause.hint))?;
    }
    Ok(())
}

/// Most checks that are listed for one cause; the tables show the others.
const SHOWN: usize = 5;
