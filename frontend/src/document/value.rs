//! Reads and changes a document by the paths of its fields.

use serde_json::{Map, Value};

use super::path::{self, Step, steps};

/// The value of a field, if it is set.
pub(crate) fn get<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    steps(path).try_fold(value, |value, step| below(value, &step))
}

fn below<'v>(value: &'v Value, step: &Step<'_>) -> Option<&'v Value> {
    match step.item() {
        Some(index) => value.get(index),
        None => value.get(step.key()?),
    }
}

/// The text of a field; empty if it is not set, or is no text.
pub(crate) fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    get(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// The number of items of a list.
pub(crate) fn count(value: &Value, path: &str) -> usize {
    items(value, path).len()
}

/// The items of a list; none if it is not set.
pub(crate) fn items<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    get(value, path)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A field, which is created with all objects around it; `None` if the path leads through another kind of value, or
/// behind the end of a list.
fn entry<'v>(value: &'v mut Value, path: &str) -> Option<&'v mut Value> {
    steps(path).try_fold(value, |value, step| {
        if let Some(index) = step.item() {
            if value.is_null() {
                *value = Value::Array(Vec::new());
            }
            let items = value.as_array_mut()?;
            if items.len() == index {
                items.push(Value::Null);
            }
            return items.get_mut(index);
        }
        if value.is_null() {
            *value = Value::Object(Map::new());
        }
        let name = step.key()?.to_owned();
        Some(value.as_object_mut()?.entry(name).or_insert(Value::Null))
    })
}

/// Sets a field.
pub(crate) fn set(value: &mut Value, path: &str, new: Value) {
    if let Some(field) = entry(value, path) {
        *field = new;
    }
}

/// Removes a field, and the objects around it that are empty without it, up to an item of a list.
pub(crate) fn remove(value: &mut Value, path: &str) {
    let (Some(around), Some(last)) = (path::parent(path), steps(path).last()) else {
        return;
    };
    let (Some(name), Some(Value::Object(fields))) = (last.key(), get_mut(value, around)) else {
        return;
    };
    fields.shift_remove(name);
    let is_item = around.ends_with(']');
    // The document itself and its parts stay.
    if fields.is_empty() && !is_item && path::parent(around).is_some_and(|outer| !outer.is_empty())
    {
        remove(value, around);
    }
}

/// The value of a field, to change it.
pub(crate) fn get_mut<'v>(value: &'v mut Value, path: &str) -> Option<&'v mut Value> {
    steps(path).try_fold(value, |value, step| match step.item() {
        Some(index) => value.get_mut(index),
        None => value.get_mut(step.key()?),
    })
}

/// Inserts an item into a list, which is created.
pub(crate) fn insert(value: &mut Value, path: &str, index: usize, item: Value) {
    if let Some(list) = entry(value, path) {
        if !list.is_array() {
            *list = Value::Array(Vec::new());
        }
        if let Value::Array(items) = list {
            items.insert(index.min(items.len()), item);
        }
    }
}

/// Removes an item of a list, and the list with the last one.
pub(crate) fn remove_item(value: &mut Value, path: &str, index: usize) {
    if let Some(Value::Array(items)) = get_mut(value, path)
        && index < items.len()
    {
        items.remove(index);
        if items.is_empty() {
            remove(value, path);
        }
    }
}

/// Moves an item of a list.
pub(crate) fn move_item(value: &mut Value, path: &str, from: usize, to: usize) {
    if let Some(Value::Array(items)) = get_mut(value, path)
        && from < items.len()
        && to < items.len()
    {
        let item = items.remove(from);
        items.insert(to, item);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_set_with_what_is_around_them() {
        let mut value = json!({ "spec": {} });
        set(&mut value, "spec.dns.externalDns.provider", json!("google"));
        set(&mut value, "spec.clusters[0].name", json!("a"));
        set(&mut value, "spec.clusters[5].name", json!("behind the end"));
        set(&mut value, "spec.clusters.name", json!("no object"));
        let expected = json!({ "spec": {
            "dns": { "externalDns": { "provider": "google" } },
            "clusters": [{ "name": "a" }],
        } });
        assert_eq!(value, expected);
        assert_eq!(text(&value, "spec.clusters[0].name"), "a");
        assert_eq!(text(&value, "spec.clusters[1].name"), "");
    }

    #[test]
    fn an_object_is_removed_with_its_last_field() {
        let mut value = json!({ "spec": {
            "dns": { "suffix": "a", "externalDns": { "credentials": { "secret": "s" } } },
            "clusters": [{ "gateway": { "port": 1 } }],
        } });
        remove(&mut value, "spec.dns.externalDns.credentials.secret");
        remove(&mut value, "spec.clusters[0].gateway.port");
        remove(&mut value, "spec.missing.field");
        assert_eq!(
            value,
            json!({ "spec": { "dns": { "suffix": "a" }, "clusters": [{}] } })
        );
        remove_item(&mut value, "spec.clusters", 0);
        remove(&mut value, "spec.dns.suffix");
        assert_eq!(value, json!({ "spec": {} }));
    }

    #[test]
    fn items_are_inserted_and_moved() {
        let mut value = json!({ "a": {} });
        for name in ["x", "z"] {
            insert(&mut value, "a.list", 9, json!(name));
        }
        insert(&mut value, "a.list", 1, json!("y"));
        move_item(&mut value, "a.list", 2, 0);
        move_item(&mut value, "a.list", 0, 3);
        assert_eq!(value, json!({ "a": { "list": ["z", "x", "y"] } }));
        assert_eq!((count(&value, "a.list"), count(&value, "a.none")), (3, 0));
    }
}
