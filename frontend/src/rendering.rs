//! Requests and responses of the worker that checks and renders.
//!
//! Both take longer than a keystroke may for a large document, and their code grows with the document format, so
//! only the worker contains it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::bundle::{self, Bundle, ClusterManifests, MESH_FILE};
use shared::check::{Checked, Finding};
use shared::mesh::Caller;
use shared::resolved::published::{self, NameRow};

use crate::answers::{Read, finding, list, maybe, text, texts, unknown};

/// The requested form of a document; the request is this and the document, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// The findings and names, as [`Checks`] in JSON.
    Checks,
    /// The files of its bundle, as [`Manifests`] in JSON.
    Files,
    /// Its bundle in one stream.
    Stream,
    /// The document itself in canonical form; also if it has errors.
    Document,
    /// The clusters that answer its names in an outage, as [`Simulated`](crate::simulated::Simulated) in JSON.
    Simulated(Vec<String>),
}

/// The result of the checks of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// All findings, errors first.
    pub findings: Vec<Finding>,
    /// Its published names, global ones with the callers of their service; `None` if a finding is an error.
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
    /// For each service, in the order of the document, the name that clients most likely use and the number of its
    /// other names.
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

    /// Parses a response of the worker; the error names what is missing.
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
    /// The document in canonical form.
    pub mesh: String,
    /// Files that belong to no single cluster.
    pub common: Vec<File>,
    /// The clusters with files, in the order of the document.
    pub clusters: Vec<Cluster>,
}

/// The files of a cluster.
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
    /// Its text.
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
    /// Parses a response of the worker; the error names what is missing.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        Ok(Self {
            digest: text(value, "digest")?,
            mesh: text(value, "mesh")?,
            common: list(value, "common", file)?,
            clusters: list(value, "clusters", cluster)?,
        })
    }

    /// Every path with its text: the document first, then the files of no cluster, then those of the clusters in
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
    fn callers_survive_json() {
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
