//! `explain`: what a finding or the cause of a failed check means.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use shared::explain::{self, Entry};

use super::failure::{Exit, Failure};
use super::output;

/// Explain a finding or the cause of a failed check.
///
/// The explanation says what is wrong, why it matters and what to do, with an example that has it and the same
/// one fixed. Without a code the command lists all codes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent explain                  list the codes of all findings and causes
  fedmesh-agent explain FM0401           explain a finding of `check` and `plan`
  fedmesh-agent explain refused          explain a cause of `verify`
  fedmesh-agent explain -o markdown      print all explanations as one page")]
pub(super) struct Explain {
    /// The code of a finding, such as FM0401, or a cause, such as refused.
    #[arg(value_name = "CODE")]
    code: Option<String>,

    /// The form of the output.
    #[arg(short, long, alias = "format", value_enum, default_value_t = ExplainFormat::Text, value_name = "FORMAT")]
    output: ExplainFormat,
}

/// The form of explanations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExplainFormat {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
    /// For documentation.
    Markdown,
}

impl Explain {
    pub(super) fn is_json(&self) -> bool {
        self.output == ExplainFormat::Json
    }

    pub(super) fn run(self) -> Result<Exit, Failure> {
        let mut stdout = output::stdout();
        let Some(code) = self.code else {
            match self.output {
                ExplainFormat::Text => list(&mut stdout)?,
                ExplainFormat::Json => {
                    let entries: Vec<Entry> = explain::entries().collect();
                    output::json(&mut stdout, &entries)?;
                }
                ExplainFormat::Markdown => write!(stdout, "{}", explain::page())?,
            }
            return Ok(Exit::Success);
        };
        let entry = explain::entry(&code).ok_or_else(|| Failure::Usage {
            message: format!("unknown code `{code}`"),
            hint: "run `fedmesh-agent explain` for a list of all codes",
        })?;
        match self.output {
            ExplainFormat::Text => write!(stdout, "{}", entry.plain())?,
            ExplainFormat::Json => output::json(&mut stdout, &entry)?,
            ExplainFormat::Markdown => write!(stdout, "{}", entry.section())?,
        }
        Ok(Exit::Success)
    }
}

fn list(to: &mut impl Write) -> io::Result<()> {
    writeln!(to, "Findings of check, plan and import:")?;
    for entry in explain::findings() {
        writeln!(
            to,
            "  {:6}  {}",
            entry.code,
            entry.title.unwrap_or_default()
        )?;
    }
    writeln!(to, "\nCauses of failed checks of verify:")?;
    for entry in explain::causes() {
        writeln!(to, "  {}", entry.code)?;
    }
    Ok(())
}
