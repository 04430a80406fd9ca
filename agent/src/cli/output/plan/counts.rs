//! Counts of a plan by cluster, kind and action, in a table.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::Style;
use shared::plan::{Action, ClusterPlan, Plan};

use super::groups::few;
use super::kinds::{Ambiguous, Kind};
use super::{Detail, QUIET, words};
use crate::cli::output::table;

/// Most lines of the table. Beyond it, the kinds of a cluster share a line; then the remaining clusters do.
const MOST_LINES: usize = 30;
/// Columns before the counts.
const LABELS: usize = 2;

/// Counts by action, in the order of [`Action::AS_SHOWN`].
pub(super) type Counts = [usize; Action::AS_SHOWN.len()];

/// The counts of some clusters together.
pub(super) fn totals<'a>(clusters: impl IntoIterator<Item = &'a ClusterPlan>) -> Counts {
    let mut counts = Counts::default();
    for cluster in clusters {
        for step in &cluster.steps {
            counts[column(step.action)] += 1;
        }
    }
    counts
}

/// `1 to delete, 2 to change, 40 to create`.
pub(super) fn counts(counts: &Counts) -> String {
    let parts: Vec<String> = Action::AS_SHOWN
        .into_iter()
        .zip(counts)
        .filter(|(_, count)| **count > 0)
        .map(|(action, count)| {
            let words = words(action);
            let style = words.style;
            format!("{style}{count} {}{style:#}", words.counted)
        })
        .collect();
    if parts.is_empty() {
        "no objects, nothing to do".to_owned()
    } else {
        parts.join(", ")
    }
}

/// [`counts`] of the changes.
pub(in crate::cli) fn work<'a>(clusters: impl IntoIterator<Item = &'a ClusterPlan>) -> String {
    let mut totals = totals(clusters);
    totals[column(Action::Unchanged)] = 0;
    counts(&totals)
}

/// Clusters with the same counts of the same kinds.
struct Alike<'a> {
    clusters: Vec<&'a ClusterPlan>,
    kinds: Vec<(Kind<'a>, Counts)>,
}

/// Writes the table, unless there is nothing to do.
pub(super) fn write_table(to: &mut impl Write, plan: &Plan, detail: Detail) -> io::Result<()> {
    if !plan.has_changes() {
        return Ok(());
    }
    let rows = rows(plan, detail);
    let columns: Vec<usize> = (0..Action::AS_SHOWN.len())
        .filter(|column| rows.iter().any(|(_, counts)| counts[*column] > 0))
        .collect();
    let mut lines = vec![heading(&columns)];
    lines.extend(rows.iter().map(|(labels, counts)| {
        let numbers = columns.iter().map(|column| match counts[*column] {
            0 => "-".to_owned(),
            count => count.to_string(),
        });
        labels.iter().cloned().chain(numbers).collect()
    }));
    align_right(&mut lines);
    writeln!(to)?;
    table(to, &lines, |row, column| {
        let Some(column) = column.checked_sub(LABELS) else {
            return Style::new();
        };
        // The first line is the heading.
        match rows[row - 1].1[columns[column]] {
            0 => QUIET,
            _ => words(Action::AS_SHOWN[columns[column]]).style,
        }
    })
}

fn heading(columns: &[usize]) -> Vec<String> {
    let labels = ["cluster", "kind"].map(str::to_owned);
    let words = columns
        .iter()
        .map(|column| words(Action::AS_SHOWN[*column]).word.to_owned());
    labels.into_iter().chain(words).collect()
}

/// Aligns the columns of numbers to the right.
fn align_right(lines: &mut [Vec<String>]) {
    let columns = lines.first().map_or(0, Vec::len);
    for column in LABELS..columns {
        let width = lines.iter().map(|line| line[column].len()).max();
        let width = width.unwrap_or_default();
        for line in &mut *lines {
            line[column] = format!("{:>width$}", line[column]);
        }
    }
}

type Row = ([String; LABELS], Counts);

