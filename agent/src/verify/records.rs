//! Checks of the addresses of names: at the zone's servers, in every cluster, and on the agent's machine.

use std::collections::BTreeMap;

use futures::future::FutureExt as _;
use shared::kubernetes::ownership::TXT_PREFIX;
use shared::resolved::published::answered_by;
use shared::traffic::expect::Record;
use shared::verify::{
    Cause, Check, Family, OffObject, Outcome, RecordAround, Resolution, Resolver, judge_record,
};

use super::dns::{self, NameServer};
use super::round::{AT_ONCE, Round, some_at_once};
use crate::cluster::Request;

/// Results from outside of the clusters, to compare those from inside with.
pub(super) struct Records {
    /// The rows.
    pub(super) checks: Vec<Check>,
    /// The zone's answer for each name.
    authority: BTreeMap<String, Resolution>,
    /// The reason why ExternalDNS cannot work.
    external_dns: Option<String>,
}

/// Queries every server of the zone, and this machine's resolver.
pub(super) async fn check(round: &Round<'_>) -> Records {
    let mut records = Records {
        checks: Vec::new(),
        authority: BTreeMap::new(),
        external_dns: external_dns(round).await,
    };
    if round.expectations.records.is_empty() {
        return records;
    }
    let suffix = round.resolved.dns.suffix.as_str();
    let mut addresses = round.name_servers();
    if addresses.is_empty() {
        match dns::authority(suffix, round.deadline()).await {
            Ok(found) => addresses = found,
            Err(why) => {
                let mut check = Check::new(Family::Record);
                suffix.clone_into(&mut check.host);
                "the zone's name servers".clone_into(&mut check.asked);
                "an answer".clone_into(&mut check.expected);
                let server = format!("of {suffix}");
                let cause = Cause::NameServer { server, why };
                records
                    .checks
                    .push(check.with(Outcome::CouldNotCheck, &cause));
            }
        }
    }
    for address in addresses {
        match NameServer::at(address, round.deadline()) {
            Ok(server) => records.ask(round, &server).await,
            Err(why) => tracing::warn!("name server {address} cannot be queried: {why}"),
        }
    }
    records.ask_locally(round).await;
    records
}

impl Records {
    async fn ask(&mut self, round: &Round<'_>, server: &NameServer) {
        let this = &*self;
        let records = &round.expectations.records;
        let tasks = records
            .iter()
            .map(|record| this.at_server(round, server, record).boxed());
        let answers = some_at_once(AT_ONCE, tasks.collect()).await;
        for (record, (check, seen)) in records.iter().zip(answers) {
            // The addresses of a passed check are the expected ones.
            let seen = seen.unwrap_or_else(|| Resolution::Addresses(record.addresses.clone()));
            let known = self.authority.get(&record.host);
            if known.is_none_or(|known| matches!(known, Resolution::Error(_))) {
                self.authority.insert(record.host.clone(), seen);
            }
            self.checks.push(check);
        }
    }

    /// The row of a name at a server, and the server's answer, unless the check has passed before.
    async fn at_server(
        &self,
        round: &Round<'_>,
        server: &NameServer,
        record: &Record,
    ) -> (Check, Option<Resolution>) {
        let mut check = row(record);
        check.asked = server.address().to_string();
        if let Some(passed) = round.passed.get(&check) {
            return (passed.clone(), None);
        }
        let seen = server.addresses(&record.host).await;
        fill(&mut check, &seen);
        let mut around = self.around(round, record);
        around.server = server.address().to_string();
        if judge_record(Resolver::Authority, &seen, &around).is_ok() {
            return (check, Some(seen));
        }
        if around.our_owner.is_some() && !matches!(seen, Resolution::Error(_)) {
            around.owners = server.owners(TXT_PREFIX, &record.host).await;
        }
        let check = match judge_record(Resolver::Authority, &seen, &around) {
            Ok(()) => check,
            // The clusters may reach a server that this machine does not.
            Err(cause @ Cause::NameServer { .. }) => check.with(Outcome::CouldNotCheck, &cause),
            Err(cause) => check.with(Outcome::Failed, &cause),
        };
        (check, Some(seen))
    }

    async fn ask_locally(&mut self, round: &Round<'_>) {
        let this = &*self;
        let records = &round.expectations.records;
        let tasks = records
            .iter()
            .map(|record| this.locally(round, record).boxed());
        let checks = some_at_once(AT_ONCE, tasks.collect()).await;
        self.checks.extend(checks);
    }

    /// The row of a name on this machine.
    async fn locally(&self, round: &Round<'_>, record: &Record) -> Check {
        let mut check = row(record);
        "this machine".clone_into(&mut check.asked);
        if let Some(passed) = round.passed.get(&check) {
            return passed.clone();
        }
        let seen = dns::locally(&record.host, round.deadline()).await;
        fill(&mut check, &seen);
        let around = self.around(round, record);
        match judge_record(Resolver::Machine, &seen, &around) {
            Ok(()) => check,
            Err(cause) => {
                check.advisory = around.private;
                // If even the zone's servers do not answer here, this machine cannot query DNS at all.
                let nobody = matches!(seen, Resolution::Error(_))
                    && !matches!(
                        around.authority,
                        Some(Resolution::Addresses(_) | Resolution::NoSuchName)
                    );
                let outcome = if nobody {
                    Outcome::CouldNotCheck
                } else {
                    Outcome::Failed
                };
                check.with(outcome, &cause)
            }
        }
    }

