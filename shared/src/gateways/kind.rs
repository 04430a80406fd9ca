//! The kinds of gateways that receive calls from other clusters.

use crate::facts::Facts;
use crate::mesh::{self, Mesh, Transport};
use crate::resolved::{self, Resolved, Service};

/// A kind of gateway that receives calls from other clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GatewayKind {
    /// For plain HTTP and TLS.
    Ingress,
    /// For mutual TLS.
    EastWest,
}

impl GatewayKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ingress, Self::EastWest];

    /// The kinds that any service of the document uses.
    pub fn used(mesh: &Mesh) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kind| kind.is_used(mesh))
    }

    fn is_used(self, mesh: &Mesh) -> bool {
        let used = |transport| mesh.spec.has_transport(transport);
        match self {
            Self::Ingress => used(Transport::Http) || used(Transport::Tls),
            Self::EastWest => used(Transport::Mtls),
        }
    }

    /// Whether a service uses it.
    pub fn serves(self, service: &Service) -> bool {
        service.is_mutual() == (self == Self::EastWest)
    }

    /// Whether a service that runs in a cluster, given by its index, uses it.
    pub fn is_called(self, resolved: &Resolved, cluster: usize) -> bool {
        let mut services = resolved.services.iter();
        services.any(|one| self.serves(one) && one.clusters.contains(&cluster))
    }

    /// The field of a cluster in the document.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Ingress => "gateway",
            Self::EastWest => "eastWestGateway",
        }
    }

    /// Path of a cluster's addresses in the document, such as `spec.clusters[0].gateway.addresses`.
    pub fn path(self, cluster: usize) -> String {
        format!("spec.clusters[{cluster}].{}.addresses", self.field())
    }

    /// Its name in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "gateway",
            Self::EastWest => "east-west gateway",
        }
    }

    /// A cluster's addresses in the document.
    pub fn given(self, cluster: &mesh::Cluster) -> &[String] {
        let addresses = match self {
            Self::Ingress => cluster.gateway.as_ref().map(|one| &one.addresses),
            Self::EastWest => cluster.east_west_gateway.as_ref().map(|one| &one.addresses),
        };
        addresses.map_or(&[], Vec::as_slice)
    }

    /// The address of a cluster's gateway inside it, in the document.
    pub fn given_cluster_ip(self, cluster: &mesh::Cluster) -> Option<&str> {
        match self {
            Self::Ingress => cluster.gateway.as_ref()?.cluster_ip.as_deref(),
            Self::EastWest => cluster.east_west_gateway.as_ref()?.cluster_ip.as_deref(),
        }
    }

    /// A cluster's addresses: those of the document, else those of the facts.
    pub fn addresses<'a>(self, cluster: &'a mesh::Cluster, facts: &'a Facts) -> &'a [String] {
        let given = self.given(cluster);
        if !given.is_empty() {
            return given;
        }
        let found = match self {
            Self::Ingress => &facts.gateways,
            Self::EastWest => &facts.east_west_gateways,
        };
        found.get(&cluster.name).map_or(&[], Vec::as_slice)
    }

    /// The gateway of this kind in a cluster.
    pub const fn of(self, cluster: &resolved::Cluster) -> &resolved::Gateway {
        match self {
            Self::Ingress => &cluster.gateway,
            Self::EastWest => &cluster.east_west_gateway,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::GatewayKind;
    use crate::mesh::{Mesh, Transport};

    #[test]
    fn the_transports_of_a_mesh_decide_which_kinds_are_used() {
        let mut mesh = Mesh::read(
            "apiVersion: fedmesh.dev/v1alpha1\nkind: Mesh\nmetadata: {name: demo}\nspec:\n  dns: \
             {suffix: example.net}\n  clusters:\n  - {name: a, region: r, zone: z1}\n",
        )
        .unwrap();
        let used = |mesh: &Mesh| GatewayKind::used(mesh).collect::<Vec<_>>();
        assert_eq!(used(&mesh), [GatewayKind::Ingress]);
        mesh.spec.transport = Some(Transport::Mtls);
        assert_eq!(used(&mesh), [GatewayKind::EastWest]);
    }
}
