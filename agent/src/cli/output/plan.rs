//! A plan, for people: counts first, then what goes, what stands in the way, and the rest.

use std::io::{self, Write};

use anstyle::Style;
use shared::plan::{Action, ClusterPlan, Plan, Step};

use super::{ADDED, CHANGED, ERROR, HEADING, QUIET, REMOVED, printable};

/// The order in which a person has to see them; unchanged objects are only counted.
const ORDER: [Action; 8] = [
    Action::Delete,
    Action::Conflict,
    Action::Rejected,
    Action::Blocked,
    Action::Disown,
    Action::Adopt,
    Action::Change,
    Action::Create,
];

/// Writes the whole plan, diffs included.
pub(in crate::cli) fn write(to: &mut impl Write, plan: &Plan) -> io::Result<()> {
    write_counts(to, plan)?;
    for cluster in &plan.clusters {
        if cluster
            .steps
            .iter()
            .all(|step| step.action == Action::Unchanged)
        {
            continue;
        }
        writeln!(to, "\n{HEADING}cluster {}{HEADING:#}", cluster.name)?;
        for action in ORDER {
            for step in cluster.steps.iter().filter(|step| step.action == action) {
                write_step(to, step)?;
            }
        }
    }
    if plan.can_be_applied() && !plan.has_changes() {
        writeln!(to, "\nNothing to change.")?;
    }
    Ok(())
}

/// Writes the counts, and whatever stands in the way.
pub(in crate::cli) fn write_summary(to: &mut impl Write, plan: &Plan) -> io::Result<()> {
    write_counts(to, plan)?;
    for (cluster, step) in plan.steps().filter(|(_, step)| step.action.is_skipped()) {
        write!(to, "{cluster}:")?;
        write_step(to, step)?;
    }
    Ok(())
}

fn write_counts(to: &mut impl Write, plan: &Plan) -> io::Result<()> {
    writeln!(to, "{HEADING}mesh {}{HEADING:#}", plan.mesh)?;
    for cluster in &plan.clusters {
        let ClusterPlan {
            name,
            context,
            error,
            ..
        } = cluster;
        let context = if context == name {
            String::new()
        } else {
            format!(" (context {})", printable(context))
        };
        match error {
            Some(error) => writeln!(
                to,
                "  {name}{context}: {ERROR}{}{ERROR:#}",
                printable(error)
            )?,
            None => writeln!(to, "  {name}{context}: {}", counts(cluster))?,
        }
    }
    Ok(())
}

fn counts(cluster: &ClusterPlan) -> String {
    let words = [
        (Action::Delete, "to delete", REMOVED),
        (Action::Conflict, "in conflict", ERROR),
        (Action::Rejected, "rejected", ERROR),
        (Action::Disown, "to disown", CHANGED),
        (Action::Adopt, "to adopt", CHANGED),
        (Action::Blocked, "blocked", ERROR),
        (Action::Change, "to change", CHANGED),
        (Action::Create, "to create", ADDED),
        (Action::Unchanged, "unchanged", QUIET),
    ];
    let parts: Vec<String> = words
        .into_iter()
        .filter_map(|(action, word, style)| match cluster.count(action) {
            0 => None,
            count => Some(format!("{style}{count} {word}{style:#}")),
        })
        .collect();
    if parts.is_empty() {
        "nothing there, nothing to do".to_owned()
    } else {
        parts.join(", ")
    }
}

fn write_step(to: &mut impl Write, step: &Step) -> io::Result<()> {
    let (mark, style, word) = match step.action {
        Action::Create => ("+", ADDED, "create"),
        Action::Change => ("~", CHANGED, "change"),
        Action::Unchanged => (" ", QUIET, "unchanged"),
        Action::Delete => ("-", ERROR, "DELETE"),
        Action::Disown => ("-", CHANGED, "disown (stays, without our labels)"),
        Action::Adopt => ("~", CHANGED, "ADOPT"),
        Action::Blocked => ("!", ERROR, "BLOCKED"),
        Action::Conflict => ("!", ERROR, "CONFLICT"),
        Action::Rejected => ("!", ERROR, "REJECTED"),
    };
    writeln!(to, "  {style}{mark} {word}{style:#} {}", step.object)?;
    for conflict in &step.conflicts {
        writeln!(
            to,
            "      {} is managed by {}",
            printable(&conflict.field),
            printable(&conflict.manager)
        )?;
    }
    if let Some(message) = &step.message {
        writeln!(to, "      {}", printable(message))?;
    }
    for line in printable(&step.diff).lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => ADDED,
            Some(b'-') => REMOVED,
            Some(b'@') => QUIET,
            _ => Style::new(),
        };
        writeln!(to, "      {style}{line}{style:#}")?;
    }
    Ok(())
}
