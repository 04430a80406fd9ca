//! The addresses of the gateways that the document has none for, asked of the clusters.

use futures::future::join_all;
use shared::Mesh;
use shared::check::{Finding, Severity, code};
use shared::facts::Facts;
use shared::mesh;
use shared::name::Label;
use shared::resolved::{DEFAULT_GATEWAY_SERVICE, ISTIO_NAMESPACE};

use crate::cluster::{self, Gateway};
use crate::place::Place;

/// What was seen of each cluster's gateway, in the order of the document.
#[derive(Debug)]
pub(crate) struct Gateways(Vec<Seen>);

/// What was seen of one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The document has its addresses, or a name for it that is none.
    NotAsked,
    /// The cluster says so; nothing, where it has no such Service.
    Found(Gateway),
    /// The cluster does not answer, or does not tell: why.
    Unknown(String),
}

/// Asks all clusters at once. One that does not answer loses its connection, so that nobody waits
/// for it a second time.
pub(crate) async fn look(mesh: &Mesh, places: &mut [Place]) -> Gateways {
    let clusters = mesh.spec.clusters.iter().zip(&*places);
    let answers = join_all(clusters.map(|(cluster, place)| async move {
        let (namespace, service) = gateway_service(cluster)?;
        Some(match &place.connection {
            Ok(connection) => Ok(cluster::gateway(connection, &namespace, &service).await),
            Err(why) => Err(why.clone()),
        })
    }))
    .await;
    let seen = places.iter_mut().zip(answers).map(|(place, answer)| {
        let error = match answer {
            None => return Seen::NotAsked,
            Some(Ok(Ok(gateway))) => return Seen::Found(gateway.unwrap_or_default()),
            Some(Ok(Err(error))) => error,
            Some(Err(why)) => return Seen::Unknown(why),
        };
        let why = error.in_context(&place.context, "get Service");
        if error.code().is_none() {
            place.connection = Err(why.clone());
        }
        Seen::Unknown(why)
    });
    Gateways(seen.collect())
}

/// The Service to ask for addresses, as namespace and name, if the document needs any. It has not
/// been checked yet, and the names become part of a path.
pub(crate) fn gateway_service(cluster: &mesh::Cluster) -> Option<(String, String)> {
    let gateway = cluster.gateway.clone().unwrap_or_default();
    let or = |written: Option<String>, default: &str| -> Option<String> {
        let name = written.unwrap_or_else(|| default.to_owned());
        Label::new(&name).is_ok().then_some(name)
    };
    if !gateway.addresses.is_empty() {
        return None;
    }
    Some((
        or(gateway.namespace, ISTIO_NAMESPACE)?,
        or(gateway.service, DEFAULT_GATEWAY_SERVICE)?,
    ))
}

impl Gateways {
    /// Each in the order of the document.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Seen> {
        self.0.iter()
    }

    /// Puts addresses in the place of what is not known of a cluster.
    pub(crate) fn suppose(&mut self, index: usize, addresses: Vec<String>) {
        self.0[index] = Seen::Found(Gateway {
            addresses,
            is_ready: None,
        });
    }

    /// The addresses that are published: not those where nothing is ready to answer, unless that is
    /// so in every cluster. Then all stand, since taking the last one away helps nobody.
    pub(crate) fn facts(&self, mesh: &Mesh) -> Facts {
        let any_answers = !self.0.iter().all(Seen::is_unready);
        let mut facts = Facts::default();
        for (cluster, seen) in mesh.spec.clusters.iter().zip(&self.0) {
            let Seen::Found(gateway) = seen else { continue };
            let addresses = if any_answers && seen.is_unready() {
                Vec::new()
            } else {
                gateway.addresses.clone()
            };
            facts.gateways.insert(cluster.name.clone(), addresses);
        }
        facts
    }

    /// Adds to the findings of a check that gateways have nothing behind them, in the place of those
    /// that say that they have no address.
    pub(crate) fn explain(&self, mesh: &Mesh, findings: &mut Vec<Finding>) {
        for (index, (cluster, seen)) in mesh.spec.clusters.iter().zip(&self.0).enumerate() {
            if !seen.is_unready() {
                continue;
            }
            let path = format!("spec.clusters[{index}].gateway.addresses");
            let published = !findings
                .iter()
                .any(|finding| finding.code == code::NO_ADDRESS.id && finding.path == path);
            findings.retain(|finding| finding.code != code::NO_ADDRESS.id || finding.path != path);
            findings.push(Finding {
                code: code::GATEWAY_NOT_READY.id.to_owned(),
                severity: Severity::Warning,
                path,
                message: if published {
                    format!(
                        "{}'s gateway has no ready pod, and no other gateway has one either, so its \
                         address stays published",
                        cluster.name
                    )
                } else {
                    format!(
                        "{}'s gateway has no ready pod, so its address is not published and its \
                         names fall back to other clusters",
                        cluster.name
                    )
                },
                hint: "see why its pods are not ready; the next apply publishes it again, and \
                       `fedmesh-agent follow` does so at once"
                    .to_owned(),
                fix: None,
            });
        }
    }
}

impl Seen {
    /// Whether it has an address and nothing behind it.
    fn is_unready(&self) -> bool {
        matches!(self, Self::Found(gateway)
            if gateway.is_ready == Some(false) && !gateway.addresses.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::{Gateways, Seen};
    use crate::cluster::Gateway;
    use shared::Mesh;
    use shared::check::code;

    fn mesh() -> Mesh {
        Mesh::read(
            "apiVersion: fedmesh.dev/v1alpha1\nkind: Mesh\nmetadata: {name: demo}\nspec:\n  dns: \
             {suffix: example.net}\n  clusters:\n  - {name: a, region: r, zone: z1}\n  - {name: b, \
             region: r, zone: z2}\n",
        )
        .unwrap()
    }

    fn found(address: &str, is_ready: Option<bool>) -> Seen {
        Seen::Found(Gateway {
            addresses: vec![address.to_owned()],
            is_ready,
        })
    }

    #[test]
    fn a_gateway_without_pods_is_not_published_unless_all_are() {
        let mesh = mesh();
        let addresses = |gateways: &Gateways| gateways.facts(&mesh).gateways["a"].len();
        let mut findings = shared::check(&mesh, &shared::facts::Facts::default()).findings;

        let one = Gateways(vec![
            found("192.0.2.1", Some(false)),
            found("192.0.2.2", Some(true)),
        ]);
        assert_eq!(addresses(&one), 0);
        findings.clear();
        findings.extend(shared::check(&mesh, &one.facts(&mesh)).findings);
        one.explain(&mesh, &mut findings);
        let of_gateways: Vec<&str> = findings
            .iter()
            .filter(|finding| finding.path.ends_with("gateway.addresses"))
            .map(|finding| finding.code.as_str())
            .collect();
        assert_eq!(of_gateways, [code::GATEWAY_NOT_READY.id]);

        for other in [
            Seen::NotAsked,
            found("192.0.2.2", None),
            Seen::Unknown(String::new()),
        ] {
            assert_eq!(
                addresses(&Gateways(vec![found("192.0.2.1", Some(false)), other])),
                0
            );
        }
        let none = Gateways(vec![
            found("192.0.2.1", Some(false)),
            found("192.0.2.2", Some(false)),
        ]);
        assert_eq!(addresses(&none), 1);
    }
}
