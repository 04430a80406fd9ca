//! The clusters of a document with their connections.

use futures::future::join_all;
use shared::Mesh;

use crate::cluster::{Connection, Kubeconfig, Patience, identity};

/// A cluster of a document, which may not be checked yet, with its connection.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) context: String,
    pub(crate) connection: Result<Connection, String>,
    /// Why the addresses of its gateways inside the cluster could not be looked up, if they are needed.
    pub(crate) inside: Result<(), String>,
}

/// The clusters, in the order of the document.
pub(crate) async fn places(kubeconfig: &Kubeconfig, mesh: &Mesh) -> Vec<Place> {
    join_all(mesh.spec.clusters.iter().map(|cluster| async move {
        let context = cluster.context.as_ref().unwrap_or(&cluster.name);
        Place {
            name: cluster.name.clone(),
            context: context.clone(),
            connection: kubeconfig.connect(context, Patience::PLAN).await,
            inside: Ok(()),
        }
    }))
    .await
}

/// The names and contexts of the clusters.
pub(crate) fn named(places: &[Place]) -> impl Iterator<Item = (&str, &str)> {
    places
        .iter()
        .map(|place| (place.name.as_str(), place.context.as_str()))
}

/// The identity of each cluster; see [`identity`].
pub(crate) async fn identities(places: &[Place]) -> Vec<Result<Option<String>, String>> {
    join_all(places.iter().map(|place| async {
        let connection = place.connection.as_ref().map_err(Clone::clone)?;
        let identity = identity(connection).await;
        identity.map_err(|error| error.in_context(&place.context, "get Namespace"))
    }))
    .await
}
