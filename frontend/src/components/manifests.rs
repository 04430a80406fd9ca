//! The files of the bundle, and the text of one.

use std::cell::RefCell;
use std::sync::Arc;

use shared::bundle::MESH_FILE;

use super::failure::failure_box;
use super::findings::acts;
use crate::agent::api::Failure;
use crate::browser;
use crate::browser::dom::{El, button, depend, el, el_in, icon, text};
use crate::browser::signals::*;
use crate::form::template;
use crate::result::counts::Counts;
use crate::result::highlight;
use crate::state::document;
use crate::state::renderer;
use crate::state::{Rendered, Store, Tab};
use crate::workers::rendering::{File, Manifests};

pub(crate) fn manifests(store: Store) -> El {
    let is_there = memo(move || store.rendered.with(Option::is_some));
    el_in("div", "fill").content(move || {
        if is_there.get() {
            vec![
                failed(store),
                stale(store),
                el_in("div", "manifests")
                    .add(files(store))
                    .add(shown_text(store)),
            ]
        } else {
            vec![failed(store), start(store)]
        }
    })
}

/// The empty state, before the first manifest.
fn start(store: Store) -> El {
    let walkthrough = button("primary", move || store.open(template::walkthrough()))
        .id("walkthrough")
        .text("Open the walk-through");
    let open = button("", browser::choose_file)
        .add(icon("open"))
        .text("Open a file");
    el_in("div", "start")
        .add(text("h2", "The manifests appear here as you type"))
        .add(text(
            "p",
            "Fill in the DNS suffix, and the region and zone of each cluster. Names, manifests and \
             findings are updated as you type; no data leaves this page.",
        ))
        .add(
            el_in("p", "muted")
                .show(move || store.counts.get().map(Counts::words).unwrap_or_default()),
        )
        .add(el_in("div", "buttons").add(walkthrough).add(open))
}

/// The error of rendering.
fn failed(store: Store) -> El {
    el("div").content(move || {
        let Some(why) = store.unrenderable.get() else {
            return Vec::new();
        };
        let again = button("", move || renderer::again(store))
            .id("render-again")
            .text("Try again");
        let failure = Failure {
            message: format!("cannot render the manifests: {why}"),
            hint: "check that the server of this page is still running".to_owned(),
            ..Failure::default()
        };
        vec![
            failure_box(failure, &acts(store)),
            el_in("p", "buttons").add(again),
        ]
    })
}

/// The note that the manifests are of an older document.
fn stale(store: Store) -> El {
    let show = button("link", move || store.tab.set(Tab::Findings)).text("Show the errors");
    el_in("p", "stale")
        .flag("hidden", move || store.is_good())
        .add(icon("warning"))
        .text(" The document has errors; these manifests are of its last valid version. ")
        .add(show)
}

/// The file that is shown: the chosen one, or else the first VirtualService.
fn shown_file(manifests: &Manifests, chosen: Option<String>, only: Option<&str>) -> String {
    let is_there = |path: &String| manifests.files().any(|(known, _)| known == path);
    chosen.filter(is_there).unwrap_or_else(|| {
        let clusters = manifests
            .clusters
            .iter()
            .filter(|c| only.is_none_or(|only| c.name == only));
        let common = manifests.common.iter().filter(|_| only.is_none());
        let files: Vec<_> = common
            .chain(clusters.flat_map(|cluster| &cluster.files))
            .collect();
        let best = files
            .iter()
            .find(|file| file.text.contains("kind: VirtualService"));
        best.or(files.first())
            .map_or_else(|| MESH_FILE.to_owned(), |file| file.path.clone())
    })
}

fn current(store: Store) -> Option<(Arc<Rendered>, String)> {
    let rendered = store.rendered.get()?;
    let file = shown_file(
        &rendered.manifests,
        store.file.get(),
        store.only_cluster.get().as_deref(),
    );
    Some((rendered, file))
}

/// The heading of files that belong to no single cluster.
const COMMON: &str = "All clusters";

/// Paths by cluster: the list is built again only when paths change.
fn groups(store: Store) -> Vec<(String, Vec<String>)> {
    let (rendered, only) = (store.rendered.get(), store.only_cluster.get());
    let paths = |files: &[File]| files.iter().map(|file| file.path.clone()).collect();
    let mut groups = Vec::new();
    if let Some(rendered) = &rendered {
        let manifests = &rendered.manifests;
        if only.is_none() && !manifests.common.is_empty() {
            groups.push((COMMON.to_owned(), paths(&manifests.common)));
        }
        let clusters = manifests.clusters.iter();
        let shown = clusters.filter(|c| only.as_ref().is_none_or(|only| c.name == *only));
        groups.extend(shown.map(|c| (c.name.clone(), paths(&c.files))));
    }
    groups
}

fn files(store: Store) -> El {
    let paths = memo(move || {
        let paths = groups(store).into_iter().flat_map(|(_, paths)| paths);
        paths.map(|path| path + "\n").collect::<String>()
    });
    let shown = memo(move || current(store).map(|(_, path)| path).unwrap_or_default());
    el_in("nav", "files")
        .id("files")
        .attr("aria-label", "Files")
        .content(move || {
            let mut list = vec![el("ul").add(file(store, shown, "", MESH_FILE))];
            depend(paths);
            for (cluster, paths) in untrack(|| groups(store)) {
                list.push(text("h3", &cluster));
                let files = paths.iter().map(|path| file(store, shown, &cluster, path));
                list.push(el("ul").all(files));
            }
            list
        })
}

/// The link to a file, below the name of the cluster that is its folder.
fn file(store: Store, shown: Memo<String>, cluster: &str, path: &str) -> El {
    let folder = format!("{cluster}/");
    let name = path.rsplit_once(&*folder).map_or(path, |(_, name)| name);
    let (own, chosen) = (path.to_owned(), path.to_owned());
    let file = button("file", move || store.file.set(Some(chosen.clone())))
        .attr("aria-label", path)
        .set("aria-current", move || {
            (shown.get() == own).then(|| "true".to_owned())
        })
        .text(name.strip_suffix(".yaml").unwrap_or(name));
    el("li").add(file)
}

/// The text of the file; the lines that the last edit changed are marked for a moment.
fn shown_text(store: Store) -> El {
    let path = memo(move || current(store).map(|(_, path)| path).unwrap_or_default());
    let file = memo(move || {
        let Some((rendered, path)) = current(store) else {
            return String::new();
        };
        let file = rendered.manifests.files().find(|(known, _)| *known == path);
        file.map(|(_, text)| text.to_owned()).unwrap_or_default()
    });
    let before = RefCell::new((String::new(), String::new()));
    let html = move || {
        let (path, text) = (path.get(), file.get());
        let (path_before, text_before) = before.replace((path.clone(), text.clone()));
        highlight::yaml(&text, (path == path_before).then_some(text_before.as_str()))
    };
    let copy = move || document::copy(store, file.get_untracked(), "Copied.");
    let path = el("code").id("manifest-path").show(move || path.get());
    let copy = button("quiet", copy)
        .attr("aria-label", "Copy the file")
        .add(icon("copy"));
    let text = el_in("pre", "yaml")
        .id("manifest")
        .class_if("old", move || !store.is_good())
        .attr("tabindex", "0")
        .attr("role", "region")
        .attr("aria-label", "Text of the file")
        .html(html);
    el_in("div", "text")
        .add(el_in("div", "path").add(path).add(copy.text("Copy")))
        .add(text)
}
