//! `status`: compare the clusters with the document.

use clap::Args;
use shared::api::Intent;
use shared::plan::decisions::Decisions;

use super::failure::{Exit, Failure};
use super::output::{self, Format};
use super::{Access, Document, OutputFormat, input};

/// Show whether the clusters match the document.
///
/// Exit codes: 0 every cluster is up to date, 1 a cluster is out of date or cannot be reached, 2 wrong usage or an
/// unreadable document.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent status -f mesh.yaml
  fedmesh-agent status -f bundle --kubeconfig clusters.yaml
  fedmesh-agent status -f mesh.yaml -o json | jq '.clusters[] | {name, inStep}'")]
pub(super) struct Status {
    #[command(flatten)]
    document: Document,

    #[command(flatten)]
    access: Access,

    #[command(flatten)]
    pub(super) output: OutputFormat,
}

impl Status {
    pub(super) async fn run(self) -> Result<Exit, Failure> {
        let input = input::read(&self.document.path)?;
        let (status, findings) = self
            .access
            .operations()
            .status(&input.mesh, Intent::Apply, &Decisions::default())
            .await
            .map_err(|error| input.failed(error))?;
        output::warnings(Some(&input.origin), &findings)?;
        let mut stdout = output::stdout();
        match self.output.format {
            Format::Text => output::status::write(&mut stdout, &status)?,
            Format::Json => output::json(&mut stdout, &status)?,
        }
        Ok(if status.is_unchanged() {
            Exit::Success
        } else {
            Exit::Failed
        })
    }
}
