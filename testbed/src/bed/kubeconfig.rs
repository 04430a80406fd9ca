//! The kubeconfig of a bed.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::BedError;

/// One context with its cluster and user.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) context: String,
    pub(crate) server: String,
    /// The certificate authority's file.
    pub(crate) authority: PathBuf,
    pub(crate) token: String,
}

/// Writes a kubeconfig with these contexts, the first of them current. Context, cluster and user have different names,
/// as in practice.
pub(crate) fn write(path: &Path, entries: impl IntoIterator<Item = Entry>) -> Result<(), BedError> {
    let mut contexts: Vec<Value> = Vec::new();
    let mut clusters: Vec<Value> = Vec::new();
    let mut users: Vec<Value> = Vec::new();
    for Entry {
        context,
        server,
        authority,
        token,
    } in entries
    {
        let (cluster, user) = (format!("{context}-server"), format!("{context}-admin"));
        clusters.push(json!({
            "name": cluster,
            "cluster": {"server": server, "certificate-authority": authority},
        }));
        users.push(json!({"name": user, "user": {"token": token}}));
        contexts.push(json!({"name": context, "context": {"cluster": cluster, "user": user}}));
    }
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": contexts.first().map_or(Value::Null, |first| first["name"].clone()),
        "clusters": clusters,
        "users": users,
        "contexts": contexts,
    });
    // JSON is YAML too.
    std::fs::write(path, format!("{config:#}\n")).map_err(|source| BedError::File {
        path: path.to_owned(),
        source,
    })
}
