//! Parses manifests to objects, each with its file and cluster.
//!
//! Folders of manifests have other files as well, such as the values of a chart: one that is not a manifest is skipped,
//! and reported.

use std::fmt;

use serde_json::Value;

use super::names::hosts;
use super::{ImportError, Source};
use crate::check::{Finding, Severity, code};
use crate::manifests::{Given, Object, Patch, has_texts};
use crate::yaml;

/// Limit of the input in bytes: a hundred clusters with twenty services each have 110 MB.
pub(super) const MAX_BYTES: usize = 256 * 1024 * 1024;
/// Heading of a cluster's objects in a bundle that is one stream.
const CLUSTER_HEADING: &str = "# cluster: ";
/// Heading of a file's objects in such a stream.
const FILE_HEADING: &str = "# file: ";
/// The hint for a template.
const TEMPLATE: &str = "render the template first, such as `helm template … | fedmesh-agent import -` or \
                        `envsubst < FILE | fedmesh-agent import -`";
/// The hint for a part of a Kustomize folder.
pub(super) const KUSTOMIZE: &str = "import the output of `kustomize build`";

/// A file, or a document in a file, that is not a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAManifest {
    /// The file.
    pub file: String,
    /// The reason, with the line where known.
    pub reason: String,
    /// The remedy.
    pub hint: String,
}

impl fmt::Display for NotAManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.reason)
    }
}

impl NotAManifest {
    fn of_syntax(file: &str, error: yaml::Error, lines_before: u64) -> Self {
        let hint = match yaml::template_hint(&error.message) {
            Some(_) => TEMPLATE.to_owned(),
            None => error.hint,
        };
        let reason = match error.line {
            Some(line) => format!("line {}: {}", line + lines_before, error.message),
            None => error.message,
        };
        let file = file.to_owned();
        Self { file, reason, hint }
    }

    pub(super) fn object(file: &str, what: &str) -> Self {
        let name = file.rsplit('/').next().unwrap_or_default();
        let hint = match name {
            "kustomization.yaml" | "kustomization.yml" => KUSTOMIZE,
            "Chart.yaml" | "values.yaml" | "values.yml" => {
                "import the output of `helm template` for the chart"
            }
            _ => {
                "add `kind` and `metadata.name` to each document, or remove files that are not manifests"
            }
        };
        Self {
            file: file.to_owned(),
            reason: format!("{what} is not a Kubernetes object"),
            hint: hint.to_owned(),
        }
    }

    /// The finding that it is not imported.
    pub(super) fn skipped(self) -> Finding {
        Finding {
            code: code::NOT_A_MANIFEST.id.to_owned(),
            severity: Severity::Warning,
            path: self.file,
            message: self.reason,
            hint: self.hint,
            fix: None,
        }
    }
}

/// The objects and patches, and everything that is not a manifest.
///
/// # Errors
/// The texts exceed the limit, or none of them is a manifest.
pub(super) fn read(sources: &[Source]) -> Result<(Given, Vec<NotAManifest>), ImportError> {
    let bytes: usize = sources.iter().map(|source| source.text.len()).sum();
    if bytes > MAX_BYTES {
        return Err(ImportError::TooLarge(bytes));
    }
    let mut given = Given::default();
    let mut skipped = Vec::new();
    for part in sources.iter().flat_map(parts) {
        let documents = match yaml::documents(part.text) {
            Ok(documents) => documents,
            Err(error) => {
                skipped.push(NotAManifest::of_syntax(
                    &part.file,
                    *error,
                    part.lines_before,
                ));
                continue;
            }
        };
        for document in documents {
            match document {
                Value::Array(operations) if is_patch(&operations) => {
                    given.patches.push(Patch {
                        file: part.file.clone(),
                        operations,
                    });
                }
                document => take_apart(document, &part, &mut given.objects, &mut skipped),
            }
        }
    }
    if given.objects.is_empty() && !skipped.is_empty() {
        return Err(ImportError::NotAManifest(skipped.swap_remove(0)));
    }
    // Many documents of one file may have the same fault.
    skipped.dedup();
    Ok((given, skipped))
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
    skipped: &mut Vec<NotAManifest>,
) {
    let mut skip = |what: &str| skipped.push(NotAManifest::object(&part.file, what));
    let Value::Object(mut fields) = document else {
        return skip("a document that is not a map");
    };
    let Some(kind) = fields.get("kind").and_then(Value::as_str) else {
        return skip("a document without kind");
    };
    if kind.ends_with("List") && fields.get("items").is_some_and(Value::is_array) {
        if let Some(Value::Array(items)) = fields.shift_remove("items") {
            for item in items {
                take_apart(item, part, objects, skipped);
            }
        }
        return;
    }
    if !has_texts(&fields) {
        return skip(&format!("a {kind} whose name or namespace is not a string"));
    }
    let object = Object::new(
        part.file.clone(),
        part.cluster.clone(),
        Value::Object(fields),
    );
    if let Some(text) = template(&object) {
        skipped.push(NotAManifest {
            file: part.file.clone(),
            reason: format!("`{text}` is the text of a template"),
            hint: TEMPLATE.to_owned(),
        });
        return;
    }
    objects.push(object);
}

/// The name or host that is the text of a template. Other fields may have such texts for themselves.
fn template(object: &Object) -> Option<&str> {
    let namespace = object.value["metadata"]["namespace"].as_str();
    let names = [object.kind(), object.name()].into_iter().chain(namespace);
    names
        .chain(hosts(object))
        .find(|text| yaml::template_hint(text).is_some())
}
