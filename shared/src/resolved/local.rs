//! The Kubernetes Service behind a service's names in a cluster: the same in all clusters, except for overrides
//! (`spec.services[].overrides`).

use std::collections::BTreeMap;

use crate::name::Label;
use crate::resolved::{Cluster, Port, Service};

/// One of `spec.services[].overrides`, resolved, in one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Override {
    /// The Kubernetes Service.
    pub name: Label,
    /// Its namespace.
    pub namespace: Label,
    /// The service's ports in order: protocol and published port are the same, the number may differ.
    pub ports: Vec<Port>,
}

/// The Kubernetes Service behind a service's names, in one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local<'a> {
    /// Its name.
    pub name: &'a Label,
    /// Its namespace.
    pub namespace: &'a Label,
    /// Its ports, in the order of the service's.
    pub ports: &'a [Port],
}

impl Local<'_> {
    /// Its host name for the pods of its cluster.
    pub fn host(&self, cluster: &Cluster) -> String {
        cluster.local_host(self.name, self.namespace)
    }
}

impl Service {
    /// The Kubernetes Service behind its names in a cluster, by index.
    pub fn local(&self, cluster: usize) -> Local<'_> {
        match self.overrides.get(&cluster) {
            Some(Override {
                name,
                namespace,
                ports,
            }) => Local {
                name,
                namespace,
                ports,
            },
            None => Local {
                name: &self.name,
                namespace: &self.namespace,
                ports: &self.ports,
            },
        }
    }

    /// Every namespace and name behind its names, with the clusters, ascending, that have it there. An object for it is
    /// rendered once per entry: its name and namespace cannot differ from cluster to cluster.
    pub fn locals(&self) -> BTreeMap<(&Label, &Label), Vec<usize>> {
        self.locals_in(&self.clusters)
    }

    /// [`Self::locals`] in some clusters, given by their indices.
    pub fn locals_in(&self, clusters: &[usize]) -> BTreeMap<(&Label, &Label), Vec<usize>> {
        let mut locals: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        let serving = self.clusters.iter();
        for &cluster in serving.filter(|cluster| clusters.contains(cluster)) {
            let Local {
                name, namespace, ..
            } = self.local(cluster);
            locals.entry((namespace, name)).or_default().push(cluster);
        }
        locals
    }
}
