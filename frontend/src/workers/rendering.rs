//! Requests and responses of the worker that checks and renders.
//!
//! Both take longer than a keystroke may for a large document, and their code grows with the document format, so
//! only the worker contains it. It keeps the texts of the last bundle, and sends the one that is looked at.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::Mesh;
use shared::check::{Finding, Severity};
use shared::facts::Facts;
use shared::mesh::ReadError;
use shared::resolved::Resolved;
use shared::resolved::published::{self, LevelKind, NameRow};

use super::search::Search;

/// A request, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request<'a> {
    /// The requested form.
    pub form: Form,
    /// The document; without one that of the last request.
    pub document: Option<Cow<'a, Value>>,
}

/// The requested form of a document. The response is a `Result<T, String>` as JSON, in which `T` depends on the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// The findings: [`Checks`].
    Checks,
    /// All published names, global ones with the callers of their service: a list of [`NameRow`].
    Names,
    /// Renders a part of its bundle, the file with this path first: [`Rendering`]. The page repeats the request until
    /// the bundle is whole, and stops when the document has changed.
    Render(Option<String>),
    /// One file of its bundle: [`FileText`].
    Text(String),
    /// The files of its bundle that match, from the file with this number on: [`Found`](super::search::Found). The page
    /// repeats the request until the search is finished.
    Search(Search, usize),
    /// Its bundle in one stream: a text.
    Stream,
    /// Its bundle as an archive. The response is bytes, but for an error.
    Zip,
    /// The clusters that answer the calls for a service, given as `<name>.<namespace>`, in an outage:
    /// [`Calls`](crate::workers::calls::Calls).
    Calls(String, Vec<String>),
    /// The commands that apply the archive with this name: [`Commands`](shared::engine::Commands).
    Commands(String),
    /// Renders a part of its bundle and of that of an earlier document, and compares them:
    /// [`Comparing`](crate::workers::changes::Comparing). The page repeats the request, without the earlier document,
    /// until both are whole.
    Compare(Option<Arc<Value>>),
    /// The difference of one file to the bundle that was compared last: a text.
    Diff(String),
    /// A text for a pull request about all differences to the bundle that was compared last, which these words name.
    PullRequest(String),
    /// The document itself in canonical form, also if it has errors: a text.
    Document,
    /// The clusters that answer its names in an outage: [`Simulated`](crate::workers::simulated::Simulated).
    Simulated(Vec<String>),
}

/// The result of the checks of a document. It follows every keystroke, so it has no more of the names than the form
/// shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// All findings, errors first.
    pub findings: Vec<Finding>,
    /// Its services, in order; `None` if a finding is an error.
    pub services: Option<Vec<Published>>,
}

/// A service that is published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// `<name>.<namespace>`.
    pub service: String,
    /// The name that clients most likely use.
    pub host: String,
    /// The number of its other names.
    pub others: usize,
}

impl Checks {
    /// Checks a document, which may be incomplete.
    pub fn of(document: &Value) -> Self {
        let (mesh, errors) = Mesh::from_value(document);
        let checked = shared::check(&mesh, &Facts::default());
        let mut findings: Vec<Finding> = errors
            .iter()
            .filter_map(|error| finding(error, &checked.findings))
            .collect();
        // What the checks find at the place of such an error is about the value that replaces it.
        let is_replaced = |one: &Finding| {
            let is_its = |error: &&ReadError| error.path == one.path && error.missing.is_none();
            errors.iter().any(|error| is_its(&error))
        };
        findings.extend(
            checked
                .findings
                .iter()
                .filter(|one| !is_replaced(one))
                .cloned(),
        );
        findings.sort_by_key(|one| one.severity);
        let resolved = checked.resolved.filter(|_| errors.is_empty());
        Self {
            services: resolved.as_ref().map(services),
            findings,
        }
    }
}

fn services(resolved: &Resolved) -> Vec<Published> {
    let names = published::rows(resolved);
    let services = names.chunk_by(|one, next| one.service == next.service);
    services
        .filter_map(|names| {
            let of = |level| names.iter().find(|name| name.level == level);
            let first = of(LevelKind::Vanity).or_else(|| of(LevelKind::Global))?;
            Some(Published {
                service: first.service.clone(),
                host: first.host.clone(),
                others: names.len() - 1,
            })
        })
        .collect()
}

/// All published names. Those of a service have the same callers; the page needs them once.
pub fn names(resolved: &Resolved) -> Vec<NameRow> {
    let mut names = published::rows(resolved);
    for row in &mut names {
        if row.level != LevelKind::Global {
            row.callers = None;
        }
    }
    names
}

/// The finding of an error. A missing field is empty in the document that is checked: `None` if the checks have found
/// that already.
fn finding(error: &ReadError, found: &[Finding]) -> Option<Finding> {
    let mut path = error.path.clone();
    if let Some(field) = error.missing {
        path = crate::document::path::key(&path, field);
        if found.iter().any(|one| one.path == path) {
            return None;
        }
    }
    Some(Finding {
        // Only rules of the checks have one.
        code: String::new(),
        severity: Severity::Error,
        path,
        message: error.message.clone(),
        hint: error.hint.clone(),
        fix: None,
    })
}

/// A bundle that is being rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendering {
    /// The number of parts that are rendered.
    pub done: usize,
    /// The number of all parts.
    pub total: usize,
    /// The requested file, if its part is rendered.
    pub file: Option<FileText>,
    /// The list of all files, once all are rendered.
    pub manifests: Option<Manifests>,
}

/// The text of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileText {
    /// The text.
    pub text: String,
    /// The path of the part of the document that each of its objects derives from; empty for the document itself and for
    /// files that only kustomize reads.
    pub origins: Vec<String>,
}

/// The files of a bundle, without their texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifests {
    /// The bundle's digest.
    pub digest: String,
    /// The number of bytes of all files.
    pub bytes: u64,
    /// The paths of files that belong to no single cluster.
    pub common: Vec<String>,
    /// The clusters with files, in the order of the document.
    pub clusters: Vec<Cluster>,
}

/// The files of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Paths in the order in which they are applied.
    pub files: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_survive_json() {
        let example = include_str!("../../../examples/callers.yaml");
        let mesh = shared::Mesh::read(example).unwrap();
        let resolved = shared::check(&mesh, &Facts::default()).resolved.unwrap();
        let names = names(&resolved);
        let words = names.iter().filter_map(NameRow::caller_words);
        let words: Vec<String> = words.map(|words| words.join(", ")).collect();
        assert_eq!(words, ["shop/web, sales", "shop@lyon"]);
        let json = serde_json::to_string(&names).unwrap();
        assert_eq!(serde_json::from_str::<Vec<NameRow>>(&json).unwrap(), names);
    }

    #[test]
    fn an_incomplete_document_has_findings_at_its_fields() {
        let mut document = crate::document::start::walkthrough();
        let checks = Checks::of(&document);
        assert!(checks.services.is_some());
        for (path, new) in [("spec.services[0].port", "80a"), ("spec.dns.ttl", "soon")] {
            crate::document::value::set(&mut document, path, new.into());
        }
        crate::document::value::remove(&mut document, "spec.dns.suffix");
        crate::document::value::remove(&mut document, "spec.clusters[0].region");
        let found = Checks::of(&document);
        assert!(found.services.is_none());
        let errors = found
            .findings
            .iter()
            .filter(|one| one.severity == Severity::Error);
        let mut paths: Vec<&str> = errors.map(|one| one.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(
            paths,
            [
                "spec.clusters[0].region",
                "spec.dns.suffix",
                "spec.dns.ttl",
                "spec.services[0].port"
            ]
        );
    }
}
