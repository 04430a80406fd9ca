//! Requests and responses of the worker that checks and renders.
//!
//! Both take longer than a keystroke may for a large document, and their code grows with the document format, so
//! only the worker contains it.

use serde::{Deserialize, Serialize};
use shared::bundle::{self, Bundle, ClusterManifests, MESH_FILE};
use shared::check::{Checked, Finding};
use shared::resolved::published::{self, LevelKind, NameRow};

/// The requested form of a document; the request is this and the document, as JSON. The response is a
/// `Result<T, String>` as JSON, in which `T` depends on the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// The findings and names: [`Checks`].
    Checks,
    /// The files of its bundle: [`Manifests`].
    Files,
    /// Its bundle in one stream: a text.
    Stream,
    /// The document itself in canonical form, also if it has errors: a text.
    Document,
    /// The clusters that answer its names in an outage: [`Simulated`](crate::workers::simulated::Simulated).
    Simulated(Vec<String>),
}

/// The result of the checks of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
            if row.level != LevelKind::Global {
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
                let first = of(LevelKind::Vanity).or_else(|| of(LevelKind::Global))?;
                Some((first.host.clone(), names.len() - 1))
            })
            .collect()
    }
}

/// The bundle of a document as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// In the order in which they are applied.
    pub files: Vec<File>,
}

/// A file of the bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn callers_survive_json() {
        let example = include_str!("../../../examples/callers.yaml");
        let mesh = shared::Mesh::read(example).unwrap();
        let checks = Checks::from(shared::check(&mesh, &shared::facts::Facts::default()));
        let names = checks.names.iter().flatten();
        let words = names.filter_map(NameRow::caller_words);
        let words: Vec<String> = words.map(|words| words.join(", ")).collect();
        assert_eq!(words, ["shop/web, sales", "shop@lyon"]);
        assert_eq!(json::read(&json::write(&checks)), Ok(checks));
    }
}
