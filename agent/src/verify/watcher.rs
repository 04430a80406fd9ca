//! Clients that send requests continuously during a drill.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{FutureExt as _, join_all};
use shared::traffic::answers::in_mesh;
use shared::traffic::expect::Call;
use shared::traffic::outage::Outage;
use shared::verify::{Around, DrillPlace, Expected, Reply, judge_call};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::calls::{find, url};
use super::client::Client;
use super::round::{AT_ONCE, Round, some_at_once};
use super::watch::{Sample, Watched};
use crate::cluster::Connection;

/// Interval between two requests of one client.
const TICK: Duration = Duration::from_millis(200);
/// Limit of open requests of one client: more would only wait for each other.
const IN_FLIGHT: usize = 10;
/// A client that is watched.
pub(super) struct Watcher<'a> {
    pub(super) cluster: &'a str,
    connection: &'a Connection,
    client: Client,
    url: String,
    call: &'a Call,
    /// The clusters that answer while the service is scaled down; empty if the client gets no answer.
    pub(super) away: Vec<String>,
    pub(super) usual: Vec<String>,
}

/// The clients in every cluster that call the global name; Jobs cannot be watched.
pub(super) async fn watchers<'a>(
    round: &'a Round<'_>,
    found: &DrillPlace<'_>,
) -> Result<Vec<Watcher<'a>>, String> {
    let host = found.name.host.as_str();
    let calls = round.expectations.calls.iter();
    let mut ports = found.service.ports.iter();
    let port = ports.find(|port| port.protocol.is_http());
    let calls = calls.filter(|call| {
        call.url_host == host && port.is_some_and(|port| port.published == call.port)
    });
    let tasks = calls.map(|call| watcher(round, found, call).boxed());
    let watchers = some_at_once(AT_ONCE, tasks.collect()).await;
    let watchers: Vec<Watcher<'_>> = watchers.into_iter().flatten().collect();
    if watchers.is_empty() {
        return Err(
            "no cluster has a pod to call from that is among the callers; add `sleep` to spec.samples, or give --client"
                .to_owned(),
        );
    }
    Ok(watchers)
}

async fn watcher<'a>(
    round: &'a Round<'_>,
    found: &DrillPlace<'_>,
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
    if !found
        .service
        .is_called_by(index, &client.namespace, &client.account)
    {
        return None;
    }
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

/// Sends one request per client and tick until all clients are done, or the time is over. A client that is done
/// continues while others are not: its losses in the meantime count too.
pub(super) async fn watch(
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
            // A loss on the way to the pod is not a loss of the mesh.
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
            Reply::Connected | Reply::Failed(_) => None,
        },
    }
}
