//! Looks up the gateways' addresses in the clusters and by DNS, and falls back to the last known ones.
//!
//! [`shared::gateways::last_known`] decides which addresses are published.

mod explain;

pub(crate) use explain::last_known;

use std::collections::BTreeSet;

use futures::future::join_all;
use k8s_openapi::jiff;
use shared::Mesh;
use shared::facts::Facts;
use shared::gateways::kind::GatewayKind;
use shared::gateways::last_known::{
    self, Gateways, HostNames, LastKnown, ObservedGateway, Records, Timestamp,
};
use shared::kubernetes::object::Kind;
use shared::name::Label;

use crate::cluster::{self, Connection, Parent};
use crate::gateways::{self, gateway_services};
use crate::host_names;
use crate::members::MemberCluster;

/// The gateways' addresses and their sources.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// The addresses as input of the checks.
    pub(crate) facts: Facts,
    /// Each gateway, in the order of kinds and of the document.
    pub(crate) gateways: Gateways,
    /// The addresses of each host name that is resolved.
    pub(crate) host_names: HostNames,
    /// The last known addresses as recorded.
    pub(crate) recorded: LastKnown,
    /// The last known addresses to record.
    pub(crate) last_known: LastKnown,
    /// Clusters whose last known addresses were to be withdrawn, but are not in use.
    had_none: BTreeSet<String>,
}

/// The clusters from which the record of last known addresses is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordsOf {
    /// All clusters, since the cluster with the DNS records may have lost its record, or may be a different one now.
    AllClusters,
    /// The cluster with the DNS records.
    DnsCluster,
}

/// Looks up all addresses. `withdrawn` names clusters whose last known addresses are no longer published.
pub(crate) async fn look(
    mesh: &Mesh,
    members: &mut [MemberCluster],
    records_of: RecordsOf,
    withdrawn: &BTreeSet<String>,
) -> Addresses {
    let dns = dns_cluster(mesh);
    let to_read = to_read(mesh, members, records_of, dns);
    let (observed, read) = tokio::join!(
        gateways::look(mesh, members),
        read_records(&mesh.metadata.name, to_read)
    );
    let (mut recorded, mut of_dns) = (Vec::new(), None);
    for (index, read) in read {
        match read {
            Ok(last_known) if index == dns => of_dns = Some(last_known),
            Ok(last_known) => recorded.push(last_known),
            // Without its record, addresses would count as unknown and be withdrawn.
            Err(why) if index == dns => members[index].connection = Err(why),
            Err(_) => {}
        }
    }
    let now = now();
    // Of records with the same time, that of the cluster with the DNS records is used.
    let mut recorded = LastKnown::newest(recorded.into_iter().chain(of_dns));
    let mut gateways = last_known::publish(&observed, &recorded, withdrawn, &now);
    if recorded.is_empty()
        && gateways.are_uncertain()
        && let Some(member) = members.get_mut(dns)
    {
        recorded = of_live_records(mesh, member, &observed, &gateways.facts()).await;
        gateways = last_known::publish(&observed, &recorded, withdrawn, &now);
    }
    let mut facts = gateways.facts();
    let found = host_names::look_up(mesh, &facts).await;
    let hosts = |clusters: &BTreeSet<String>| host_names_of(mesh, &facts, clusters);
    let names = HostNames::publish(&found, &recorded, &hosts(withdrawn), &now);
    let had_none = withdrawn
        .iter()
        .filter(|&cluster| {
            let one = BTreeSet::from([cluster.clone()]);
            let others = withdrawn - &one;
            gateways == last_known::publish(&observed, &recorded, &others, &now)
                && names == HostNames::publish(&found, &recorded, &hosts(&others), &now)
        })
        .cloned()
        .collect();
    facts.host_names = names.facts();
    for ((kind, cluster), ip) in gateways::inside(mesh, members).await {
        let of_kind = match kind {
            GatewayKind::Ingress => &mut facts.cluster_ips,
            GatewayKind::EastWest => &mut facts.east_west_cluster_ips,
        };
        of_kind.insert(cluster, ip);
    }
    let mut last_known = gateways.to_record(&now).after(&recorded);
    last_known.host_names = names.to_record(&now);
    Addresses {
        facts,
        gateways,
        host_names: names,
        recorded,
        last_known,
        had_none,
    }
}

