//! Records as they are in the objects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::object::{Kind, Object};
use shared::plan::{Existing, ObservedCluster};
use shared::published::Level;
use shared::resolved::Resolved;
use shared::wanted::Wanted;

use super::event::RecordChange;
use crate::gateways::Door;

/// Name and type → targets, sorted.
type Records = BTreeMap<(String, String), BTreeSet<String>>;

/// The records that are wanted of a cluster, and nothing else.
pub(super) fn only_records(mut wanted: Wanted, cluster: &str) -> Wanted {
    wanted.objects.retain(|name, _| name == cluster);
    for objects in wanted.objects.values_mut() {
        objects.retain(|object| object.kind == Kind::DNS_ENDPOINT);
    }
    wanted
}

/// What an apply of `wanted` changes, by name.
pub(super) fn changes<'a>(
    wanted: impl IntoIterator<Item = &'a Object>,
    observed: &ObservedCluster,
) -> Vec<RecordChange> {
    let (mut before, mut after) = (Records::new(), Records::new());
    for object in wanted {
        match observed.wanted.get(&object.key()) {
            Some(Existing::InStep | Existing::Foreign(_)) => continue,
            Some(Existing::Asked { live, .. }) => collect(live, &mut before),
            None => {}
        }
        collect(&object.to_json(), &mut after);
    }
    for surplus in observed.surplus.values() {
        collect(&surplus.live(), &mut before);
    }
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    keys.into_iter()
        .filter(|key| before.get(key) != after.get(key))
        .map(|key| {
            let targets = |records: &Records| -> Vec<String> {
                records.get(&key).into_iter().flatten().cloned().collect()
            };
            let (before, after) = (targets(&before), targets(&after));
            let (name, record_type) = key;
            RecordChange {
                name,
                record_type,
                before,
                after,
            }
        })
        .collect()
}

/// The addresses that live records still have for a gateway of a cluster that does not answer: those of
/// its zone's names, without those that `others` in the zone have.
pub(super) fn still_published(
    live: &[Value],
    resolved: &Resolved,
    (index, door): (usize, Door),
    others: &BTreeSet<&str>,
) -> Vec<String> {
    let mut records = Records::new();
    for object in live {
        collect(object, &mut records);
    }
    let cluster = &resolved.clusters[index];
    let called = resolved
        .services
        .iter()
        .filter(|service| door.takes(service));
    let names = called.flat_map(|service| &service.names);
    // A zone without an address is an alias of its region's name.
    let published: BTreeSet<&str> = names.clone().map(|name| name.host.as_str()).collect();
    let of_zone = names.filter(|name| {
        name.clusters.contains(&index)
            && matches!(&name.level, Level::Zone { region, zone }
                if *region == cluster.region && *zone == cluster.zone)
    });
    let hosts: BTreeSet<&str> = of_zone.map(|name| name.host.as_str()).collect();
    let targets: BTreeSet<&String> = records
        .iter()
        .filter(|((host, _), _)| hosts.contains(host.as_str()))
        .flat_map(|(_, targets)| targets)
        .filter(|target| !published.contains(target.as_str()) && !others.contains(target.as_str()))
        .collect();
    targets.into_iter().cloned().collect()
}

/// Adds the records of a DNSEndpoint.
fn collect(object: &Value, records: &mut Records) {
    for endpoint in object["spec"]["endpoints"].as_array().into_iter().flatten() {
        let text = |field: &str| endpoint[field].as_str().unwrap_or_default().to_owned();
        let targets = endpoint["targets"].as_array().into_iter().flatten();
        records
            .entry((text("dnsName"), text("recordType")))
            .or_default()
            .extend(targets.filter_map(|target| target.as_str().map(str::to_owned)));
    }
}
