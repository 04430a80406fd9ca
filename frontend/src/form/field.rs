//! A field of the form: its text, and the change of the document when the text changes.

use serde_json::Value;

use super::{callers, routes, text};
use crate::document::{clusters, value};
use crate::schema::{self, Kind};

/// Fields whose text is not that of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Special {
    /// `zone`, or `zones` for several.
    Zones(usize),
    /// Routes that have only a path.
    Routes,
    /// Callers that can be written as words.
    Callers,
}

fn special(path: &str) -> Option<Special> {
    if let Some(index) = path
        .strip_prefix("spec.clusters[")
        .and_then(|rest| rest.strip_suffix("].zone"))
    {
        return index.parse().ok().map(Special::Zones);
    }
    let field = path.strip_prefix("spec.services[")?.split_once("].")?.1;
    match field {
        "routes" => Some(Special::Routes),
        "callers" => Some(Special::Callers),
        _ => None,
    }
}

/// Whether a field that is a list of objects has an editor for a text too, and how many items the text does not have.
pub(crate) fn beyond_text(document: &Value, path: &str) -> Option<usize> {
    let items = value::items(document, path);
    match special(path)? {
        Special::Routes => Some(routes::others(items)),
        Special::Callers => Some(callers::others(items)),
        Special::Zones(_) => None,
    }
}

/// The text of a field.
pub(crate) fn text_of(document: &Value, path: &str) -> String {
    match special(path) {
        Some(Special::Zones(index)) => clusters::zones(document, index).join(", "),
        Some(Special::Routes) => routes::text(value::items(document, path)),
        Some(Special::Callers) => callers::text(value::items(document, path)),
        None => text::of(kind(path), value::get(document, path)),
    }
}

/// Sets the text of a field.
pub(crate) fn set(document: &mut Value, path: &str, text: &str) {
    let list = match special(path) {
        Some(Special::Zones(index)) => {
            let zones: Vec<String> = text::words(text).map(str::to_owned).collect();
            return clusters::set_zones(document, index, &zones);
        }
        Some(Special::Routes) => routes::with_text(value::items(document, path), text),
        Some(Special::Callers) => callers::with_text(value::items(document, path), text),
        None => return clusters::set_field(document, path, text::parse(kind(path), text)),
    };
    if list.is_empty() {
        value::remove(document, path);
    } else {
        value::set(document, path, Value::Array(list));
    }
}

/// Whether two texts have the same value, such as `a,b` and `a, b`.
pub(crate) fn reads_as(document: &Value, path: &str, typed: &str) -> bool {
    let mut other = document.clone();
    set(&mut other, path, typed);
    text_of(&other, path) == text_of(document, path)
}

/// The kind of a field; a text for one that the document does not have.
pub(crate) fn kind(path: &str) -> &'static Kind {
    schema::at(path).map_or(&Kind::Text, |schema| &schema.kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::start;

    #[test]
    fn texts_are_set_and_shown() {
        let mut document = start::walkthrough();
        for (path, text) in [
            ("spec.dns.ttl", "60"),
            ("spec.dns.ttl", "soon"),
            ("spec.clusters[0].zone", "a, b"),
            (
                "spec.clusters[0].gateway.addresses",
                "203.0.113.1, 203.0.113.2",
            ),
            ("spec.services[0].routes", "/a, /b*"),
            ("spec.services[0].callers", "shop/web, quay"),
            ("spec.services[0].selector", "app=httpbin"),
            ("spec.clusters[1].name", "north"),
        ] {
            set(&mut document, path, text);
            assert_eq!(text_of(&document, path), text, "{path}");
        }
        assert!(reads_as(&document, "spec.clusters[0].zone", "a,b "));
        assert!(!reads_as(&document, "spec.clusters[0].zone", "a"));
        set(&mut document, "spec.clusters[0].gateway.addresses", " ");
        assert_eq!(value::get(&document, "spec.clusters[0].gateway"), None);
    }

    #[test]
    fn every_example_is_set_field_by_field() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
        let mut examples = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            if file.extension().is_none_or(|end| end != "yaml") {
                continue;
            }
            let mesh = shared::Mesh::read(&std::fs::read_to_string(&file).unwrap()).unwrap();
            let example = clusters::as_value(&mesh);
            let mut built = json!({
                "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": {}, "spec": {},
            });
            build(&mut built, "metadata", &example["metadata"]);
            build(&mut built, "spec", &example["spec"]);
            assert_eq!(built, example, "{}", file.display());
            examples += 1;
        }
        assert!(examples > 10, "{examples}");
    }

    /// Sets each field as the form does: by its text, or by adding an item or an object.
    fn build(document: &mut Value, path: &str, desired: &Value) {
        let kind = kind(path);
        match (kind, desired) {
            (Kind::Object(_) | Kind::Map(_), Value::Object(fields)) => {
                if fields.is_empty() {
                    value::set(document, path, json!({}));
                }
                for (name, desired) in fields {
                    build(document, &crate::document::path::key(path, name), desired);
                }
            }
            (Kind::List(_), Value::Array(items)) => {
                for (index, desired) in items.iter().enumerate() {
                    value::insert(document, path, index, json!({}));
                    build(document, &crate::document::path::item(path, index), desired);
                }
            }
            (kind, desired) if kind.is_leaf() => {
                set(document, path, &text::of(kind, Some(desired)));
            }
            _ => panic!("{path}: {kind:?}"),
        }
    }
}
