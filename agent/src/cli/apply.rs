//! `apply` and `remove`.

use std::path::PathBuf;

use clap::Args;
use shared::api::Intent;
use shared::decisions;

use super::decisions::{Decisions, Replaced};
use super::failure::{Exit, Failure, Programs};
use super::input::{self, Input};
use super::lock::Lock;
use super::output::Format;
use super::plan::Planning;
use super::rollout::{Consent, Manner, Rollout};
use super::{Access, Document, OutputFormat, question};
use crate::operation::ApplyOptions;

/// Make the clusters what the document says.
///
/// The plan is shown and a question asked first; where the clusters have changed by the time it is answered, the new
/// plan is shown and the question asked again. A plan that `plan --out` saved is carried out without a question, or
/// not at all where the clusters have changed. An object in conflict with another field manager, or that the server
/// refuses, is skipped, with what depends on it. A cluster that does not answer, or where an object belongs to somebody
/// else, blocks the apply: then nothing is changed anywhere, unless --partial is given. What an earlier apply made and
/// the document no longer has is removed. One run at a time changes a mesh. Ctrl-C and SIGTERM stop it: what has begun is
/// finished, what has not is named, and the next apply goes on from there. Exit codes: 0 everything done, 1 not
/// everything, 2 wrong usage or an unreadable document.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent apply -f mesh.yaml
  fedmesh-agent apply mesh.plan                               what `plan --out mesh.plan` saved
  fedmesh-agent apply -f bundle.zip --yes                     without a question, as in CI
  fedmesh-agent apply -f mesh.yaml --yes -o json | jq 'select(.event == \"finished\").report'
  fedmesh-agent apply -f mesh.yaml --partial                  although a cluster is away")]
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

/// Take everything of a mesh out of the clusters.
///
/// What is removed is found by the labels that an apply put on it, so the document only has to
/// name the mesh and the clusters. Namespaces and definitions (CRDs) stay, without the labels:
/// others may depend on them. Exit codes: 0 everything done, 1 not everything, 2 wrong usage or an
/// unreadable document.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent remove -f mesh.yaml
  fedmesh-agent remove -f mesh.yaml --plan                    what would go, without removing it
  fedmesh-agent remove -f mesh.yaml --plan --out removal.plan then: fedmesh-agent apply removal.plan
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

    /// Save the plan to a file that `apply` takes.
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

    /// Do not ask.
    #[arg(short, long)]
    yes: bool,

    /// Go on with the clusters that are not blocked, although others are.
    #[arg(long)]
    partial: bool,

    /// Delete so many objects, where they are more than a third of the mesh, or all of a service or a cluster.
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
                // What was decided is in the file.
                if !self.decisions.are_none() {
                    return Err(Failure::Usage {
                        message: "a saved plan takes no decisions".to_owned(),
                        hint: "give --adopt, --renamed-from, --replaced and --forget-address to `plan --out`",
                    });
                }
                let operations = self.common.access.operations();
                let manner = self.common.manner();
                let (rollout, consent) = Rollout::of_saved(&saved, operations, manner)?;
                rollout.run(consent).await
            }
            // The parser requires one of them.
            (None, None) => Err(Failure::Usage {
                message: "no document and no saved plan".to_owned(),
                hint: "give -f a Mesh document",
            }),
        }
    }
}

impl Remove {
    /// What programs read of it: events, or with --plan a plan.
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
            question::needs_terminal("review what `plan` shows, then give --yes")?;
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