    /// Judges the answer of a cluster's DNS for a name.
    pub(super) fn in_cluster(
        &self,
        round: &Round<'_>,
        cluster: &str,
        record: &Record,
        seen: &Resolution,
    ) -> (Check, Option<Cause>) {
        let mut check = row_in_cluster(cluster, record);
        fill(&mut check, seen);
        let mut around = self.around(round, record);
        around.objects.extend(round.off_cluster_dns(cluster));
        match judge_record(Resolver::Cluster, seen, &around) {
            Ok(()) => (check, None),
            Err(cause @ Cause::SidecarDns) => {
                check.advisory = true;
                (check.with(Outcome::CouldNotCheck, &cause), None)
            }
            Err(cause) => (check.with(Outcome::Failed, &cause), Some(cause)),
        }
    }

    fn around(&self, round: &Round<'_>, record: &Record) -> RecordAround {
        let external_dns = round.resolved.dns.external_dns.as_ref();
        let resource = external_dns
            .map(|external_dns| format!("crd/{}/{}", external_dns.namespace, record.service));
        let objects = round.off_objects(&record.service).into_iter();
        let is_record = |off: &OffObject| off.object.kind == "DNSEndpoint";
        RecordAround {
            expected: record.addresses.clone(),
            ttl: round.resolved.dns.ttl,
            private: round.is_private(),
            authority: self.authority.get(&record.host).cloned(),
            server: String::new(),
            owners: Vec::new(),
            our_owner: external_dns.map(|external_dns| external_dns.owner_id.clone()),
            our_resource: resource.unwrap_or_default(),
            external_dns: self.external_dns.clone(),
            objects: objects.filter(is_record).collect(),
            without_address: round.without_address(&record.service, &answering(round, record)),
        }
    }
}

/// Names of the clusters whose gateways a name resolves to.
fn answering(round: &Round<'_>, record: &Record) -> Vec<String> {
    let Some(service) = round.service(&record.service) else {
        return Vec::new();
    };
    let name = service
        .names
        .iter()
        .find(|name| name.host.as_str() == record.host);
    let clusters = name.map_or(&[][..], |name| answered_by(name, &service.names));
    clusters
        .iter()
        .map(|&index| round.resolved.clusters[index].name.to_string())
        .collect()
}

fn row(record: &Record) -> Check {
    let mut check = Check::new(Family::Record);
    check.service.clone_from(&record.service);
    check.host.clone_from(&record.host);
    let addresses: Vec<String> = record.addresses.iter().map(ToString::to_string).collect();
    check.expected = addresses.join(", ");
    check
}

/// The row of a name in a cluster, without a result.
pub(super) fn row_in_cluster(cluster: &str, record: &Record) -> Check {
    let mut check = row(record);
    cluster.clone_into(&mut check.cluster);
    "the cluster's DNS".clone_into(&mut check.asked);
    check
}

fn fill(check: &mut Check, seen: &Resolution) {
    match seen {
        Resolution::Addresses(addresses) => {
            check.seen.addresses = addresses.iter().map(ToString::to_string).collect();
        }
        Resolution::NoSuchName => "NXDOMAIN".clone_into(&mut check.seen.text),
        Resolution::NoAddress => "no address".clone_into(&mut check.seen.text),
        Resolution::Error(why) => check.seen.text.clone_from(why),
    }
}

/// The reason why the document's ExternalDNS cannot work; `None` if it can, or if the document has none.
async fn external_dns(round: &Round<'_>) -> Option<String> {
    let resolved = round.resolved;
    let external_dns = resolved.dns.external_dns.as_ref()?;
    let cluster = &resolved.clusters[resolved.dns.cluster].name;
    let connection = round.connection(cluster.as_str()).ok()?;
    let namespace = &external_dns.namespace;
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/external-dns");
    let place = format!("Deployment {namespace}/external-dns in cluster {cluster}");
    match connection.find(&Request::get(path)).await.ok()? {
        None => Some(format!("{place} does not exist")),
        Some(found) if found["status"]["availableReplicas"].as_u64().unwrap_or(0) == 0 => {
            Some(format!("{place} has no ready pod"))
        }
        Some(_) => None,
    }
}

/// Marks name servers that are not reachable from here as advisory if a cluster has the expected answer.
pub(super) fn settle(checks: &mut [Check]) {
    let resolved: Vec<String> = checks
        .iter()
        .filter(|check| {
            check.family == Family::Record
                && !check.cluster.is_empty()
                && check.outcome == Outcome::Passed
        })
        .map(|check| check.host.clone())
        .collect();
    for check in checks.iter_mut() {
        let no_answer = check
            .cause
            .as_ref()
            .is_some_and(|cause| cause.code == "name-server");
        if check.family == Family::Record && no_answer {
            check.advisory = if check.service.is_empty() {
                !resolved.is_empty()
            } else {
                resolved.contains(&check.host)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_that_answer_clusters_are_advisory() {
        let record = |cluster: &str, host: &str| {
            let mut check = Check::new(Family::Record);
            check.service = "orders.sales".into();
            check.cluster = cluster.into();
            check.host = host.into();
            check
        };
        let late = Cause::NameServer {
            server: "10.0.0.53:53".into(),
            why: "timed out".into(),
        };
        let mut checks = [
            record("", "a.example.org").with(Outcome::CouldNotCheck, &late),
            record("", "b.example.org").with(Outcome::CouldNotCheck, &late),
            record("", "a.example.org").with(Outcome::Failed, &Cause::RecordDiffers),
            record("north", "a.example.org"),
            record("north", "b.example.org").with(Outcome::Failed, &Cause::StubDomain),
        ];
        settle(&mut checks);
        let advisory: Vec<bool> = checks.iter().map(|check| check.advisory).collect();
        assert_eq!(advisory, [true, false, false, false, false]);
    }
}
