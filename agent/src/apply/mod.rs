//! Applies plans: all clusters concurrently, each wave by wave.

mod definitions;
mod field_managers;
mod handing_over;
mod ignored;
mod leaving;
mod objects;
mod progress;
mod run;
#[cfg(test)]
mod server;
mod skip;
pub(crate) mod target;

use std::collections::BTreeMap;
use std::time::Instant;

use shared::api::{ClusterReport, Event, Report};
use shared::plan::Plan;
use tokio::sync::mpsc::UnboundedSender;

use crate::budget::Budget;
use crate::stop::Stop;
use progress::Progress;
use target::{ApplyOptions, Target};

/// Applies a plan; see [`crate::operation::Operations::apply`].
pub(crate) async fn apply(
    plan: Plan,
    mut targets: BTreeMap<String, Target>,
    options: ApplyOptions,
    budget: &Budget,
    stop: &Stop,
    events: UnboundedSender<Event>,
) -> Report {
    let begun = Instant::now();
    let skipped = skip::reasons(&plan, options);
    let mut running = Vec::new();
    for cluster in plan.clusters {
        let progress = Progress::new(&cluster, events.clone());
        let (name, target) = (cluster.name.clone(), targets.remove(&cluster.name));
        let reason = skipped.get(&name).cloned();
        let (mesh, stop, budget) = (plan.mesh.clone(), stop.clone(), budget.clone());
        let task = tokio::spawn(async move {
            match (reason, target) {
                (None, Some(target)) => {
                    let _room = budget.take(target.desired.estimate()).await;
                    run::run(&mesh, cluster, target, progress, stop).await
                }
                (reason, _) => {
                    // A cluster without a target has an error in its plan, which is the reason.
                    progress.end(Some(
                        reason.unwrap_or_else(|| "the cluster was not read".to_owned()),
                    ))
                }
            }
        });
        running.push((name, task));
    }
    let mut report = Report::default();
    for (name, task) in running {
        report
            .clusters
            .push(task.await.unwrap_or_else(|error| ClusterReport {
                name,
                error: Some(format!("interrupted: {error}")),
                ..ClusterReport::default()
            }));
    }
    report.duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    // The receiver may be gone; the report is returned all the same.
    let _listened = events.send(Event::Finished {
        report: report.clone(),
    });
    report
}
