//! How an apply goes on, and how it went.

use std::io::{self, Write};

use shared::api::{ClusterReport, Event, Outcome, Report};
use shared::plan::Action;

use super::{ADDED, CHANGED, ERROR, HEADING, QUIET, REMOVED, printable};

/// Writes a line for an object that is done; other events say nothing that a person needs.
pub(in crate::cli) fn write(to: &mut impl Write, event: &Event) -> io::Result<()> {
    match event {
        Event::Object {
            cluster,
            object,
            outcome: Outcome::Done { action },
        } => {
            let (style, word) = match action {
                Action::Create => (ADDED, "created"),
                Action::Change => (CHANGED, "changed"),
                Action::Delete => (REMOVED, "deleted"),
                Action::Release => (CHANGED, "released"),
                // Hundreds of them would hide the others; the summary counts them.
                Action::Unchanged => return Ok(()),
                Action::Conflict | Action::Rejected => (ERROR, action.as_str()),
            };
            writeln!(to, "{cluster}  {style}{word:8}{style:#}  {object}")
        }
        Event::Object {
            cluster,
            object,
            outcome: Outcome::Conflict { conflicts },
        } => {
            writeln!(to, "{cluster}  {ERROR}conflict{ERROR:#}  {object}")?;
            for conflict in conflicts {
                writeln!(
                    to,
                    "    {} is managed by {}",
                    printable(&conflict.field),
                    printable(&conflict.manager)
                )?;
            }
            Ok(())
        }
        Event::Object {
            cluster,
            object,
            outcome: Outcome::Failed { message },
        } => {
            writeln!(
                to,
                "{cluster}  {ERROR}failed  {ERROR:#}  {object}: {}",
                printable(message)
            )
        }
        Event::Ended {
            cluster,
            error: Some(error),
        } => {
            writeln!(
                to,
                "{cluster}  {ERROR}stopped {ERROR:#}  {}",
                printable(error)
            )
        }
        Event::Started { .. }
        | Event::Wave { .. }
        | Event::Ended { error: None, .. }
        | Event::Waiting { .. }
        | Event::Finished { .. } => Ok(()),
    }
}

/// Writes a line for each cluster.
pub(in crate::cli) fn write_report(to: &mut impl Write, report: &Report) -> io::Result<()> {
    for cluster in &report.clusters {
        // No `..`: a new count is not to be forgotten here.
        let ClusterReport {
            name,
            error,
            created,
            changed,
            unchanged,
            deleted,
            released,
            failed,
        } = cluster;
        let counts = [
            (*created, "created", ADDED),
            (*changed, "changed", CHANGED),
            (*deleted, "deleted", REMOVED),
            (*released, "released", CHANGED),
            (*failed, "failed", ERROR),
            (*unchanged, "unchanged", QUIET),
        ];
        let mut parts: Vec<String> = counts
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, word, style)| format!("{style}{count} {word}{style:#}"))
            .collect();
        if let Some(error) = error {
            parts.push(format!("{ERROR}stopped: {}{ERROR:#}", printable(error)));
        }
        let text = if parts.is_empty() {
            "nothing to do".to_owned()
        } else {
            parts.join(", ")
        };
        writeln!(to, "{HEADING}{name}{HEADING:#}: {text}")?;
    }
    Ok(())
}
