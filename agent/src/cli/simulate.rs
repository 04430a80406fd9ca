//! `simulate`: show where calls go when something is down.

use std::io::{self, Write};

use anstyle::Style;
use clap::Args;
use shared::check::check;
use shared::facts::Facts;
use shared::traffic::outage::Outage;
use shared::traffic::simulate::{self, AnswerRow, Summary};

use super::failure::{Exit, Failure};
use super::output::{self, CHANGED, Format, REMOVED};
use super::{Document, OutputFormat, input};

/// Show which cluster serves each name when something is down.
///
/// Sends no requests: the result is computed from the document, with the model that `verify` compares with.
#[derive(Debug, Args)]
#[command(after_help = "\
WHAT is one of
  CLUSTER                        an unreachable cluster
  zone:REGION/ZONE               all clusters of a zone that have no other zone left
  gateway:CLUSTER                a gateway without ready pods
  service:NAME.NAMESPACE@CLUSTER a service without ready pods in one cluster
  service:NAME.NAMESPACE         a service without ready pods in all clusters

Examples:
  fedmesh-agent simulate -f mesh.yaml                       show where calls go
  fedmesh-agent simulate -f mesh.yaml --down cluster1       show what changes without cluster1
  fedmesh-agent simulate -f mesh.yaml --down gateway:cluster1 --down zone:us-west2/us-west2-b
  fedmesh-agent simulate -f mesh.yaml --down cluster1 -o json

Exit codes: 0 success; 1 the document has errors; 2 wrong usage or an unreadable document.")]
pub(super) struct Simulate {
    #[command(flatten)]
    document: Document,

    /// What is down. Repeatable.
    #[arg(long, value_name = "WHAT")]
    down: Vec<String>,

    /// Show only calls from this cluster. Repeatable.
    #[arg(long, value_name = "CLUSTER")]
    client: Vec<String>,

    #[command(flatten)]
    pub(super) output: OutputFormat,
}

impl Simulate {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let input = input::read(&self.document.path)?;
        let checked = check(&input.mesh, &Facts::default());
        let Some(resolved) = checked.resolved else {
            return Err(input.has_errors(checked.findings));
        };
        let mut outage = Outage::default();
        for what in &self.down {
            let added = outage.add(what, &resolved);
            added.map_err(|error| Failure::Usage {
                message: format!("--down {what}: {error}"),
                hint: "use a cluster, zone:…, gateway:… or service:…; see --help for examples",
            })?;
        }
        for client in &self.client {
            let mut clusters = resolved.clusters.iter();
            if !clusters.any(|one| one.name.as_str() == client) {
                let names = resolved.clusters.iter().map(|one| one.name.as_str());
                return Err(Failure::Usage {
                    message: format!(
                        "--client {client}: unknown cluster; known clusters: {}",
                        names.collect::<Vec<_>>().join(", ")
                    ),
                    hint: "use a cluster of the document",
                });
            }
        }
        let mut rows = simulate::rows(&resolved, &outage);
        rows.retain(|row| {
            let client = row.client.as_ref();
            self.client.is_empty() || client.is_none_or(|name| self.client.contains(name))
        });
        let mut stdout = output::stdout();
        match self.output.format {
            Format::Json => output::json(&mut stdout, &rows)?,
            Format::Text => text(&mut stdout, &rows)?,
        }
        Ok(Exit::Success)
    }
}

/// Prints a table for each service, with a line for each name and a column for each calling cluster.
fn text(to: &mut impl Write, rows: &[AnswerRow]) -> io::Result<()> {
    for of_service in rows.chunk_by(|a, b| a.service == b.service) {
        let names: Vec<&[AnswerRow]> = of_service.chunk_by(|a, b| a.host == b.host).collect();
        let mut lines = Vec::new();
        if let Some(first) = names.first() {
            let callers = first.iter().map(|row| match &row.client {
                Some(client) => format!("FROM {client}"),
                None => "BY DNS".to_owned(),
            });
            let head = [of_service[0].service.clone(), "LEVEL".to_owned()];
            lines.push(head.into_iter().chain(callers).collect());
        }
        lines.extend(names.iter().map(|name| {
            let head = [name[0].host.clone(), name[0].level.to_owned()];
            head.into_iter()
                .chain(name.iter().map(AnswerRow::words))
                .collect::<Vec<_>>()
        }));
        output::table(to, &lines, |line, column| {
            let row = column.checked_sub(2).and_then(|at| names[line - 1].get(at));
            match row {
                Some(row) if row.is_unanswered() => REMOVED,
                Some(row) if row.is_changed() => CHANGED,
                _ => Style::new(),
            }
        })?;
        writeln!(to)?;
    }
    writeln!(to, "{}", Summary::of(rows))
}
