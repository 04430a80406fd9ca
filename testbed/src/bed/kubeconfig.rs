//! The kubeconfig of a bed.

use std::path::Path;

use serde_json::json;

use super::BedError;
use super::control_plane::ApiServer;

/// Writes a kubeconfig with a context for each server. Context, cluster and user
/// have different names, as they have in real life.
pub(super) fn write(path: &Path, servers: &[ApiServer]) -> Result<(), BedError> {
    let clusters = servers.iter().map(|server| {
        json!({
            "name": format!("{}-server", server.context()),
            "cluster": {
                "server": server.url(),
                "certificate-authority": server.folder().join("ca.crt"),
            },
        })
    });
    let users = servers.iter().map(|server| {
        json!({
            "name": format!("{}-admin", server.context()),
            "user": {"token": server.token()},
        })
    });
    let contexts = servers.iter().map(|server| {
        let context = server.context();
        json!({
            "name": context,
            "context": {"cluster": format!("{context}-server"), "user": format!("{context}-admin")},
        })
    });
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": servers.first().map_or("", ApiServer::context),
        "clusters": clusters.collect::<Vec<_>>(),
        "users": users.collect::<Vec<_>>(),
        "contexts": contexts.collect::<Vec<_>>(),
    });
    // JSON is YAML too.
    std::fs::write(path, format!("{config:#}\n")).map_err(|source| BedError::File {
        path: path.to_owned(),
        source,
    })
}
