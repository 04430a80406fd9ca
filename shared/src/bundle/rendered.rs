//! A bundle of which one part at a time is in memory, as text.
//!
//! The objects of a service are mostly the same in all clusters. So the engine `direct` renders one service after the
//! other: each text is written once, whatever the number of its files, and a finished service is dropped. The other
//! engines need all objects at once, and render one cluster after the other.

use std::borrow::Cow;

use super::listing::{Listed, Listing};
use super::{ClusterManifests, File, MESH_FILE, common, digest, digest_of_text, stream, texts};
use crate::engine::{self, ArchiveFile, ClusterFolder, Commands};
use crate::mesh::Mesh;
use crate::origin::Origin;
use crate::placed::Placed;
use crate::render::{all, at_gateways, of_mesh, of_service, render};
use crate::resolved::Resolved;

/// A document to render, of which one part at a time is written. It gives the bytes of a [`super::Bundle`], without its
/// objects.
#[derive(Debug)]
pub struct Rendered<'a> {
    resolved: Cow<'a, Resolved>,
    /// All objects, for engines that need all of them.
    placed: Option<Vec<Placed>>,
    /// The document, in its canonical form.
    pub mesh_yaml: String,
}

/// A part that is rendered at once; no two parts share a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Files that belong to no cluster and no service.
    Mesh,
    /// The cluster with this index. With the engine `direct` only the objects for many services.
    Cluster(usize),
    /// The service with this index, in all clusters; with the engine `direct`.
    Service(usize),
}

/// A text, and the files that contain it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// The content of the files.
    pub text: String,
    /// The part of the document that each object in the text derives from, in order; empty for a file that only
    /// kustomize reads.
    pub origins: Vec<Origin>,
    /// The files.
    pub places: Vec<FileEntry>,
}

/// A file without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// The index of its cluster, if it belongs to a single one.
    pub cluster: Option<usize>,
    /// The path in the bundle.
    pub path: String,
}

impl<'a> Rendered<'a> {
    /// Renders a checked document. `mesh` is the document that `resolved` comes from.
    pub fn new(mesh: &Mesh, resolved: &'a Resolved) -> Self {
        Self::of(mesh, Cow::Borrowed(resolved))
    }

    /// [`Self::new`], for parts that are written later.
    pub fn owned(mesh: &Mesh, resolved: Resolved) -> Rendered<'static> {
        Rendered::of(mesh, Cow::Owned(resolved))
    }

    fn of(mesh: &Mesh, resolved: Cow<'a, Resolved>) -> Self {
        let at_once = !resolved.target.is_applied_to_each_cluster();
        let placed = at_once.then(|| render(&resolved));
        Self {
            resolved,
            placed,
            mesh_yaml: mesh.to_yaml(),
        }
    }

    /// The names of the document's clusters, by their indices.
    pub fn clusters(&self) -> impl ExactSizeIterator<Item = &str> {
        self.resolved.clusters.iter().map(|one| one.name.as_str())
    }

    /// All parts.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = vec![Part::Mesh];
        parts.extend((0..self.resolved.clusters.len()).map(Part::Cluster));
        if self.placed.is_none() {
            parts.extend((0..self.resolved.services.len()).map(Part::Service));
        }
        parts
    }

    /// The commands that apply an archive with this name, which contains all texts.
    pub fn commands(&self, texts: &Texts, name: &str) -> Commands {
        let clusters = self.resolved.clusters.iter().enumerate();
        let clusters = clusters.map(|(index, cluster)| ClusterFolder {
            name: cluster.name.as_str(),
            context: &cluster.context,
            files: texts.listed.of(index).map(|(path, _)| path).collect(),
        });
        let archive = ArchiveFile {
            name,
            digest: texts.digest(),
            clusters: clusters.filter(|one| !one.files.is_empty()).collect(),
        };
        engine::of(self.resolved.target).commands(&self.resolved, &archive)
    }

    /// Writes one of [`Self::parts`].
    pub fn files(&self, part: Part) -> Vec<TextFile> {
        let resolved = &*self.resolved;
        let Some(placed) = &self.placed else {
            let placed = match part {
                Part::Mesh => of_mesh(resolved),
                Part::Cluster(index) => at_gateways(&[index], resolved),
                Part::Service(index) => of_service(&all(resolved), index, resolved),
            };
            return texts::write(placed, resolved);
        };
        let (cluster, files) = match part {
            Part::Mesh => (None, common(resolved, placed)),
            Part::Cluster(index) => {
                let manifests = ClusterManifests::new(resolved, placed, index);
                (Some(index), manifests.files)
            }
            Part::Service(_) => (None, Vec::new()),
        };
        let files = files.into_iter();
        files.map(|file| TextFile::of(file, cluster)).collect()
    }

    /// An empty list for the files of all parts, which must be added in the order of [`Self::parts`].
    pub fn listing(&self) -> Listing {
        Listing::new(self.placed.is_none())
    }

    /// Collects the texts of all parts, in order.
    pub fn texts(&self, parts: impl IntoIterator<Item = Vec<TextFile>>) -> Texts {
        let mut listing = self.listing();
        let mut written = Vec::new();
        let mut origins = Vec::new();
        for file in parts.into_iter().flatten() {
            listing.add(file.places);
            written.push(file.text);
            origins.push(file.origins);
        }
        Texts {
            mesh_yaml: self.mesh_yaml.clone(),
            clusters: self.clusters().map(str::to_owned).collect(),
            listed: listing.finish(),
            written,
            origins,
        }
    }

    /// The bundle's digest. All parts are written for it, one after the other, and dropped.
    pub fn digest(&self) -> String {
        self.digest_while(|| true).unwrap_or_default()
    }

    /// [`Self::digest`]; `None` if `go_on` returns `false` in between.
    pub fn digest_while(&self, go_on: impl Fn() -> bool) -> Option<String> {
        let mut listing = self.listing();
        let mut digests = Vec::new();
        for part in self.parts() {
            if !go_on() {
                return None;
            }
            for file in self.files(part) {
                digests.push(digest_of_text(&file.text));
                listing.add(file.places);
            }
        }
        let listed = listing.finish();
        let files = listed
            .files()
            .map(|(path, text)| (path, digests[text].as_str()));
        Some(digest(&self.mesh_yaml, files))
    }
}

