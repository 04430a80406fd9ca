//! Parses manifests to objects, each with its file and cluster.

use serde_json::Value;

use super::{ImportError, Source};
use crate::manifests::{Given, Object, Patch, has_texts};
use crate::yaml;

/// Limit of the input in bytes: a hundred clusters with twenty services each have 110 MB.
pub(super) const MAX_BYTES: usize = 256 * 1024 * 1024;
/// Heading of a cluster's objects in a bundle that is one stream.
const CLUSTER_HEADING: &str = "# cluster: ";
/// Heading of a file's objects in such a stream.
const FILE_HEADING: &str = "# file: ";
pub(super) fn read(sources: &[Source]) -> Result<Given, ImportError> {
    let bytes: usize = sources.iter().map(|source| source.text.len()).sum();
    if bytes > MAX_BYTES {
        return Err(ImportError::TooLarge(bytes));
    }
    let mut given = Given::default();
    for source in sources {
        for part in parts(source) {
            let documents = yaml::documents(part.text).map_err(|mut error| {
                error.line = error.line.map(|line| line + part.lines_before);
                ImportError::Read {
                    file: part.file.clone(),
                    error,
                }
            })?;
            for document in documents {
                match document {
                    Value::Array(operations) if is_patch(&operations) => {
                        given.patches.push(Patch {
                            file: part.file.clone(),
                            operations,
                        });
                    }
                    document => take_apart(document, &part, &mut given.objects)?,
                }
            }
        }
    }
    Ok(given)
}

fn is_patch(operations: &[Value]) -> bool {
    let good = |one: &Value| one["op"].is_string() && one["path"].is_string();
    !operations.is_empty() && operations.iter().all(good)
}

/// A text for one cluster.
struct Part<'a> {
    file: String,
    cluster: Option<String>,
    text: &'a str,
    lines_before: u64,
}

/// A stream has headings; any other text is one part.
fn parts(source: &Source) -> Vec<Part<'_>> {
    // Some editors write it; YAML 1.2 (5.2) allows it.
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let mut parts = Vec::new();
    let (mut file, mut cluster) = (source.file.clone(), source.cluster.clone());
    let (mut start, mut at, mut line, mut first) = (0, 0, 0, 0);
    for whole in text.split_inclusive('\n') {
        let of_cluster = whole.strip_prefix(CLUSTER_HEADING);
        let of_file = whole.strip_prefix(FILE_HEADING);
        if of_cluster.is_some() || of_file.is_some() {
            parts.push(Part {
                file: file.clone(),
                cluster: cluster.clone(),
                text: &text[start..at],
                lines_before: first,
            });
            (start, first) = (at, line);
        }
        if let Some(name) = of_cluster {
            cluster = Some(name.trim().to_owned());
        }
        if let Some(name) = of_file {
            name.trim().clone_into(&mut file);
        }
        at += whole.len();
        line += 1;
    }
    parts.push(Part {
        file,
        cluster,
        text: &text[start..],
        lines_before: first,
    });
    parts
}

fn take_apart(
    document: Value,
    part: &Part<'_>,
    objects: &mut Vec<Object>,
) -> Result<(), ImportError> {
    let not_an_object = |what: &str| ImportError::NotAnObject {
        file: part.file.clone(),
        what: what.to_owned(),
    };
    let Value::Object(mut fields) = document else {
        return Err(not_an_object("a document that is not a map"));
    };
    let Some(kind) = fields.get("kind").and_then(Value::as_str) else {
        return Err(not_an_object("a document without kind"));
    };
    if kind.ends_with("List") && fields.get("items").is_some_and(Value::is_array) {
        if let Some(Value::Array(items)) = fields.shift_remove("items") {
            for item in items {
                take_apart(item, part, objects)?;
            }
        }
        return Ok(());
    }
    if !has_texts(&fields) {
        return Err(not_an_object(&format!(
            "a {kind} whose name or namespace is not a string"
        )));
    }
    objects.push(Object::new(
        part.file.clone(),
        part.cluster.clone(),
        Value::Object(fields),
    ));
    Ok(())
}
