//! Calls of clients inside each mesh, and the names that their clusters' DNS resolves.

use std::borrow::Cow;
use std::collections::BTreeMap;

use futures::future::FutureExt as _;
use shared::mesh::Protocol;
use shared::resolved::Service;
use shared::resolved::published::answered_by;
use shared::traffic::expect::{Call, Record};
use shared::verify::{
    Around, Cause, Check, Expected, Family, Outcome, Resolution, judge_call, judge_refused,
};

use super::client::{self, Client, Search};
use super::curl;
use super::gateways::fill;
use super::job::Job;
use super::probe::{ProbeRequest, ProbeResult};
use super::records::{Records, row_in_cluster};
use super::round::{Round, expected_of, expected_refusal, some_at_once};
use crate::cluster::Connection;

/// Limit of clusters that are checked at a time.
const CLUSTERS_AT_ONCE: usize = 8;

/// The result of the probe client in one cluster.
pub(super) struct Asked<'a> {
    cluster: &'a str,
    calls: Vec<&'a Call>,
    /// `None` where no call and no name is left to check.
    sent: Option<Result<(Client, ProbeResult), Cause>>,
}

/// Runs a probe client in each cluster.
pub(super) async fn ask<'a>(round: &'a Round<'_>) -> Vec<Asked<'a>> {
    let clusters = round.resolved.clusters.iter();
    let tasks = clusters.map(|cluster| in_cluster(round, cluster.name.as_str()).boxed());
    some_at_once(CLUSTERS_AT_ONCE, tasks.collect()).await
}

/// Judges the result by the checks from outside of the clusters.
///
/// `gateways` are the rows of the gateways, as called from here.
pub(super) async fn check(
    round: &Round<'_>,
    asked: Vec<Asked<'_>>,
    records: &Records,
    gateways: &[Check],
) -> Vec<Check> {
    let seen = Elsewhere { records, gateways };
    let tasks = asked
        .into_iter()
        .map(|asked| asked.checks(round, seen).boxed());
    some_at_once(CLUSTERS_AT_ONCE, tasks.collect())
        .await
        .concat()
}

/// The results of checks from outside of the clusters.
#[derive(Clone, Copy)]
struct Elsewhere<'a> {
    records: &'a Records,
    gateways: &'a [Check],
}

impl Elsewhere<'_> {
    /// The fault of the certificate of a gateway that may answer a call.
    fn certificate(self, call: &Call) -> Option<String> {
        let fault = self.gateways.iter().find(|check| {
            let is_it = check
                .cause
                .as_ref()
                .is_some_and(|cause| cause.code == "certificate");
            let may_answer =
                call.answered_by.is_empty() || call.answered_by.contains(&check.cluster);
            is_it && may_answer && check.service == call.service && check.host == call.url_host
        })?;
        Some(format!("{}: {}", fault.cluster, fault.seen.text))
    }
}

async fn in_cluster<'a>(round: &'a Round<'_>, cluster: &'a str) -> Asked<'a> {
    let calls: Vec<&Call> = round
        .expectations
        .calls
        .iter()
        .filter(|call| call.client == cluster)
        .collect();
    let names = &round.expectations.records;
    let probe = ProbeRequest {
        urls: calls
            .iter()
            .filter(|call| passed(round, call).is_none())
            .map(|call| url(call))
            .collect(),
        names: names
            .iter()
            .filter(|record| round.passed.get(&row_in_cluster(cluster, record)).is_none())
            .map(|record| record.host.clone())
            .collect(),
        deadline: round.deadline(),
    };
    let sent = if probe.urls.is_empty() && probe.names.is_empty() {
        None
    } else {
        Some(send(round, cluster, &probe).await)
    };
    Asked {
        cluster,
        calls,
        sent,
    }
}

