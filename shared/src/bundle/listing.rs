//! The files of a bundle in their order, whatever order their texts are made in.

use std::collections::BTreeMap;

use super::Place;

/// The files of a bundle, each by its path and the number of its text.
#[derive(Debug)]
pub struct Listing {
    /// Whether the files of a cluster come in another order than that in which they are applied.
    mixed: bool,
    /// How many texts there are.
    texts: usize,
    common: Vec<(String, usize)>,
    /// Of the clusters that are handed anything.
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

    /// Adds the files that have one text. Texts are numbered from 0, in the order of these calls.
    pub fn add(&mut self, places: Vec<Place>) {
        for Place { cluster, path } in places {
            let files = match cluster {
                Some(index) => self.clusters.entry(index).or_default(),
                None => &mut self.common,
            };
            files.push((path, self.texts));
        }
        self.texts += 1;
    }

    /// Everything was added.
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

/// By wave, then subject, which [`super::path`] writes one after the other. The subject of one may go on
/// where that of the other ends.
fn wave_and_subject(one: &str, other: &str) -> std::cmp::Ordering {
    fn name(path: &str) -> &str {
        path.strip_suffix(".yaml").unwrap_or(path)
    }
    name(one).cmp(name(other))
}

/// All files of a bundle but that of the document, in their order.
#[derive(Debug)]
pub struct Listed {
    /// Files that no single cluster is handed.
    common: Vec<(String, usize)>,
    clusters: BTreeMap<usize, Vec<(String, usize)>>,
}

impl Listed {
    /// Every file, by path and number of its text: those of no cluster, then the clusters' in order.
    pub fn files(&self) -> impl Iterator<Item = (&str, usize)> {
        let files = self.common.iter().chain(self.clusters.values().flatten());
        files.map(|(path, text)| (path.as_str(), *text))
    }

    /// Those of one cluster; none where it is handed nothing.
    pub(super) fn of(&self, cluster: usize) -> impl ExactSizeIterator<Item = (&str, usize)> {
        let files = self.clusters.get(&cluster).map_or(&[][..], Vec::as_slice);
        files.iter().map(|(path, text)| (path.as_str(), *text))
    }
}
