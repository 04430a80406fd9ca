//! Looks up the gateways without addresses in the document.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use futures::future::join_all;
use shared::Mesh;
use shared::defaults::{DEFAULT_EAST_WEST_SERVICE, DEFAULT_GATEWAY_SERVICE, ISTIO_NAMESPACE};
use shared::gateways::kind::GatewayKind;
use shared::gateways::last_known::{Observation, ObservedGateway};
use shared::mesh::{self, Endpoints};
use shared::name::Label;

use crate::cluster;
use crate::members::MemberCluster;

/// Looks up the gateways of all clusters concurrently: for each kind that the document needs, those of all clusters in
/// order. A cluster that cannot be reached loses its connection, so that later requests do not wait for it again.
pub(crate) async fn look(mesh: &Mesh, members: &mut [MemberCluster]) -> Vec<ObservedGateway> {
    let asked: Vec<(usize, GatewayKind)> = GatewayKind::used(mesh)
        .flat_map(|kind| (0..members.len()).map(move |cluster| (cluster, kind)))
        .collect();
    let answers = join_all(asked.iter().map(|&(cluster, kind)| {
        let member = &members[cluster];
        let service = gateway_service(&mesh.spec.clusters[cluster], kind);
        async move {
            let (namespace, service) = service?;
            Some(match &member.connection {
                Ok(connection) => Ok(cluster::gateway(connection, &namespace, &service).await),
                Err(why) => Err(why.clone()),
            })
        }
    }))
    .await;
    let observed = asked
        .into_iter()
        .zip(answers)
        .map(|((cluster, kind), answer)| {
            let member = &mut members[cluster];
            let observation = match answer {
                None => Observation::Given,
                Some(Ok(Ok(gateway))) => {
                    let gateway = gateway.unwrap_or_default();
                    Observation::Found {
                        addresses: gateway.addresses,
                        is_ready: gateway.is_ready,
                    }
                }
                Some(Err(why)) => Observation::Unknown(why),
                Some(Ok(Err(error))) => {
                    let why = error.in_context(&member.context, "get Service");
                    if error.code().is_none() {
                        member.connection = Err(why.clone());
                    }
                    Observation::Unknown(why)
                }
            };
            ObservedGateway {
                cluster: member.name.clone(),
                kind,
                observation,
            }
        });
    observed.collect()
}

/// The addresses of the gateways' Services inside their own clusters, by kind and cluster, for `endpoints: addresses`
/// without addresses in the document. If the look-up fails, the error is set in the cluster's [`Place`], and nothing
/// may be written there, since its pods would reach their own gateway by its external address.
pub(crate) async fn inside(
    mesh: &Mesh,
    members: &mut [MemberCluster],
) -> BTreeMap<(GatewayKind, String), IpAddr> {
    let mut found = BTreeMap::new();
    if mesh.spec.endpoints() != Endpoints::Addresses {
        return found;
    }
    let looks = members.iter().enumerate().flat_map(|(index, member)| {
        let cluster = &mesh.spec.clusters[index];
        let services = services_inside(mesh, cluster);
        services.filter_map(move |(kind, (namespace, service))| {
            let connection = member.connection.as_ref().ok()?;
            Some(async move {
                let found = cluster::cluster_ip(connection, &namespace, &service).await;
                let found = found.map_err(|error| error.in_context(&member.context, "get Service"));
                (index, kind, found)
            })
        })
    });
    for (index, kind, ip) in join_all(looks.collect::<Vec<_>>()).await {
        let member = &mut members[index];
        match ip {
            Ok(ip) => found.extend(ip.map(|ip| ((kind, member.name.clone()), ip))),
            Err(why) => member.inside = Err(why),
        }
    }
    found
}

/// The Services whose addresses inside the cluster are needed.
fn services_inside(
    mesh: &Mesh,
    cluster: &mesh::Cluster,
) -> impl Iterator<Item = (GatewayKind, (String, String))> {
    let is_asked = mesh.spec.endpoints() == Endpoints::Addresses;
    let kinds = GatewayKind::used(mesh).filter(move |_| is_asked);
    let unknown = kinds.filter(|kind| kind.given_cluster_ip(cluster).is_none());
    unknown.filter_map(|kind| Some((kind, named(cluster, kind)?)))
}

/// The Services that `follow` watches, as namespace and name.
pub(crate) fn followed_services(
    mesh: &Mesh,
    cluster: &mesh::Cluster,
) -> BTreeSet<(String, String)> {
    let inside = services_inside(mesh, cluster).map(|(_, service)| service);
    inside.chain(gateway_services(mesh, cluster)).collect()
}

/// The Services whose addresses the document needs, as namespace and name.
pub(crate) fn gateway_services(mesh: &Mesh, cluster: &mesh::Cluster) -> Vec<(String, String)> {
    GatewayKind::used(mesh)
        .filter_map(|kind| gateway_service(cluster, kind))
        .collect()
}

fn gateway_service(cluster: &mesh::Cluster, kind: GatewayKind) -> Option<(String, String)> {
    kind.given(cluster)
        .is_empty()
        .then(|| named(cluster, kind))?
}

/// The namespace and name of the Service, if they are valid: the document is not checked yet, and they become part of a
/// URL path.
fn named(cluster: &mesh::Cluster, kind: GatewayKind) -> Option<(String, String)> {
    let (gateway, usual): (mesh::Gateway, _) = match kind {
        GatewayKind::Ingress => (
            cluster.gateway.clone().unwrap_or_default(),
            DEFAULT_GATEWAY_SERVICE,
        ),
        GatewayKind::EastWest => (
            cluster.east_west_gateway.clone().unwrap_or_default().into(),
            DEFAULT_EAST_WEST_SERVICE,
        ),
    };
    let or = |written: Option<String>, default: &str| -> Option<String> {
        let name = written.unwrap_or_else(|| default.to_owned());
        Label::new(&name).is_ok().then_some(name)
    };
    Some((
        or(gateway.namespace, ISTIO_NAMESPACE)?,
        or(gateway.service, usual)?,
    ))
}
