//! `plan`: show what an apply would change.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use shared::api::Intent;
use shared::plan;
use shared::plan::decisions;
use shared::plan::guard::MassDeletion;

use super::decisions::Decisions;
use super::failure::{Exit, Failure};
use super::input::{self, Input};
use super::origin::Placed;
use super::output::plan::Detail;
use super::output::{self, Format};
use super::{Access, Document, OutputFormat, saved_plan};
use crate::operation::Blocked;
use shared::text::shell;

/// Show what an apply would change, without changing anything.
///
/// Reads every cluster of the document. With --out, the plan is saved, and `apply FILE` applies exactly that plan or
/// nothing. Exit codes: 0 the plan can be applied, 1 it cannot (a conflict, a rejected object, a cluster that cannot be
/// reached), 2 wrong usage or an unreadable document.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent plan -f mesh.yaml
  fedmesh-agent plan -f mesh.yaml --full                      show every diff and every object
  fedmesh-agent plan -f mesh.yaml --out mesh.plan             save it for: fedmesh-agent apply mesh.plan
  fedmesh-agent plan -f bundle.zip --kubeconfig clusters.yaml
  fedmesh-agent plan -f mesh.yaml --exit-code > changes.diff || echo \"exit code $?\"
  fedmesh-agent plan -f mesh.yaml -o json | jq '.plan.clusters[].steps[].action'")]
pub(super) struct Plan {
    #[command(flatten)]
    document: Document,

    #[command(flatten)]
    access: Access,

    #[command(flatten)]
    pub(super) output: OutputFormat,

    #[command(flatten)]
    decisions: Decisions,

    /// Save the plan to a file for `apply`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Show every diff and every object.
    #[arg(long)]
    full: bool,

    /// Exit with 2 if there are changes, 0 if there are none, and 1 on any error.
    #[arg(long)]
    exit_code: bool,
}

/// The JSON output: the response of the API, with lines and columns of the findings.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanOutput<'a> {
    findings: Vec<Placed<'a>>,
    plan: &'a plan::Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    mass_deletion: Option<&'a MassDeletion>,
}

impl Plan {
    pub(super) async fn run(self) -> Result<Exit, Failure> {
        let input = input::read(&self.document.path)?;
        let planning = Planning {
            decisions: self.decisions.made(&input.mesh)?,
            input,
            access: self.access,
            format: self.output.format,
            out: self.out,
            full: self.full,
            exit_code: self.exit_code,
        };
        planning.run(Intent::Apply).await
    }
}

/// Planning, for `plan` and `remove --plan`.
pub(super) struct Planning {
    pub(super) input: Input,
    pub(super) decisions: decisions::Decisions,
    pub(super) access: Access,
    pub(super) format: Format,
    pub(super) out: Option<PathBuf>,
    pub(super) full: bool,
    pub(super) exit_code: bool,
}

impl Planning {
    /// Plans, shows the plan, and saves it with `--out`.
    pub(super) async fn run(self, intent: Intent) -> Result<Exit, Failure> {
        let Self {
            input, decisions, ..
        } = &self;
        let operations = self.access.operations();
        let planned = operations.plan_with(&input.mesh, intent, decisions).await;
        let planned = planned.map_err(|error| input.failed(error))?;
        output::warnings(Some(&input.origin), &planned.findings)?;
        let plan = &planned.plan;
        let mass_deletion = planned.mass_deletion();
        let mut stdout = output::stdout();
        match self.format {
            Format::Text => {
                let detail = if self.full {
                    Detail::Full
                } else {
                    Detail::Folded
                };
                output::plan::write(&mut stdout, plan, detail)?;
            }
            Format::Json => {
                let answer = PlanOutput {
                    findings: input.origin.placed(&planned.findings),
                    plan,
                    mass_deletion: mass_deletion.as_ref(),
                };
                output::json(&mut stdout, &answer)?;
            }
        }
        drop(stdout);
        if let Some(found) = mass_deletion {
            let blocked = Blocked::Deletes(found);
            let (warning, hint) = (output::WARNING, output::HINT);
            writeln!(
                output::stderr(),
                "{warning}warning:{warning:#} {}\n{hint}hint:{hint:#} {}",
                output::printable(&blocked.to_string()),
                output::printable(&blocked.hint())
            )?;
        }
        if let Some(path) = &self.out {
            saved_plan::save(path, &input.mesh, intent, decisions, plan)?;
            let named = input::name(path);
            let word = path.display().to_string();
            let word = shell::word(&word);
            let word = output::printable(&word);
            let id = plan.short_id();
            writeln!(
                output::stderr(),
                "saved plan {id} to {named}; apply it with: fedmesh-agent apply {word}"
            )?;
        }
        Ok(exit(plan, self.exit_code))
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
