//! Finds fields of the document by their labels, paths, help and values, and rows by their names.

use std::sync::LazyLock;

use serde_json::Value;

use super::{label, place};
use crate::document::clusters::{CLUSTERS, SERVICES};
use crate::document::path::{self, item, key};
use crate::document::value;
use crate::schema::{self, Kind, Schema};

/// Results that are shown.
const MOST: usize = 20;
/// Rows of a table that are shown for one field.
const ROWS: usize = 5;

/// A field that was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Hit {
    /// The path of the field, or of the list that has no item yet.
    pub(crate) path: String,
    pub(crate) label: String,
    /// What it is part of, in words; empty for the document itself.
    pub(crate) place: String,
    /// A sentence of help, or the value that was found.
    pub(crate) note: String,
}

impl Hit {
    fn new(document: &Value, path: &str, note: String) -> Self {
        let around = path::parent(path).filter(|around| !ROOTS.contains(around));
        Self {
            label: label::of(path),
            place: around.map_or_else(String::new, |around| place::words(document, around)),
            path: path.to_owned(),
            note,
        }
    }
}

/// Parts of the document that every field is in.
const ROOTS: [&str; 2] = ["spec", "metadata"];

/// A field of the schema.
struct Pattern {
    /// With `[]` for every item.
    path: String,
    help: String,
    /// Label, path and help in lower case.
    lower: [String; 3],
}

/// All fields that an editor shows, in the order of the schema.
fn patterns() -> &'static [Pattern] {
    static ALL: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
        let mut all = Vec::new();
        collect(schema::root(), "", &mut all);
        all
    });
    &ALL
}

fn collect(schema: &Schema, path: &str, all: &mut Vec<Pattern>) {
    match &schema.kind {
        Kind::Object(properties) => {
            for property in properties {
                collect(&property.schema, &key(path, &property.name), all);
            }
        }
        Kind::List(below) => collect(below, &format!("{path}[]"), all),
        // Of a map only itself: which entries there are is the document's.
        _ => all.push(pattern(schema, path)),
    }
}

fn pattern(schema: &Schema, path: &str) -> Pattern {
    let help = first_sentence(&schema.description);
    Pattern {
        lower: [
            label::of(path).to_lowercase(),
            path.to_lowercase(),
            help.to_lowercase(),
        ],
        path: path.to_owned(),
        help,
    }
}

impl Pattern {
    /// What is said of a field with this pattern, or of the list that has no item with it yet.
    fn note_at(&self, path: &str) -> String {
        if path::steps(path).count() < path::steps(&self.path).count() {
            format!("Has the field {}", place::lower(&label::of(&self.path)))
        } else {
            self.help.clone()
        }
    }
}

fn first_sentence(text: &str) -> String {
    let end = text.find(". ").map_or(text.len(), |end| end + 1);
    super::placeholder::plain(&text[..end])
}

/// The fields that a query finds, the best first. Every word of it is in the label, the path or the help of a field, or
/// in the name of its row.
pub(crate) fn find(document: &Value, query: &str) -> Vec<Hit> {
    let query = query.trim().to_lowercase();
    let words: Vec<&str> = query.split_whitespace().collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(usize, Vec<&str>, &Pattern)> = patterns()
        .iter()
        .filter_map(|pattern| {
            let (rank, rest) = rank(pattern, &words)?;
            Some((rank, rest, pattern))
        })
        .collect();
    // What is further inside is rarer.
    found.sort_by_key(|(rank, _, pattern)| (*rank, path::steps(&pattern.path).count()));
    let mut hits = rows(document, &query);
    for (_, rest, pattern) in found {
        if hits.len() >= MOST {
            break;
        }
        let mut paths = Vec::new();
        expand(document, "", &pattern.path, &rest, &mut paths);
        for path in paths {
            // A list without items stands for all fields of its items.
            if hits.iter().all(|hit| hit.path != path) {
                hits.push(Hit::new(document, &path, pattern.note_at(&path)));
            }
        }
    }
    if hits.len() < MOST {
        values(document, document, "", &query, &mut hits);
    }
    hits.truncate(MOST);
    hits
}

/// How well a field fits, and the words that are not in it: these are to be in the name of its row.
fn rank<'q>(pattern: &Pattern, words: &[&'q str]) -> Option<(usize, Vec<&'q str>)> {
    let [label, path, help] = &pattern.lower;
    let places = [(label, 0), (path, 1), (help, 3)];
    let far_of = |word: &str| {
        let found = places.iter().find(|(text, _)| text.contains(word))?;
        Some(found.1)
    };
    let (own, rest): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| far_of(word).is_some());
    let far: usize = own.iter().filter_map(|word| far_of(word)).sum();
    let own = own.join(" ");
    let rank = if *label == own {
        0
    } else if label.starts_with(&own) {
        1
    } else {
        2
    };
    let is_of_row = [CLUSTERS, SERVICES]
        .iter()
        .any(|list| pattern.path.starts_with(list));
    (!own.is_empty() && (rest.is_empty() || is_of_row)).then_some((rank + far, rest))
}

