//! The documents that were downloaded or applied last, with which the current one is compared.

use std::sync::Arc;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store::Store;
use crate::browser;
use crate::browser::storage::Keep;
use crate::document::value;

/// Storage key of all of them.
const KEY: &str = "fedmesh.delivered";

/// Meshes whose documents are kept.
const MESHES: usize = 4;

/// Bytes up to which they are stored: the browser's storage is for the current document first. Larger ones are kept
/// until the page is closed.
const MOST_BYTES: usize = 1 << 20;

/// How a document was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum How {
    /// As a bundle.
    Downloaded,
    /// By the agent, which had accepted it.
    Applied,
}

/// A document that was handed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivered {
    pub(crate) document: Arc<Value>,
    pub(crate) how: How,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
}

impl Delivered {
    /// `the download of 1 Dec 2026, 10:32`.
    pub(crate) fn words(&self) -> String {
        let what = match self.how {
            How::Downloaded => "download",
            How::Applied => "apply",
        };
        format!("the {what} of {}", browser::time_words(self.at))
    }
}

/// The last document of each mesh, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deliveries(Vec<Delivered>);

impl Deliveries {
    /// The document of a mesh.
    pub(crate) fn of(&self, mesh: &str) -> Option<&Delivered> {
        self.0.iter().find(|one| name(&one.document) == mesh)
    }

    fn add(&mut self, delivered: Delivered) {
        self.forget(name(&delivered.document));
        self.0.insert(0, delivered);
        self.0.truncate(MESHES);
    }

    fn forget(&mut self, mesh: &str) {
        self.0.retain(|one| name(&one.document) != mesh);
    }
}

fn name(document: &Value) -> &str {
    value::text(document, "metadata.name")
}

/// Takes those that the browser has.
pub(crate) fn load(store: Store) {
    store
        .deliveries
        .set(Keep::Always.get(KEY).unwrap_or_default());
}

/// Notes that a document was handed over.
pub(crate) fn note(store: Store, document: Arc<Value>, how: How) {
    let at = browser::now();
    change(store, |all| all.add(Delivered { document, how, at }));
}

/// Notes that a mesh was removed.
pub(crate) fn forget(store: Store, mesh: &str) {
    change(store, |all| all.forget(mesh));
}

fn change(store: Store, change: impl FnOnce(&mut Deliveries)) {
    store.deliveries.update(|all| {
        change(all);
        // Values have text keys only, so this does not fail.
        let json = serde_json::to_string(all).unwrap_or_default();
        if json.len() > MOST_BYTES || !Keep::Always.set_text(KEY, &json) {
            // An older one would be taken for the last.
            Keep::Always.forget(KEY);
        }
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn delivered(mesh: &str, at: u64) -> Delivered {
        Delivered {
            document: Arc::new(json!({ "metadata": { "name": mesh } })),
            how: How::Downloaded,
            at,
        }
    }

    #[test]
    fn each_mesh_has_its_last_document() {
        let mut all = Deliveries::default();
        for (at, mesh) in ["a", "b", "a", "c", "d"].into_iter().enumerate() {
            all.add(delivered(mesh, at as u64));
        }
        assert_eq!(all.of("a").unwrap().at, 2);
        assert_eq!(all.0.len(), MESHES);
        all.add(delivered("e", 9));
        assert!(all.of("b").is_none(), "the oldest is dropped");
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Deliveries>(&json).unwrap(), all);
        all.forget("a");
        assert!(all.of("a").is_none() && all.of("e").is_some());
    }
}
