//! Objects as an API server returns them.

use serde::de::Error as _;
use serde_json::{Value, json};
use shared::kubernetes::object::{Key, Kind};

/// Parses an object, or a list of them. Metadata that is invalid in the Kubernetes API is an error, so that callers can
/// rely on it and change it in place.
pub(super) fn read(json: &[u8]) -> Result<Value, serde_json::Error> {
    let live: Value = serde_json::from_slice(json)?;
    let is_map = |value: Option<&Value>| value.is_none_or(|one| one.is_object() || one.is_null());
    let metadata = live.get("metadata");
    let field = |name: &str| metadata.and_then(|metadata| metadata.get(name));
    let managers = field("managedFields");
    let managers = managers.map_or(&[][..], |list| {
        list.as_array().map_or(&[][..], Vec::as_slice)
    });
    if !live.is_object() {
        return Err(serde_json::Error::custom("it is not a JSON object"));
    }
    if !is_map(metadata) || !is_map(field("labels")) || !is_map(field("annotations")) {
        return Err(serde_json::Error::custom(
            "its metadata is not that of an object",
        ));
    }
    if !managers.iter().all(Value::is_object) {
        return Err(serde_json::Error::custom(
            "its managedFields are not objects",
        ));
    }
    Ok(live)
}

/// Whether it is being deleted and waits for a finalizer.
pub(super) fn is_being_deleted(live: &Value) -> bool {
    live["metadata"]["deletionTimestamp"].is_string()
}

/// The version that was read: a write with it fails if the object has changed since.
pub(crate) fn resource_version(live: &Value) -> Option<String> {
    let version = live["metadata"]["resourceVersion"].as_str();
    version.map(str::to_owned)
}

/// Parses an item of a list, and adds kind and version, which lists of built-in kinds omit.
pub(super) fn read_item(item: &str, kind: &Kind) -> Result<Value, serde_json::Error> {
    let mut live = read(item.as_bytes())?;
    if live.get("kind").is_none() {
        live["apiVersion"] = json!(kind.api_version());
        live["kind"] = json!(kind.kind);
    }
    Ok(live)
}

/// Drops managedFields: half of an object's size, and not needed any more.
pub(super) fn without_managers(mut live: Value) -> Value {
    if let Some(Value::Object(metadata)) = live.get_mut("metadata") {
        metadata.shift_remove("managedFields");
    }
    live
}

/// The key of an object.
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

#[cfg(test)]
mod tests {
    use shared::kubernetes::object::Kind;

    use super::{read, read_item, without_managers};

    #[test]
    fn invalid_objects_are_errors() {
        for json in [
            "[]",
            "null",
            "1",
            "\"text\"",
            "[{}]",
            r#"{"metadata":[]}"#,
            r#"{"metadata":"text"}"#,
            r#"{"metadata":{"labels":[]}}"#,
            r#"{"metadata":{"annotations":"text"}}"#,
            r#"{"metadata":{"managedFields":[1]}}"#,
        ] {
            assert!(read(json.as_bytes()).is_err(), "{json}");
            assert!(read_item(json, &Kind::SERVICE).is_err(), "{json}");
        }
        for json in [
            "{}",
            r#"{"metadata":null}"#,
            r#"{"metadata":{"labels":null,"managedFields":[{}]},"data":[]}"#,
        ] {
            let live = read_item(json, &Kind::SERVICE).unwrap();
            assert_eq!(without_managers(live)["kind"], "Service", "{json}");
        }
    }
}
