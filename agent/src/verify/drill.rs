//! A drill scales a service down in one cluster, and watches whether traffic moves to the expected clusters and comes
//! back afterwards.

use std::time::Duration;

use shared::api::VerifyEvent;
use shared::verify::{Cause, Check, Drill, DrillClient, DrillStep, DrillTarget, Family, Outcome};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::round::{Round, expected_text};
use super::watch::{Watched, lost, since_settled};
use super::watcher::{Watcher, watch, watchers};
use super::workloads::{self, Taken};
use crate::cluster::Connection;

/// Time to observe every client as healthy before anything changes.
const BEFORE: Duration = Duration::from_secs(20);
/// Time for traffic to move: pods may take 30 s to terminate, and endpoints some more.
const MOVING: Duration = Duration::from_mins(2);
/// Time for traffic to come back: a pod has to start, and an ejection to end.
const RETURNING: Duration = Duration::from_mins(5);

/// Runs the drill, and always restores the replicas.
pub(super) async fn run(
    round: &Round<'_>,
    target: &DrillTarget,
    events: &UnboundedSender<VerifyEvent>,
) -> (Option<Drill>, Vec<Check>) {
    let mut row = Check::new(Family::Drill);
    row.service.clone_from(&target.service);
    "traffic moves and comes back".clone_into(&mut row.expected);
    let not_begun = |row: Check, why: String| {
        let cause = Cause::NoDrill(format!("nothing was scaled down: {why}"));
        (None, vec![row.with(Outcome::CouldNotCheck, &cause)])
    };
    let found = match target.find(round.resolved) {
        Ok(found) => found,
        Err(why) => return not_begun(row, why.to_string()),
    };
    row.service = found.service.id();
    found.cluster.clone_into(&mut row.cluster);
    let prepared = async {
        let connection = round.connection(found.cluster)?;
        let workloads =
            workloads::behind(connection, found.service.local(found.cluster_index)).await?;
        let watchers = watchers(round, &found).await?;
        Ok((connection, workloads, watchers))
    };
    let (connection, workloads, watchers) = match prepared.await {
        Ok(prepared) => prepared,
        Err(why) => return not_begun(row, why),
    };
    let tell = |step| {
        // The receiver may be gone.
        _ = events.send(VerifyEvent::Drill {
            service: found.service.id(),
            cluster: found.cluster.to_owned(),
            step,
        });
    };
    tell(DrillStep::Before);
    let mut watched = vec![Watched::default(); watchers.len()];
    watch(round, &watchers, &mut watched, BEFORE, |index, one| {
        since_settled(&one.samples, &watchers[index].usual, Duration::ZERO).is_some()
    })
    .await;
    // A drill that is stopped now has not observed every client as healthy.
    if round.stop.is_requested() {
        return not_begun(row, "stopped".to_owned());
    }
    let unwell = watchers.iter().zip(&watched).find(|(watcher, watched)| {
        since_settled(&watched.samples, &watcher.usual, Duration::ZERO).is_none()
    });
    if let Some((watcher, _)) = unwell {
        let why = format!(
            "the client in {} is not answered by {} before the drill",
            watcher.cluster,
            watcher.usual.join(" or ")
        );
        return not_begun(row, why);
    }
    let mut drill = Drill {
        service: found.service.id(),
        cluster: found.cluster.to_owned(),
        host: found.name.host.to_string(),
        workloads: workloads
            .iter()
            .map(|taken| (taken.id(), taken.replicas))
            .collect(),
        ..Drill::default()
    };
    // Times are measured from here on.
    watched.fill(Watched::default());
    let mesh = round.resolved.name.as_str();
    let was_taken = take_all(connection, mesh, &workloads).await;
    let taken_at = Instant::now();
    if was_taken.is_ok() {
        tell(DrillStep::Away);
        watch(round, &watchers, &mut watched, MOVING, |index, watched| {
            since_settled(&watched.samples, &watchers[index].away, Duration::ZERO).is_some()
        })
        .await;
    }
    for (watcher, one) in watchers.iter().zip(&mut watched) {
        one.moved = since_settled(&one.samples, &watcher.away, Duration::ZERO);
        one.returning_from = one.samples.len();
    }
    // All of them, including those for which the outcome of scaling down is unknown.
    let given_back = give_all_back(connection, &workloads).await;
    drill.not_restored = given_back.err();
    let back_at = taken_at.elapsed();
    if was_taken.is_ok() && drill.not_restored.is_none() {
        tell(DrillStep::Back);
        watch(round, &watchers, &mut watched, RETURNING, |index, one| {
            let samples = &one.samples[one.returning_from..];
            since_settled(samples, &watchers[index].usual, back_at).is_some()
        })
        .await;
    }
    for (watcher, one) in watchers.iter().zip(&mut watched) {
        let samples = &one.samples[one.returning_from..];
        one.returned = since_settled(samples, &watcher.usual, back_at);
    }
    drill.clients = watchers
        .iter()
        .zip(&watched)
        .map(|(watcher, one)| client_report(watcher, one))
        .collect();
    let checks = rows(&drill, &row, &was_taken, round.stop.is_requested());
    (Some(drill), checks)
}

