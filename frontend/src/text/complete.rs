//! Suggestions and help for a position in the text, from the schema.

use serde::Serialize;
use serde_json::Value;

use super::cursor::{self, Cursor};
use crate::document::clusters::CLUSTERS;
use crate::document::value;
use crate::schema::{self, Kind, Schema};

/// What can be written at a position, as the editor reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Suggestions {
    /// How many characters before the position they replace.
    pub(crate) typed: usize,
    pub(crate) options: Vec<Suggestion>,
}

/// A key or a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Suggestion {
    pub(crate) label: String,
    /// What is written.
    pub(crate) apply: String,
    /// Its help; may be empty.
    pub(crate) info: String,
    /// `property` or `enum`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

/// What can be written behind a text.
pub(crate) fn suggestions(before: &str, document: &Value) -> Option<Suggestions> {
    let Cursor {
        path,
        is_value,
        typed,
    } = cursor::at(before)?;
    // The items of a list of texts have no schema of their own.
    let schema = schema::at(schema::field_of(&path)?)?;
    let options = if is_value || schema.kind.is_leaf() {
        values(schema, document)
    } else {
        let is_there = |name: &str| {
            value::get(document, &path).is_some_and(|object| object.get(name).is_some())
        };
        let missing = schema
            .properties()
            .iter()
            .filter(|one| !is_there(&one.name));
        missing
            .map(|one| Suggestion {
                label: one.name.clone(),
                apply: if one.schema.kind.is_leaf() {
                    format!("{}: ", one.name)
                } else {
                    format!("{}:", one.name)
                },
                info: one.schema.description.clone(),
                kind: "property",
            })
            .collect()
    };
    Some(Suggestions {
        typed: typed.chars().count(),
        options,
    })
}

fn values(schema: &Schema, document: &Value) -> Vec<Suggestion> {
    let option = |label: &str, info: &str| Suggestion {
        label: label.to_owned(),
        apply: label.to_owned(),
        info: info.to_owned(),
        kind: "enum",
    };
    match &schema.kind {
        Kind::Choice(choices) | Kind::Set(choices) => choices
            .iter()
            .map(|choice| option(&choice.value, &choice.description))
            .collect(),
        Kind::Flag => ["true", "false"].map(|value| option(value, "")).into(),
        Kind::Clusters => value::items(document, CLUSTERS)
            .iter()
            .map(|cluster| option(value::text(cluster, "name"), ""))
            .collect(),
        _ => Vec::new(),
    }
}

/// The help for the key of a position: the path of its field, and its description; `after` is the rest of the line.
pub(crate) fn help(before: &str, after: &str) -> Option<(String, &'static str)> {
    // Up to the colon behind the key, so that the whole key is read.
    let colon = after
        .find(": ")
        .or_else(|| after.ends_with(':').then(|| after.len() - 1));
    let end = colon.map_or(0, |colon| colon + 1);
    let text = [before, &after[..end]].concat();
    let Cursor { path, is_value, .. } = cursor::at(&text)?;
    let description = schema::at(&path)?.description.as_str();
    (is_value && !description.is_empty()).then_some((path, description))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::start;

    fn labels(text: &str) -> Vec<String> {
        let found = suggestions(text, &start::walkthrough()).unwrap();
        found.options.into_iter().map(|one| one.label).collect()
    }

    #[test]
    fn keys_and_values_are_suggested() {
        let new = labels("spec:\n  dns:\n    ");
        assert!(new.contains(&"ttl".to_owned()), "{new:?}");
        assert!(!new.contains(&"suffix".to_owned()), "it is set: {new:?}");
        assert_eq!(labels("spec:\n  endpoints: n")[..], ["names", "addresses"]);
        assert_eq!(labels("spec:\n  mcs: "), ["true", "false"]);
        let text = "spec:\n  services:\n  - name: x\n    clusters:\n    - ";
        assert_eq!(labels(text), ["cluster1", "cluster2"]);
        assert_eq!(suggestions("spec:\n  nothing: ", &json!({})), None);
    }

    #[test]
    fn a_key_has_help() {
        let text = "spec:\n  dns:\n    suffix: a.b\n  clusters:\n";
        let help_at = |word: &str| {
            let (before, after) = text.split_at(text.find(word).unwrap() + 2);
            help(before, after.lines().next().unwrap())
        };
        assert_eq!(help_at("suffix").unwrap().0, "spec.dns.suffix");
        assert_eq!(help_at("clusters").unwrap().0, "spec.clusters");
        assert_eq!(
            help_at("a.b").map(|(path, _)| path).as_deref(),
            Some("spec.dns.suffix")
        );
    }
}
