//! What the worker that renders is asked, and what it answers.
//!
//! Rendering grows with every engine and every kind of object, and a large document takes longer to
//! render than a person likes to wait for a letter. So it is in the worker alone, which is loaded once
//! there is a document without errors.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::bundle::{Bundle, ClusterManifests, MESH_FILE};

use crate::answers::{Read, list, text};

/// In which form a document is wanted; the question is this and the document, as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// The files of its bundle, as [`Manifests`] in JSON.
    Files,
    /// Its bundle in one stream.
    Stream,
    /// The document itself, in its one form; also where it has errors.
    Document,
}

/// The bundle of a document as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Manifests {
    /// The bundle's digest.
    pub digest: String,
    /// The document, in its one form.
    pub mesh: String,
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
            clusters: bundle.clusters.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ClusterManifests> for Cluster {
    fn from(manifests: ClusterManifests) -> Self {
        let files = manifests.files.into_iter().map(|file| File {
            path: file.path,
            text: file.text,
        });
        Self {
            name: manifests.name,
            files: files.collect(),
        }
    }
}

impl Manifests {
    /// From what the worker sent; the error is what is missing in it.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        Ok(Self {
            digest: text(value, "digest")?,
            mesh: text(value, "mesh")?,
            clusters: list(value, "clusters", cluster)?,
        })
    }

    /// Every path with its text: the document first, then the clusters' in order.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.clusters.iter().flat_map(|cluster| &cluster.files);
        [(MESH_FILE, self.mesh.as_str())]
            .into_iter()
            .chain(files.map(|file| (file.path.as_str(), file.text.as_str())))
    }
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
