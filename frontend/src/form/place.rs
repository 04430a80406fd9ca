//! Where a field is, in words, for a person who knows the names in the document and not its paths.

use serde_json::Value;

use super::label;
use crate::document::path::{self, Step, steps};
use crate::document::value;
use crate::schema::{self, Kind};

/// Fields with the name of an item of a list.
const NAMES: [&str; 2] = ["name", "host"];

/// The place of a field: `service httpbin, gateway address`. An item without a name has its number, from 1. Empty for a
/// path that is not of a document, such as that of an imported file.
pub(crate) fn words(document: &Value, path: &str) -> String {
    if schema::nearest(path).is_none() {
        return String::new();
    }
    let mut parts: Vec<String> = Vec::new();
    let mut start = 0;
    for step in steps(path) {
        add(
            document,
            &path[..start],
            &path[..step.end],
            &step,
            &mut parts,
        );
        start = step.end;
    }
    if parts.is_empty() {
        "mesh".to_owned()
    } else {
        parts.join(", ")
    }
}

/// Adds what a step says, from a path to the one of its own.
fn add(document: &Value, around: &str, own: &str, step: &Step<'_>, parts: &mut Vec<String>) {
    if matches!(own, "spec" | "metadata") {
        return;
    }
    let kind = schema::at(around).map(|schema| &schema.kind);
    match (kind, step.key(), step.item()) {
        // An item has the name of its list, in the singular.
        (Some(Kind::List(_)), _, Some(index)) => {
            parts.pop();
            let name = name_of(document, own).unwrap_or_else(|| (index + 1).to_string());
            parts.push(format!("{} {name}", singular(around)));
        }
        (Some(Kind::Map(_) | Kind::Pairs { .. }), Some(key), _) => {
            parts.pop();
            parts.push(format!("{} {key}", singular(around)));
        }
        (_, _, Some(_)) => {
            let value = value::get(document, own).and_then(Value::as_str);
            if let (Some(last), Some(value)) = (parts.last_mut(), value) {
                last.extend([" ", value]);
            }
        }
        _ => add_field(lower(&label::of(own)), parts),
    }
}

/// Adds a field; `gateway address` says what `gateway` does.
fn add_field(words: String, parts: &mut Vec<String>) {
    let is_said = |last: &String| {
        let rest = words.strip_prefix(last.as_str());
        rest.is_some_and(|rest| rest.starts_with(' '))
    };
    if parts.last().is_some_and(is_said) {
        parts.pop();
    }
    parts.push(words);
}

fn name_of(document: &Value, item: &str) -> Option<String> {
    let names = NAMES.iter();
    let mut names = names.map(|name| value::text(document, &path::key(item, name)));
    names.find(|name| !name.is_empty()).map(str::to_owned)
}

fn singular(list: &str) -> String {
    label::singular(list.rsplit(['.', ']']).next().unwrap_or_default())
}

/// A label inside of a sentence; abbreviations and names of products stay as they are.
pub(crate) fn lower(label: &str) -> String {
    let first_word = label.split(' ').next().unwrap_or_default();
    if first_word.chars().skip(1).any(char::is_uppercase) || first_word.chars().count() < 2 {
        return label.to_owned();
    }
    let mut chars = label.chars();
    let first = chars.next().into_iter().flat_map(char::to_lowercase);
    first.chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_have_the_names_of_the_document() {
        let document = json!({ "spec": {
            "clusters": [{ "name": "cluster1", "gateway": { "addresses": ["203.0.113.1"] } }, {}],
            "services": [{ "name": "httpbin", "clusters": ["west"], "routes": [{}, {}] }],
            "external": [{ "host": "pay.example.net" }],
        } });
        for (path, expected) in [
            ("spec.services[0].port", "service httpbin, port"),
            ("spec.services[0]", "service httpbin"),
            (
                "spec.clusters[0].gateway.addresses[0]",
                "cluster cluster1, gateway address 203.0.113.1",
            ),
            (
                "spec.clusters[0].gateway.port",
                "cluster cluster1, gateway, port",
            ),
            ("spec.clusters[1].zone", "cluster 2, zone"),
            (
                "spec.services[0].clusters[0]",
                "service httpbin, runs in west",
            ),
            (
                "spec.services[0].routes[1].match[0].headers.x-a.exact",
                "service httpbin, route 2, match 1, header x-a, exact",
            ),
            (
                "spec.services[0].selector.app",
                "service httpbin, selector app",
            ),
            ("spec.external[0]", "external host pay.example.net"),
            ("spec.dns.suffix", "DNS suffix"),
            ("spec.dns.externalDns.ownerId", "DNS, ExternalDNS, owner ID"),
            ("spec.clusters", "clusters"),
            ("spec.target", "engine"),
            ("metadata.name", "mesh name"),
            ("spec", "mesh"),
            // Behind the end of a list, as after a change.
            ("spec.services[7].name", "service 8, name"),
            ("north.yaml: Service a/b", ""),
        ] {
            assert_eq!(words(&document, path), expected, "{path}");
        }
    }
}
