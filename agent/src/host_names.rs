//! Resolves the host names of load balancers, for documents with `resolveHostNames`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use futures::future::join_all;
use shared::Mesh;
use shared::check::{Finding, code};
use shared::facts::Facts;
use shared::gateways::kind::GatewayKind;
use shared::gateways::last_known::{self, HostNames};
use shared::name::HostName;

/// Timeout for one name.
const DEADLINE: Duration = Duration::from_secs(5);

/// The addresses of each host name, at least one, or the error.
pub(crate) type Found = BTreeMap<String, Result<Vec<IpAddr>, String>>;

/// Resolves every host name of a gateway once, concurrently.
pub(crate) async fn look_up(mesh: &Mesh, facts: &Facts) -> Found {
    let hosts = desired(mesh, facts);
    let found = join_all(hosts.iter().map(|host| addresses(host))).await;
    hosts.into_iter().zip(found).collect()
}

/// The host names of gateways, from the document or from the clusters.
fn desired(mesh: &Mesh, facts: &Facts) -> BTreeSet<String> {
    gateways(mesh)
        .flat_map(|(kind, cluster)| of_gateway(mesh, facts, kind, cluster))
        .collect()
}

/// Every gateway that receives calls, with the index of its cluster.
pub(crate) fn gateways(mesh: &Mesh) -> impl Iterator<Item = (GatewayKind, usize)> {
    let clusters = 0..mesh.spec.clusters.len();
    GatewayKind::used(mesh)
        .flat_map(move |kind| clusters.clone().map(move |cluster| (kind, cluster)))
}

/// The host names of one gateway to resolve, in lower case.
pub(crate) fn of_gateway(
    mesh: &Mesh,
    facts: &Facts,
    kind: GatewayKind,
    cluster: usize,
) -> Vec<String> {
    if mesh.spec.dns.resolve_host_names != Some(true) {
        return Vec::new();
    }
    let addresses = kind.addresses(&mesh.spec.clusters[cluster], facts);
    addresses
        .iter()
        .map(|text| text.to_ascii_lowercase())
        .filter(|text| text.parse::<IpAddr>().is_err() && HostName::new(text).is_ok())
        .collect()
}

/// The IPv4 and IPv6 addresses of a name, resolved by this machine.
async fn addresses(host: &str) -> Result<Vec<IpAddr>, String> {
    // Absolute, so that no search domain is appended.
    let found = tokio::net::lookup_host((format!("{host}."), 0));
    let found = tokio::time::timeout(DEADLINE, found).await;
    let found = found.map_err(|_| "the look-up timed out".to_owned())?;
    let found = found.map_err(|error| error.to_string())?;
    let addresses: BTreeSet<IpAddr> = found.map(|address| address.ip()).collect();
    if addresses.is_empty() {
        return Err("the name has no address".to_owned());
    }
    Ok(addresses.into_iter().collect())
}

/// Adds the error of each look-up to the findings about host names without addresses.
pub(crate) fn explain(mesh: &Mesh, facts: &Facts, names: &HostNames, findings: &mut [Finding]) {
    for (kind, cluster) in gateways(mesh) {
        let hosts = of_gateway(mesh, facts, kind, cluster).into_iter();
        let why: Vec<String> = hosts
            .filter_map(|host| {
                let why = match names.0.get(&host)? {
                    last_known::HostName::Unresolved(why) => why,
                    last_known::HostName::LastKnown { known, why }
                        if known.addresses.is_empty() =>
                    {
                        why
                    }
                    _ => return None,
                };
                Some(format!("{host} does not resolve on this machine: {why}"))
            })
            .collect();
        if why.is_empty() {
            continue;
        }
        let path = kind.path(cluster);
        let ours = findings
            .iter_mut()
            .filter(|one| one.code == code::HOST_NAME_UNRESOLVED.id && one.path == path);
        for finding in ours {
            finding.hint = why.join("; ");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::json;
    use shared::Mesh;
    use shared::facts::Facts;
    use shared::gateways::last_known::{HostNames, LastKnown, Timestamp};

    use super::{desired, explain, look_up};

    /// A document whose gateways in `field` have host names; east-west gateways with mutual TLS, else ingress gateways.
    fn mesh(resolves: bool, transport: &str, field: &str) -> Mesh {
        serde_json::from_value(json!({
            "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" },
            "spec": {
                "dns": { "suffix": "mesh.example.com", "resolveHostNames": resolves },
                "transport": transport,
                "clusters": [
                    { "name": "a", "region": "r", "zone": "z1", field: { "addresses": ["LB.one", "192.0.2.1"] } },
                    { "name": "b", "region": "r", "zone": "z2" },
                ],
                "services": [{ "name": "web", "port": 80 }],
            },
        }))
        .unwrap()
    }

    #[tokio::test]
    async fn host_names_of_documents_and_clusters_are_resolved_on_request() {
        let seen = BTreeMap::from([
            ("a".to_owned(), vec!["not-asked.example".to_owned()]),
            (
                "b".to_owned(),
                vec!["lb.invalid".to_owned(), "2001:db8::1".to_owned()],
            ),
        ]);
        let ingress = Facts {
            gateways: seen.clone(),
            ..Facts::default()
        };
        let east_west = Facts {
            east_west_gateways: seen,
            ..Facts::default()
        };
        for (transport, field, mut facts) in [
            ("http", "gateway", ingress),
            ("mtls", "eastWestGateway", east_west),
        ] {
            let unasked = mesh(false, transport, field);
            assert!(look_up(&unasked, &facts).await.is_empty());
            let asked = mesh(true, transport, field);
            let hosts = desired(&asked, &facts).into_iter();
            assert!(hosts.eq(["lb.invalid", "lb.one"]), "{transport}");

            let found = BTreeMap::from([
                ("lb.one".to_owned(), Ok(vec!["192.0.2.9".parse().unwrap()])),
                ("lb.invalid".to_owned(), Err("no such name".to_owned())),
            ]);
            let now = Timestamp::new("2026-05-04T09:12:31Z").unwrap();
            let names = HostNames::publish(&found, &LastKnown::default(), &BTreeSet::new(), &now);
            facts.host_names = names.facts();
            let mut findings = shared::check(&asked, &facts).findings;
            explain(&asked, &facts, &names, &mut findings);
            let found = findings.iter().filter(|one| one.code == "FM0322");
            let found: Vec<_> = found
                .map(|one| (one.path.as_str(), one.hint.as_str()))
                .collect();
            assert_eq!(found.len(), 1, "{findings:#?}");
            assert_eq!(found[0].0, format!("spec.clusters[1].{field}.addresses"));
            assert!(
                found[0].1.starts_with("lb.invalid does not resolve"),
                "{found:?}"
            );
        }
    }

    #[test]
    fn gateways_without_incoming_calls_are_not_looked_up() {
        let mesh = mesh(true, "mtls", "gateway");
        assert!(desired(&mesh, &Facts::default()).is_empty());
    }
}
