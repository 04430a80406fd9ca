//! Objects and files of engines.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::kubernetes::object::{Kind, Object, Scope, Wave};
use crate::origin::Origin;
use crate::resolved::Resolved;

/// An object with the subject of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// The subject; see [`crate::placed::Placed::subject`].
    pub subject: String,
    /// The part of the document that it derives from; see [`crate::placed::Placed::origin`].
    pub origin: Origin,
    /// The object.
    pub object: Object,
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Its path, such as `cluster1/60-httpbin.default.yaml`.
    pub path: String,
    /// Its content.
    pub content: Content,
    /// The part of the document that each of its objects derives from.
    pub origins: Vec<Origin>,
}

/// The content of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Objects of Kubernetes.
    Objects(Vec<Object>),
    /// A file that only kustomize reads.
    Kustomize(Value),
}

impl File {
    /// A file of objects.
    pub fn new(path: String, delivered: Vec<Delivered>) -> Self {
        let objects = delivered.into_iter().map(|one| (one.object, one.origin));
        let (objects, origins) = objects.unzip();
        Self {
            path,
            content: Content::Objects(objects),
            origins,
        }
    }

    /// A file of objects that derive from one part of the document.
    pub(crate) fn of_one(path: String, origin: Origin, objects: Vec<Object>) -> Self {
        Self {
            path,
            origins: vec![origin; objects.len()],
            content: Content::Objects(objects),
        }
    }
}

/// The path of a file with objects of one cluster.
pub(crate) fn path(cluster: &str, wave: Wave, subject: &str) -> String {
    format!("{cluster}/{}-{subject}.yaml", wave.number())
}

/// Objects by file, files and objects in order.
pub(crate) fn by_file(delivered: Vec<Delivered>) -> BTreeMap<(Wave, String), Vec<Delivered>> {
    let mut files: BTreeMap<(Wave, String), Vec<Delivered>> = BTreeMap::new();
    for one in delivered {
        let file = (one.object.kind.wave, one.subject.clone());
        files.entry(file).or_default().push(one);
    }
    for delivered in files.values_mut() {
        delivered.sort_by_key(|one| one.object.key());
    }
    files
}

/// A namespaced kind of an engine's own, given with its `group/version`.
pub(super) fn own_kind(
    api: &'static str,
    kind: impl Into<Cow<'static, str>>,
    plural: impl Into<Cow<'static, str>>,
    wave: Wave,
) -> Kind {
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    Kind {
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        plural: plural.into(),
        scope: Scope::Namespaced,
        wave,
    }
}

/// Names of clusters, given by index.
pub(super) fn names(resolved: &Resolved, clusters: impl IntoIterator<Item = usize>) -> Vec<&str> {
    clusters
        .into_iter()
        .map(|index| resolved.clusters[index].name.as_str())
        .collect()
}
