//! A drill: a service is taken away in one cluster, traffic has to move to where the model says, and
//! to come back when the service does.

use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{FutureExt as _, join_all};
use shared::answers::in_mesh;
use shared::expect::Call;
use shared::outage::Outage;
use shared::published::{Level, PublishedName};
use shared::resolved::Service;
use shared::verify::{
    Around, Cause, Check, Drill, DrillClient, Expected, Family, Outcome, Reply, judge_call,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::calls::{find, url};
use super::client::Client;
use super::round::{AT_ONCE, Round, blank, expected_text, some_at_once};
use super::watch::{Sample, Watched, lost, since_settled};
use super::workloads::{self, Taken};
use crate::cluster::Connection;

/// Between two requests of one client.
const TICK: Duration = Duration::from_millis(200);
/// Requests of one client that may be under way: more would only wait for each other.
const IN_FLIGHT: usize = 10;
/// Before anything is changed, for everything to be seen well.
const BEFORE: Duration = Duration::from_secs(20);
/// For traffic to move: pods may take 30 s to end, and endpoints some more.
const MOVING: Duration = Duration::from_mins(2);
/// For traffic to come back: a pod has to start, and an ejection to end.
const RETURNING: Duration = Duration::from_mins(5);

/// What to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillTarget {
    /// `<name>` or `<name>.<namespace>`
    pub service: String,
    /// The cluster; default the first that serves it.
    pub cluster: Option<String>,
}

/// Not `SERVICE[@CLUSTER]`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not SERVICE[@CLUSTER], such as orders.sales@north")]
pub struct DrillTargetError(String);

impl FromStr for DrillTarget {
    type Err = DrillTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (service, cluster) = match text.split_once('@') {
            Some((service, cluster)) => (service, Some(cluster.to_owned())),
            None => (text, None),
        };
        if service.is_empty() || cluster.as_ref().is_some_and(String::is_empty) {
            return Err(DrillTargetError(text.to_owned()));
        }
        Ok(Self {
            service: service.to_owned(),
            cluster,
        })
    }
}

/// A target that is in the document.
struct Found<'a> {
    service_index: usize,
    service: &'a Service,
    name: &'a PublishedName,
    cluster_index: usize,
    cluster: &'a str,
}

/// A client that watches.
struct Watcher<'a> {
    cluster: &'a str,
    connection: &'a Connection,
    client: Client,
    url: String,
    call: &'a Call,
    /// Who answers while the service is away, and who does without.
    away: Vec<String>,
    usual: Vec<String>,
}

