//! Adoption of an object that another owner created, and its restoration.
//!
//! An annotation of an adopted object holds a JSON merge patch (RFC 7386) that restores its state before the adoption.
//! The patch covers the fields that a person writes, not those of the API server or a controller.

use serde_json::{Map, Value, json};

use crate::kubernetes::ownership::ADOPTED_ANNOTATION;

/// Fields of an object's metadata that a person writes.
const METADATA: [&str; 2] = ["labels", "annotations"];

/// The object before its adoption: as it is, without fedmesh's annotation.
pub fn before(live: &Value) -> Value {
    let mut before = written(live);
    let annotation = live["metadata"]["annotations"][ADOPTED_ANNOTATION].as_str();
    // An invalid annotation is ignored; the object is then restored as it is.
    let patch: Option<Map<String, Value>> =
        annotation.and_then(|text| serde_json::from_str(text).ok());
    if let Some(patch) = patch {
        json_patch::merge(&mut before, &Value::Object(patch));
    }
    without_annotation(before)
}

/// The patch that restores `before` from `after`, without fedmesh's marks.
pub fn restoring(after: &Value, before: &Value) -> Value {
    let after = without_annotation(written(after));
    difference(&after, before).unwrap_or_else(|| json!({}))
}

fn without_annotation(mut object: Value) -> Value {
    let annotations = object.pointer_mut("/metadata/annotations");
    if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
        annotations.shift_remove(ADOPTED_ANNOTATION);
    }
    object
}

/// The fields that a person writes. Labels and annotations are included even if empty, so that entries added meanwhile
/// stay.
fn written(live: &Value) -> Value {
    let mut written = Map::new();
    for (field, value) in live.as_object().into_iter().flatten() {
        match field.as_str() {
            "apiVersion" | "kind" | "status" => {}
            "metadata" => {
                let fields = METADATA.iter().map(|name| {
                    let entries = value.get(name).cloned();
                    ((*name).to_owned(), entries.unwrap_or_else(|| json!({})))
                });
                written.insert(field.clone(), Value::Object(fields.collect()));
            }
            _ => {
                written.insert(field.clone(), value.clone());
            }
        }
    }
    Value::Object(written)
}

/// The merge patch from one value to another; `None` if they are equal.
fn difference(from: &Value, to: &Value) -> Option<Value> {
    let (Value::Object(from), Value::Object(to)) = (from, to) else {
        return (from != to).then(|| to.clone());
    };
    let mut patch = Map::new();
    for (field, value) in to {
        let change = match from.get(field) {
            Some(before) => difference(before, value),
            None => Some(value.clone()),
        };
        patch.extend(change.map(|change| (field.clone(), change)));
    }
    for field in from.keys().filter(|field| !to.contains_key(*field)) {
        patch.insert(field.clone(), Value::Null);
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_restored() {
        let live = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": "a", "uid": "1", "labels": { "app": "a" } },
            "spec": { "ports": [{ "port": 80 }], "selector": { "app": "a" } },
            "status": { "loadBalancer": {} },
        });
        let mut after = live.clone();
        after["metadata"]["labels"]["fedmesh.dev/mesh"] = "demo".into();
        after["metadata"]["annotations"] = json!({ "fedmesh.dev/applied": "x" });
        after["spec"]["ports"] = json!([{ "port": 81 }]);
        after["spec"]["type"] = "ClusterIP".into();
        let former = before(&live);
        let patch = restoring(&after, &former);
        assert_eq!(
            patch,
            json!({
                "metadata": {
                    "labels": { "fedmesh.dev/mesh": null },
                    "annotations": { "fedmesh.dev/applied": null },
                },
                "spec": { "ports": [{ "port": 80 }], "type": null },
            })
        );
        // A later change of an adopted object keeps the first patch.
        after["metadata"]["annotations"][ADOPTED_ANNOTATION] = patch.to_string().into();
        after["spec"]["ports"] = json!([{ "port": 82 }]);
        assert_eq!(before(&after)["spec"], live["spec"]);
        let mut again = after.clone();
        json_patch::merge(&mut again, &restoring(&after, &before(&after)));
        assert_eq!(again["spec"], live["spec"]);
    }

    #[test]
    fn an_invalid_annotation_is_ignored() {
        for text in ["", "{", "[]", "null"] {
            let live = json!({
                "metadata": { "annotations": { ADOPTED_ANNOTATION: text } }, "spec": { "a": 1 },
            });
            assert_eq!(before(&live)["spec"], live["spec"], "{text}");
        }
    }
}