/// The rows whose names contain the query.
fn rows(document: &Value, query: &str) -> Vec<Hit> {
    let lists = [(CLUSTERS, "cluster"), (SERVICES, "service")];
    let all = lists.iter().flat_map(|(list, word)| {
        let names = value::items(document, list).iter().enumerate();
        names.filter_map(move |(index, row)| {
            let name = row.get("name")?.as_str()?;
            name.to_lowercase().contains(query).then(|| Hit {
                path: key(&item(list, index), "name"),
                label: name.to_owned(),
                place: (*word).to_owned(),
                note: String::new(),
            })
        })
    });
    all.take(MOST / 2).collect()
}

/// The paths in the document that a pattern stands for: of each row whose name has the words, of the first item of
/// other lists, and of a list itself if it has no item.
fn expand(document: &Value, before: &str, rest: &str, words: &[&str], paths: &mut Vec<String>) {
    let Some((list, below)) = rest.split_once("[]") else {
        paths.push(format!("{before}{rest}"));
        return;
    };
    let list = format!("{before}{list}");
    let items = value::items(document, &list);
    let is_table = list == CLUSTERS || list == SERVICES;
    let most = if is_table { ROWS } else { 1 };
    let named = items.iter().enumerate().filter(|(_, row)| {
        let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = name.to_lowercase();
        !is_table || words.iter().all(|word| name.contains(word))
    });
    let indices: Vec<usize> = named.map(|(index, _)| index).take(most).collect();
    if items.is_empty() && words.is_empty() {
        paths.push(list);
        return;
    }
    for index in indices {
        expand(
            document,
            &item(&list, index),
            below,
            if is_table { &[] } else { words },
            paths,
        );
    }
}

/// Fields of a part of the document whose values contain the query.
fn values(whole: &Value, part: &Value, path: &str, query: &str, hits: &mut Vec<Hit>) {
    if hits.len() >= MOST {
        return;
    }
    let text = match part {
        Value::Object(fields) => {
            for (name, below) in fields {
                values(whole, below, &key(path, name), query, hits);
            }
            return;
        }
        Value::Array(items) => {
            for (index, below) in items.iter().enumerate() {
                values(whole, below, &item(path, index), query, hits);
            }
            return;
        }
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(_) | Value::Null => return,
    };
    let field = schema::field_of(path).filter(|field| hits.iter().all(|hit| hit.path != **field));
    if let Some(field) = field.filter(|_| text.to_lowercase().contains(query)) {
        hits.push(Hit::new(whole, field, text));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({ "spec": {
            "dns": { "suffix": "mesh.example.com" },
            "clusters": [{ "name": "oslo" }, { "name": "porto" }],
            "services": [{ "name": "orders", "port": 8080 }, { "name": "stock", "routes": [{ "exact": "/x" }] }],
        } })
    }

    fn paths(query: &str) -> Vec<String> {
        find(&document(), query)
            .into_iter()
            .map(|hit| hit.path)
            .collect()
    }

    #[test]
    fn fields_are_found_by_their_labels_before_their_help() {
        assert_eq!(
            paths("trust domain")[..2],
            [
                "spec.clusters[0].trustDomain",
                "spec.clusters[1].trustDomain"
            ]
        );
        assert_eq!(paths("ttl")[0], "spec.dns.ttl");
        assert_eq!(paths("min version")[0], "spec.tls.minVersion");
        // A word of the help.
        assert!(paths("redirect plain requests").contains(&"spec.tls.redirect".to_owned()));
        assert!(paths("no such thing anywhere").is_empty());
        assert!(paths("  ").is_empty());
    }

    #[test]
    fn a_row_is_found_by_its_name_and_its_fields_with_it() {
        assert_eq!(paths("stock")[0], "spec.services[1].name");
        let retry = paths("orders retry");
        assert_eq!(retry[0], "spec.services[0].failover.retry", "{retry:?}");
        assert!(
            retry
                .iter()
                .all(|path| path.starts_with("spec.services[0]")),
            "{retry:?}"
        );
        let first = &find(&document(), "orders retry")[0];
        assert_eq!(
            [first.label.as_str(), first.place.as_str()],
            ["Retry", "service orders, failover"]
        );
    }

    #[test]
    fn values_are_found_too() {
        assert_eq!(paths("mesh.example"), ["spec.dns.suffix"]);
        assert!(paths("8080").contains(&"spec.services[0].port".to_owned()));
    }

    #[test]
    fn a_list_without_items_is_found_itself() {
        let none = json!({ "spec": { "services": [{ "name": "a" }] } });
        let hits = find(&none, "subset");
        let mut lists = hits
            .iter()
            .filter(|hit| hit.path == "spec.services[0].subsets");
        let list = lists.next().unwrap();
        assert_eq!(
            [&*list.label, &*list.place, &*list.note],
            ["Subsets", "service a", "Has the field name"]
        );
        assert_eq!(lists.count(), 0);
        assert!(find(&json!({}), "zone").len() <= MOST);
    }

    #[test]
    fn every_result_is_a_field_of_the_schema() {
        for query in ["a", "name", "port", "timeout", "tls", "stock", "cluster"] {
            for hit in find(&document(), query) {
                assert!(schema::at(&hit.path).is_some(), "{query}: {hit:?}");
            }
        }
    }
}