impl Asked<'_> {
    async fn checks(self, round: &Round<'_>, seen: Elsewhere<'_>) -> Vec<Check> {
        let resolutions = match &self.sent {
            Some(Ok((_, result))) => result.names.as_ref(),
            Some(Err(cause)) => Err(cause),
            None => Err(&Cause::NoDnsTool),
        };
        let names = &round.expectations.records;
        let (mut checks, faults) =
            name_checks(round, seen.records, self.cluster, names, resolutions);
        for call in self.calls {
            if let Some(passed) = passed(round, call) {
                checks.push(passed.clone());
                continue;
            }
            let mut check = row(call);
            let done = match &self.sent {
                Some(Ok((client, result))) => {
                    let Some(call) = as_made_by(client, call, round) else {
                        checks.push(not_a_caller(check, client));
                        continue;
                    };
                    let call = &*call;
                    check = row(call);
                    check.asked.clone_from(&client.name);
                    let known = Around {
                        record: faults.get(&call.url_host).cloned(),
                        certificate: seen.certificate(call),
                        ..Around::default()
                    };
                    judge(round, call, check, client, result, known).await
                }
                Some(Err(cause)) => check.with(Outcome::CouldNotCheck, cause),
                None => check.with(Outcome::CouldNotCheck, &Cause::NoDnsTool),
            };
            checks.push(done);
        }
        checks
    }
}

/// The row of a call that has passed, made by any client.
fn passed<'a>(round: &'a Round<'_>, call: &Call) -> Option<&'a Check> {
    let refused = Call {
        refused: true,
        ..call.clone()
    };
    let passed = round.passed.get(&row(call));
    passed.or_else(|| round.passed.get(&row(&refused)))
}

/// A call as this client makes it: a client that is not among the service's callers must be refused. `None` where no
/// policy refuses it.
fn as_made_by<'a>(client: &Client, call: &'a Call, round: &Round<'_>) -> Option<Cow<'a, Call>> {
    let index = round.cluster_index(&call.client)?;
    let service = round.service(&call.service)?;
    if service.is_called_by(index, &client.namespace, &client.account) {
        return Some(Cow::Borrowed(call));
    }
    let refused = call.by_stranger(round.resolved, &client.namespace, &client.account);
    refused.map(Cow::Owned)
}

/// A call by a client that is not among the callers: advisory, since no client is a caller of every service.
fn not_a_caller(mut check: Check, client: &Client) -> Check {
    check.asked.clone_from(&client.name);
    check.advisory = true;
    let client = format!("{} (service account {})", client.name, client.account);
    check.with(Outcome::CouldNotCheck, &Cause::NotACaller { client })
}

async fn send(
    round: &Round<'_>,
    cluster: &str,
    probe: &ProbeRequest,
) -> Result<(Client, ProbeResult), Cause> {
    let connection = round.connection(cluster).map_err(Cause::NotAsked)?;
    let mut client = find(round, connection).await?;
    let result = client.run(connection, probe, round.stop).await?;
    Ok((client, result))
}

/// Finds the client of a cluster, or prepares a Job in its place.
pub(super) async fn find(round: &Round<'_>, connection: &Connection) -> Result<Client, Cause> {
    let selector = &round.options.client;
    let job = (!round.options.no_job).then(|| Job {
        namespace: selector.namespace.to_string(),
        image: round.resolved.images.sleep.clone(),
        mesh: round.resolved.name.to_string(),
    });
    client::find(connection, Search { selector, job }).await
}

/// The rows of a cluster's DNS, and the fault of each name. If the DNS could not be queried at all, there is one row.
fn name_checks(
    round: &Round<'_>,
    records: &Records,
    cluster: &str,
    names: &[Record],
    resolutions: Result<&BTreeMap<String, Resolution>, &Cause>,
) -> (Vec<Check>, BTreeMap<String, Cause>) {
    let mut checks = Vec::new();
    let mut faults = BTreeMap::new();
    let mut unasked: Option<Check> = None;
    for record in names {
        let row = row_in_cluster(cluster, record);
        if let Some(passed) = round.passed.get(&row) {
            checks.push(passed.clone());
            continue;
        }
        let resolution = match resolutions {
            Ok(resolutions) => resolutions.get(&record.host).ok_or(&Cause::NoDnsTool),
            Err(cause) => Err(cause),
        };
        match resolution {
            Ok(seen) => {
                let (check, fault) = records.in_cluster(round, cluster, record, seen);
                checks.push(check);
                faults.extend(fault.map(|fault| (record.host.clone(), fault)));
            }
            Err(cause) if unasked.is_none() => {
                let mut check = Check::new(Family::Record);
                check.cluster.clone_from(&row.cluster);
                check.asked.clone_from(&row.asked);
                round
                    .resolved
                    .dns
                    .suffix
                    .as_str()
                    .clone_into(&mut check.host);
                "an answer".clone_into(&mut check.expected);
                unasked = Some(check.with(Outcome::CouldNotCheck, cause));
            }
            Err(_) => {}
        }
    }
    checks.extend(unasked);
    (checks, faults)
}