/// Runs the drill. Whatever comes, the replicas are given back.
pub(super) async fn run(round: &Round<'_>, target: &DrillTarget) -> (Option<Drill>, Vec<Check>) {
    let mut row = blank(Family::Drill);
    row.service.clone_from(&target.service);
    "traffic moves and comes back".clone_into(&mut row.expected);
    let not_begun = |row: Check, why: String| {
        let cause = Cause::NoDrill(format!("nothing was taken away: {why}"));
        (None, vec![row.with(Outcome::CouldNotCheck, &cause)])
    };
    let found = match find_target(round, target) {
        Ok(found) => found,
        Err(why) => return not_begun(row, why),
    };
    row.service = found.service.id();
    found.cluster.clone_into(&mut row.cluster);
    let prepared = async {
        let connection = round.connection(found.cluster)?;
        let workloads = workloads::behind(connection, found.service).await?;
        let watchers = watchers(round, &found).await?;
        Ok((connection, workloads, watchers))
    };
    let (connection, workloads, watchers) = match prepared.await {
        Ok(prepared) => prepared,
        Err(why) => return not_begun(row, why),
    };
    let mut watched = vec![Watched::default(); watchers.len()];
    watch(round, &watchers, &mut watched, BEFORE, |index, one| {
        since_settled(&one.samples, &watchers[index].usual, Duration::ZERO).is_some()
    })
    .await;
    let unwell = watchers.iter().zip(&watched).find(|(watcher, watched)| {
        since_settled(&watched.samples, &watcher.usual, Duration::ZERO).is_none()
    });
    if let Some((watcher, _)) = unwell {
        let why = format!(
            "the client in {} is not answered by {} to begin with",
            watcher.cluster,
            watcher.usual.join(" or ")
        );
        return not_begun(row, why);
    }
    if round.stop.is_requested() {
        return not_begun(row, "stopped".to_owned());
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
    // Times count from here on.
    watched.fill(Watched::default());
    let mesh = round.resolved.name.as_str();
    let was_taken = take_all(connection, mesh, &workloads).await;
    let taken_at = Instant::now();
    if was_taken.is_ok() {
        watch(round, &watchers, &mut watched, MOVING, |index, watched| {
            since_settled(&watched.samples, &watchers[index].away, Duration::ZERO).is_some()
        })
        .await;
    }
    for (watcher, one) in watchers.iter().zip(&mut watched) {
        one.moved = since_settled(&one.samples, &watcher.away, Duration::ZERO);
        one.returning_from = one.samples.len();
    }
    // All of them, also those of which it is not known whether they were taken.
    let given_back = give_all_back(connection, &workloads).await;
    drill.not_restored = given_back.err();
    let back_at = taken_at.elapsed();
    if was_taken.is_ok() && drill.not_restored.is_none() {
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

fn find_target<'a>(round: &'a Round<'_>, target: &DrillTarget) -> Result<Found<'a>, String> {
    let resolved = round.resolved;
    let services: Vec<(usize, &Service)> = resolved
        .services
        .iter()
        .enumerate()
        .filter(|(_, service)| {
            service.id() == target.service || service.name.as_str() == target.service
        })
        .collect();
    let (service_index, service) = match services.as_slice() {
        [one] => *one,
        [] => return Err(format!("the document has no service {}", target.service)),
        _ => {
            return Err(format!(
                "several services are named {}; write <name>.<namespace>",
                target.service
            ));
        }
    };
    let named = |index: &&usize| {
        let name = resolved.clusters[**index].name.as_str();
        target
            .cluster
            .as_ref()
            .is_none_or(|cluster| cluster == name)
    };
    let Some(&cluster_index) = service.clusters.iter().find(named) else {
        let cluster = target.cluster.as_deref().unwrap_or_default();
        return Err(format!(
            "{} does not run in cluster {cluster}",
            service.id()
        ));
    };
    if !resolved.answer_header {
        return Err("with spec.answerHeader: false nobody sees which cluster answers".to_owned());
    }
    if service.clusters.len() < 2 {
        return Err(format!(
            "{} runs in one cluster only, so traffic has nowhere to go",
            service.id()
        ));
    }
    let Some(name) = service
        .names
        .iter()
        .find(|name| name.level == Level::Global)
    else {
        return Err(format!("{} has no global name", service.id()));
    };
    Ok(Found {
        service_index,
        service,
        name,
        cluster_index,
        cluster: resolved.clusters[cluster_index].name.as_str(),
    })
}

/// A client in every cluster that calls the global name; jobs cannot watch.
async fn watchers<'a>(round: &'a Round<'_>, found: &Found<'_>) -> Result<Vec<Watcher<'a>>, String> {
    let host = found.name.host.as_str();
    let calls = round.expectations.calls.iter();
    let calls = calls.filter(|call| call.url_host == host);
    let tasks = calls.map(|call| watcher(round, found, call).boxed());
    let watchers = some_at_once(AT_ONCE, tasks.collect()).await;
    let watchers: Vec<Watcher<'_>> = watchers.into_iter().flatten().collect();
    if watchers.is_empty() {
        return Err(
            "no cluster has a pod to call from; add `sleep` to spec.samples, or give --client"
                .to_owned(),
        );
    }
    Ok(watchers)
}

async fn watcher<'a>(
    round: &'a Round<'_>,
    found: &Found<'_>,
    call: &'a Call,
) -> Option<Watcher<'a>> {
    let connection = round.connection(&call.client).ok()?;
    let client = find(round, connection).await.ok()?;
    if !client.is_pod() {
        return None;
    }
    let index = round
        .resolved
        .clusters
        .iter()
        .position(|cluster| cluster.name.as_str() == call.client)?;
    let outage = Outage {
        services: [(found.cluster_index, found.service_index)].into(),
        ..Outage::default()
    };
    let answering = |outage: &Outage| {
        in_mesh(
            round.resolved,
            index,
            found.service_index,
            found.name,
            outage,
        )
        .by()
        .iter()
        .map(|&index| round.resolved.clusters[index].name.to_string())
        .collect()
    };
    Some(Watcher {
        cluster: &call.client,
        connection,
        client,
        url: url(call),
        call,
        away: answering(&outage),
        usual: answering(&Outage::default()),
    })
}

