//! Applies plans: all clusters concurrently, each wave by wave.

pub(crate) mod approved;
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
pub(crate) mod target;

use std::time::Instant;

use shared::api::{ClusterReport, Event, Report};
use tokio::sync::mpsc::UnboundedSender;

use crate::budget::Budget;
use crate::stop::Stop;
use approved::ApprovedPlan;
use progress::Progress;

/// Applies a plan; see [`crate::operation::Locked::apply`].
pub(crate) async fn apply(
    plan: ApprovedPlan,
    budget: &Budget,
    stop: &Stop,
    events: UnboundedSender<Event>,
) -> Report {
    let begun = Instant::now();
    let mut running = Vec::new();
    for (cluster, target) in plan.clusters {
        let progress = Progress::new(&cluster, events.clone());
        let name = cluster.name.clone();
        let (mesh, stop, budget) = (plan.mesh.clone(), stop.clone(), budget.clone());
        let task = tokio::spawn(async move {
            match target {
                Ok(target) => {
                    let _room = budget.take(target.desired.estimate()).await;
                    run::run(&mesh, cluster, target, progress, stop).await
                }
                Err(reason) => progress.end(Some(reason)),
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
