//! The part of the document that an object derives from.

/// The part of the document that an object derives from: the one that decides whether the object exists. Others have a
/// share in its content, as the clusters have in every entry of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origin {
    /// Several parts.
    #[default]
    Mesh,
    /// The names of all services.
    Dns,
    /// ExternalDNS.
    ExternalDns,
    /// Several clusters.
    Clusters,
    /// The cluster with this index.
    Cluster(usize),
    /// The service with this index.
    Service(usize),
    /// Several external hosts.
    ExternalHosts,
    /// The external host with this index.
    ExternalHost(usize),
    /// The sample workloads.
    Samples,
    /// The Sidecars of callers' namespaces.
    Sidecars,
    /// The engine, for objects that only it needs.
    Engine,
    /// The repository.
    Gitops,
}

impl Origin {
    /// Its path in the document, such as `spec.services[0]`, in the form of the findings'.
    pub fn path(self) -> String {
        let path = match self {
            Self::Mesh => "spec",
            Self::Dns => "spec.dns",
            Self::ExternalDns => "spec.dns.externalDns",
            Self::Clusters => "spec.clusters",
            Self::ExternalHosts => "spec.external",
            Self::Samples => "spec.samples",
            Self::Sidecars => "spec.sidecars",
            Self::Engine => "spec.target",
            Self::Gitops => "spec.gitops",
            Self::Cluster(index) => return format!("spec.clusters[{index}]"),
            Self::Service(index) => return format!("spec.services[{index}]"),
            Self::ExternalHost(index) => return format!("spec.external[{index}]"),
        };
        path.to_owned()
    }

    /// The origin of an object of some clusters, given by index.
    pub(crate) const fn of_clusters(clusters: &[usize]) -> Self {
        match clusters {
            [one] => Self::Cluster(*one),
            _ => Self::Clusters,
        }
    }

    /// The origin of the copy of an object in one cluster.
    pub(crate) const fn in_cluster(self, cluster: usize) -> Self {
        match self {
            Self::Clusters => Self::Cluster(cluster),
            other => other,
        }
    }

    /// The origin of an object that carries objects of both.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            _ if self == other => self,
            (Self::Cluster(_) | Self::Clusters, Self::Cluster(_) | Self::Clusters) => {
                Self::Clusters
            }
            (
                Self::ExternalHost(_) | Self::ExternalHosts,
                Self::ExternalHost(_) | Self::ExternalHosts,
            ) => Self::ExternalHosts,
            (Self::Dns | Self::ExternalDns, Self::Dns | Self::ExternalDns) => Self::Dns,
            _ => Self::Mesh,
        }
    }

    /// The origin of an object that carries several.
    pub(crate) fn of_all(origins: impl IntoIterator<Item = Self>) -> Self {
        origins.into_iter().reduce(Self::and).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Origin::{
        self, Cluster, Clusters, Dns, ExternalDns, ExternalHost, ExternalHosts, Mesh, Service,
    };

    #[test]
    fn what_carries_several_objects_derives_from_all() {
        for (all, expected) in [
            (&[Service(1), Service(1)][..], Service(1)),
            (&[Service(1), Service(2)], Mesh),
            (&[Cluster(0), Cluster(2), Cluster(0)], Clusters),
            (
                &[ExternalHost(0), ExternalHosts, ExternalHost(0)],
                ExternalHosts,
            ),
            (&[ExternalDns, Dns], Dns),
            (&[Cluster(0), ExternalHost(0)], Mesh),
            (&[], Mesh),
        ] {
            assert_eq!(Origin::of_all(all.iter().copied()), expected, "{all:?}");
        }
        assert_eq!(Clusters.in_cluster(3), Cluster(3));
        assert_eq!(Service(1).in_cluster(3), Service(1));
        assert_eq!(Origin::of_clusters(&[4]).path(), "spec.clusters[4]");
        assert_eq!(Origin::of_clusters(&[4, 5]).path(), "spec.clusters");
    }
}
