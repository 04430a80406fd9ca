//! Lines at the bottom of a terminal that are written anew.

use std::io::{self, IsTerminal as _, Write as _};

use terminal_size::{Height, Width};

use super::run::Run;
use crate::cli::output::printable;

/// Most clusters with a line of their own.
const MOST: usize = 8;
/// Of terminals that do not say how wide they are.
const WIDTH: u16 = 80;
/// The same of their height.
const HEIGHT: u16 = 24;

/// Lines on standard error. Without colours: cursor movements must get through where colours must not.
pub(super) struct StatusLines {
    drawn: Vec<String>,
}

impl StatusLines {
    /// None where standard error is no terminal, or one that cannot move its cursor.
    pub(super) fn new() -> Option<Self> {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        (io::stderr().is_terminal() && !is_dumb).then(|| Self { drawn: Vec::new() })
    }

    /// Takes the lines away; the cursor is where the first one began.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        if self.drawn.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.drawn).len();
        let mut stderr = io::stderr().lock();
        // Up, to the first column, and erase to the end of the screen (ECMA-48).
        write!(stderr, "\x1b[{lines}A\r\x1b[J")?;
        stderr.flush()
    }

    /// Writes the lines in place of the last ones, unless they are the same.
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

/// A line that is broken by the terminal could not be taken away.
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
    fn a_line_stays_on_its_line() {
        assert_eq!(fitting("abc", 4), "abc");
        assert_eq!(fitting("abcd", 4), "ab…");
        assert_eq!(fitting("a\nb\u{1b}", 80), "a\\nb\\u{1b}");
        assert_eq!(fitting("abc", 0), "…");
    }
}
