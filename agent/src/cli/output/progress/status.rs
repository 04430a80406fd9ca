//! Status lines at the bottom of a terminal, which are redrawn.

use std::io::{self, IsTerminal as _, Write as _};

use terminal_size::{Height, Width};

use super::run::Run;
use crate::cli::output::printable;

/// Most clusters with a line of their own.
const MOST: usize = 8;
/// Width of terminals of unknown width.
const WIDTH: u16 = 80;
/// Height of terminals of unknown height.
const HEIGHT: u16 = 24;

/// Status lines on standard error. They have no colours, because cursor movements must pass when colours are removed.
pub(super) struct StatusLines {
    drawn: Vec<String>,
}

impl StatusLines {
    /// `None` if standard error is not a terminal, or is one that cannot move its cursor.
    pub(super) fn new() -> Option<Self> {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        (io::stderr().is_terminal() && !is_dumb).then(|| Self { drawn: Vec::new() })
    }

    /// Erases the lines; the cursor is at the start of the first line afterwards.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        if self.drawn.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.drawn).len();
        let mut stderr = io::stderr().lock();
        // Move up, to the first column, and erase to the end of the screen (ECMA-48).
        write!(stderr, "\x1b[{lines}A\r\x1b[J")?;
        stderr.flush()
    }

    /// Replaces the lines, unless they are unchanged.
    pub(super) fn draw(&mut self, run: &Run) -> io::Result<()> {
        let size = terminal_size::terminal_size_of(io::stderr());
        let (Width(width), Height(height)) = size.unwrap_or((Width(WIDTH), Height(HEIGHT)));
        let most = MOST.min(usize::from(height).saturating_sub(2));
        let lines: Vec<String> = run
            .status(most)
            .iter()
            .map(|line| fitting(line, usize::from(width)))
            .collect();
        if lines == self.drawn {
            return Ok(());
        }
        self.clear()?;
        let mut stderr = io::stderr().lock();
        for line in &lines {
            writeln!(stderr, "{line}")?;
        }
        self.drawn = lines;
        stderr.flush()
    }
}

/// Cuts a line to the width, because a line that the terminal wraps could not be erased.
fn fitting(line: &str, width: usize) -> String {
    let line = printable(line);
    let most = width.saturating_sub(1);
    if line.chars().count() <= most {
        return line.into_owned();
    }
    let kept: String = line.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn a_line_is_cut_to_the_width() {
        assert_eq!(fitting("abc", 4), "abc");
        assert_eq!(fitting("abcd", 4), "ab…");
        assert_eq!(fitting("a\nb\u{1b}", 80), "a\\nb\\u{1b}");
        assert_eq!(fitting("abc", 0), "…");
    }
}