fn rows(plan: &Plan, detail: Detail) -> Vec<Row> {
    let alike = alike(plan);
    let ambiguous = Ambiguous::of(plan);
    let by_kind: Vec<Row> = alike
        .iter()
        .flat_map(|alike| rows_by_kind(alike, &ambiguous))
        .collect();
    if detail == Detail::Full || by_kind.len() <= MOST_LINES {
        return by_kind;
    }
    let (first, rest) = alike.split_at(alike.len().min(MOST_LINES));
    let mut rows: Vec<Row> = first
        .iter()
        .map(|alike| row(&alike.clusters, "all", sum(&alike.kinds)))
        .collect();
    if !rest.is_empty() {
        let clusters: Vec<_> = rest
            .iter()
            .flat_map(|alike| alike.clusters.clone())
            .collect();
        let counts = totals(clusters.iter().copied());
        rows.push(row(&clusters, "all", counts));
    }
    rows
}

/// Clusters with an error are not in the table; those with deletions or blockers come first.
fn alike(plan: &Plan) -> Vec<Alike<'_>> {
    let mut known: BTreeMap<Vec<(Kind<'_>, Counts)>, usize> = BTreeMap::new();
    let mut all: Vec<Alike<'_>> = Vec::new();
    for cluster in plan.clusters.iter().filter(|one| one.error.is_none()) {
        let mut kinds: BTreeMap<Kind<'_>, Counts> = BTreeMap::new();
        for step in &cluster.steps {
            let kind: Kind<'_> = (&step.object.kind, &step.object.group);
            let counts = kinds.entry(kind).or_default();
            counts[column(step.action)] += 1;
        }
        let kinds: Vec<_> = kinds.into_iter().collect();
        let at = *known.entry(kinds.clone()).or_insert(all.len());
        match all.get_mut(at) {
            Some(alike) => alike.clusters.push(cluster),
            None => all.push(Alike {
                clusters: vec![cluster],
                kinds,
            }),
        }
    }
    all.sort_by_key(|alike| {
        let counts = sum(&alike.kinds);
        let urgent = counts[column(Action::Delete)]
            + counts[column(Action::Blocked)]
            + counts[column(Action::Conflict)]
            + counts[column(Action::Rejected)];
        urgent == 0
    });
    all
}

/// Kinds that do not change share the last line.
fn rows_by_kind(alike: &Alike<'_>, ambiguous: &Ambiguous<'_>) -> Vec<Row> {
    let (unchanged, changed): (Vec<_>, Vec<_>) =
        alike.kinds.iter().copied().partition(|(_, counts)| {
            counts.iter().sum::<usize>() == counts[column(Action::Unchanged)]
        });
    let named = |(kind, counts): &(Kind<'_>, Counts)| (ambiguous.name(*kind), *counts);
    let mut kinds: Vec<(String, Counts)> = changed.iter().map(named).collect();
    match unchanged.as_slice() {
        [] => {}
        [one] => kinds.push(named(one)),
        several if kinds.is_empty() => kinds.push(("all".to_owned(), sum(several))),
        several => kinds.push(("other kinds".to_owned(), sum(several))),
    }
    if kinds.is_empty() {
        kinds.push(("-".to_owned(), Counts::default()));
    }
    let mut rows: Vec<Row> = Vec::new();
    for (kind, counts) in kinds {
        let mut row = row(&alike.clusters, &kind, counts);
        if !rows.is_empty() {
            row.0[0].clear();
        }
        rows.push(row);
    }
    rows
}

fn row(clusters: &[&ClusterPlan], kind: &str, counts: Counts) -> Row {
    let label = match clusters {
        [one] if one.context == one.name => one.name.clone(),
        [one] => format!("{} (context {})", one.name, one.context),
        _ => {
            let names: Vec<&str> = clusters.iter().map(|one| one.name.as_str()).collect();
            format!("{} clusters: {}", names.len(), few(&names, Detail::Folded))
        }
    };
    ([label, kind.to_owned()], counts)
}

fn sum(kinds: &[(Kind<'_>, Counts)]) -> Counts {
    let mut all = Counts::default();
    for (_, counts) in kinds {
        for (sum, count) in all.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    all
}

/// The place of an action in [`Action::AS_SHOWN`].
fn column(action: Action) -> usize {
    // It contains all actions.
    Action::AS_SHOWN
        .iter()
        .position(|one| *one == action)
        .unwrap_or_default()
}
