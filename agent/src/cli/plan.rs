//! `plan`: what an apply would change.

use clap::Args;
use serde::Serialize;
use shared::api::Intent;
use shared::plan;

use super::decisions::Decisions;
use super::failure::{Exit, Failure};
use super::origin::Placed;
use super::output::{self, Format};
use super::{Access, Document, OutputFormat, input};

/// Show what an apply would change, without changing anything.
///
/// Every cluster of the document is asked. Exit codes: 0 could be applied, 1 could not (a conflict,
/// an object that is refused, a cluster that does not answer), 2 wrong usage or an unreadable
/// document.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent plan -f mesh.yaml
  fedmesh-agent plan -f bundle.zip --kubeconfig clusters.yaml
  fedmesh-agent plan -f mesh.yaml --exit-code > changes.diff || echo \"exit code $?\"
  fedmesh-agent plan -f mesh.yaml -o json | jq '.plan.clusters[].steps[].action'")]
pub(super) struct Plan {
    #[command(flatten)]
    document: Document,

    #[command(flatten)]
    access: Access,

    #[command(flatten)]
    decisions: Decisions,

    #[command(flatten)]
    output: OutputFormat,

    /// Exit with 2 when there are changes, 0 when there are none, and 1 on every error.
    #[arg(long)]
    exit_code: bool,
}

/// The answer, for programs: that of the API, with the places of the findings.
#[derive(Serialize)]
struct Answer<'a> {
    findings: Vec<Placed<'a>>,
    plan: &'a plan::Plan,
}

impl Plan {
    pub(super) async fn run(self) -> Result<Exit, Failure> {
        let input = input::read(&self.document.path)?;
        let planned = self
            .access
            .operations()
            .plan_with(
                &input.mesh,
                Intent::Apply,
                &self.decisions.made(&input.mesh)?,
            )
            .await
            .map_err(|error| input.failed(error))?;
        output::warnings(Some(&input.origin), &planned.findings)?;
        let exit = exit(&planned.plan, self.exit_code);
        let mut stdout = output::stdout();
        match self.output.format {
            Format::Text => output::plan::write(&mut stdout, &planned.plan)?,
            Format::Json => {
                let answer = Answer {
                    findings: input.origin.placed(&planned.findings),
                    plan: &planned.plan,
                };
                output::json(&mut stdout, &answer)?;
            }
        }
        Ok(exit)
    }
}

fn exit(plan: &plan::Plan, tell_changes: bool) -> Exit {
    if !plan.is_complete() {
        Exit::Failed
    } else if tell_changes && plan.has_changes() {
        Exit::Changes
    } else {
        Exit::Success
    }
}
