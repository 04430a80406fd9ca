//! The progress of an apply, and its report.
//!
//! On a terminal, status lines are redrawn below the lines of errors and waits. Elsewhere, each object has a line. For
//! programs, each event is a line of JSON.

mod lines;
mod report;
mod run;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use shared::api::{Event, Outcome, Report, WaitReason};

use super::Format;
use run::Run;
use status::StatusLines;

/// Interval in which [`Show::tick`] must be called.
pub(in crate::cli) const TICK: Duration = Duration::from_millis(200);
/// After this time without output, a line reports the progress.
const SILENCE: Duration = Duration::from_secs(10);
/// Shortest time between two lines for the same reason to wait in the same cluster.
const BETWEEN_WAITS: Duration = Duration::from_secs(10);

/// Shows the progress of a run. Failed writes are ignored, so that a closed pipe does not stop an apply half-way.
pub(in crate::cli) struct Show {
    format: Format,
    status: Option<StatusLines>,
    run: Run,
    last_line: Instant,
    last_waits: BTreeMap<(String, WaitReason), Instant>,
}

impl Show {
    /// Shows events in `format`, with status lines on a terminal.
    pub(in crate::cli) fn new(format: Format) -> Self {
        let is_watched = match format {
            Format::Text => io::stdout().is_terminal(),
            // On the same terminal, status lines would mix with the events.
            Format::Json => !io::stdout().is_terminal(),
        };
        Self {
            format,
            status: is_watched.then(StatusLines::new).flatten(),
            run: Run::default(),
            last_line: Instant::now(),
            last_waits: BTreeMap::new(),
        }
    }

    /// Handles an event, and writes its line if it has one.
    pub(in crate::cli) fn event(&mut self, event: &Event) {
        self.run.take(event);
        if self.format == Format::Json {
            _ = super::json_line(&mut super::stdout(), event);
        } else if self.has_line(event) {
            self.clear_status();
            _ = lines::write(&mut super::stdout(), event, &self.run);
            self.last_line = Instant::now();
            self.redraw();
        }
    }

    /// Redraws the status lines, or reports the progress after a time without output.
    pub(in crate::cli) fn tick(&mut self) {
        if self.status.is_some() {
            self.redraw();
        } else if self.format == Format::Text && self.last_line.elapsed() >= SILENCE {
            self.last_line = Instant::now();
            _ = writeln!(super::stdout(), "{}", self.run.in_one_line());
        }
    }

    /// Prints a notice to standard error.
    pub(in crate::cli) fn notice(&mut self, text: &str) {
        self.clear_status();
        _ = writeln!(super::stderr(), "{text}");
        self.redraw();
    }

    /// Clears the status lines and writes the report, which programs get as the last event.
    pub(in crate::cli) fn finish(mut self, report: &Report) -> io::Result<()> {
        self.clear_status();
        match self.format {
            Format::Text => report::write(&mut super::stdout(), report, &self.run),
            Format::Json => Ok(()),
        }
    }

    fn has_line(&mut self, event: &Event) -> bool {
        if let Event::Waiting {
            cluster, reason, ..
        } = event
        {
            return self.is_new_wait(cluster, *reason);
        }
        let is_done = matches!(
            event,
            Event::Object {
                outcome: Outcome::Done { .. },
                ..
            }
        );
        // The status lines count these objects.
        !(is_done && self.status.is_some())
    }

    fn is_new_wait(&mut self, cluster: &str, reason: WaitReason) -> bool {
        let now = Instant::now();
        let last = self.last_waits.entry((cluster.to_owned(), reason));
        let mut is_new = false;
        let last = last.or_insert_with(|| {
            is_new = true;
            now
        });
        if !is_new && now.duration_since(*last) >= BETWEEN_WAITS {
            *last = now;
            is_new = true;
        }
        is_new
    }

    fn clear_status(&mut self) {
        if let Some(status) = &mut self.status {
            _ = status.clear();
        }
    }

    fn redraw(&mut self) {
        if let Some(status) = &mut self.status {
            _ = status.draw(&self.run);
        }
    }
}
