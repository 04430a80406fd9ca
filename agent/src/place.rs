//! The clusters of a document, and the way to each.

use futures::future::join_all;
use shared::Mesh;

use crate::cluster::{Connection, Kubeconfig, Patience, identity};

/// A cluster of a document that may not have been checked.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) context: String,
    pub(crate) connection: Result<Connection, String>,
    /// Why it is not known where its pods reach its gateways, where that has to be looked up.
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

/// Names and contexts, as the core takes them.
pub(crate) fn named(places: &[Place]) -> impl Iterator<Item = (&str, &str)> {
    places
        .iter()
        .map(|place| (place.name.as_str(), place.context.as_str()))
}

/// The identity of the cluster behind each of the places; see [`identity`].
pub(crate) async fn identities(places: &[Place]) -> Vec<Result<Option<String>, String>> {
    join_all(places.iter().map(|place| async {
        let connection = place.connection.as_ref().map_err(Clone::clone)?;
        let identity = identity(connection).await;
        identity.map_err(|error| error.in_context(&place.context, "get Namespace"))
    }))
    .await
}
