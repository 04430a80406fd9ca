//! The steps of `apply` and `remove`: plan, show the plan, ask, plan again and compare, apply.

use std::io::Write as _;
use std::path::Path;

use shared::api::{Intent, Report};
use shared::plan::decisions::Decisions;
use shared::plan::{ClusterPlan, Plan};
use tokio::sync::mpsc;

use super::failure::{Exit, Failure};
use super::input::Input;
use super::output::plan::{self as plan_output, Detail};
use super::output::progress::{self, Show};
use super::output::{self, Format, counted};
use super::saved_plan::SavedPlan;
use super::{interrupt, question};
use crate::lock::LockOptions;
use crate::operation::{self, ApplyOptions, ApprovedPlan, Blocked, Locked, Operations, Planned};
use crate::stop::Stop;

/// What happens after Ctrl-C.
const UNTIL_THE_END: &str =
    "requests in progress are completed, and the next run continues from there";

/// One run of `apply` or `remove`.
pub(super) struct Rollout {
    pub(super) operations: Operations,
    pub(super) input: Input,
    pub(super) intent: Intent,
    pub(super) decisions: Decisions,
    pub(super) manner: Manner,
}

/// The options that `apply` and `remove` have in common.
pub(super) struct Manner {
    pub(super) format: Format,
    /// Show every diff and every object.
    pub(super) full: bool,
    pub(super) options: ApplyOptions,
    pub(super) lock: LockOptions<'static>,
}

/// How the plan is confirmed.
pub(super) enum Consent {
    /// By an answer to a question.
    Question,
    /// In advance, with `--yes`.
    InAdvance,
    /// By saving this plan.
    Saved(Box<Plan>),
}

/// The plan that was confirmed.
enum Agreed {
    /// Any plan.
    Any,
    /// The plan with this id, which was shown, with the options that were confirmed.
    Shown(String, ApplyOptions),
    /// The saved plan.
    Saved(Box<Plan>),
}

/// Whether a new plan equals the confirmed one.
enum AsAgreed {
    /// The plan may be applied.
    Same(ApprovedPlan),
    /// The clusters changed since.
    Other(Box<Planned>),
}

/// The result of an attempt to apply the confirmed plan.
enum Attempt {
    /// The run ended.
    Ended(Exit),
    /// Nothing was changed, because the plan is now this one.
    Other(Box<Planned>),
}

impl Rollout {
    /// The run of a saved plan.
    pub(super) fn of_saved(
        path: &Path,
        operations: Operations,
        manner: Manner,
    ) -> Result<(Self, Consent), Failure> {
        let saved = SavedPlan::read(path)?;
        let title = saved.title();
        writeln!(output::stderr(), "{}", output::printable(&title))?;
        let intent = saved.intent;
        let decisions = saved.decisions.clone();
        let (input, plan) = saved.into_parts(path);
        let rollout = Self {
            operations,
            input,
            intent,
            decisions,
            manner,
        };
        Ok((rollout, Consent::Saved(Box::new(plan))))
    }

    /// Runs all steps.
    pub(super) async fn run(self, consent: Consent) -> Result<Exit, Failure> {
        operation::expect_not_handed_over(&self.input.mesh, self.intent)
            .map_err(|error| self.input.failed(error))?;
        let mut agreed = self.agree(consent).await?;
        loop {
            // From here on, a signal must release the Leases before the program ends.
            let (stopper, stop) = Stop::new();
            let interrupts = tokio::spawn(interrupt::request_stop(stopper, || {}));
            let attempt = self.attempt(&agreed, &stop).await;
            interrupts.abort();
            match attempt? {
                Attempt::Ended(exit) => return Ok(exit),
                Attempt::Other(planned) => {
                    writeln!(
                        output::stderr(),
                        "\nThe clusters changed since this plan was shown. The new plan:"
                    )?;
                    let interrupts = tokio::spawn(interrupt::end_at_once());
                    agreed = self.ask(*planned)?;
                    interrupts.abort();
                }
            }
        }
    }

    /// Plans again and applies under the Leases, so that no other run changes the mesh from the plan to the report.
    async fn attempt(&self, agreed: &Agreed, stop: &Stop) -> Result<Attempt, Failure> {
        let locked = self.lock(stop).await?;
        let planned = tokio::select! {
            planned = self.plan_as_agreed(&locked, agreed) => planned,
            () = stop.requested() => Err(Failure::Stopped),
        };
        match planned {
            Ok(AsAgreed::Same(plan)) => {
                let report = self.carry_out(locked, plan, stop).await?;
                Ok(Attempt::Ended(if report.is_success() {
                    Exit::Success
                } else {
                    Exit::Failed
                }))
            }
            Ok(AsAgreed::Other(planned)) => {
                // The Leases are released while the user reads the new plan.
                locked.release().await;
                Ok(Attempt::Other(planned))
            }
            Err(failure) => {
                locked.release().await;
                Err(failure)
            }
        }
    }

    async fn lock(&self, stop: &Stop) -> Result<Locked, Failure> {
        let command = match self.intent {
            Intent::Apply => "apply",
            Intent::Remove => "remove",
        };
        let mesh = &self.input.mesh;
        let options = LockOptions {
            stop: Some(stop),
            ..self.manner.lock
        };
        let lock = self
            .operations
            .lock(mesh, &self.decisions, command, options);
        lock.await.map_err(|error| self.input.failed(error))
    }