/// The index of the cluster with the DNS records. The document is not checked yet; an unknown cluster is reported by
/// the checks.
fn dns_cluster(mesh: &Mesh) -> usize {
    let clusters = &mesh.spec.clusters;
    let named = mesh.spec.dns.cluster.as_ref();
    named
        .and_then(|name| clusters.iter().position(|cluster| cluster.name == *name))
        .unwrap_or_default()
}

/// The clusters whose records are read; empty if the document has all addresses.
fn to_read(
    mesh: &Mesh,
    members: &[MemberCluster],
    records_of: RecordsOf,
    dns: usize,
) -> Vec<(usize, Connection)> {
    let resolves = mesh.spec.dns.resolve_host_names == Some(true);
    let mut clusters = mesh.spec.clusters.iter();
    let looks_up = resolves || clusters.any(|cluster| !gateway_services(mesh, cluster).is_empty());
    // The name of the mesh becomes part of a URL path.
    if !looks_up || Label::new(&mesh.metadata.name).is_err() {
        return Vec::new();
    }
    let members = members.iter().enumerate();
    members
        .filter(|(index, _)| records_of == RecordsOf::AllClusters || *index == dns)
        .filter_map(|(index, member)| Some((index, member.connection.clone().ok()?)))
        .collect()
}

async fn read_records(
    mesh: &str,
    clusters: Vec<(usize, Connection)>,
) -> Vec<(usize, Result<LastKnown, String>)> {
    let reads = clusters.into_iter().map(|(index, connection)| async move {
        let read = Parent::read(&connection, mesh).await;
        let last_known = read.map(|found| found.map(|(parent, _)| parent.last_known));
        (index, last_known.map(Option::unwrap_or_default))
    });
    join_all(reads).await
}

/// The addresses of the live DNS records, for a mesh whose record has none because an earlier version wrote it.
async fn of_live_records(
    mesh: &Mesh,
    member: &mut MemberCluster,
    observed: &[ObservedGateway],
    facts: &Facts,
) -> LastKnown {
    let Ok(connection) = &member.connection else {
        return LastKnown::default();
    };
    let Some(resolved) = shared::check(mesh, facts).resolved else {
        return LastKnown::default();
    };
    let kinds = [Kind::DNS_ENDPOINT];
    let name = &mesh.metadata.name;
    let found = cluster::look_at_kinds(connection.clone(), name, kinds, &[]).await;
    match found {
        Ok(Some((observed_here, _))) => {
            let mut live = Records::default();
            for object in observed_here.prune_candidates.values() {
                live.add(&object.live());
            }
            last_known::from_records(&live, &resolved, observed)
        }
        Ok(None) => LastKnown::default(),
        Err(why) => {
            // Without the live records, addresses would count as unknown and be withdrawn.
            member.connection = Err(why);
            LastKnown::default()
        }
    }
}

/// The host names of the gateways of `clusters`.
fn host_names_of(mesh: &Mesh, facts: &Facts, clusters: &BTreeSet<String>) -> BTreeSet<String> {
    host_names::gateways(mesh)
        .filter(|(_, cluster)| clusters.contains(&mesh.spec.clusters[*cluster].name))
        .flat_map(|(kind, cluster)| host_names::of_gateway(mesh, facts, kind, cluster))
        .collect()
}

fn now() -> Timestamp {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    // It fails only for years with more than four digits.
    Timestamp::new(&now.to_string()).unwrap_or_else(|_| Timestamp::epoch())
}
