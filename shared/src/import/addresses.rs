//! The addresses of the gateways, from the records of the zones' names, and from WorkloadEntries.
//!
//! A record has the addresses of all clusters of its zone that run its service. So an address can be a cluster's only
//! if the records of all its services have it, and each record needs a cluster for each of its addresses. If several
//! are possible, the first is used: the records are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::endpoints::{is_published, locality_of, usual_port};
use super::names::{At, Names};
use super::ports;
use super::services::local;
use super::workloads;
use super::world::World;
use crate::check::{Findings, code};
use crate::manifests::{Object, field, list, texts};
use crate::mesh::{Cluster, Service, Transport};
use crate::name::HostName;

/// The services whose records of one zone have an address, as indices.
type Having<'a> = BTreeMap<&'a str, BTreeSet<usize>>;

pub(super) fn find(
    world: &World,
    names: &Names,
    services: &[Service],
    clusters: &mut [Cluster],
    findings: &mut Findings,
) {
    let mut known = workloads::outside(world);
    let records = records(world, names, services);
    let zones = by_zone(&records, names, services);
    let runs = |mutual: bool| -> Vec<BTreeSet<usize>> {
        let of_kind = |one: &Cluster| {
            let mut runs = run_by(one, services);
            runs.retain(|&service| is_mutual(&services[service]) == mutual);
            runs
        };
        clusters.iter().map(of_kind).collect()
    };
    let runs = [runs(false), runs(true)];
    for record in &records {
        if let At::Cluster(_, _, cluster) = record.at {
            let owner = clusters.iter().position(|one| one.name == cluster);
            let mutual = is_mutual(&services[record.service]);
            for target in &record.targets {
                let of = (mutual, (*target).to_owned());
                known.entry(of).or_default().extend(owner);
            }
        }
    }
    let mut assumed = Vec::new();
    for ((region, zone, mutual), having) in &zones {
        let is_in = |one: &Cluster| one.region == *region && one.all_zones().any(|of| of == zone);
        let in_zone: Vec<usize> = (0..clusters.len())
            .filter(|&index| is_in(&clusters[index]))
            .collect();
        for (address, records) in having {
            // The records of all zones of a cluster have its addresses.
            let runs = in_zone.iter().filter_map(|&index| {
                let runs = &runs[usize::from(*mutual)][index];
                let mut all = clusters[index].all_zones();
                let has_it = all.all(|zone| {
                    let there = zones.get(&(region.clone(), zone.to_owned(), *mutual));
                    let records = there.and_then(|having| having.get(address));
                    records.is_some_and(|records| runs.is_subset(records))
                });
                has_it.then_some((index, runs))
            });
            let runs: BTreeMap<usize, &BTreeSet<usize>> = runs.collect();
            let (owners, is_certain) = match known.get(&(*mutual, (*address).to_owned())) {
                Some(owners) => (owners.clone(), true),
                None => owners(&runs, records),
            };
            if is_certain {
                for &owner in &owners {
                    add(of_gateway(&mut clusters[owner], *mutual), address);
                }
            } else {
                assumed.push((region, zone, *mutual, *address, runs, owners));
            }
        }
    }
    for (region, zone, mutual, address, candidates, owners) in assumed {
        // Another zone may have told it.
        let mut candidates = candidates.into_keys();
        let has_it = |index| {
            of_gateway(&mut clusters[index], mutual)
                .iter()
                .any(|one| one == address)
        };
        if candidates.any(has_it) {
            continue;
        }
        let field = if mutual { "eastWestGateway" } else { "gateway" };
        for owner in owners {
            if add(of_gateway(&mut clusters[owner], mutual), address) {
                findings.warning(
                    code::ASSUMED,
                    &format!("spec.clusters[{owner}].{field}.addresses"),
                    format!(
                        "the cluster of address `{address}` is unknown: `{region}/{zone}` has several clusters"
                    ),
                    "check which cluster's gateway has the address, and move it to that cluster"
                        .into(),
                );
            }
        }
    }
    for ((mutual, address), owners) in &known {
        for &owner in owners {
            add(of_gateway(&mut clusters[owner], *mutual), address);
        }
    }
    of_endpoints(world, names, services, clusters, findings);
    for cluster in clusters {
        let gateway = cluster.gateway.iter_mut().map(|one| &mut one.addresses);
        let east_west = cluster.east_west_gateway.iter_mut();
        for addresses in gateway.chain(east_west.map(|one| &mut one.addresses)) {
            addresses.sort_by_key(|text| (text.parse::<IpAddr>().ok(), text.clone()));
        }
    }
}

