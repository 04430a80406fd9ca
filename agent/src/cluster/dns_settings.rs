//! The settings of a cluster's own DNS, and what they take for a zone to be found.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use http::StatusCode;
use serde_json::Value;
use shared::cluster_dns::{self, CONFIG_MAPS, Edit, NAMESPACE, Refusal, StubDomain};
use shared::mesh::DnsFlavour;

use super::connection::{Connection, Request};

/// A zone, and how clusters come to know it.
#[derive(Debug, Default)]
pub(crate) struct Zone {
    pub(crate) suffix: String,
    /// None where it is public.
    pub(crate) nameservers: Vec<String>,
    /// What the document says of each cluster's DNS, in its order.
    pub(crate) flavours: Vec<Option<DnsFlavour>>,
    /// Whether everything of the mesh is to go.
    pub(crate) is_removal: bool,
}

impl Zone {
    pub(crate) fn is_private(&self) -> bool {
        !self.nameservers.is_empty()
    }

    pub(crate) fn flavour(&self, cluster: usize) -> Option<DnsFlavour> {
        self.flavours.get(cluster).copied().flatten()
    }
}

/// What a cluster's own DNS takes, with what stands in the way. What a document wants of `cluster`
/// stands in `zone`.
pub(crate) async fn look_at_dns(
    connection: &Connection,
    mesh: &str,
    zone: &Zone,
    cluster: usize,
) -> Vec<Result<Edit, Refusal>> {
    let flavour = zone.flavour(cluster);
    let reads = CONFIG_MAPS.map(|name| async move {
        let request = Request::get(path(name));
        connection
            .find(&request)
            .await
            .map(|found| found.map(|map| (name.to_owned(), without_managers(map))))
            .map_err(|error| (name, error))
    });
    let seen: BTreeMap<String, Value> = match try_join_all(reads).await {
        Ok(found) => found.into_iter().flatten().collect(),
        // Who may not look there has not put anything there, so only a removal says so, and goes on.
        Err((_, error)) if !zone.is_private() && error.code() == Some(StatusCode::FORBIDDEN) => {
            if zone.is_removal {
                tracing::warn!(
                    "{}: a stub domain of {mesh} that another user applied would stay; look for \
                     \"fedmesh {mesh}\" in the ConfigMaps coredns, coredns-custom, kube-dns and \
                     node-local-dns of {NAMESPACE}",
                    error.in_context(connection.context(), "get ConfigMap")
                );
            }
            return Vec::new();
        }
        Err((config_map, error)) => {
            let why = error.in_context(connection.context(), "get ConfigMap");
            return vec![Err(Refusal { config_map, why })];
        }
    };
    let stub = zone.is_private().then(|| StubDomain {
        mesh,
        suffix: &zone.suffix,
        nameservers: &zone.nameservers,
    });
    cluster_dns::edits(&seen, flavour, mesh, stub)
}

/// The request that makes a change, on the very object that was seen.
pub(crate) fn edit_request(edit: &Edit) -> Request {
    match edit.patch() {
        Some(patch) => Request::merge(&path(edit.config_map), &patch),
        None => Request::create(
            format!("/api/v1/namespaces/{NAMESPACE}/configmaps"),
            &edit.object(),
        ),
    }
}

fn path(config_map: &str) -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{config_map}")
}

fn without_managers(mut map: Value) -> Value {
    if let Some(metadata) = map["metadata"].as_object_mut() {
        metadata.shift_remove("managedFields");
    }
    map
}
