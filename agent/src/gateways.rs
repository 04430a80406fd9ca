//! The addresses of the gateways that the document has none for, asked of the clusters.

use futures::future::join_all;
use shared::Mesh;
use shared::check::{Finding, Severity, code};
use shared::facts::Facts;
use shared::mesh::{self, Transport};
use shared::name::Label;
use shared::resolved::{
    DEFAULT_EAST_WEST_SERVICE, DEFAULT_GATEWAY_SERVICE, ISTIO_NAMESPACE, Service,
};

use crate::cluster::{self, Gateway};
use crate::place::Place;

/// What was seen of the gateways: of each kind that the document needs, those of all clusters in its order.
#[derive(Debug)]
pub(crate) struct Gateways(Vec<Looked>);

/// A gateway and what was seen of it.
#[derive(Debug)]
pub(crate) struct Looked {
    /// Index of its cluster.
    pub(crate) cluster: usize,
    pub(crate) door: Door,
    pub(crate) seen: Seen,
}

/// A kind of gateway by which clusters are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Ingress,
    /// For mutual TLS.
    EastWest,
}

impl Door {
    const ALL: [Self; 2] = [Self::Ingress, Self::EastWest];

    /// Those by which calls of any service come in.
    pub(crate) fn used(mesh: &Mesh) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|door| door.is_used(mesh))
    }

    fn is_used(self, mesh: &Mesh) -> bool {
        let used = |transport| mesh.spec.has_transport(transport);
        match self {
            Self::Ingress => used(Transport::Http) || used(Transport::Tls),
            Self::EastWest => used(Transport::Mtls),
        }
    }

    /// Whether calls of a service come in by it.
    pub(crate) fn takes(self, service: &Service) -> bool {
        service.is_mutual() == (self == Self::EastWest)
    }

    /// Where a cluster's addresses are in the document.
    pub(crate) fn path(self, cluster: usize) -> String {
        let field = match self {
            Self::Ingress => "gateway",
            Self::EastWest => "eastWestGateway",
        };
        format!("spec.clusters[{cluster}].{field}.addresses")
    }

    /// Its addresses in a cluster: those of the document, else those that were found.
    pub(crate) fn addresses<'a>(
        self,
        cluster: &'a mesh::Cluster,
        facts: &'a Facts,
    ) -> &'a [String] {
        let (written, found) = match self {
            Self::Ingress => (
                cluster.gateway.as_ref().map(|one| &one.addresses),
                &facts.gateways,
            ),
            Self::EastWest => (
                cluster.east_west_gateway.as_ref().map(|one| &one.addresses),
                &facts.east_west_gateways,
            ),
        };
        match written {
            Some(written) if !written.is_empty() => written,
            _ => found.get(&cluster.name).map_or(&[], Vec::as_slice),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Ingress => "gateway",
            Self::EastWest => "east-west gateway",
        }
    }
}

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
    let asked: Vec<(usize, Door)> = Door::used(mesh)
        .flat_map(|door| (0..places.len()).map(move |cluster| (cluster, door)))
        .collect();
    let answers = join_all(asked.iter().map(|&(cluster, door)| {
        let place = &places[cluster];
        let service = gateway_service(&mesh.spec.clusters[cluster], door);
        async move {
            let (namespace, service) = service?;
            Some(match &place.connection {
                Ok(connection) => Ok(cluster::gateway(connection, &namespace, &service).await),
                Err(why) => Err(why.clone()),
            })
        }
    }))
    .await;
    let looked = asked
        .into_iter()
        .zip(answers)
        .map(|((cluster, door), answer)| {
            let place = &mut places[cluster];
            let seen = match answer {
                None => Seen::NotAsked,
                Some(Ok(Ok(gateway))) => Seen::Found(gateway.unwrap_or_default()),
                Some(Err(why)) => Seen::Unknown(why),
                Some(Ok(Err(error))) => {
                    let why = error.in_context(&place.context, "get Service");
                    if error.code().is_none() {
                        place.connection = Err(why.clone());
                    }
                    Seen::Unknown(why)
                }
            };
            Looked {
                cluster,
                door,
                seen,
            }
        });
    Gateways(looked.collect())
}

/// The Services to ask for addresses, as namespace and name, if the document needs any.
pub(crate) fn gateway_services(mesh: &Mesh, cluster: &mesh::Cluster) -> Vec<(String, String)> {
    Door::used(mesh)
        .filter_map(|door| gateway_service(cluster, door))
        .collect()
}

