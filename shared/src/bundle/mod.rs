//! Bundles: rendered files in order, with their document and a digest.
//!
//! ```text
//! mesh.yaml
//! cluster1/10-namespaces.yaml
//! cluster1/60-httpbin.default.yaml
//! …
//! ```
//! The same input gives the same bytes. A folder of it is plain YAML in an order that `kubectl apply -f` keeps.

mod carried;
mod listing;
mod paths;
mod rendered;
mod stream;
mod texts;
mod zip;

use serde::Serialize;

use crate::engine::{self, Content};
use crate::kubernetes::object::{Object, Wave};
use crate::mesh::Mesh;
use crate::origin::Origin;
use crate::placed::Placed;
use crate::render::render;
use crate::resolved::Resolved;
use crate::text::digest;
use crate::yaml;

pub use carried::{Carried, Mismatch, ReadBundleError};
pub use listing::{Listed, Listing};
pub use paths::PathError;
pub use rendered::{FileEntry, Part, Rendered, TextFile, Texts};
pub use zip::{
    Archive, EntryProblem, Packed, ZipError, is_zip, read as read_zip, write as write_zip,
};

/// The document's file in a bundle.
pub const MESH_FILE: &str = "mesh.yaml";

/// Separator between the documents of a file.
const BETWEEN: &str = "---\n";

/// The first line of a file without objects, which has no label of its owner.
pub const WRITTEN_BY: &str = "# Written by fedmesh; edit mesh.yaml and render again.";

/// Manifests for all clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// The mesh's name.
    pub mesh_name: String,
    /// The document, in its canonical form.
    pub mesh_yaml: String,
    /// Files that belong to no single cluster; with an engine whose manifests others apply.
    pub common: Vec<File>,
    /// The clusters that have files, in the order of the document.
    pub clusters: Vec<ClusterManifests>,
    /// Digest of every path and every byte.
    pub digest: String,
}

/// The files of one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterManifests {
    /// The cluster's name.
    pub name: String,
    /// Its context in the kubeconfig.
    pub context: String,
    /// Files in the order of an apply.
    pub files: Vec<File>,
}

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The path in the bundle, such as `cluster1/60-httpbin.default.yaml`.
    pub path: String,
    /// The wave of its objects.
    pub wave: Wave,
    /// Its objects; empty for a file that only kustomize reads.
    pub objects: Vec<Object>,
    /// The part of the document that each of its objects derives from.
    pub origins: Vec<Origin>,
    /// Its text: YAML documents with `---` between them.
    pub text: String,
}

impl Bundle {
    /// Renders a checked document. `mesh` is the document that `resolved` comes from.
    pub fn new(mesh: &Mesh, resolved: &Resolved) -> Self {
        let placed = render(resolved);
        let clusters: Vec<ClusterManifests> = (0..resolved.clusters.len())
            .map(|index| ClusterManifests::new(resolved, &placed, index))
            .filter(|manifests| !manifests.files.is_empty())
            .collect();
        let common = common(resolved, &placed);
        let mesh_yaml = mesh.to_yaml();
        let files = common
            .iter()
            .chain(clusters.iter().flat_map(|cluster| &cluster.files));
        let files: Vec<(&str, String)> = files
            .map(|file| (file.path.as_str(), digest_of_text(&file.text)))
            .collect();
        let files = files.iter().map(|(path, text)| (*path, text.as_str()));
        let digest = digest(&mesh_yaml, files);
        Self {
            mesh_name: resolved.name.to_string(),
            mesh_yaml,
            common,
            clusters,
            digest,
        }
    }

    /// The manifests of one cluster.
    pub fn cluster(&self, name: &str) -> Option<&ClusterManifests> {
        self.clusters.iter().find(|cluster| cluster.name == name)
    }

    /// Every file: the document first, then the common ones, then the clusters' in order.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let manifests = self.manifests();
        [(MESH_FILE, self.mesh_yaml.as_str())]
            .into_iter()
            .chain(manifests.map(|file| (file.path.as_str(), file.text.as_str())))
    }

    /// Every file with manifests.
    fn manifests(&self) -> impl Iterator<Item = &File> {
        let clusters = self.clusters.iter().flat_map(|cluster| &cluster.files);
        self.common.iter().chain(clusters)
    }

    /// The bundle as one zip archive; the same bytes every time.
    pub fn to_zip(&self) -> Result<Vec<u8>, ZipError> {
        write_zip(self.files())
    }

    /// The bundle as one YAML stream with a `# cluster:` heading before each cluster's documents.
    pub fn to_stream(&self) -> String {
        stream::write(self)
    }
}

/// The digest of a bundle: of its document and, file by file in order, of the path and the digest of the text, so that
/// not all texts need to be in memory.
fn digest<'a>(mesh_yaml: &str, files: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut digest = digest::Parts::default();
    digest.add(mesh_yaml.as_bytes());
    for (path, text) in files {
        digest.add(path.as_bytes());
        digest.add(text.as_bytes());
    }
    digest.finish()
}

fn digest_of_text(text: &str) -> String {
    digest::of_parts([text.as_bytes()])
}

impl ClusterManifests {
    /// The manifests of the cluster with this index.
    pub fn new(resolved: &Resolved, placed: &[Placed], index: usize) -> Self {
        let cluster = &resolved.clusters[index];
        Self {
            name: cluster.name.to_string(),
            context: cluster.context.clone(),
            files: written(engine::files(resolved, placed, index)),
        }
    }

    /// Number of objects.
    pub fn object_count(&self) -> usize {
        self.files.iter().map(|file| file.objects.len()).sum()
    }

    /// All objects with their waves, in order.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.files.iter().flat_map(|file| &file.objects)
    }

    /// This cluster's documents as one YAML stream, for `kubectl apply -f -`.
    pub fn to_stream(&self) -> String {
        stream::write_cluster(&self.name, stream::texts(&self.files))
    }
}

fn common(resolved: &Resolved, placed: &[Placed]) -> Vec<File> {
    written(engine::of(resolved.target).common_files(resolved, placed))
}

fn written(parts: Vec<engine::File>) -> Vec<File> {
    parts.into_iter().map(File::written).collect()
}

impl File {
    fn written(part: engine::File) -> Self {
        let engine::File {
            path,
            content,
            origins,
        } = part;
        let (objects, text) = match content {
            Content::Objects(objects) => {
                let documents: Vec<String> = objects.iter().map(document).collect();
                (objects, documents.join(BETWEEN))
            }
            Content::Kustomize(value) => (Vec::new(), format!("{WRITTEN_BY}\n{}", yaml_of(&value))),
        };
        Self {
            path,
            wave: objects.first().map_or(Wave::Istio, |first| first.kind.wave),
            objects,
            origins,
            text,
        }
    }
}

/// One object as a YAML document.
pub fn document(object: &Object) -> String {
    yaml_of(object)
}

fn yaml_of(value: &impl Serialize) -> String {
    // JSON has text keys only, so it can always be written as YAML.
    yaml::to_string(value).unwrap_or_default()
}