    /// The plan that may be applied; asks if none is confirmed yet.
    async fn agree(&self, consent: Consent) -> Result<Agreed, Failure> {
        match consent {
            Consent::InAdvance => Ok(Agreed::Any),
            Consent::Saved(plan) => Ok(Agreed::Saved(plan)),
            Consent::Question => {
                let planned = self.plan().await?;
                self.ask(planned)
            }
        }
    }

    /// Plans under the Leases, and compares with the confirmed plan.
    async fn plan_as_agreed(&self, locked: &Locked, agreed: &Agreed) -> Result<AsAgreed, Failure> {
        let planned = locked.plan(&self.input.mesh, self.intent).await;
        let planned = planned.map_err(|error| self.input.failed(error))?;
        let options = match agreed {
            Agreed::Shown(id, options) if *id == planned.plan.id => *options,
            Agreed::Shown(..) => return Ok(AsAgreed::Other(Box::new(planned))),
            Agreed::Saved(saved) if saved.id != planned.plan.id => {
                plan_output::write_difference(&mut output::stderr(), saved, &planned.plan)?;
                self.show(&planned.plan)?;
                return Err(Failure::Changed);
            }
            Agreed::Any | Agreed::Saved(_) => {
                self.announce(&planned)?;
                self.manner.options
            }
        };
        let approved = planned.approve(options);
        approved.map(AsAgreed::Same).map_err(Failure::Blocked)
    }

    /// Prints the plan if no question is asked.
    fn announce(&self, planned: &Planned) -> Result<(), Failure> {
        self.warn(planned)?;
        let detail = if self.manner.full {
            Detail::Full
        } else {
            Detail::Summary
        };
        plan_output::write(&mut output::stderr(), &planned.plan, detail)?;
        Ok(())
    }

    async fn plan(&self) -> Result<Planned, Failure> {
        let plan = self
            .operations
            .plan_with(&self.input.mesh, self.intent, &self.decisions);
        plan.await.map_err(|error| self.input.failed(error))
    }

    /// Shows a plan and asks whether to apply it.
    fn ask(&self, planned: Planned) -> Result<Agreed, Failure> {
        self.warn(&planned)?;
        self.show(&planned.plan)?;
        let mut options = self.manner.options;
        match planned.allow(options) {
            Err(Blocked::Deletes(deletion)) => {
                options.allow_delete = Some(deletion.deletes);
                writeln!(
                    output::stderr(),
                    "\n{}",
                    question(self.intent, &planned.plan)
                )?;
                question::ask_for(
                    &format!(
                        "{}; to continue, type the name of the mesh",
                        output::printable(&Blocked::Deletes(deletion).to_string())
                    ),
                    &planned.plan.mesh,
                )?;
            }
            Err(blocked) => return Err(Failure::Blocked(blocked)),
            Ok(()) if planned.plan.has_work() => {
                writeln!(output::stderr())?;
                question::ask(&question(self.intent, &planned.plan))?;
            }
            Ok(()) => {}
        }
        Ok(Agreed::Shown(planned.plan.id, options))
    }

    fn warn(&self, planned: &Planned) -> Result<(), Failure> {
        Ok(output::warnings(
            Some(&self.input.origin),
            &planned.findings,
        )?)
    }

    fn show(&self, plan: &Plan) -> Result<(), Failure> {
        let detail = if self.manner.full {
            Detail::Full
        } else {
            Detail::Folded
        };
        match self.manner.format {
            Format::Text => plan_output::write(&mut output::stdout(), plan, detail)?,
            // Standard output contains events only.
            Format::Json => plan_output::write(&mut output::stderr(), plan, detail)?,
        }
        Ok(())
    }

    /// Applies the plan and shows the progress.
    async fn carry_out(
        &self,
        locked: Locked,
        plan: ApprovedPlan,
        stop: &Stop,
    ) -> Result<Report, Failure> {
        let (sender, mut events) = mpsc::unbounded_channel();
        let mut show = Show::new(self.manner.format);
        let showing = async {
            let mut ticks = tokio::time::interval(progress::TICK);
            let mut is_stopping = false;
            loop {
                tokio::select! {
                    event = events.recv() => match event {
                        Some(event) => show.event(&event),
                        None => return show,
                    },
                    () = stop.requested(), if !is_stopping => {
                        is_stopping = true;
                        show.notice(&interrupt::notice(UNTIL_THE_END));
                    }
                    _ = ticks.tick() => show.tick(),
                }
            }
        };
        let apply = locked.apply(plan, stop, sender);
        let (report, show) = tokio::join!(apply, showing);
        show.finish(&report)?;
        Ok(report)
    }
}

fn ready(plan: &Plan) -> impl Iterator<Item = &ClusterPlan> {
    let clusters = plan.clusters.iter();
    clusters.filter(|cluster| cluster.can_be_applied())
}

/// `Apply to 2 clusters (sunset: context west-context, sunrise): 40 to create, 1 to delete?`
fn question(intent: Intent, plan: &Plan) -> String {
    let places: Vec<String> = ready(plan)
        .map(|cluster| {
            if cluster.context == cluster.name {
                cluster.name.clone()
            } else {
                format!("{}: context {}", cluster.name, cluster.context)
            }
        })
        .collect();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    let clusters = counted(places.len(), "cluster");
    let places = output::few(&places);
    let places = output::printable(&places);
    let work = plan_output::work(ready(plan));
    let mesh = output::printable(&plan.mesh);
    match intent {
        Intent::Apply => format!("Apply mesh {mesh} to {clusters} ({places}): {work}?"),
        Intent::Remove => format!("Remove mesh {mesh} from {clusters} ({places}): {work}?"),
    }
}

#[cfg(test)]
mod tests;
