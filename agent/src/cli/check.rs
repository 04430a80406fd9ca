//! `check`: find errors in a document.

use std::io::Write as _;

use clap::Args;
use serde::Serialize;
use shared::check::{Severity, check};
use shared::facts::Facts;

use super::failure::{Exit, Failure};
use super::origin::Placed;
use super::output::{self, Format, counted};
use super::{Document, OutputFormat, input};
use crate::public_suffix;

/// Find errors in a document.
///
/// Uses the document alone, and neither clusters nor DNS. Exit codes: 0 no errors (warnings are possible), 1 errors,
/// 2 the document cannot be read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent check -f mesh.yaml
  cat mesh.yaml | fedmesh-agent check -f -
  fedmesh-agent check -f mesh.yaml -o json | jq '.findings[] | select(.severity == \"error\")'")]
pub(super) struct Check {
    #[command(flatten)]
    document: Document,

    #[command(flatten)]
    pub(super) output: OutputFormat,
}

/// The JSON output.
#[derive(Serialize)]
struct CheckOutput<'a> {
    findings: Vec<Placed<'a>>,
}

impl Check {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let input = input::read(&self.document.path)?;
        let mut checked = check(&input.mesh, &Facts::default());
        public_suffix::check(&input.mesh, &mut checked.findings);
        let errors = checked.count(Severity::Error);
        let mut stdout = output::stdout();
        match self.output.format {
            Format::Json => output::json(
                &mut stdout,
                &CheckOutput {
                    findings: input.origin.placed(&checked.findings),
                },
            )?,
            Format::Text => {
                output::findings(&mut stdout, Some(&input.origin), &checked.findings)?;
                writeln!(
                    stdout,
                    "{}: {}, {}, {}",
                    output::printable(&input.name),
                    counted(errors, "error"),
                    counted(checked.count(Severity::Warning), "warning"),
                    counted(checked.count(Severity::Hint), "hint"),
                )?;
            }
        }
        Ok(if errors == 0 {
            Exit::Success
        } else {
            Exit::Failed
        })
    }
}