/// The URL of a call, with the schemes of [`curl`].
pub(super) fn url(call: &Call) -> String {
    let (host, port, path) = (&call.url_host, call.port, &call.probe.path);
    match call.protocol {
        Protocol::Http | Protocol::Http2 if port == 80 => format!("http://{host}{path}"),
        Protocol::Http | Protocol::Http2 => format!("http://{host}:{port}{path}"),
        Protocol::Grpc => format!("grpc://{host}:{port}{path}"),
        Protocol::Tcp => format!("telnet://{host}:{port}"),
        Protocol::Tls => format!("https://{host}:{port}/"),
    }
}

fn row(call: &Call) -> Check {
    let mut check = Check::new(Family::Call);
    check.cluster.clone_from(&call.client);
    check.service.clone_from(&call.service);
    check.host = if call.is_first_port {
        call.url_host.clone()
    } else {
        format!("{}:{}", call.url_host, call.port)
    };
    call.level.clone_into(&mut check.level);
    check.expected = if call.refused {
        expected_refusal()
    } else {
        expected_of(call.protocol, call.probe.status, &call.answered_by)
    };
    check
}

async fn judge(
    round: &Round<'_>,
    call: &Call,
    mut check: Check,
    client: &Client,
    result: &ProbeResult,
    known: Around,
) -> Check {
    let Some(transfer) = result.transfers.get(&curl::authority(&url(call))) else {
        let cause = Cause::NoCurl(format!("it has no result for {}", call.url_host));
        return check.with(Outcome::CouldNotCheck, &cause);
    };
    fill(&mut check, &transfer.reply, transfer.milliseconds);
    let expected = Expected {
        status: call.probe.status,
        answered_by: &call.answered_by,
    };
    let judge = |around: &Around| {
        if call.refused {
            judge_refused(&transfer.reply, around)
        } else {
            judge_call(expected, &transfer.reply, around)
        }
    };
    let sidecar = client.traits.sidecar;
    if judge(&Around::default()).is_ok() {
        return if sidecar == Some(false) {
            // The answer did not pass the mesh, which the check is about.
            check.with(Outcome::CouldNotCheck, &Cause::NoSidecar)
        } else {
            check
        };
    }
    let mutual = round
        .service(&call.service)
        .filter(|service| service.is_mutual());
    let local = [call.client.clone()];
    let behind = mutual.map_or_else(Vec::new, |service| behind(round, service, call));
    let called = if behind.is_empty() {
        &call.answered_by
    } else {
        &behind
    };
    let answering = if called.is_empty() {
        &local[..]
    } else {
        called
    };
    let around = Around {
        sidecar,
        locality: locality(round, call, client),
        client: call.client.clone(),
        tls: round.resolved.tls.is_some()
            && call.protocol.is_http()
            && call.level != "local"
            && mutual.is_none(),
        is_local: call.level == "local",
        mutual: !behind.is_empty(),
        foreign_roots: round.roots.foreign(&call.client, &behind),
        objects: round.off_objects(&call.service),
        backends: round
            .backends(&call.service, call.published, answering)
            .await,
        without_address: round.without_address(&call.service, called),
        ..known
    };
    match judge(&around) {
        Ok(()) => check,
        Err(cause) => check.with(Outcome::Failed, &cause),
    }
}

/// The clusters behind a name of a service with mutual TLS, whose answers do not identify their cluster; empty for its
/// local name.
fn behind(round: &Round<'_>, service: &Service, call: &Call) -> Vec<String> {
    let mut names = service.names.iter();
    let name = names.find(|name| name.host.as_str() == call.url_host);
    let clusters = name.map_or(&[][..], |name| answered_by(name, &service.names));
    let clusters = clusters
        .iter()
        .map(|&index| &round.resolved.clusters[index]);
    clusters.map(|cluster| cluster.name.to_string()).collect()
}

/// The locality of the client's node, if it differs from the document's.
fn locality(round: &Round<'_>, call: &Call, client: &Client) -> Option<(String, String)> {
    let seen = client.traits.locality.clone()?;
    let cluster = round
        .resolved
        .clusters
        .iter()
        .find(|cluster| cluster.name.as_str() == call.client)?;
    let mut places = cluster.places();
    if places.any(|place| place == seen) {
        return None;
    }
    let desired: Vec<String> = cluster.places().collect();
    let shown = if seen == "/" {
        "no region and no zone".to_owned()
    } else {
        seen
    };
    Some((shown, desired.join(" or ")))
}
