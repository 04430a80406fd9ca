//! The output of commands.

mod each_part;
mod earlier;
pub(super) mod findings;
pub(super) mod folder;
pub(super) mod follow;
pub(super) mod plan;
pub(super) mod progress;
pub(super) mod status;
mod table;
pub(super) mod target;
pub(super) mod verify;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

use crate::printable::{self, Guarded};
pub(super) use crate::printable::{paragraph, printable};

pub(super) use each_part::each_part;
pub(super) use findings::{findings, read_errors, warnings};
pub(super) use table::table;
pub(super) use target::{Target, WriteError, Written};

/// Errors and removals.
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Warnings.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Hints.
pub(super) const HINT: Style = AnsiColor::Cyan.on_default();
/// Headings.
pub(super) const HEADING: Style = Style::new().bold();
/// Additions.
pub(super) const ADDED: Style = AnsiColor::Green.on_default();
/// Deletions.
pub(super) const REMOVED: Style = AnsiColor::Red.on_default();
/// Changes.
pub(super) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// Secondary text.
pub(super) const QUIET: Style = Style::new().dimmed();

/// The output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document, or one per line for commands that report progress.
    Json,
}

/// Standard output for people, without colours if it is not a terminal or `NO_COLOR` is set.
///
/// **Invariant**: all output except [`data`] goes through this and [`stderr`]. Both remove escape sequences of other
/// sources; values that may contain line breaks are made [`printable`] first.
pub(super) fn stdout() -> Guarded<anstream::AutoStream<io::StdoutLock<'static>>> {
    Guarded::new(anstream::stdout().lock())
}

/// Standard error for people, with the same properties as [`stdout`].
pub(super) fn stderr() -> Guarded<anstream::AutoStream<io::StderrLock<'static>>> {
    Guarded::new(anstream::stderr().lock())
}

/// Standard output for documents and manifests, without a filter.
pub(super) fn data() -> io::StdoutLock<'static> {
    io::stdout().lock()
}

/// Writes one JSON document.
pub(super) fn json(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    writeln!(to, "{}", printable::json(&text))
}

/// Writes one JSON document on a line and flushes it, since its reader follows a run.
pub(super) fn json_line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value)?;
    writeln!(to, "{}", printable::json(&text))?;
    to.flush()
}

/// Names that are printed of a long list.
const NAMED: usize = 3;

/// `a, b, c and 95 more`.
pub(super) fn few(names: &[&str]) -> String {
    // "and 1 more" would save no space.
    if names.len() <= NAMED + 1 {
        return names.join(", ");
    }
    let more = names.len() - NAMED;
    format!("{} and {more} more", names[..NAMED].join(", "))
}

/// `1 cluster`, `2 clusters`.
pub(super) fn counted(count: usize, one: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {one}s")
    }
}