/// Adds an address, and returns whether it is new.
fn add(addresses: &mut Vec<String>, address: &str) -> bool {
    let is_new = addresses.iter().all(|one| one != address);
    if is_new {
        addresses.push(address.to_owned());
    }
    is_new
}

/// From endpoints in entries of other tools: a locality with one other cluster is that of its gateway.
fn of_endpoints(
    world: &World,
    names: &Names,
    services: &[Service],
    clusters: &mut [Cluster],
    findings: &mut Findings,
) {
    let is_entry = |object: &Object| !object.is_ours() && is_published(object, names);
    let is_ip = |text: &str| text.parse::<IpAddr>().is_ok();
    let mut found = Findings::default();
    let entries = world.of_kind("ServiceEntry");
    for (cluster, entry) in entries.filter(|(_, object)| is_entry(object)) {
        let mutual =
            entry.value["spec"]["location"] == "MESH_INTERNAL" && services.iter().any(is_mutual);
        let usual = usual_port(entry);
        for (number, endpoint) in entry.endpoints().iter().enumerate() {
            let address = endpoint["address"].as_str().unwrap_or_default();
            let is_inside = local(&endpoint["address"], entry).is_some();
            let is_valid = is_ip(address) || HostName::new(address).is_ok();
            if is_inside || names.read(address).is_some() || !is_valid {
                continue;
            }
            let place = locality_of(endpoint);
            let is_there = |one: &Cluster| {
                place.as_ref().is_some_and(|(region, zone)| {
                    one.region == *region && one.all_zones().any(|of| of == zone)
                })
            };
            if is_there(&clusters[cluster]) {
                continue;
            }
            let mut owners = (0..clusters.len()).filter(|&index| is_there(&clusters[index]));
            let (Some(owner), None) = (owners.next(), owners.next()) else {
                let field = if entry.selected.is_empty() {
                    format!("spec.endpoints[{number}].address")
                } else {
                    "spec.workloadSelector".to_owned()
                };
                found.warning(
                    code::NOT_CARRIED,
                    &format!("{} {field}", entry.place()),
                    format!("no cluster, or several, can have the gateway with the address `{address}`"),
                    "import the manifests of its cluster too, or set `addresses` of its gateway in the document".into(),
                );
                continue;
            };
            let addresses = of_gateway(&mut clusters[owner], mutual);
            // A gateway has addresses or one host name.
            if addresses.is_empty()
                || is_ip(address) && addresses.iter().all(|one| is_ip(one) && one != address)
            {
                addresses.push(address.to_owned());
            }
            let port = usual.and_then(|name| ports::number(&endpoint["ports"][name]));
            if !mutual && let Some(gateway) = &mut clusters[owner].gateway {
                gateway.port = gateway.port.or(port);
            }
        }
    }
    findings.add_new(found);
}

fn of_gateway(cluster: &mut Cluster, mutual: bool) -> &mut Vec<String> {
    if mutual {
        &mut cluster.east_west_gateway.get_or_insert_default().addresses
    } else {
        &mut cluster.gateway.get_or_insert_default().addresses
    }
}

/// Whether a service uses east-west gateways.
fn is_mutual(service: &Service) -> bool {
    service.transport == Some(Transport::Mtls)
}

/// Region, zone, and whether it is for east-west gateways.
type Of = (String, String, bool);

/// The addresses in the records of zones, each with its services.
fn by_zone<'a>(
    records: &[Record<'a>],
    names: &Names,
    services: &[Service],
) -> BTreeMap<Of, Having<'a>> {
    let mut zones: BTreeMap<Of, Having> = BTreeMap::new();
    for record in records {
        let At::Zone(region, zone) = record.at else {
            continue;
        };
        let region = names.region(region).to_owned();
        let of = (
            region,
            zone.to_owned(),
            is_mutual(&services[record.service]),
        );
        let having = zones.entry(of).or_default();
        for target in &record.targets {
            having.entry(*target).or_default().insert(record.service);
        }
    }
    zones
}

