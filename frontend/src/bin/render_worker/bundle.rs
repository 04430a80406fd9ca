//! A bundle that is rendered part by part.

use std::collections::BTreeMap;

use frontend::workers::rendering::{Cluster, Manifests};
use frontend::workers::search::{
    Found, FoundFile, MOST_FILES, Search, contains, is_in, matching_lines,
};
use shared::Mesh;
use shared::bundle::{MESH_FILE, Part, Rendered, TextFile, Texts};
use shared::engine::Commands;
use shared::origin::Origin;
use shared::resolved::Resolved;

/// A bundle, of which some parts are rendered.
pub(crate) struct Bundle {
    rendered: Rendered<'static>,
    parts: Vec<Part>,
    /// The files of each part, until all are rendered.
    files: Vec<Option<Vec<TextFile>>>,
    whole: Option<Whole>,
}

/// A bundle whose parts are all rendered.
pub(crate) struct Whole {
    pub(crate) texts: Texts,
    pub(crate) manifests: Manifests,
    /// The number of texts up to the end of each part.
    ends: Vec<usize>,
}

impl Bundle {
    pub(crate) fn new(mesh: &Mesh, resolved: Resolved) -> Self {
        let rendered = Rendered::owned(mesh, resolved);
        let parts = rendered.parts();
        Self {
            rendered,
            files: parts.iter().map(|_| None).collect(),
            parts,
            whole: None,
        }
    }

    /// The document as the bundle has it.
    pub(crate) fn mesh_yaml(&self) -> &str {
        &self.rendered.mesh_yaml
    }

    pub(crate) fn is_done(&self) -> bool {
        self.whole.is_some() || self.files.iter().all(Option::is_some)
    }

    /// The part to render next: this one, if it is not rendered.
    pub(crate) fn next(&self, first: Option<Part>) -> Option<usize> {
        if self.is_done() {
            return None;
        }
        let is_missing = |index: &usize| self.files[*index].is_none();
        let first = first.and_then(|first| self.parts.iter().position(|part| *part == first));
        first
            .filter(is_missing)
            .or_else(|| (0..self.parts.len()).find(is_missing))
    }

    /// Renders a part.
    pub(crate) fn write(&mut self, index: usize) {
        self.files[index] = Some(self.rendered.files(self.parts[index]));
    }

    /// Renders parts until `go_on` returns `false`, but at least one; whether all are rendered.
    pub(crate) fn write_while(&mut self, go_on: &dyn Fn() -> bool) -> bool {
        while let Some(index) = self.next(None) {
            self.write(index);
            if !go_on() {
                break;
            }
        }
        self.is_done()
    }

    /// The number of parts that are rendered, and of all.
    pub(crate) fn progress(&self) -> (usize, usize) {
        let total = self.parts.len();
        if self.whole.is_some() {
            return (total, total);
        }
        (self.files.iter().flatten().count(), total)
    }

    /// The part of a file, and the file's text with the origins of its objects, if that part is rendered.
    pub(crate) fn find(&self, path: &str) -> Option<(Part, &str, &[Origin])> {
        if let Some(whole) = &self.whole {
            let index = whole.texts.find(path)?;
            let part = whole.ends.partition_point(|end| *end <= index);
            let (text, origins) = whole.texts.text(index);
            return Some((self.parts[part], text, origins));
        }
        let has_path = |file: &&TextFile| file.places.iter().any(|place| place.path == path);
        self.parts
            .iter()
            .zip(&self.files)
            .find_map(|(part, files)| {
                let file = files.iter().flatten().find(has_path)?;
                Some((*part, file.text.as_str(), file.origins.as_slice()))
            })
    }

    /// The commands that apply an archive of the whole bundle.
    pub(crate) fn commands(&mut self, name: &str) -> Commands {
        self.whole();
        let whole = self.whole.as_ref();
        whole.map_or_else(Commands::default, |whole| {
            self.rendered.commands(&whole.texts, name)
        })
    }

    /// Finds files, as long as `go_on` returns `true`. A bundle that is not whole has other files with each part, so its
    /// search does not go on later.
    pub(crate) fn search(&self, search: &Search, from: usize, go_on: &dyn Fn() -> bool) -> Found {
        let mut found = Found {
            is_whole: self.whole.is_some(),
            ..Found::default()
        };
        // The clusters with the same text share it.
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for (number, entry) in self.entries().into_iter().enumerate().skip(from) {
            if number > from && (found.files.len() == MOST_FILES || !go_on()) {
                found.next = Some(number).filter(|_| found.is_whole);
                break;
            }
            if !entry.derives_from(search.part.as_deref()) {
                continue;
            }
            let count = || matching_lines(entry.text, &search.text).len();
            let lines = *counts.entry(entry.index).or_insert_with(count);
            if lines > 0 || search.text.is_empty() || contains(entry.path, &search.text) {
                found.files.push(FoundFile {
                    path: entry.path.to_owned(),
                    lines,
                });
            }
        }
        found
    }

    /// The files that are rendered, the document first.
    fn entries(&self) -> Vec<Entry<'_>> {
        let document = Entry {
            path: MESH_FILE,
            index: usize::MAX,
            text: &self.rendered.mesh_yaml,
            origins: &[],
        };
        let mut entries = vec![document];
        if let Some(Whole { texts, .. }) = &self.whole {
            entries.extend(texts.listed().map(|(path, index)| {
                let (text, origins) = texts.text(index);
                Entry {
                    path,
                    index,
                    text,
                    origins,
                }
            }));
            return entries;
        }
        let files = self.files.iter().flatten().flatten().enumerate();
        entries.extend(files.flat_map(|(index, file)| {
            file.places.iter().map(move |place| Entry {
                path: &place.path,
                index,
                text: &file.text,
                origins: &file.origins,
            })
        }));
        entries
    }

    /// The whole bundle; what is missing is rendered.
    pub(crate) fn whole(&mut self) -> &Whole {
        while let Some(index) = self.next(None) {
            self.write(index);
        }
        let files = &mut self.files;
        self.whole.get_or_insert_with(|| {
            let files: Vec<Vec<TextFile>> = files.iter_mut().filter_map(Option::take).collect();
            let ends = files.iter().scan(0, |end, files| {
                *end += files.len();
                Some(*end)
            });
            let ends = ends.collect();
            let texts = self.rendered.texts(files);
            Whole {
                manifests: manifests(&texts),
                texts,
                ends,
            }
        })
    }
}

/// A file that is rendered.
struct Entry<'a> {
    path: &'a str,
    /// The index of its text, which it may share with other files.
    index: usize,
    text: &'a str,
    origins: &'a [Origin],
}

impl Entry<'_> {
    /// Whether one of its objects derives from a part of the document, or from a part of that.
    fn derives_from(&self, part: Option<&str>) -> bool {
        let Some(part) = part else { return true };
        let mut paths = self.origins.iter().map(|one| one.path());
        paths.any(|path| is_in(&path, part))
    }
}

fn manifests(texts: &Texts) -> Manifests {
    let clusters = texts.clusters();
    Manifests {
        digest: texts.digest(),
        bytes: texts.files().map(|(_, text)| text.len() as u64).sum(),
        common: texts.common().map(str::to_owned).collect(),
        clusters: clusters
            .map(|(name, files)| Cluster {
                name: name.to_owned(),
                files: files.map(str::to_owned).collect(),
            })
            .collect(),
    }
}
