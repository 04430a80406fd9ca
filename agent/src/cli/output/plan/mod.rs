//! A plan, for people: a table of counts first, then deletions and blockers, then changes with their diffs.
//!
//! Clusters with equal steps share a line or a diff, so that a plan of a hundred clusters stays readable.

mod blocked;
mod counts;
mod difference;
mod drift;
mod fold;
mod groups;
mod kinds;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use anstyle::Style;
use shared::plan::{Action, Plan};

use super::{ADDED, CHANGED, ERROR, HEADING, QUIET, REMOVED, counted, few, printable};
use counts::{counts, totals};
use groups::{Budget, Group};

pub(in crate::cli) use counts::work;
pub(in crate::cli) use difference::write_difference;

/// The level of detail of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Detail {
    /// Counts, deletions and blockers, for logs.
    Summary,
    /// Also diffs of changes and blockers, up to one or two screens.
    Folded,
    /// Every diff and every object.
    Full,
}

/// Most lines of diffs without `--full`, for changes and blockers each.
const DIFF_LINES: usize = 60;

/// Writes a plan.
pub(in crate::cli) fn write(to: &mut impl Write, plan: &Plan, detail: Detail) -> io::Result<()> {
    writeln!(
        to,
        "{HEADING}mesh {}, plan {}{HEADING:#}",
        printable(&plan.mesh),
        plan.short_id()
    )?;
    writeln!(
        to,
        "{}: {}",
        counted(plan.clusters.len(), "cluster"),
        counts(&totals(&plan.clusters))
    )?;
    counts::write_table(to, plan, detail)?;
    write_folded(to, plan, Action::Delete, detail)?;
    blocked::write(to, plan, detail)?;
    if detail != Detail::Summary {
        write_changes(to, plan, Action::Adopt, detail)?;
        write_folded(to, plan, Action::Disown, detail)?;
        write_changes(to, plan, Action::Change, detail)?;
        write_folded(to, plan, Action::Create, detail)?;
    }
    drift::write(to, plan, detail)?;
    if plan.can_be_applied() && !plan.has_changes() {
        writeln!(to, "\nNothing to change.")?;
    }
    Ok(())
}

/// Writes the objects of one action: a line per kind and namespace, or with `--full` each object with its diff.
fn write_folded(
    to: &mut impl Write,
    plan: &Plan,
    action: Action,
    detail: Detail,
) -> io::Result<()> {
    let count = plan.steps().filter(|(_, step)| step.action == action);
    let count = count.count();
    if count == 0 {
        return Ok(());
    }
    let Words {
        mark,
        style,
        heading,
        ..
    } = words(action);
    writeln!(
        to,
        "\n{style}{heading}{style:#} {}",
        counted(count, "object")
    )?;
    if detail == Detail::Full {
        for group in groups::of(plan, &[action]) {
            group.write(to, detail, &mut Budget::unlimited())?;
        }
        return Ok(());
    }
    for fold in fold::folds(plan, action) {
        writeln!(to, "  {style}{mark}{style:#} {fold}")?;
    }
    Ok(())
}

fn write_changes(
    to: &mut impl Write,
    plan: &Plan,
    action: Action,
    detail: Detail,
) -> io::Result<()> {
    let groups = groups::of(plan, &[action]);
    if groups.is_empty() {
        return Ok(());
    }
    let count: usize = groups.iter().map(|group| group.clusters.len()).sum();
    let Words { style, heading, .. } = words(action);
    writeln!(
        to,
        "\n{style}{heading}{style:#} {}",
        counted(count, "object")
    )?;
    write_groups(to, &groups, detail)
}

/// Writes groups with their diffs within the budget, then which groups are not shown.
fn write_groups(to: &mut impl Write, groups: &[Group<'_>], detail: Detail) -> io::Result<()> {
    let mut budget = match detail {
        Detail::Summary => Budget::of_lines(0),
        Detail::Folded => Budget::of_lines(DIFF_LINES),
        Detail::Full => Budget::unlimited(),
    };
    let mut left = groups;
    while let [group, rest @ ..] = left {
        if budget.is_spent() {
            let objects: Vec<String> = left
                .iter()
                .map(|group| group.step.object.to_string())
                .collect();
            let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
            let few = few(&objects);
            let few = printable(&few);
            writeln!(
                to,
                "  {QUIET}not shown: {few}; use --full to show all{QUIET:#}"
            )?;
            break;
        }
        group.write(to, detail, &mut budget)?;
        left = rest;
    }
    Ok(())
}

/// How an action is shown, never by its colour alone.
struct Words {
    mark: char,
    style: Style,
    /// Mark before an object.
    word: &'static str,
    /// Heading above several objects.
    heading: &'static str,
    /// Words after a count.
    counted: &'static str,
}

const fn words(action: Action) -> Words {
    let (mark, style, word, heading, counted) = match action {
        Action::Delete => ('-', ERROR, "DELETE", "DELETE", "to delete"),
        Action::Blocked => ('!', ERROR, "BLOCKED", "BLOCKED", "blocked"),
        Action::Adopt => ('~', CHANGED, "ADOPT", "ADOPT", "to adopt"),
        Action::Conflict => ('!', ERROR, "CONFLICT", "CONFLICT", "in conflict"),
        Action::Rejected => ('!', ERROR, "REJECTED", "REJECTED", "rejected"),
        Action::Disown => (
            '-',
            CHANGED,
            "disown",
            "Disown (labels removed, object kept)",
            "to disown",
        ),
        Action::Change => ('~', CHANGED, "change", "Change", "to change"),
        Action::Create => ('+', ADDED, "create", "Create", "to create"),
        Action::Unchanged => (' ', QUIET, "unchanged", "Unchanged", "unchanged"),
    };
    Words {
        mark,
        style,
        word,
        heading,
        counted,
    }
}

/// The colour of a line of a diff.
fn diff_style(line: &str) -> Style {
    match line.as_bytes().first() {
        Some(b'+') => ADDED,
        Some(b'-') => REMOVED,
        Some(b'@') => QUIET,
        _ => Style::new(),
    }
}