impl TextFile {
    /// Number of objects in the text.
    pub fn objects(&self) -> usize {
        self.origins.len()
    }

    fn of(file: File, cluster: Option<usize>) -> Self {
        Self {
            origins: file.origins,
            text: file.text,
            places: vec![FileEntry {
                cluster,
                path: file.path,
            }],
        }
    }
}

/// The texts of a whole bundle, each once, for uses that need the files in order.
#[derive(Debug)]
pub struct Texts {
    /// The document, in its canonical form.
    pub mesh_yaml: String,
    clusters: Vec<String>,
    listed: Listed,
    written: Vec<String>,
    /// Those of each text.
    origins: Vec<Vec<Origin>>,
}

impl Texts {
    /// The bundle's digest.
    pub fn digest(&self) -> String {
        // Each once, whatever the number of its files.
        let digests: Vec<String> = self
            .written
            .iter()
            .map(|text| digest_of_text(text))
            .collect();
        let files = self.listed.files();
        digest(
            &self.mesh_yaml,
            files.map(|(path, text)| (path, digests[text].as_str())),
        )
    }

    /// Every file, path and text: the document first, then the common ones, then the clusters' in order.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let listed = self.listed.files();
        [(MESH_FILE, self.mesh_yaml.as_str())]
            .into_iter()
            .chain(listed.map(|(path, text)| (path, self.written[text].as_str())))
    }

    /// Every file but that of the document, in the order of [`Self::files`]: its path, and the index of its text among
    /// the texts of all parts.
    pub fn listed(&self) -> impl Iterator<Item = (&str, usize)> {
        self.listed.files()
    }

    /// A text, by its index among the texts of all parts, and the part of the document that each of its objects derives
    /// from.
    pub fn text(&self, index: usize) -> (&str, &[Origin]) {
        (&self.written[index], &self.origins[index])
    }

    /// The index of the text of the file with a path.
    pub fn find(&self, path: &str) -> Option<usize> {
        let (_, text) = self.listed.files().find(|(known, _)| *known == path)?;
        Some(text)
    }

    /// The paths of the files that belong to no single cluster.
    pub fn common(&self) -> impl Iterator<Item = &str> {
        self.listed.common().map(|(path, _)| path)
    }

    /// The names of the clusters that have files, with the paths of these, in the order of the document.
    pub fn clusters(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        let clusters = self.clusters.iter().enumerate();
        clusters.filter_map(|(index, name)| {
            let files = self.listed.of(index);
            (files.len() > 0).then(|| (name.as_str(), files.map(|(path, _)| path)))
        })
    }

    /// The bundle as one YAML stream, like [`super::Bundle::to_stream`].
    pub fn to_stream(&self) -> String {
        let mut text = self.stream_head();
        let common = self.listed.common();
        stream::write_files(
            &mut text,
            common.map(|(path, text)| (path, self.written[text].as_str())),
        );
        for index in 0..self.clusters.len() {
            text.push_str(&self.stream_of(index));
        }
        text
    }

    /// The head of a stream of the bundle.
    pub fn stream_head(&self) -> String {
        stream::head(&self.digest(), &self.mesh_yaml)
    }

    /// The part of a stream for the cluster with this index; empty if it has no files.
    pub fn stream_of(&self, index: usize) -> String {
        let files = self.listed.of(index);
        if files.len() == 0 {
            return String::new();
        }
        let texts = files.map(|(path, text)| (path, self.written[text].as_str()));
        stream::write_cluster(&self.clusters[index], texts)
    }
}