/// Lets every client call once a tick until all are done, or the time is over. One that is done goes
/// on as long as others are not: what it loses meanwhile counts too.
async fn watch(
    round: &Round<'_>,
    watchers: &[Watcher<'_>],
    watched: &mut [Watched],
    limit: Duration,
    is_done: impl Fn(usize, &Watched) -> bool + Sync,
) {
    let done: Vec<AtomicBool> = watchers.iter().map(|_| AtomicBool::new(false)).collect();
    let (done, is_done) = (done.as_slice(), &is_done);
    let tasks = watchers.iter().zip(&mut *watched).enumerate();
    let tasks = tasks.map(|(index, (watcher, one))| {
        watch_one(round, watcher, one, limit, move |one| {
            done[index].store(is_done(index, one), Ordering::Relaxed);
            done.iter().all(|done| done.load(Ordering::Relaxed))
        })
        .boxed()
    });
    join_all(tasks.collect::<Vec<_>>()).await;
}

async fn watch_one(
    round: &Round<'_>,
    watcher: &Watcher<'_>,
    one: &mut Watched,
    limit: Duration,
    all_are_done: impl Fn(&Watched) -> bool + Sync,
) {
    let start = Instant::now();
    let begin = *one.begin.get_or_insert(start);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut calls = JoinSet::new();
    while start.elapsed() < limit {
        tokio::select! {
            _ = ticks.tick() => {
                if all_are_done(one) {
                    break;
                }
                if calls.len() < IN_FLIGHT {
                    let connection = watcher.connection.clone();
                    let client = watcher.client.clone();
                    let (url, deadline) = (watcher.url.clone(), round.deadline());
                    let at = begin.elapsed();
                    calls.spawn(async move {
                        (at, client.call(&connection, &url, deadline).await)
                    });
                }
            }
            // What the way to the pod loses is no loss of the mesh.
            Some(Ok((at, Some(Ok(transfer))))) = calls.join_next() => {
                one.add(sample(watcher, at, &transfer.reply));
            }
            () = round.stop.requested() => break,
        }
    }
}

fn sample(watcher: &Watcher<'_>, at: Duration, reply: &Reply) -> Sample {
    let expected = Expected {
        status: watcher.call.probe.status,
        answered_by: &[],
    };
    Sample {
        at,
        is_good: judge_call(expected, reply, &Around::default()).is_ok(),
        answered_by: match reply {
            Reply::Answered(answer) => answer.cluster.clone(),
            Reply::Failed(_) => None,
        },
    }
}

async fn take_all(connection: &Connection, mesh: &str, workloads: &[Taken]) -> Result<(), String> {
    for taken in workloads {
        workloads::take(connection, mesh, taken).await?;
    }
    Ok(())
}

/// Goes on where one fails.
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

/// A row for each client, and one for what could not be given back.
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
                let cause = Cause::NoDrill(format!("the service could not be taken away: {why}"));
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
    fn targets_are_read() {
        let target: DrillTarget = "orders.sales@north".parse().unwrap();
        assert_eq!(target.service, "orders.sales");
        assert_eq!(target.cluster.as_deref(), Some("north"));
        let target: DrillTarget = "orders".parse().unwrap();
        assert_eq!(target.cluster, None);
        for wrong in ["", "@north", "orders@"] {
            wrong.parse::<DrillTarget>().unwrap_err();
        }
    }

    #[test]
    fn a_drill_is_judged_by_every_client() {
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
            rows(drill, &blank(Family::Drill), &taken, stopped)
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
