//! The clusters of a document with their connections.

use futures::future::join_all;
use shared::Mesh;

use crate::cluster::{Connection, Kubeconfig, RetryPolicy, identity};

/// A cluster of a document, which may not be checked yet, with its connection.
#[derive(Clone)]
pub(crate) struct MemberCluster {
    pub(crate) name: String,
    pub(crate) context: String,
    pub(crate) connection: Result<Connection, String>,
    /// Why the addresses of its gateways inside the cluster could not be looked up, if they are needed.
    pub(crate) inside: Result<(), String>,
}

/// The clusters, in the order of the document.
pub(crate) async fn members(kubeconfig: &Kubeconfig, mesh: &Mesh) -> Vec<MemberCluster> {
    join_all(mesh.spec.clusters.iter().map(|cluster| async move {
        let context = cluster.context.as_ref().unwrap_or(&cluster.name);
        MemberCluster {
            name: cluster.name.clone(),
            context: context.clone(),
            connection: kubeconfig.connect(context, RetryPolicy::PLAN).await,
            inside: Ok(()),
        }
    }))
    .await
}

/// The names and contexts of the clusters.
pub(crate) fn named(members: &[MemberCluster]) -> impl Iterator<Item = (&str, &str)> {
    members
        .iter()
        .map(|member| (member.name.as_str(), member.context.as_str()))
}

/// The identity of each cluster; see [`identity`].
pub(crate) async fn identities(members: &[MemberCluster]) -> Vec<Result<Option<String>, String>> {
    join_all(members.iter().map(|member| async {
        let connection = member.connection.as_ref().map_err(Clone::clone)?;
        let identity = identity(connection).await;
        identity.map_err(|error| error.in_context(&member.context, "get Namespace"))
    }))
    .await
}