/// A record of a service, with its addresses.
struct Record<'a> {
    service: usize,
    at: At<'a>,
    targets: Vec<&'a str>,
}

fn records<'a>(world: &'a World, names: &Names, services: &[Service]) -> Vec<Record<'a>> {
    let records = world
        .of_kind("DNSEndpoint")
        .flat_map(|(_, object)| list(field(&object.value, &["spec", "endpoints"])));
    let read = |record: &'a serde_json::Value| {
        let name = names.read(record["dnsName"].as_str()?)?;
        let prefix = name.prefix?;
        let service = services.iter().position(|one| {
            let namespace = one.namespace.as_deref();
            let namespace = namespace.unwrap_or(crate::defaults::DEFAULT_NAMESPACE);
            (one.name.as_str(), namespace) == prefix
        });
        // A level without addresses is an alias of the one above.
        let is_address =
            |target: &&str| names.read(target).is_none_or(|name| name.prefix.is_none());
        Some(Record {
            // Names that start with the gateway belong to the only service.
            service: service.or((services.len() == 1).then_some(0))?,
            at: name.at,
            targets: texts(&record["targets"]).filter(is_address).collect(),
        })
    };
    records.filter_map(read).collect()
}

/// Indices of the services that a cluster runs.
fn run_by(cluster: &Cluster, services: &[Service]) -> BTreeSet<usize> {
    let runs = |service: &Service| match &service.clusters {
        Some(clusters) => clusters.contains(&cluster.name),
        None => true,
    };
    let services = services.iter().enumerate();
    services
        .filter(|(_, service)| runs(service))
        .map(|(index, _)| index)
        .collect()
}

/// The clusters that may have an address of the given records, and whether the result is unique.
fn owners(
    runs: &BTreeMap<usize, &BTreeSet<usize>>,
    records: &BTreeSet<usize>,
) -> (BTreeSet<usize>, bool) {
    let candidates = |record: &usize| {
        let record = *record;
        runs.iter()
            .filter(move |(_, services)| services.contains(&record) && services.is_subset(records))
            .map(|(&cluster, _)| cluster)
    };
    let mut owners: BTreeSet<usize> = BTreeSet::new();
    let mut open = Vec::new();
    for record in records {
        let mut all = candidates(record);
        match (all.next(), all.next()) {
            (Some(only), None) => {
                owners.insert(only);
            }
            (Some(_), Some(_)) => open.push(record),
            (None, _) => {}
        }
    }
    let mut certain = true;
    for record in open {
        if !candidates(record).any(|cluster| owners.contains(&cluster)) {
            certain = false;
            owners.extend(candidates(record).next());
        }
    }
    (owners, certain)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::owners;

    #[test]
    fn an_address_is_in_the_records_of_all_services_of_its_cluster() {
        for (runs, records, expected, certain) in [
            // One cluster.
            (&[(0, &[0][..])][..], &[0][..], &[0][..], true),
            // Two clusters: only the second runs the second service.
            (&[(0, &[0]), (1, &[0, 1])], &[0, 1], &[1], true),
            (&[(0, &[0]), (1, &[0, 1])], &[0], &[0], true),
            // Ambiguous.
            (&[(0, &[0]), (1, &[0])], &[0], &[0], false),
            // A record without a possible cluster.
            (&[(0, &[0, 1])], &[0], &[], true),
        ] {
            let runs: BTreeMap<usize, BTreeSet<usize>> = runs
                .iter()
                .map(|(cluster, services)| (*cluster, services.iter().copied().collect()))
                .collect();
            let runs = runs
                .iter()
                .map(|(cluster, services)| (*cluster, services))
                .collect();
            let records = records.iter().copied().collect();
            assert_eq!(
                owners(&runs, &records),
                (expected.iter().copied().collect(), certain)
            );
        }
    }
}
