//! Differences as people read them.

use serde_json::Value;

use crate::ownership::{APPLIED_ANNOTATION, PART_OF_LABEL};
use crate::yaml;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Fields of `metadata` that the server keeps for itself.
const SERVER_METADATA: [&str; 6] = [
    "managedFields",
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "generation",
    "selfLink",
];

/// An object as YAML without what is not about its wanted state: status, the server's metadata and
/// fedmesh's own marks.
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
    // JSON has text keys only, so it always has a form in YAML.
    yaml::to_string(&object).unwrap_or_default()
}

/// Sorts keys at every depth: the server gives them in an order of its own.
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

/// A unified diff without file headers; `None` stands for an object that is not there. Empty where
/// both are the same.
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
    // A plan has thousands, and each grew to up to twice its length.
    text.shrink_to_fit();
    text
}
