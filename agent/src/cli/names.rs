//! `names`: list the published names.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use shared::check::check;
use shared::facts::Facts;
use shared::resolved::published::{self, NameRow};

use super::failure::{Exit, Failure};
use super::output;
use super::{Document, input};

/// List every published name with its level, clusters, fallback and callers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent names -f mesh.yaml
  fedmesh-agent names -f mesh.yaml -o name
  fedmesh-agent names -f mesh.yaml -o json | jq '.[] | {host, answeredBy}'")]
pub(super) struct Names {
    #[command(flatten)]
    document: Document,

    /// Output format.
    #[arg(short, long, alias = "format", value_enum, default_value_t = NamesFormat::Text, value_name = "FORMAT")]
    output: NamesFormat,
}

/// The output formats for names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum NamesFormat {
    /// For people: a table.
    Text,
    /// For programs: one JSON document.
    Json,
    /// For scripts: the names alone, one on each line.
    Name,
}

impl Names {
    pub(super) fn is_json(&self) -> bool {
        self.output == NamesFormat::Json
    }

    pub(super) fn run(self) -> Result<Exit, Failure> {
        let input = input::read(&self.document.path)?;
        let checked = check(&input.mesh, &Facts::default());
        let Some(resolved) = checked.resolved else {
            return Err(input.has_errors(checked.findings));
        };
        let rows = published::rows(&resolved);
        let mut stdout = output::stdout();
        match self.output {
            NamesFormat::Json => output::json(&mut stdout, &rows)?,
            NamesFormat::Text => table(&mut stdout, &rows)?,
            NamesFormat::Name => {
                for row in &rows {
                    writeln!(stdout, "{}", output::printable(&row.host))?;
                }
            }
        }
        Ok(Exit::Success)
    }
}

fn table(to: &mut impl Write, rows: &[NameRow]) -> io::Result<()> {
    let list = |names: &[String]| {
        if names.is_empty() {
            "-".to_owned()
        } else {
            names.join(",")
        }
    };
    let head = [
        "NAME",
        "LEVEL",
        "SERVICE",
        "CLUSTERS",
        "FALLS BACK TO",
        "ANSWERED BY",
        "CALLERS",
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(|row| {
        vec![
            row.host.clone(),
            row.level.as_str().to_owned(),
            row.service.clone(),
            list(&row.clusters),
            row.falls_back_to.clone().unwrap_or_else(|| "-".to_owned()),
            list(&row.answered_by),
            row.caller_words()
                .map_or_else(|| "*".to_owned(), |words| words.join(",")),
        ]
    }));
    output::table(to, &lines, |_, _| anstyle::Style::new())
}
