//! What commands write.

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

/// What is wrong, and what goes away.
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// What may be wrong.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// What to do.
pub(super) const HINT: Style = AnsiColor::Cyan.on_default();
/// Headings.
pub(super) const HEADING: Style = Style::new().bold();
/// What comes.
pub(super) const ADDED: Style = AnsiColor::Green.on_default();
/// What goes.
pub(super) const REMOVED: Style = AnsiColor::Red.on_default();
/// What becomes otherwise.
pub(super) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// What need not be read.
pub(super) const QUIET: Style = Style::new().dimmed();

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document, or one on each line where a command reports as it goes.
    Json,
}

/// Standard output for people, without colours where it is not a terminal or `NO_COLOR` is set.
///
/// **Invariant**: but for [`data`], all output goes through this and [`stderr`]. Neither lets escape sequences of others
/// through; a value that may hold line breaks is made [`printable`] before.
pub(super) fn stdout() -> Guarded<anstream::AutoStream<io::StdoutLock<'static>>> {
    Guarded::new(anstream::stdout().lock())
}

/// Standard error, likewise.
pub(super) fn stderr() -> Guarded<anstream::AutoStream<io::StderrLock<'static>>> {
    Guarded::new(anstream::stderr().lock())
}

/// Standard output for documents and manifests, which programs read.
pub(super) fn data() -> io::StdoutLock<'static> {
    io::stdout().lock()
}

/// Writes one JSON document.
pub(super) fn json(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    writeln!(to, "{}", printable::json(&text))
}

/// Writes one JSON document on a line, at once: whoever reads it follows a run.
pub(super) fn json_line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value)?;
    writeln!(to, "{}", printable::json(&text))?;
    to.flush()
}

/// How many of a long list are named.
const NAMED: usize = 3;

/// `a, b, c and 95 more`.
pub(super) fn few(names: &[&str]) -> String {
    // One more is no longer than to say that there is one more.
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
