//! Differences for display.

use serde_json::Value;

use crate::kubernetes::ownership::{APPLIED_ANNOTATION, PART_OF_LABEL};
use crate::yaml;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Fields of `metadata` that the server sets.
const SERVER_METADATA: [&str; 6] = [
    "managedFields",
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "generation",
    "selfLink",
];

/// An object as YAML with its desired state only: without status, the server's metadata and fedmesh's own marks.
pub fn shown(object: &Value) -> String {
    let mut object = object.clone();
    if let Value::Object(fields) = &mut object {
        fields.shift_remove("status");
        if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
            for field in SERVER_METADATA {
                metadata.shift_remove(field);
            }
            for (field, mark) in [
                ("labels", PART_OF_LABEL),
                ("annotations", APPLIED_ANNOTATION),
            ] {
                if let Some(Value::Object(entries)) = metadata.get_mut(field) {
                    entries.shift_remove(mark);
                    if entries.is_empty() {
                        metadata.shift_remove(field);
                    }
                }
            }
        }
        sort(&mut object);
    }
    // JSON has text keys only, so it can always be written as YAML.
    yaml::to_string(&object).unwrap_or_default()
}

/// Sorts keys at every depth: the server returns them in another order.
fn sort(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.sort_keys();
            fields.values_mut().for_each(sort);
        }
        Value::Array(items) => items.iter_mut().for_each(sort),
        _ => {}
    }
}

/// A unified diff without file headers; `None` stands for a missing object. Empty if both are the same.
pub fn unified(before: Option<&Value>, after: Option<&Value>) -> String {
    let before = before.map(shown).unwrap_or_default();
    let after = after.map(shown).unwrap_or_default();
    of_texts(&before, &after)
}

/// A unified diff of texts, without file headers.
pub fn of_texts(before: &str, after: &str) -> String {
    let mut text = similar::TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(CONTEXT)
        .to_string();
    // A plan has thousands of diffs, each with up to twice its length allocated.
    text.shrink_to_fit();
    text
}
