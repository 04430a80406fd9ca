//! `apply` and `remove`.

use std::path::PathBuf;

use clap::Args;
use shared::api::Intent;
use shared::plan::decisions;

use super::decisions::{Decisions, Replaced};
use super::failure::{Exit, Failure, Programs};
use super::input::{self, Input};
use super::lock::Lock;
use super::output::Format;
use super::plan::Planning;
use super::rollout::{Consent, Manner, Rollout};
use super::{Access, Document, OutputFormat, question};
use crate::operation::ApplyOptions;

/// Apply the document to its clusters.
///
/// Shows the plan and asks for confirmation; if the clusters change before you answer, it shows the new plan and asks
/// again. A plan that `plan --out` saved is applied without a question, and only if the clusters have not changed
/// since. An object that conflicts with another field manager, or that the API server rejects, is skipped together with
/// the objects that depend on it. A cluster that cannot be reached, or in which another owner has one of the objects,
/// blocks the apply: nothing is changed in any cluster, unless --partial is given. Objects of an earlier apply that are
/// no longer in the document are pruned. Only one run changes a mesh at a time. Ctrl-C or SIGTERM stops the run:
/// requests in progress are completed, the remaining objects are listed, and the next apply continues from there. Exit
/// codes: 0 everything applied, 1 not everything applied, 2 wrong usage or an unreadable document.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent apply -f mesh.yaml
  fedmesh-agent apply mesh.plan                               apply what `plan --out mesh.plan` saved
  fedmesh-agent apply -f bundle.zip --yes                     do not ask, as in CI
  fedmesh-agent apply -f mesh.yaml --yes -o json | jq 'select(.event == \"finished\").report'
  fedmesh-agent apply -f mesh.yaml --partial                  apply although a cluster cannot be reached")]
pub(super) struct Apply {
    /// A plan that `plan --out` saved.
    #[arg(value_name = "PLAN", required_unless_present = "path")]
    plan: Option<PathBuf>,

    /// A Mesh document (YAML or JSON) or a bundle (zip, folder or YAML stream); `-` reads standard
    /// input.
    #[arg(
        short = 'f',
        long = "filename",
        visible_alias = "file",
        value_name = "MESH",
        conflicts_with = "plan"
    )]
    path: Option<PathBuf>,

    #[command(flatten)]
    decisions: Decisions,

    #[command(flatten)]
    common: Common,
}

/// Remove a mesh from its clusters.
///
/// Objects are found by the labels that apply sets, so the document only has to name the mesh and the clusters.
/// Namespaces and CustomResourceDefinitions are kept without the labels, because other objects may depend on them.
/// Exit codes: 0 everything removed, 1 not everything removed, 2 wrong usage or an unreadable document.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent remove -f mesh.yaml
  fedmesh-agent remove -f mesh.yaml --plan                    show what would be removed
  fedmesh-agent remove -f mesh.yaml --plan --out removal.plan save it for: fedmesh-agent apply removal.plan
  fedmesh-agent remove -f bundle --yes --kubeconfig clusters.yaml")]
pub(super) struct Remove {
    #[command(flatten)]
    document: Document,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    replaced: Replaced,

    /// Show what would be removed, without changing anything.
    #[arg(long, conflicts_with_all = ["yes", "partial"])]
    plan: bool,

    /// Save the plan to a file for `apply`.
    #[arg(long, value_name = "FILE", requires = "plan")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    access: Access,

    #[command(flatten)]
    lock: Lock,

    #[command(flatten)]
    output: OutputFormat,

    /// Do not ask for confirmation.
    #[arg(short, long)]
    yes: bool,

    /// Continue with the other clusters if some are blocked.
    #[arg(long)]
    partial: bool,

    /// Confirm this number of deletions if they are more than a third of the mesh, or all of a service or a cluster.
    #[arg(long, value_name = "N")]
    allow_delete: Option<usize>,

    /// Show every diff and every object of the plan.
    #[arg(long)]
    full: bool,
}

impl Apply {
    pub(super) fn is_json(&self) -> bool {
        self.common.output.format == Format::Json
    }

    pub(super) async fn run(self) -> Result<Exit, Failure> {
        match (self.plan, self.path) {
            (_, Some(document)) => {
                let input = input::read(&document)?;
                let decisions = self.decisions.made(&input.mesh)?;
                self.common.run(input, Intent::Apply, decisions).await
            }
            (Some(saved), None) => {
                // The file contains the decisions.
                if !self.decisions.are_none() {
                    return Err(Failure::Usage {
                        message: "a saved plan already contains its decisions".to_owned(),
                        hint: "use --adopt, --renamed-from, --replaced and --forget-address with `plan --out`",
                    });
                }
                let operations = self.common.access.operations();
                let manner = self.common.manner();
                let (rollout, consent) = Rollout::of_saved(&saved, operations, manner)?;
                rollout.run(consent).await
            }
            // The parser requires one of them.
            (None, None) => Err(Failure::Usage {
                message: "the document or saved plan is missing".to_owned(),
                hint: "add the path of a saved plan, or -f with a Mesh document",
            }),
        }
    }
}

impl Remove {
    /// The form of the output for programs: events, or a plan with --plan.
    pub(super) fn programs(&self) -> Option<Programs> {
        let programs = if self.plan {
            Programs::Document
        } else {
            Programs::Lines
        };
        (self.common.output.format == Format::Json).then_some(programs)
    }

    pub(super) async fn run(self) -> Result<Exit, Failure> {
        let input = input::read(&self.document.path)?;
        let decisions = decisions::Decisions {
            replaced: self.replaced.of(&input.mesh)?,
            ..decisions::Decisions::default()
        };
        if !self.plan {
            return self.common.run(input, Intent::Remove, decisions).await;
        }
        let planning = Planning {
            input,
            decisions,
            access: self.common.access,
            format: self.common.output.format,
            out: self.out,
            full: self.common.full,
            exit_code: false,
        };
        planning.run(Intent::Remove).await
    }
}

impl Common {
    async fn run(
        self,
        input: Input,
        intent: Intent,
        decisions: decisions::Decisions,
    ) -> Result<Exit, Failure> {
        let consent = if self.yes {
            Consent::InAdvance
        } else {
            question::needs_terminal("review the output of `plan`, then use --yes")?;
            Consent::Question
        };
        let rollout = Rollout {
            operations: self.access.operations(),
            input,
            intent,
            decisions,
            manner: self.manner(),
        };
        rollout.run(consent).await
    }

    fn manner(&self) -> Manner {
        Manner {
            format: self.output.format,
            full: self.full,
            options: ApplyOptions {
                partial: self.partial,
                allow_delete: self.allow_delete,
            },
            lock: self.lock.options(),
        }
    }
}
