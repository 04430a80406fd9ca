//! The list of the files of the bundle.

use std::collections::BTreeSet;

use leptos::prelude::*;
use shared::bundle::MESH_FILE;
use web_sys::KeyboardEvent;

use crate::browser;
use crate::components::virtual_list::{ListRows, Rows};
use crate::state::Store;
use crate::workers::rendering::Manifests;

/// The height of a line of the list, in pixels, as the style sheet has it.
const LINE: f64 = 26.0;

/// The heading of files that belong to no single cluster.
const COMMON: &str = "All clusters";

/// A line of the list of files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Line {
    /// The heading of a cluster.
    Cluster(String),
    /// The path of a file, and its name below the heading.
    File(String, String),
}

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
        lines.push(Line::File(MESH_FILE.to_owned(), "mesh".to_owned()));
    }
    let mut add = |heading: &str, files: &[String]| {
        let folder = format!("{heading}/");
        let found = files.iter().filter(|path| is_found(path));
        let mut found = found.map(|path| file_line(path, &folder)).peekable();
        if found.peek().is_some() {
            lines.push(Line::Cluster(heading.to_owned()));
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
    let name = path.rsplit_once(folder).map_or(path, |(_, name)| name);
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    Line::File(path.to_owned(), name.to_owned())
}

/// The paths of the files of a list.
pub(super) fn paths(lines: &[Line]) -> BTreeSet<&str> {
    let paths = lines.iter().filter_map(|line| match line {
        Line::File(path, _) => Some(path.as_str()),
        Line::Cluster(_) => None,
    });
    paths.collect()
}

/// The file that is shown: the chosen one, or else the first with the routes of a service.
pub(super) fn shown_file(lines: &[Line], chosen: Option<&str>) -> String {
    let mut files = lines.iter().filter_map(|line| match line {
        Line::File(path, _) => Some(path.as_str()),
        Line::Cluster(_) => None,
    });
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

/// The list of files; the one that is shown is a tab stop, and the arrow keys lead to the others.
#[component]
pub(super) fn Files(lines: Memo<Vec<Line>>, path: Memo<String>) -> impl IntoView {
    let store = expect_context::<Store>();
    let rows = Rows::new(Memo::new(move |_| lines.with(Vec::len)), LINE, ".files");
    let items = move |first: usize, end: usize| {
        lines.with(|lines| {
            lines
                .get(first..end.min(lines.len()))
                .unwrap_or_default()
                .to_vec()
        })
    };
    let line = move |line: Line| match line {
        Line::Cluster(name) => view! { <li><h3>{name}</h3></li> }.into_any(),
        Line::File(file, name) => {
            let chosen = file.clone();
            let own = file.clone();
            let is_shown = Memo::new(move |_| path.with(|path| *path == own));
            view! {
                <li>
                    <button
                        type="button"
                        class="file"
                        aria-label=file
                        aria-current=move || is_shown.get().then_some("true")
                        tabindex=move || if is_shown.get() { "0" } else { "-1" }
                        on:click=move |_| store.file.set(Some(chosen.clone()))
                    >
                        {name}
                    </button>
                </li>
            }
            .into_any()
        }
    };
    // One of the files is a tab stop; the arrow keys lead to the others.
    let step = move |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        event.prevent_default();
        let next = lines.with_untracked(|lines| {
            let files: Vec<(usize, &String)> = lines
                .iter()
                .enumerate()
                .filter_map(|(index, line)| match line {
                    Line::File(path, _) => Some((index, path)),
                    Line::Cluster(_) => None,
                })
                .collect();
            let at = files
                .iter()
                .position(|(_, file)| path.with_untracked(|path| path == *file))?;
            let (index, file) = files.get(at.checked_add_signed(by)?)?;
            Some((*index, (*file).clone()))
        });
        if let Some((index, file)) = next {
            rows.show(index);
            store.file.set(Some(file));
            request_animation_frame(|| {
                if let Some(current) = browser::find(".files [aria-current]") {
                    browser::focus(&current);
                }
            });
        }
    };
    view! {
        <nav class="files" id="files" aria-label="Files" on:keydown=step>
            <ul>
                <ListRows rows items children=line />
            </ul>
            <p class="empty" hidden=move || !lines.with(Vec::is_empty)>"No file matches."</p>
        </nav>
    }
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
            Line::Cluster(name) | Line::File(_, name) => name.as_str(),
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
