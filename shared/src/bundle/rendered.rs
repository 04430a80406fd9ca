//! A bundle of which one cluster at a time is in memory, as text.
//!
//! Most objects are the same in most clusters, so each text is written once and copied from then on.

use std::sync::OnceLock;

use super::{BETWEEN, ClusterManifests, File, common, document, path, stream};
use crate::digest;
use crate::mesh::{Mesh, Target};
use crate::placed::Placed;
use crate::render::render;
use crate::resolved::Resolved;

/// A rendered document, of which one cluster at a time is written. It gives the bytes of a
/// [`super::Bundle`], without the objects behind them.
#[derive(Debug)]
pub struct Rendered<'a> {
    resolved: &'a Resolved,
    placed: Vec<Placed>,
    /// The text of each template, once it has been wanted.
    templates: Vec<OnceLock<String>>,
    /// The document, in its one form.
    pub mesh_yaml: String,
}

/// A file as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// The path in the bundle.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// How many objects.
    pub objects: usize,
}

impl<'a> Rendered<'a> {
    /// Renders a checked document. `mesh` is the document that `resolved` comes from.
    pub fn new(mesh: &Mesh, resolved: &'a Resolved) -> Self {
        let mut placed = render(resolved);
        if resolved.target == Target::Direct {
            // As they stand in files.
            placed.sort_by_cached_key(|one| {
                let object = &one.template;
                (object.kind.wave, one.subject.clone(), object.key())
            });
        }
        Self {
            resolved,
            templates: placed.iter().map(|_| OnceLock::new()).collect(),
            placed,
            mesh_yaml: mesh.to_yaml(),
        }
    }

    /// The names of the document's clusters; see [`Self::cluster`] for their indices.
    pub fn clusters(&self) -> impl ExactSizeIterator<Item = &str> {
        self.resolved.clusters.iter().map(|one| one.name.as_str())
    }

    /// Files that no single cluster is handed; of the engine `gitops`.
    pub fn common(&self) -> Vec<TextFile> {
        let files = common(self.resolved, &self.placed);
        files.into_iter().map(TextFile::from).collect()
    }

    /// What the cluster with this index is handed, in the order in which it is applied.
    pub fn cluster(&self, index: usize) -> Vec<TextFile> {
        if self.resolved.target != Target::Direct {
            let manifests = ClusterManifests::new(self.resolved, &self.placed, index);
            return manifests.files.into_iter().map(TextFile::from).collect();
        }
        let cluster = self.resolved.clusters[index].name.as_str();
        let mut files: Vec<TextFile> = Vec::new();
        let mut last = None;
        for (one, template) in self.placed.iter().zip(&self.templates) {
            let Some(differences) = one.differences_in(index) else {
                continue;
            };
            let of = (one.template.kind.wave, one.subject.as_str());
            if last.replace(of) != Some(of) {
                files.push(TextFile {
                    path: path(cluster, of.0, of.1),
                    text: String::new(),
                    objects: 0,
                });
            }
            if let Some(file) = files.last_mut() {
                if file.objects > 0 {
                    file.text.push_str(BETWEEN);
                }
                if differences.is_empty() {
                    let text = template.get_or_init(|| document(&one.template));
                    file.text.push_str(text);
                } else if let Some(object) = one.in_cluster(index) {
                    file.text.push_str(&document(&object));
                }
                file.objects += 1;
            }
        }
        files
    }

    /// The bundle's digest. Everything is written once for it.
    pub fn digest(&self) -> String {
        let mut digest = digest::Parts::default();
        digest.add(self.mesh_yaml.as_bytes());
        let clusters = (0..self.resolved.clusters.len()).map(|index| self.cluster(index));
        for file in [self.common()].into_iter().chain(clusters).flatten() {
            digest.add(file.path.as_bytes());
            digest.add(file.text.as_bytes());
        }
        digest.finish()
    }

    /// What a stream of the bundle starts with, given its digest.
    pub fn stream_head(&self, digest: &str) -> String {
        stream::head(digest, &self.mesh_yaml)
    }

    /// What a stream has of the cluster with this index; nothing where that is handed nothing.
    pub fn stream_of(&self, index: usize) -> String {
        let files = self.cluster(index);
        if files.is_empty() {
            return String::new();
        }
        let texts = files
            .iter()
            .map(|file| (file.path.as_str(), file.text.as_str()));
        stream::write_cluster(self.resolved.clusters[index].name.as_str(), texts)
    }
}

impl From<File> for TextFile {
    fn from(file: File) -> Self {
        Self {
            path: file.path,
            text: file.text,
            objects: file.objects.len(),
        }
    }
}
