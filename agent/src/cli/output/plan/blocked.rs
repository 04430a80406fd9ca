//! Blocked clusters, and objects that an apply skips.

use std::collections::HashMap;
use std::io::{self, Write};

use shared::plan::decisions;
use shared::plan::{Action, Plan};

use super::groups::{self, Group, few, in_clusters};
use super::{Detail, ERROR, QUIET, Words, counted, printable, words, write_groups};

/// Most clusters with an error that are listed without `--full`.
const CLUSTERS: usize = 10;

/// Writes clusters without a plan, objects that block their clusters, conflicts, and rejected objects.
pub(super) fn write(to: &mut impl Write, plan: &Plan, detail: Detail) -> io::Result<()> {
    write_clusters(to, plan, detail)?;
    let blocked = groups::of(plan, &[Action::Blocked]);
    if !blocked.is_empty() {
        let objects = counted(objects(&blocked), "object");
        writeln!(to, "\n{ERROR}BLOCKED{ERROR:#} by {objects}")?;
        for same in by_message(&blocked) {
            write_head(to, &same, detail)?;
        }
    }
    let conflicts = groups::of(plan, &[Action::Conflict]);
    let rejected = groups::of(plan, &[Action::Rejected]);
    let count = objects(&conflicts) + objects(&rejected);
    if count == 0 {
        return Ok(());
    }
    let skipped = counted(count, "object");
    writeln!(
        to,
        "\n{ERROR}SKIPPED{ERROR:#} {skipped} and their dependents"
    )?;
    if detail == Detail::Summary {
        for group in &conflicts {
            write_head(to, &[group], detail)?;
        }
    } else {
        write_groups(to, &conflicts, detail)?;
    }
    write_remedies(to, &conflicts)?;
    for same in by_message(&rejected) {
        write_head(to, &same, detail)?;
    }
    Ok(())
}

/// Writes the ways to resolve conflicts, with the first conflict as the example.
fn write_remedies(to: &mut impl Write, conflicts: &[Group<'_>]) -> io::Result<()> {
    let Some(step) = conflicts.first().map(|group| group.step) else {
        return Ok(());
    };
    let Some(conflict) = step.conflicts.first() else {
        return Ok(());
    };
    let field = decisions::field_of(&step.object, &conflict.field);
    writeln!(
        to,
        "  {QUIET}to take over a field, use --take-over '{}'; to leave it to its manager, add it to \
         spec.ignore{QUIET:#}",
        printable(&field)
    )
}

fn objects(groups: &[Group<'_>]) -> usize {
    groups.iter().map(|group| group.clusters.len()).sum()
}

fn write_clusters(to: &mut impl Write, plan: &Plan, detail: Detail) -> io::Result<()> {
    let failed: Vec<_> = plan
        .clusters
        .iter()
        .filter_map(|cluster| Some((cluster, cluster.error.as_deref()?)))
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let count = counted(failed.len(), "cluster");
    writeln!(to, "\n{ERROR}BLOCKED{ERROR:#} {count} without a plan")?;
    let shown = if detail == Detail::Full {
        failed.len()
    } else {
        failed.len().min(CLUSTERS)
    };
    for (cluster, error) in &failed[..shown] {
        let name = printable(&cluster.name);
        writeln!(to, "  {ERROR}! {name}{ERROR:#} {}", printable(error))?;
    }
    let rest: Vec<&str> = failed[shown..]
        .iter()
        .map(|(cluster, _)| cluster.name.as_str())
        .collect();
    if !rest.is_empty() {
        let rest = few(&rest, detail);
        writeln!(to, "  {ERROR}!{ERROR:#} {}", printable(&rest))?;
    }
    Ok(())
}

/// Groups rejected objects by kind, message and clusters: without its CustomResourceDefinition, all objects of a kind
/// are rejected.
fn by_message<'a, 'b>(rejected: &'b [Group<'a>]) -> Vec<Vec<&'b Group<'a>>> {
    let mut known = HashMap::new();
    let mut all: Vec<Vec<&Group<'a>>> = Vec::new();
    for group in rejected {
        let step = group.step;
        let same = (&step.object.kind, &step.message, &group.clusters);
        let at = *known.entry(same).or_insert(all.len());
        match all.get_mut(at) {
            Some(groups) => groups.push(group),
            None => all.push(vec![group]),
        }
    }
    all
}

/// Writes objects of one kind with the same blocker, without diffs.
fn write_head(to: &mut impl Write, same: &[&Group<'_>], detail: Detail) -> io::Result<()> {
    let [first, ..] = same else { return Ok(()) };
    let Words {
        mark, style, word, ..
    } = words(first.step.action);
    let objects = if same.len() == 1 {
        first.step.object.to_string()
    } else {
        let names: Vec<String> = same
            .iter()
            .map(|group| {
                let object = &group.step.object;
                match object.namespace.as_str() {
                    "" => object.name.clone(),
                    namespace => format!("{namespace}/{}", object.name),
                }
            })
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let kind = &first.step.object.kind;
        format!("{} {kind}: {},", same.len(), few(&names, detail))
    };
    let clusters = in_clusters(&first.clusters, detail);
    writeln!(
        to,
        "  {style}{mark} {word}{style:#} {} {}",
        printable(&objects),
        printable(&clusters)
    )?;
    first.write_blockers(to)
}
