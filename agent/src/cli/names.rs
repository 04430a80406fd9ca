//! `names`: what is published, and who answers it.

use std::io::{self, Write};

use clap::Args;
use shared::check::check;
use shared::facts::Facts;
use shared::published::{self, NameRow};

use super::failure::{Exit, Failure};
use super::output::{self, Format};
use super::{Document, OutputFormat, input};

/// List every published name, its level, the clusters behind it and its fall-back.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent names -f mesh.yaml
  fedmesh-agent names -f mesh.yaml -o json | jq -r '.[].host'")]
pub(super) struct Names {
    #[command(flatten)]
    document: Document,

    #[command(flatten)]
    output: OutputFormat,
}

impl Names {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let input = input::read(&self.document.path)?;
        let checked = check(&input.mesh, &Facts::default());
        let Some(resolved) = checked.resolved else {
            return Err(input.has_errors(checked.findings));
        };
        let rows = published::rows(&resolved);
        let mut stdout = output::stdout();
        match self.output.format {
            Format::Json => output::json(&mut stdout, &rows)?,
            Format::Text => table(&mut stdout, &rows)?,
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
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(|row| {
        vec![
            row.host.clone(),
            row.level.to_owned(),
            row.service.clone(),
            list(&row.clusters),
            row.falls_back_to.clone().unwrap_or_else(|| "-".to_owned()),
            list(&row.answered_by),
        ]
    }));
    output::table(to, &lines, |_, _| anstyle::Style::new())
}
