//! What the worker that checks and renders is asked, and what it answers.
//!
//! Both grow with everything that a document can say, and for a large document both take longer than a
//! person likes to wait for a letter. So they are in the worker alone.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::bundle::{self, Bundle, ClusterManifests, MESH_FILE};
use shared::check::{Checked, Finding};
use shared::mesh::Caller;
use shared::published::{self, NameRow};

use crate::answers::{Read, finding, list, maybe, text, texts, unknown};

/// In which form a document is wanted; the question is this and the document, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// What the checks say of it, as [`Checks`] in JSON.
    Checks,
    /// The files of its bundle, as [`Manifests`] in JSON.
    Files,
    /// Its bundle in one stream.
    Stream,
    /// The document itself, in its one form; also where it has errors.
    Document,
    /// Who answers its names with something down, as [`Simulated`](crate::simulated::Simulated) in JSON.
    Simulated(Vec<String>),
}

/// What the checks say of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// Everything that was found, errors first.
    pub findings: Vec<Finding>,
    /// Its published names, global ones with the callers of their service; there where no finding is an error.
    pub names: Option<Vec<NameRow>>,
}

impl From<Checked> for Checks {
    fn from(checked: Checked) -> Self {
        let mut names = checked.resolved.as_ref().map(published::rows);
        // All names of a service have the same callers; the page needs them once.
        for row in names.iter_mut().flatten() {
            if row.level != "global" {
                row.callers = None;
            }
        }
        Self {
            findings: checked.findings,
            names,
        }
    }
}

impl Checks {
    /// For each service, in the order of the document, the name that people will use and how many names
    /// there are beside it.
    pub fn published(&self) -> Vec<(String, usize)> {
        let names = self.names.as_deref().unwrap_or_default();
        let services = names.chunk_by(|one, next| one.service == next.service);
        services
            .filter_map(|names| {
                let of = |level| names.iter().find(|name| name.level == level);
                let first = of("vanity").or_else(|| of("global"))?;
                Some((first.host.clone(), names.len() - 1))
            })
            .collect()
    }

    /// From what the worker sent; the error is what is missing in it.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        let names = !value["names"].is_null();
        Ok(Self {
            findings: list(value, "findings", finding)?,
            names: names.then(|| list(value, "names", name)).transpose()?,
        })
    }
}

/// The bundle of a document as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Manifests {
    /// The bundle's digest.
    pub digest: String,
    /// The document, in its one form.
    pub mesh: String,
    /// Files that no single cluster is handed.
    pub common: Vec<File>,
    /// The clusters that are handed anything, in the order of the document.
    pub clusters: Vec<Cluster>,
}

/// What a cluster is handed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// In the order in which they are applied.
    pub files: Vec<File>,
}

/// A file of the bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its path in the bundle.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl From<Bundle> for Manifests {
    fn from(bundle: Bundle) -> Self {
        Self {
            digest: bundle.digest,
            mesh: bundle.mesh_yaml,
            common: bundle.common.into_iter().map(Into::into).collect(),
            clusters: bundle.clusters.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ClusterManifests> for Cluster {
    fn from(manifests: ClusterManifests) -> Self {
        Self {
            name: manifests.name,
            files: manifests.files.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<bundle::File> for File {
    fn from(file: bundle::File) -> Self {
        Self {
            path: file.path,
            text: file.text,
        }
    }
}

impl Manifests {
    /// From what the worker sent; the error is what is missing in it.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        Ok(Self {
            digest: text(value, "digest")?,
            mesh: text(value, "mesh")?,
            common: list(value, "common", file)?,
            clusters: list(value, "clusters", cluster)?,
        })
    }

    /// Every path with its text: the document first, then those of no cluster, then the clusters' in
    /// order.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let clusters = self.clusters.iter().flat_map(|cluster| &cluster.files);
        let files = self.common.iter().chain(clusters);
        [(MESH_FILE, self.mesh.as_str())]
            .into_iter()
            .chain(files.map(|file| (file.path.as_str(), file.text.as_str())))
    }
}

fn name(value: &Value) -> Read<NameRow> {
    let word = text(value, "level")?;
    let levels = ["vanity", "global", "region", "zone"];
    let level = levels.into_iter().find(|level| *level == word);
    Ok(NameRow {
        host: text(value, "host")?,
        level: level.ok_or_else(|| unknown(&word))?,
        region: maybe(value, "region"),
        zone: maybe(value, "zone"),
        service: text(value, "service")?,
        clusters: texts(value, "clusters")?,
        falls_back_to: maybe(value, "fallsBackTo"),
        answered_by: texts(value, "answeredBy")?,
        callers: match &value["callers"] {
            Value::Null => None,
            _ => Some(list(value, "callers", caller)?),
        },
    })
}

fn caller(value: &Value) -> Read<Caller> {
    let clusters = match &value["clusters"] {
        Value::Null => None,
        _ => Some(texts(value, "clusters")?),
    };
    Ok(Caller {
        namespace: maybe(value, "namespace"),
        service_accounts: texts(value, "serviceAccounts")?,
        clusters,
        ..Caller::default()
    })
}

fn cluster(value: &Value) -> Read<Cluster> {
    Ok(Cluster {
        name: text(value, "name")?,
        files: list(value, "files", file)?,
    })
}

fn file(value: &Value) -> Read<File> {
    Ok(File {
        path: text(value, "path")?,
        text: text(value, "text")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_worker_sends_of_callers_arrives() {
        let example = include_str!("../../examples/callers.yaml");
        let mesh = shared::Mesh::read(example).unwrap();
        let checks = Checks::from(shared::check(&mesh, &shared::facts::Facts::default()));
        let names = checks.names.iter().flatten();
        let words = names.filter_map(NameRow::caller_words);
        let words: Vec<String> = words.map(|words| words.join(", ")).collect();
        assert_eq!(words, ["shop/web, sales", "shop@lyon"]);
        let sent = serde_json::to_value(&checks).unwrap();
        assert_eq!(Checks::from_value(&sent), Ok(checks));
    }
}
