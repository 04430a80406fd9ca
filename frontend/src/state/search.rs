//! The search in the manifests, which the worker that renders does.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::Value;

use super::store::{Half, Rendered, Store, Tab};
use crate::document::clusters::CLUSTERS;
use crate::document::path::{key, steps};
use crate::document::value;
use crate::workers::search::{Found, Search};

/// The search and its result; a handle that is cheap to copy.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ManifestSearch {
    /// The files to find.
    pub(crate) query: RwSignal<Search>,
    /// The last result; of an earlier query until the worker has responded.
    pub(crate) result: RwSignal<Option<Arc<Searched>>>,
    /// The line that somebody went to, by its index in the result.
    pub(crate) hit: RwSignal<Option<usize>>,
}

/// The result of a search.
#[derive(Debug)]
pub(crate) struct Searched {
    pub(crate) query: Search,
    /// The list of files at that time.
    pub(crate) of: Arc<Rendered>,
    pub(crate) found: Found,
}

impl ManifestSearch {
    /// Searches for a text; the line that somebody is at was one of another search.
    pub(crate) fn set_text(self, text: &str) {
        let text = text.trim();
        if self.query.with_untracked(|query| query.text != text) {
            self.change(|query| text.clone_into(&mut query.text));
        }
    }

    /// Shows only the files of a part of the document; of all parts for `None`.
    pub(crate) fn set_part(self, part: Option<String>) {
        self.change(|query| query.part = part);
    }

    fn change(self, change: impl FnOnce(&mut Search)) {
        self.hit.set(None);
        self.query.update(change);
        // The next search begins with all files.
        if self.query.with_untracked(Search::is_empty) {
            self.result.set(None);
        }
    }

    /// The result of the current query, or of the one before; `None` if all files are shown.
    pub(crate) fn shown(self) -> Option<Arc<Searched>> {
        let is_empty = self.query.with(Search::is_empty);
        self.result.get().filter(|_| !is_empty)
    }

    /// Whether the result is that of the current query.
    pub(crate) fn is_current(self) -> bool {
        self.query.with(|query| {
            self.result
                .with(|result| result.as_ref().is_some_and(|one| one.query == *query))
        })
    }
}

impl Store {
    /// The search that has no result yet, and the list of files to search.
    pub(crate) fn unsearched(self) -> Option<(Search, Arc<Rendered>)> {
        let query = self.search.query.get();
        let rendered = self.rendered.get().filter(|_| !query.is_empty())?;
        let is_late = self.unrendered().is_some();
        let is_known = self.search.result.with(|last| {
            last.as_ref().is_some_and(|last| {
                let is_same = last.query == query && Arc::ptr_eq(&last.of, &rendered);
                // What was found so far is all until the rest is rendered.
                is_same && (last.found.is_whole || is_late)
            })
        });
        (!is_known).then_some((query, rendered))
    }

    /// Shows the manifests of a cluster or a service, given by its path.
    pub(crate) fn show_manifests_of(self, path: &str) {
        let cluster = cluster_of(&self.now(), path);
        let is_folder = |name: &String| {
            self.rendered.with_untracked(|rendered| {
                let mut clusters = rendered.iter().flat_map(|one| &one.manifests.clusters);
                clusters.any(|one| one.name == *name)
            })
        };
        let folder = cluster.filter(is_folder);
        // With a hub, only some of its objects are of the cluster.
        self.search
            .set_part(folder.is_none().then(|| path.to_owned()));
        self.search.set_text("");
        self.only_cluster.set(folder);
        self.file.set(None);
        self.tab.set(Tab::Manifests);
        self.half.set(Half::Result);
    }
}

/// The name of the cluster with a path.
fn cluster_of(document: &Value, path: &str) -> Option<String> {
    let is_cluster = path.starts_with(CLUSTERS) && steps(path).count() == 3;
    let name = value::text(document, &key(path, "name"));
    (is_cluster && !name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::history::History;
    use crate::document::start;
    use crate::workers::rendering::{Checks, Cluster, Manifests};

    fn with_store(test: impl FnOnce(Store)) {
        let owner = Owner::new();
        owner.with(|| {
            let store = Store::new(History::new(start::walkthrough()));
            rendered(store);
            untrack(|| test(store));
        });
    }

    /// Checks and renders the document as the workers do.
    fn rendered(store: Store) -> Arc<Rendered> {
        let of = store.now();
        store.take(of.clone(), Checks::of(&of));
        let clusters = ["cluster1", "cluster2"].map(|name| Cluster {
            name: name.to_owned(),
            files: vec![format!("{name}/60-httpbin.default.yaml")],
        });
        let rendered = Arc::new(Rendered {
            of,
            manifests: Manifests {
                clusters: clusters.into(),
                ..Manifests::default()
            },
        });
        store.rendered.set(Some(rendered.clone()));
        rendered
    }

    fn find(store: Store, is_whole: bool) {
        let (query, of) = store.unsearched().unwrap();
        let found = Found {
            is_whole,
            ..Found::default()
        };
        store
            .search
            .result
            .set(Some(Arc::new(Searched { query, of, found })));
    }

    #[test]
    fn each_query_is_searched_once() {
        with_store(|store| {
            assert!(store.unsearched().is_none(), "there is no query");
            store.search.set_text(" Gateway ");
            assert_eq!(store.unsearched().unwrap().0.text, "Gateway");
            assert!(!store.search.is_current());
            find(store, true);
            assert!(store.unsearched().is_none() && store.search.is_current());
            store.search.hit.set(Some(3));
            store.search.set_text("Gateway");
            assert_eq!(store.search.hit.get(), Some(3), "the same text");
            store.search.set_text("");
            assert!(store.search.shown().is_none() && store.search.hit.get().is_none());
        });
    }

    #[test]
    fn what_is_rendered_later_is_searched_again() {
        with_store(|store| {
            store.search.set_text("demo");
            store.type_into("spec.dns.suffix", "other.zone");
            let of = store.now();
            store.take(of.clone(), Checks::of(&of));
            find(store, false);
            assert!(store.unsearched().is_none(), "the rest is being rendered");
            rendered(store);
            find(store, true);
            assert!(store.unsearched().is_none());
        });
    }

    #[test]
    fn the_manifests_of_a_row_are_shown() {
        with_store(|store| {
            store.tab.set(Tab::Names);
            store.show_manifests_of("spec.clusters[1]");
            assert_eq!(store.only_cluster.get().as_deref(), Some("cluster2"));
            assert_eq!(store.search.query.get(), Search::default());
            assert!(store.tab.get() == Tab::Manifests);
            store.search.set_text("x");
            store.show_manifests_of("spec.services[0]");
            assert_eq!(store.only_cluster.get(), None);
            let query = store.search.query.get();
            assert_eq!(query.part.as_deref(), Some("spec.services[0]"));
            assert!(query.text.is_empty());
            // A hub has one folder for all clusters.
            store.rendered.set(None);
            store.show_manifests_of("spec.clusters[1]");
            let part = store.search.query.get().part;
            assert_eq!(part.as_deref(), Some("spec.clusters[1]"));
        });
    }
}