/// The document has not been checked yet, and the names become part of a path.
fn gateway_service(cluster: &mesh::Cluster, door: Door) -> Option<(String, String)> {
    let (gateway, usual): (mesh::Gateway, _) = match door {
        Door::Ingress => (
            cluster.gateway.clone().unwrap_or_default(),
            DEFAULT_GATEWAY_SERVICE,
        ),
        Door::EastWest => (
            cluster.east_west_gateway.clone().unwrap_or_default().into(),
            DEFAULT_EAST_WEST_SERVICE,
        ),
    };
    let or = |written: Option<String>, default: &str| -> Option<String> {
        let name = written.unwrap_or_else(|| default.to_owned());
        Label::new(&name).is_ok().then_some(name)
    };
    if !gateway.addresses.is_empty() {
        return None;
    }
    Some((
        or(gateway.namespace, ISTIO_NAMESPACE)?,
        or(gateway.service, usual)?,
    ))
}

impl Gateways {
    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Looked> {
        self.0.iter()
    }

    /// Puts addresses in the place of what is not known of a gateway.
    pub(crate) fn suppose(&mut self, index: usize, addresses: Vec<String>) {
        self.0[index].seen = Seen::Found(Gateway {
            addresses,
            is_ready: None,
        });
    }

    /// The addresses that are published: not those where nothing is ready to answer, unless that is
    /// so in every cluster. Then all stand, since taking the last one away helps nobody.
    pub(crate) fn facts(&self, mesh: &Mesh) -> Facts {
        let mut facts = Facts::default();
        for door in Door::ALL {
            let of_door = || self.0.iter().filter(|looked| looked.door == door);
            let any_answers = !of_door().all(|looked| looked.seen.is_unready());
            let known = match door {
                Door::Ingress => &mut facts.gateways,
                Door::EastWest => &mut facts.east_west_gateways,
            };
            for Looked { cluster, seen, .. } in of_door() {
                let Seen::Found(gateway) = seen else { continue };
                let addresses = if any_answers && seen.is_unready() {
                    Vec::new()
                } else {
                    gateway.addresses.clone()
                };
                known.insert(mesh.spec.clusters[*cluster].name.clone(), addresses);
            }
        }
        facts
    }

    /// Adds to the findings of a check that gateways have nothing behind them, in the place of those
    /// that say that they have no address.
    pub(crate) fn explain(&self, mesh: &Mesh, findings: &mut Vec<Finding>) {
        for Looked {
            cluster,
            door,
            seen,
        } in &self.0
        {
            if !seen.is_unready() {
                continue;
            }
            let path = door.path(*cluster);
            let published = !findings
                .iter()
                .any(|finding| finding.code == code::NO_ADDRESS.id && finding.path == path);
            findings.retain(|finding| finding.code != code::NO_ADDRESS.id || finding.path != path);
            let name = &mesh.spec.clusters[*cluster].name;
            let what = door.words();
            findings.push(Finding {
                code: code::GATEWAY_NOT_READY.id.to_owned(),
                severity: Severity::Warning,
                path,
                message: if published {
                    format!(
                        "{name}'s {what} has no ready pod, and no other has one either, so its \
                         address stays published"
                    )
                } else {
                    format!(
                        "{name}'s {what} has no ready pod, so its address is not published and its \
                         names fall back to other clusters"
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
    use super::{Door, Gateways, Looked, Seen};
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

    fn gateways(of_door: Door, seen: Vec<Seen>) -> Vec<Looked> {
        let looked = seen.into_iter().enumerate();
        looked
            .map(|(cluster, seen)| Looked {
                cluster,
                door: of_door,
                seen,
            })
            .collect()
    }

    fn ingress(seen: Vec<Seen>) -> Gateways {
        Gateways(gateways(Door::Ingress, seen))
    }

    #[test]
    fn a_gateway_without_pods_is_not_published_unless_all_are() {
        let mesh = mesh();
        let addresses = |gateways: &Gateways| gateways.facts(&mesh).gateways["a"].len();
        let mut findings = shared::check(&mesh, &shared::facts::Facts::default()).findings;

        let one = ingress(vec![
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
                addresses(&ingress(vec![found("192.0.2.1", Some(false)), other])),
                0
            );
        }
        let none = ingress(vec![
            found("192.0.2.1", Some(false)),
            found("192.0.2.2", Some(false)),
        ]);
        assert_eq!(addresses(&none), 1);
    }
    #[test]
    fn gateways_of_one_kind_say_nothing_of_the_other() {
        let mut mesh = mesh();
        mesh.spec.transport = Some(shared::mesh::Transport::Mtls);
        assert!(Door::EastWest.is_used(&mesh) && !Door::Ingress.is_used(&mesh));
        let seen = |first| {
            vec![
                found("192.0.2.1", Some(first)),
                found("192.0.2.2", Some(true)),
            ]
        };
        let mut all = gateways(Door::Ingress, seen(true));
        all.extend(gateways(Door::EastWest, seen(false)));
        let gateways = Gateways(all);
        let facts = gateways.facts(&mesh);
        assert_eq!(facts.gateways["a"], ["192.0.2.1"]);
        assert!(facts.east_west_gateways["a"].is_empty());
        let mut findings = Vec::new();
        gateways.explain(&mesh, &mut findings);
        let paths: Vec<&str> = findings.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["spec.clusters[0].eastWestGateway.addresses"]);
    }
}
