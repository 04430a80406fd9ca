//! Addresses of live records, for a mesh whose addresses an earlier version did not record.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Known, LastKnown, Observation, ObservedGateway};
use crate::gateways::kind::GatewayKind;
use crate::resolved::Resolved;
use crate::resolved::published::Level;

/// Records by name and type, such as `A`, with their targets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records(pub BTreeMap<(String, String), BTreeSet<String>>);

impl Records {
    /// Adds the records of a DNSEndpoint.
    pub fn add(&mut self, object: &Value) {
        for endpoint in object["spec"]["endpoints"].as_array().into_iter().flatten() {
            let text = |field: &str| endpoint[field].as_str().unwrap_or_default().to_owned();
            let targets = endpoint["targets"].as_array().into_iter().flatten();
            self.0
                .entry((text("dnsName"), text("recordType")))
                .or_default()
                .extend(targets.filter_map(|target| target.as_str().map(str::to_owned)));
        }
    }
}

/// The addresses of gateways in live records: those of their zones' names, without the known addresses of other
/// gateways of the zone.
pub fn from_records(
    live: &Records,
    resolved: &Resolved,
    observed: &[ObservedGateway],
) -> LastKnown {
    let mut all = LastKnown::default();
    for gateway in observed {
        let index = resolved
            .clusters
            .iter()
            .position(|cluster| cluster.name.as_str() == gateway.cluster);
        let (Some(index), false) = (index, gateway.observation == Observation::Given) else {
            continue;
        };
        let others = of_others(resolved, index, gateway, observed);
        let mut addresses = still_published(live, resolved, index, gateway.kind, &others);
        if let Observation::Found { addresses: own, .. } = &gateway.observation
            && !own.is_empty()
        {
            addresses.retain(|address| own.contains(address));
        }
        if !addresses.is_empty() {
            let known = Known {
                addresses,
                seen: None,
            };
            all.of_kind_mut(gateway.kind)
                .insert(gateway.cluster.clone(), known);
        }
    }
    all
}

/// The addresses of the other gateways in a cluster's zones.
fn of_others(
    resolved: &Resolved,
    index: usize,
    gateway: &ObservedGateway,
    observed: &[ObservedGateway],
) -> BTreeSet<String> {
    let here = &resolved.clusters[index];
    let mut addresses = BTreeSet::new();
    for (other, cluster) in resolved.clusters.iter().enumerate() {
        if other == index || here.common_zone(cluster).is_none() {
            continue;
        }
        let seen = observed
            .iter()
            .find(|one| one.kind == gateway.kind && one.cluster == cluster.name.as_str());
        match seen.map(|one| &one.observation) {
            Some(Observation::Found { addresses: all, .. }) => {
                addresses.extend(all.iter().cloned());
            }
            Some(Observation::Given) => {
                let given = gateway.kind.of(cluster).addresses.iter().flatten();
                addresses.extend(given.map(ToString::to_string));
            }
            Some(Observation::Unknown(_)) | None => {}
        }
    }
    addresses
}

fn still_published(
    live: &Records,
    resolved: &Resolved,
    index: usize,
    kind: GatewayKind,
    others: &BTreeSet<String>,
) -> Vec<String> {
    let cluster = &resolved.clusters[index];
    let called = resolved
        .services
        .iter()
        .filter(|service| kind.serves(service));
    let names = called.flat_map(|service| &service.names);
    // A zone without an address is an alias of its region's name.
    let published: BTreeSet<&str> = names.clone().map(|name| name.host.as_str()).collect();
    let of_zone = names.filter(|name| {
        name.clusters.contains(&index)
            && match &name.level {
                Level::Zone { region, zone } => {
                    *region == cluster.region && cluster.zones.contains(zone)
                }
                Level::Cluster { .. } => true,
                Level::Vanity | Level::Global | Level::Region(_) => false,
            }
    });
    let hosts: BTreeSet<&str> = of_zone.map(|name| name.host.as_str()).collect();
    let targets: BTreeSet<&String> = live
        .0
        .iter()
        .filter(|((host, _), _)| hosts.contains(host.as_str()))
        .flat_map(|(_, targets)| targets)
        .filter(|target| !published.contains(target.as_str()) && !others.contains(*target))
        .collect();
    targets.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Records, from_records};
    use crate::facts::Facts;
    use crate::gateways::kind::GatewayKind;
    use crate::gateways::last_known::{Observation, ObservedGateway};
    use crate::mesh::Mesh;

    #[test]
    fn a_gateway_has_the_remaining_addresses_of_its_zone() {
        let mesh = Mesh::read(
            "apiVersion: fedmesh.dev/v1alpha1\nkind: Mesh\nmetadata: {name: demo}\nspec:\n  dns: \
             {suffix: example.net}\n  clusters:\n  - {name: a, region: r, zone: z1}\n  - {name: b, \
             region: r, zone: z1}\n  - {name: c, region: r, zone: z2}\n  services:\n  - {name: web, \
             port: 80}\n",
        )
        .unwrap();
        let resolved = crate::check(&mesh, &Facts::default()).resolved.unwrap();
        let found = |addresses: &[&str]| Observation::Found {
            addresses: addresses.iter().map(|&text| text.to_owned()).collect(),
            is_ready: None,
        };
        let observed: Vec<_> = [
            ("a", Observation::Unknown("away".to_owned())),
            ("b", found(&["192.0.2.2"])),
            ("c", found(&[])),
        ]
        .into_iter()
        .map(|(cluster, observation)| ObservedGateway {
            cluster: cluster.to_owned(),
            kind: GatewayKind::Ingress,
            observation,
        })
        .collect();
        let zone = |zone: &str| format!("web.default.external.svc.{zone}.r.example.net");
        let region = "web.default.external.svc.r.example.net";
        let mut live = Records::default();
        live.add(&json!({ "spec": { "endpoints": [
            { "dnsName": region, "recordType": "A", "targets": ["192.0.2.1", "192.0.2.2"] },
            { "dnsName": zone("z1"), "recordType": "A", "targets": ["192.0.2.2", "192.0.2.1"] },
            // It fell back before.
            { "dnsName": zone("z2"), "recordType": "CNAME", "targets": [region] },
        ] } }));
        let known = from_records(&live, &resolved, &observed);
        let all: Vec<_> = known
            .gateways
            .iter()
            .map(|(cluster, known)| (cluster.as_str(), known.addresses.join(",")))
            .collect();
        assert_eq!(
            all,
            [("a", "192.0.2.1".to_owned()), ("b", "192.0.2.2".to_owned())]
        );
        assert!(known.east_west_gateways.is_empty());
    }
}
