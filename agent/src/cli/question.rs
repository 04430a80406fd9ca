//! Questions on the terminal before a change.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use super::failure::Failure;
use super::output;

/// Fails without a terminal; `hint` names the option to use instead.
pub(super) fn needs_terminal(hint: &'static str) -> Result<(), Failure> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::Usage {
        message: "cannot ask for confirmation without a terminal".to_owned(),
        hint,
    })
}

/// Asks a yes/no question; any answer but yes declines.
pub(super) fn ask(question: &str) -> Result<(), Failure> {
    let answer = answer(&format!("{question} [y/N] "))?;
    accept(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a word; any other answer declines.
pub(super) fn ask_for(question: &str, word: &str) -> Result<(), Failure> {
    accept(answer(&format!("{question}: "))? == word)
}

fn answer(question: &str) -> Result<String, Failure> {
    let mut stderr = output::stderr();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

fn accept(is_given: bool) -> Result<(), Failure> {
    if is_given {
        Ok(())
    } else {
        Err(Failure::Declined)
    }
}
