//! The files of a bundle in order, in whatever order their texts are rendered.

use std::collections::BTreeMap;

use super::FileEntry;

/// The files of a bundle, each with its path and the number of its text.
#[derive(Debug)]
pub struct Listing {
    /// Whether the files of a cluster are listed in another order than that of an apply.
    mixed: bool,
    /// Number of texts.
    texts: usize,
    common: Vec<(String, usize)>,
    /// The clusters that have files.
    clusters: BTreeMap<usize, Vec<(String, usize)>>,
}

impl Listing {
    pub(super) fn new(mixed: bool) -> Self {
        Self {
            mixed,
            texts: 0,
            common: Vec::new(),
            clusters: BTreeMap::new(),
        }
    }

    /// Adds the files that share one text. Texts are numbered from 0, in the order of these calls.
    pub fn add(&mut self, places: Vec<FileEntry>) {
        for FileEntry { cluster, path } in places {
            let files = match cluster {
                Some(index) => self.clusters.entry(index).or_default(),
                None => &mut self.common,
            };
            files.push((path, self.texts));
        }
        self.texts += 1;
    }

    /// Finishes the list after the last call of `add`.
    pub fn finish(mut self) -> Listed {
        if self.mixed {
            for files in self.clusters.values_mut() {
                files.sort_by(|(one, _), (other, _)| wave_and_subject(one, other));
            }
        }
        Listed {
            common: self.common,
            clusters: self.clusters,
        }
    }
}

/// Compares by wave, then subject, which [`super::path`] concatenates. One subject may be a prefix of the other.
fn wave_and_subject(one: &str, other: &str) -> std::cmp::Ordering {
    fn name(path: &str) -> &str {
        path.strip_suffix(".yaml").unwrap_or(path)
    }
    name(one).cmp(name(other))
}

/// All files of a bundle except that of the document, in order.
#[derive(Debug)]
pub struct Listed {
    /// Files that belong to no single cluster.
    common: Vec<(String, usize)>,
    clusters: BTreeMap<usize, Vec<(String, usize)>>,
}

impl Listed {
    /// Every file, by path and number of its text: the common ones, then the clusters' in order.
    pub fn files(&self) -> impl Iterator<Item = (&str, usize)> {
        let files = self.common.iter().chain(self.clusters.values().flatten());
        files.map(|(path, text)| (path.as_str(), *text))
    }

    /// The files that belong to no single cluster.
    pub(super) fn common(&self) -> impl Iterator<Item = (&str, usize)> {
        self.common
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
    }

    /// The files of one cluster; empty if it has none.
    pub(super) fn of(&self, cluster: usize) -> impl ExactSizeIterator<Item = (&str, usize)> {
        let files = self.clusters.get(&cluster).map_or(&[][..], Vec::as_slice);
        files.iter().map(|(path, text)| (path.as_str(), *text))
    }
}
