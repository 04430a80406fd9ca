//! Objects as an API server gives them.

use serde_json::{Value, json};
use shared::object::{Key, Kind};

/// Whether it only waits for somebody to finish with it.
pub(super) fn is_being_deleted(live: &Value) -> bool {
    live["metadata"]["deletionTimestamp"].is_string()
}

/// The version that it was read in: a write that names it fails once somebody else has written the object.
pub(crate) fn resource_version(live: &Value) -> Option<String> {
    let version = live["metadata"]["resourceVersion"].as_str();
    version.map(str::to_owned)
}

/// With its kind and version: objects in a list of a built-in kind come without them.
pub(super) fn complete(mut live: Value, kind: &Kind) -> Value {
    if live.get("kind").is_none() {
        live["apiVersion"] = json!(kind.api_version());
        live["kind"] = json!(kind.kind);
    }
    live
}

/// Who manages which field is half of an object and of no use any more.
pub(super) fn without_managers(mut live: Value) -> Value {
    if let Some(metadata) = live["metadata"].as_object_mut() {
        metadata.shift_remove("managedFields");
    }
    live
}

/// Which object it is.
pub(super) fn key_of(kind: &Kind, live: &Value) -> Key {
    let text = |field: &str| {
        live["metadata"][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    Key {
        group: kind.group.to_string(),
        kind: kind.kind.to_string(),
        namespace: text("namespace"),
        name: text("name"),
    }
}
