//! Checks of each gateway for each name, called from the agent's machine.

use std::collections::BTreeMap;

use futures::future::FutureExt as _;
use shared::traffic::expect::GatewayCall;
use shared::verify::{Around, Cause, Check, Expected, Failure, Family, Outcome, Reply, judge_call};

use super::http::{self, Got};
use super::round::{AT_ONCE, Round, expected_of, some_at_once};
use super::tls::Trust;

/// Calls all gateways.
///
/// An unreachable gateway is tried once: its other names would only cost another deadline each.
pub(super) async fn check(round: &Round<'_>) -> Vec<Check> {
    let calls = &round.expectations.gateways;
    let mut by_address: BTreeMap<(&str, u16), Vec<usize>> = BTreeMap::new();
    let mut checks: Vec<Option<Check>> = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        let passed = round.passed.get(&row(call)).cloned();
        if passed.is_none() {
            by_address
                .entry((&call.address, call.port))
                .or_default()
                .push(index);
        }
        checks.push(passed);
    }
    let tasks = by_address
        .into_values()
        .map(|indices| at_address(round, indices).boxed());
    for (index, check) in some_at_once(AT_ONCE, tasks.collect()).await.concat() {
        checks[index] = Some(check);
    }
    checks.into_iter().flatten().collect()
}

/// Calls one address for each of its names.
async fn at_address(round: &Round<'_>, indices: Vec<usize>) -> Vec<(usize, Check)> {
    let calls = &round.expectations.gateways;
    let Some((&first, rest)) = indices.split_first() else {
        return Vec::new();
    };
    let trust = trust(round, &calls[first].cluster).await;
    let check = one(round, &calls[first], &trust, None).await;
    let not_reached = check
        .cause
        .as_ref()
        .filter(|cause| cause.code == "not-from-here")
        .map(|_| check.seen.text.clone());
    let tasks = rest
        .iter()
        .map(|&index| one(round, &calls[index], &trust, not_reached.clone()).boxed());
    let others = some_at_once(AT_ONCE, tasks.collect()).await;
    let others = rest.iter().copied().zip(others);
    std::iter::once((first, check)).chain(others).collect()
}

fn row(call: &GatewayCall) -> Check {
    let mut check = Check::new(Family::Gateway);
    check.cluster.clone_from(&call.cluster);
    check.service.clone_from(&call.service);
    check.host.clone_from(&call.host);
    check.asked = if call.address.contains(':') {
        format!("[{}]:{}", call.address, call.port)
    } else {
        format!("{}:{}", call.address, call.port)
    };
    check.expected = match &call.mutual {
        Some(mutual) => format!("a certificate of {}", mutual.identity),
        None => expected_of(call.protocol, call.probe.status, &call.answered_by),
    };
    check
}

/// The authorities that may sign the certificate of a cluster's gateway.
async fn trust(round: &Round<'_>, cluster: &str) -> Trust {
    let mut clusters = round.resolved.clusters.iter();
    let place = clusters.find(|one| one.name.as_str() == cluster);
    match (&round.resolved.tls, place) {
        (Some(tls), Some(place)) => {
            let namespace = place.gateway.namespace.as_str();
            Trust::of(&tls.ca, round.connection(cluster).ok(), namespace).await
        }
        _ => Trust::NameOnly,
    }
}

async fn one(
    round: &Round<'_>,
    call: &GatewayCall,
    trust: &Trust,
    not_reached: Option<String>,
) -> Check {
    let mut check = row(call);
    let got = match not_reached {
        Some(why) => Got::NotReached(why),
        None => http::ask(call, (trust, round.roots), round.deadline()).await,
    };
    let (reply, milliseconds) = match got {
        Got::Reply {
            reply,
            milliseconds,
        } => (reply, milliseconds),
        Got::NotReached(why) => {
            check.seen.text.clone_from(&why);
            return check.with(Outcome::CouldNotCheck, &Cause::NotFromHere(why));
        }
    };
    fill(&mut check, &reply, milliseconds);
    if call.tls && matches!(trust, Trust::NameOnly) && check.seen.text.is_empty() {
        "the certificate's authority was not checked".clone_into(&mut check.seen.text);
    }
    let expected = Expected {
        status: call.probe.status,
        answered_by: &call.answered_by,
    };
    if judge_call(expected, &reply, &Around::default()).is_ok() {
        return check;
    }
    let clusters = std::slice::from_ref(&call.cluster);
    let is_elsewhere = check
        .seen
        .answered_by
        .as_ref()
        .is_some_and(|cluster| !call.answered_by.contains(cluster));
    // If the answer is from another cluster, nothing in this one is the cause.
    let around = if is_elsewhere {
        Around::default()
    } else {
        Around {
            objects: round
                .off_objects(&call.service)
                .into_iter()
                .filter(|off| off.cluster == call.cluster)
                .collect(),
            backends: round
                .backends(&call.service, call.published, clusters)
                .await,
            ..Around::default()
        }
    };
    match judge_call(expected, &reply, &around) {
        Ok(()) => check,
        Err(cause) => check.with(Outcome::Failed, &cause),
    }
}

/// Records an answer in a row.
pub(super) fn fill(check: &mut Check, reply: &Reply, milliseconds: u32) {
    check.seen.milliseconds = Some(milliseconds);
    match reply {
        Reply::Answered(answer) => {
            check.seen.status = Some(answer.status);
            check.seen.answered_by.clone_from(&answer.cluster);
            if answer.status >= 400 {
                // The beginning of the body: an HTML page is of no use in a row.
                check.seen.text = answer.body.chars().take(200).collect();
            }
        }
        Reply::Connected => "connected".clone_into(&mut check.seen.text),
        Reply::Failed(Failure::Certificate(why) | Failure::Identity(why)) => {
            check.seen.text.clone_from(why);
        }
        Reply::Failed(Failure::ForeignRoot(clusters)) => {
            check.seen.text = format!("not signed by the root of {}", clusters.join(", "));
        }
        Reply::Failed(failure) => check.seen.text = format!("{failure:?}").to_lowercase(),
    }
}

/// Marks gateways that are not reachable from here as advisory if a client in a mesh was answered through them.
pub(super) fn settle(checks: &mut [Check]) {
    let answering: Vec<String> = checks
        .iter()
        .filter(|check| check.family == Family::Call && check.outcome == Outcome::Passed)
        .filter_map(|check| check.seen.answered_by.clone())
        .collect();
    for check in checks.iter_mut() {
        let not_reached = check
            .cause
            .as_ref()
            .is_some_and(|cause| cause.code == "not-from-here");
        if check.family == Family::Gateway && not_reached {
            check.advisory = answering.contains(&check.cluster);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_that_answer_clients_are_advisory() {
        let gateway = |cluster: &str, cause: &Cause| {
            let mut check = Check::new(Family::Gateway);
            check.cluster = cluster.into();
            check.with(Outcome::CouldNotCheck, cause)
        };
        let call = |by: &str, outcome| {
            let mut check = Check::new(Family::Call);
            check.seen.answered_by = Some(by.into());
            check.outcome = outcome;
            check
        };
        let away = Cause::NotFromHere("192.0.2.1:80".into());
        let mut checks = [
            gateway("north", &away),
            gateway("south", &away),
            gateway("north", &Cause::Refused),
            call("north", Outcome::Passed),
            call("south", Outcome::Failed),
        ];
        settle(&mut checks);
        let advisory: Vec<bool> = checks.iter().map(|check| check.advisory).collect();
        assert_eq!(advisory, [true, false, false, false, false]);
    }
}
