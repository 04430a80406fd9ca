//! Which files of the bundle are listed, and which one is shown.

use std::collections::BTreeSet;

use leptos::prelude::*;
use shared::bundle::MESH_FILE;

use crate::components::file_list::{self, File, Heading, Line, name_below};
use crate::state::Store;
use crate::workers::rendering::Manifests;

/// The heading of files that belong to no single cluster.
const COMMON: &str = "All clusters";

/// The lines of the list: of one cluster or of all, and only the files that the search found.
pub(super) fn listed(store: Store) -> Vec<Line> {
    let only = store.only_cluster.get();
    let Some(rendered) = store.rendered.get() else {
        return Vec::new();
    };
    let searched = store.search.shown();
    let found: Option<BTreeSet<&str>> = searched.as_ref().map(|searched| {
        let files = searched.found.files.iter();
        files.map(|file| file.path.as_str()).collect()
    });
    lines(&rendered.manifests, only.as_deref(), |path| {
        found.as_ref().is_none_or(|found| found.contains(path))
    })
}

fn lines(manifests: &Manifests, only: Option<&str>, is_found: impl Fn(&str) -> bool) -> Vec<Line> {
    let mut lines = Vec::new();
    if is_found(MESH_FILE) {
        lines.push(file_line(MESH_FILE, ""));
    }
    let mut add = |heading: &str, files: &[String]| {
        let found = files.iter().filter(|path| is_found(path));
        let mut found = found.map(|path| file_line(path, heading)).peekable();
        if found.peek().is_some() {
            lines.push(Line::Heading(Heading {
                name: heading.to_owned(),
                note: None,
            }));
            lines.extend(found);
        }
    };
    if only.is_none() {
        add(COMMON, &manifests.common);
    }
    for cluster in &manifests.clusters {
        if only.is_none_or(|only| cluster.name == only) {
            add(&cluster.name, &cluster.files);
        }
    }
    lines
}

/// A file below the heading of its folder.
fn file_line(path: &str, folder: &str) -> Line {
    Line::File(File {
        path: path.to_owned(),
        name: name_below(path, folder),
        mark: None,
    })
}

/// The paths of the files of a list.
pub(super) fn paths(lines: &[Line]) -> BTreeSet<&str> {
    file_list::files(lines)
        .map(|file| file.path.as_str())
        .collect()
}

/// The file that is shown: the chosen one, or else the first with the routes of a service.
pub(super) fn shown_file(lines: &[Line], chosen: Option<&str>) -> String {
    let mut files = file_list::files(lines).map(|file| file.path.as_str());
    let mut all = files.clone();
    // Named after the service and its namespace.
    let is_routes = |path: &&str| {
        let name = path
            .rsplit('/')
            .next()
            .and_then(|name| name.strip_prefix("60-")?.strip_suffix(".yaml"));
        name.is_some_and(|name| name.contains('.'))
    };
    let file = files.clone().find(|path| chosen == Some(*path));
    let file = file.or_else(|| files.find(is_routes));
    // Anything but the document, which the form shows too.
    let file = file.or_else(|| all.clone().find(|path| *path != MESH_FILE));
    file.or_else(|| all.next()).unwrap_or(MESH_FILE).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::rendering::Cluster;

    fn manifests() -> Manifests {
        let cluster = |name: &str, files: &[&str]| Cluster {
            name: name.to_owned(),
            files: files
                .iter()
                .map(|file| format!("{name}/{file}.yaml"))
                .collect(),
        };
        Manifests {
            common: vec!["base/kustomization.yaml".to_owned()],
            clusters: vec![
                cluster("west", &["60-gateway", "60-httpbin.default"]),
                cluster("east", &["60-gateway"]),
            ],
            ..Manifests::default()
        }
    }

    fn words(lines: &[Line]) -> Vec<&str> {
        let words = lines.iter().map(|line| match line {
            Line::Heading(heading) => heading.name.as_str(),
            Line::File(file) => file.name.as_str(),
        });
        words.collect()
    }

    #[test]
    fn only_files_that_are_found_are_listed() {
        let all = lines(&manifests(), None, |_| true);
        let expected = [
            "mesh",
            COMMON,
            "base/kustomization",
            "west",
            "60-gateway",
            "60-httpbin.default",
            "east",
            "60-gateway",
        ];
        assert_eq!(words(&all), expected);
        let east = lines(&manifests(), Some("east"), |_| true);
        assert_eq!(words(&east), ["mesh", "east", "60-gateway"]);
        let found = lines(&manifests(), None, |path| path.contains("httpbin"));
        assert_eq!(words(&found), ["west", "60-httpbin.default"]);
        assert_eq!(paths(&found).len(), 1);
        assert!(lines(&manifests(), None, |_| false).is_empty());
    }

    #[test]
    fn the_routes_of_a_service_are_shown_first() {
        let all = lines(&manifests(), None, |_| true);
        assert_eq!(shown_file(&all, None), "west/60-httpbin.default.yaml");
        let chosen = "east/60-gateway.yaml";
        assert_eq!(shown_file(&all, Some(chosen)), chosen);
        let east = lines(&manifests(), Some("east"), |_| true);
        assert_eq!(shown_file(&east, None), chosen);
        let document = lines(&manifests(), None, |path| path == MESH_FILE);
        assert_eq!(shown_file(&document, Some(chosen)), MESH_FILE);
        assert_eq!(shown_file(&[], None), MESH_FILE);
    }
}