async fn take_all(connection: &Connection, mesh: &str, workloads: &[Taken]) -> Result<(), String> {
    for taken in workloads {
        workloads::take(connection, mesh, taken).await?;
    }
    Ok(())
}

/// Restores all, even if one fails.
async fn give_all_back(connection: &Connection, workloads: &[Taken]) -> Result<(), String> {
    let mut failed = Vec::new();
    for taken in workloads {
        if let Err(why) = workloads::give_back(connection, taken).await {
            failed.push(format!("{}: {why}", taken.id()));
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(failed.join("; "))
    }
}

fn client_report(watcher: &Watcher<'_>, one: &Watched) -> DrillClient {
    let meanwhile = &one.samples[..one.returning_from];
    let mut answered_by: Vec<String> = meanwhile
        .iter()
        .filter_map(|sample| sample.answered_by.clone())
        .collect();
    answered_by.sort();
    answered_by.dedup();
    DrillClient {
        cluster: watcher.cluster.to_owned(),
        expected: watcher.away.clone(),
        answered_by,
        requests: u32::try_from(one.samples.len()).unwrap_or(u32::MAX),
        lost: lost(&one.samples),
        moved_after: one.moved.map(super::http::milliseconds),
        returned_after: one.returned.map(super::http::milliseconds),
    }
}

/// One row for each client, and one for replicas that were not restored.
fn rows(drill: &Drill, blank: &Check, was_taken: &Result<(), String>, stopped: bool) -> Vec<Check> {
    let mut rows: Vec<Check> = drill
        .clients
        .iter()
        .map(|client| {
            let mut row = blank.clone();
            row.cluster.clone_from(&client.cluster);
            row.host.clone_from(&drill.host);
            row.expected = expected_text(None, &client.expected);
            row.seen.milliseconds = client.moved_after;
            row.seen.text = format!("{} of {} requests lost", client.lost, client.requests);
            if let Err(why) = was_taken {
                let cause = Cause::NoDrill(format!("the service could not be scaled down: {why}"));
                row.with(Outcome::CouldNotCheck, &cause)
            } else if client.moved_after.is_some() && client.returned_after.is_some() {
                row
            } else if stopped {
                let cause = Cause::NoDrill("stopped before the end of the drill".to_owned());
                row.with(Outcome::CouldNotCheck, &cause)
            } else if client.moved_after.is_none() {
                let expected = client.expected.clone();
                row.with(Outcome::Failed, &Cause::NotMoved { expected })
            } else {
                let cluster = drill.cluster.clone();
                row.with(Outcome::Failed, &Cause::NotReturned { cluster })
            }
        })
        .collect();
    if let Some(why) = &drill.not_restored {
        let row = blank.clone();
        rows.push(row.with(Outcome::Failed, &Cause::NotRestored(why.clone())));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_has_a_row() {
        let client = |moved_after, returned_after| DrillClient {
            moved_after,
            returned_after,
            ..DrillClient::default()
        };
        let drill = |clients: Vec<DrillClient>, not_restored: Option<&str>| Drill {
            clients,
            not_restored: not_restored.map(str::to_owned),
            ..Drill::default()
        };
        let codes = |drill: &Drill, taken: Result<(), String>, stopped| -> Vec<String> {
            rows(drill, &Check::new(Family::Drill), &taken, stopped)
                .into_iter()
                .map(|row| row.cause.map_or_else(|| "ok".into(), |cause| cause.code))
                .collect()
        };
        let all = drill(
            vec![
                client(Some(1), Some(2)),
                client(None, Some(2)),
                client(Some(1), None),
            ],
            None,
        );
        assert_eq!(
            codes(&all, Ok(()), false),
            ["ok", "not-moved", "not-returned"]
        );
        assert_eq!(codes(&all, Ok(()), true), ["ok", "no-drill", "no-drill"]);
        assert_eq!(codes(&all, Err("no".into()), false), ["no-drill"; 3]);
        let left = drill(vec![client(Some(1), None)], Some("gone"));
        assert_eq!(
            codes(&left, Ok(()), false),
            ["not-returned", "not-restored"]
        );
    }
}
