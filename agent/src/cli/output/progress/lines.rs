//! A line of output for an event.

use std::io::{self, Write};

use shared::api::{Event, Outcome};
use shared::plan::Action;

use super::run::{Run, wait};
use crate::cli::output::{ADDED, CHANGED, ERROR, REMOVED, WARNING, printable};

/// Writes a finished or failed object, a wait, or the error of a cluster. Other events have no line.
pub(super) fn write(to: &mut impl Write, event: &Event, run: &Run) -> io::Result<()> {
    match event {
        Event::Object {
            cluster,
            object,
            outcome,
        } => {
            let (style, word) = match outcome {
                Outcome::Done { action } => match action {
                    Action::Create => (ADDED, "created"),
                    Action::Change => (CHANGED, "changed"),
                    Action::Delete => (REMOVED, "deleted"),
                    Action::Disown => (CHANGED, "disowned"),
                    // Hundreds of unchanged objects would hide the others; the summary counts them.
                    Action::Unchanged => return Ok(()),
                    Action::Adopt => (CHANGED, "adopted"),
                    Action::Conflict | Action::Rejected | Action::Blocked => {
                        (ERROR, action.as_str())
                    }
                },
                Outcome::Conflict { .. } => (ERROR, "conflict"),
                Outcome::Failed { .. } => (ERROR, "failed"),
                Outcome::Skipped { .. } => (WARNING, "skipped"),
            };
            let object = object.to_string();
            let object = printable(&object);
            let cluster = printable(cluster);
            write!(to, "{cluster}  {style}{word:8}{style:#}  {object}")?;
            match outcome.reason() {
                Some(why) => writeln!(to, ": {}", printable(&why)),
                None => writeln!(to),
            }
        }
        Event::Waiting { cluster, .. } => {
            let text = wait(event);
            let cluster = printable(cluster);
            let text = printable(&text);
            writeln!(to, "{cluster}  {WARNING}waiting {WARNING:#}  {text}")
        }
        Event::Ended {
            cluster,
            error: Some(error),
        } => {
            let word = ending(run, cluster);
            let cluster = printable(cluster);
            let error = printable(error);
            writeln!(to, "{cluster}  {ERROR}{word:8}{ERROR:#}  {error}")
        }
        Event::Started { .. }
        | Event::Wave { .. }
        | Event::Ended { error: None, .. }
        | Event::Finished { .. } => Ok(()),
    }
}

/// The result of a cluster with an error.
pub(super) fn ending(run: &Run, cluster: &str) -> &'static str {
    if run.has_begun(cluster) {
        "stopped"
    } else {
        "skipped"
    }
}
