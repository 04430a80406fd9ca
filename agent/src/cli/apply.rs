//! `apply` and `remove`: plan, ask, do.

use clap::Args;
use shared::api::{Intent, Report};
use tokio::sync::mpsc;

use super::decisions::Decisions;
use super::failure::{Exit, Failure};
use super::input::{self, Input};
use super::lock::Lock;
use super::output::{self, Format, counted, progress};
use super::{Access, Document, OutputFormat, interrupt, question};
use crate::operation::{ApplyOptions, Blocked, Locked, Planned};
use crate::stop::Stop;

/// Make the clusters what the document says.
///
/// The plan is shown and a question asked first. A conflict with another manager, an object that
/// is refused and a cluster that does not answer stand in the way: then nothing is changed
/// anywhere, unless --partial is given. What an earlier apply made and the document no longer wants
/// is removed. Ctrl-C and SIGTERM stop it: what has begun is finished, what has not is named, and
/// the next apply goes on from there. Exit codes: 0 everything done, 1 not everything, 2 wrong usage
/// or an unreadable document.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent apply -f mesh.yaml
  fedmesh-agent apply -f bundle.zip --yes                     without a question, as in CI
  fedmesh-agent apply -f mesh.yaml --yes -o json > report.json
  fedmesh-agent apply -f mesh.yaml --partial                  although a cluster is away")]
pub(super) struct Apply {
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
  fedmesh-agent remove -f bundle --yes --kubeconfig clusters.yaml")]
pub(super) struct Remove {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    document: Document,

    #[command(flatten)]
    access: Access,

    #[command(flatten)]
    decisions: Decisions,

    #[command(flatten)]
    lock: Lock,

    #[command(flatten)]
    output: OutputFormat,

    /// Do not ask.
    #[arg(short, long)]
    yes: bool,

    /// Go on with the clusters where nothing stands in the way, although there are others.
    #[arg(long)]
    partial: bool,

    /// Delete so many objects, where they are more than a third of the mesh, or all of a service or a cluster.
    #[arg(long, value_name = "N")]
    allow_delete: Option<usize>,
}

impl Apply {
    pub(super) async fn run(self) -> Result<Exit, Failure> {
        self.common.run(Intent::Apply).await
    }
}

impl Remove {
    pub(super) async fn run(self) -> Result<Exit, Failure> {
        self.common.run(Intent::Remove).await
    }
}

impl Common {
    async fn run(self, intent: Intent) -> Result<Exit, Failure> {
        if !self.yes {
            question::needs_terminal("look at what `plan` shows, then give --yes")?;
        }
        let input = input::read(&self.document.path)?;
        let operations = self.access.operations();
        let decisions = self.decisions.made(&input.mesh)?;
        let shown = if self.yes {
            None
        } else {
            let planned = operations.plan_with(&input.mesh, intent, &decisions).await;
            let planned = planned.map_err(|error| input.failed(error))?;
            self.show(&input, &planned)?;
            match planned.allow(intent, self.options()) {
                Err(blocked @ Blocked::Deletes(_)) => question::ask_for(
                    &format!("{blocked}. To delete them, type the name of the mesh"),
                    &planned.plan.mesh,
                )?,
                Err(blocked) => return Err(Failure::Blocked(blocked)),
                Ok(()) if planned.plan.has_changes() => {
                    let ready = planned.ready();
                    question::ask(&question(intent, &planned.plan.mesh, ready))?;
                }
                Ok(()) => {}
            }
            Some(planned.plan.id)
        };
        let locked = operations
            .lock(
                &input.mesh,
                &decisions,
                command(intent),
                self.lock.options(),
            )
            .await?;
        match self.plan_again(&input, &locked, intent, shown).await {
            Ok(planned) => {
                let report = self.carry_out(locked, planned).await?;
                Ok(if report.is_success() {
                    Exit::Success
                } else {
                    Exit::Failed
                })
            }
            Err(failure) => {
                locked.release().await;
                Err(failure)
            }
        }
    }

    /// Plans as the only writer; refuses where that is not what was shown.
    async fn plan_again(
        &self,
        input: &Input,
        locked: &Locked,
        intent: Intent,
        shown: Option<String>,
    ) -> Result<Planned, Failure> {
        let planned = locked.plan(&input.mesh, intent).await;
        let planned = planned.map_err(|error| input.failed(error))?;
        let is_as_shown = shown.as_ref() == Some(&planned.plan.id);
        if !is_as_shown {
            self.show(input, &planned)?;
        }
        if shown.is_some() && !is_as_shown {
            return Err(Failure::Changed);
        }
        match planned.allow(intent, self.options()) {
            // What was shown was agreed to by the mesh's name.
            Err(Blocked::Deletes(_)) if shown.is_some() => Ok(planned),
            Err(blocked) => Err(Failure::Blocked(blocked)),
            Ok(()) => Ok(planned),
        }
    }

    fn options(&self) -> ApplyOptions {
        ApplyOptions {
            partial: self.partial,
            allow_delete: self.allow_delete,
        }
    }

    /// Shows the whole plan to whoever is going to be asked, else what is needed to follow a log.
    fn show(&self, input: &Input, planned: &Planned) -> Result<(), Failure> {
        output::warnings(Some(&input.origin), &planned.findings)?;
        match (self.yes, self.output.format) {
            (false, Format::Text) => output::plan::write(&mut output::stdout(), &planned.plan)?,
            // Standard output is for the report alone.
            (false, Format::Json) => output::plan::write(&mut output::stderr(), &planned.plan)?,
            (true, _) => output::plan::write_summary(&mut output::stderr(), &planned.plan)?,
        }
        Ok(())
    }

    /// Applies, telling about each object as it is done. A reader that goes away does not stop an
    /// apply half-way.
    async fn carry_out(&self, locked: Locked, planned: Planned) -> Result<Report, Failure> {
        let (sender, mut events) = mpsc::unbounded_channel();
        let format = self.output.format;
        let telling = async move {
            while let Some(event) = events.recv().await {
                // See above: what cannot be told is done all the same.
                _ = match format {
                    Format::Text => progress::write(&mut output::stdout(), &event),
                    Format::Json => progress::write(&mut output::stderr(), &event),
                };
            }
        };
        let (stopper, stop) = Stop::new();
        let interrupts = tokio::spawn(interrupt::mind(
            stopper,
            "what has begun is finished, and the next run goes on from there",
        ));
        let apply = locked.apply(planned, self.options(), &stop, sender);
        let (report, ()) = tokio::join!(apply, telling);
        interrupts.abort();
        match self.output.format {
            Format::Text => progress::write_report(&mut output::stdout(), &report)?,
            Format::Json => output::json(&mut output::stdout(), &report)?,
        }
        Ok(report)
    }
}

/// What other writers are told.
fn command(intent: Intent) -> &'static str {
    match intent {
        Intent::Apply => "apply",
        Intent::Remove => "remove",
    }
}

fn question(intent: Intent, mesh: &str, clusters: usize) -> String {
    let clusters = counted(clusters, "cluster");
    match intent {
        Intent::Apply => format!("Apply these changes of mesh {mesh} to {clusters}?"),
        Intent::Remove => format!("Remove mesh {mesh} from {clusters}?"),
    }
}
