//! The files of the bundle, and the text of the one that is looked at.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::bundle::MESH_FILE;
use web_sys::KeyboardEvent;

use super::failure::FailureBox;
use super::icon::Icon;
use super::virtual_list::{ListRows, Rows};
use crate::agent::Failure;
use crate::browser;
use crate::document::start;
use crate::result::counts::Counts;
use crate::result::highlight;
use crate::state::{Rendered, Store, Tab, View, exchange, renderer};
use crate::workers::rendering::{self, Form};

/// The height of a line of the list, in pixels, as the style sheet has it.
const LINE: f64 = 26.0;

/// The heading of files that belong to no single cluster.
const COMMON: &str = "All clusters";

#[component]
pub(crate) fn Manifests() -> impl IntoView {
    let store = expect_context::<Store>();
    let is_there = Memo::new(move |_| store.rendered.with(Option::is_some));
    view! {
        <div class="fill">
            <Failed />
            <Show when=move || is_there.get() fallback=|| view! { <Start /> }>
                <Stale />
                <FileAndText />
            </Show>
        </div>
    }
}

/// The empty state, before the first manifest.
#[component]
fn Start() -> impl IntoView {
    let store = expect_context::<Store>();
    view! {
        <div class="start">
            <h2>"The manifests appear here as you type"</h2>
            <p>
                "Fill in the DNS suffix, and the region and zone of each cluster. Names, manifests and findings are \
                 updated as you type; no data leaves this page."
            </p>
            <p class="muted">{move || store.counts.get().map(Counts::words)}</p>
            <div class="buttons">
                <button
                    type="button"
                    class="primary"
                    id="walkthrough"
                    on:click=move |_| store.open(start::walkthrough())
                >
                    "Open the walk-through"
                </button>
                <button type="button" on:click=move |_| browser::choose_file()>
                    <Icon name="open" />
                    "Open a file"
                </button>
            </div>
        </div>
    }
}

/// The error of rendering.
#[component]
fn Failed() -> impl IntoView {
    let store = expect_context::<Store>();
    move || {
        let why = store.unrenderable.get()?;
        let failure = Failure {
            message: format!("cannot render the manifests: {why}"),
            hint: "check that the server of this page is still running".to_owned(),
            ..Failure::default()
        };
        Some(view! {
            <div>
                <FailureBox failure />
                <p class="buttons">
                    <button type="button" id="render-again" on:click=move |_| renderer::again(store)>
                        "Try again"
                    </button>
                </p>
            </div>
        })
    }
}

/// The note that the manifests are of an older document.
#[component]
fn Stale() -> impl IntoView {
    let store = expect_context::<Store>();
    view! {
        <p class="stale" hidden=move || store.is_good()>
            <Icon name="warning" />
            " The document has errors; these manifests are of its last valid version. "
            <button type="button" class="link" on:click=move |_| store.tab.set(Tab::Findings)>
                "Show the errors"
            </button>
        </p>
    }
}

/// A line of the list of files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Line {
    /// The heading of a cluster.
    Cluster(String),
    /// The path of a file, and its name below the heading.
    File(String, String),
}

/// All lines, of one cluster or of all.
fn lines(manifests: &rendering::Manifests, only: Option<&str>) -> Vec<Line> {
    let mut lines = vec![Line::File(MESH_FILE.to_owned(), "mesh".to_owned())];
    let mut add = |heading: &str, files: &[String]| {
        if files.is_empty() {
            return;
        }
        lines.push(Line::Cluster(heading.to_owned()));
        let folder = format!("{heading}/");
        lines.extend(files.iter().map(|path| {
            let name = path
                .rsplit_once(&*folder)
                .map_or(path.as_str(), |(_, name)| name);
            Line::File(
                path.clone(),
                name.strip_suffix(".yaml").unwrap_or(name).to_owned(),
            )
        }));
    };
    if only.is_none() {
        add(COMMON, &manifests.common);
    }
    for cluster in manifests
        .clusters
        .iter()
        .filter(|one| only.is_none_or(|only| one.name == only))
    {
        add(&cluster.name, &cluster.files);
    }
    lines
}

/// The file that is shown: the chosen one, or else the first with the routes of a service.
fn shown_file(lines: &[Line], chosen: Option<&str>) -> String {
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
    let file = file
        .or_else(|| files.find(is_routes))
        .or_else(|| all.nth(1));
    file.unwrap_or(MESH_FILE).to_owned()
}

/// The list of files and the text of one.
#[component]
fn FileAndText() -> impl IntoView {
    let store = expect_context::<Store>();
    let lines = Memo::new(move |_| {
        let rendered = store.rendered.get();
        let only = store.only_cluster.get();
        rendered.map_or_else(Vec::new, |rendered| {
            lines(&rendered.manifests, only.as_deref())
        })
    });
    let path =
        Memo::new(move |_| lines.with(|lines| shown_file(lines, store.file.get().as_deref())));
    view! {
        <div class="manifests">
            <Files lines path />
            <Text path />
        </div>
    }
}

#[component]
fn Files(lines: Memo<Vec<Line>>, path: Memo<String>) -> impl IntoView {
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
        </nav>
    }
}

/// The text of the file; the lines that the last edit changed are marked for a moment.
#[component]
fn Text(path: Memo<String>) -> impl IntoView {
    let store = expect_context::<Store>();
    Effect::new(move || store.shown_file.set(Some(path.get())));
    on_cleanup(move || _ = store.shown_file.try_set(None));
    // Another file than the one that was rendered last.
    Effect::new(move || {
        let path = path.get();
        if let Some(rendered) = store.rendered.get() {
            load(store, rendered, path);
        }
    });
    // The file whose text was received last, and its text before.
    let shown: Memo<Shown> = Memo::new(move |last: Option<&Shown>| {
        let last = last.cloned().unwrap_or_default();
        match store.view.get() {
            Some(view) if view.path != last.path => Shown {
                path: view.path.clone(),
                text: view.text.as_str().into(),
                before: None,
            },
            Some(view) if view.text != *last.text => Shown {
                path: last.path,
                text: view.text.as_str().into(),
                before: Some(last.text),
            },
            _ => last,
        }
    });
    let html = move || shown.with(|shown| highlight::yaml(&shown.text, shown.before.as_deref()));
    let copy = move |_| {
        let text = shown.with_untracked(|shown| shown.text.to_string());
        exchange::copy(store, text, "Copied.");
    };
    view! {
        <div class="text">
            <div class="path">
                <code id="manifest-path">{move || shown.with(|shown| shown.path.clone())}</code>
                <Progress />
                <button type="button" class="quiet" aria-label="Copy the file" on:click=copy>
                    <Icon name="copy" />
                    "Copy"
                </button>
            </div>
            <pre
                class="yaml"
                class:old=move || !store.is_good()
                id="manifest"
                tabindex="0"
                role="region"
                aria-label="Text of the file"
                inner_html=html
            ></pre>
        </div>
    }
}

/// The file that is shown.
#[derive(Debug, Clone, Default, PartialEq)]
struct Shown {
    path: String,
    text: Arc<str>,
    /// Its text before the last change.
    before: Option<Arc<str>>,
}

/// How many of the manifests are rendered. It appears late, so that it does not flicker.
#[component]
fn Progress() -> impl IntoView {
    let store = expect_context::<Store>();
    move || {
        let (done, total) = store.rendering.get()?;
        Some(view! {
            <span class="late muted" role="status">
                {format!("Rendering: {done} of {total}")}
            </span>
        })
    }
}

/// Requests the text of a file, unless it is there.
fn load(store: Store, rendered: Arc<Rendered>, path: String) {
    let is_there = store.view.with_untracked(|view| {
        view.as_ref()
            .is_some_and(|view| view.path == path && Arc::ptr_eq(&view.of, &rendered.of))
    });
    // The worker renders a later document, and this file of it first: the one before would be rendered again.
    let is_late = untrack(|| store.unrendered()).is_some()
        && store.unrenderable.with_untracked(Option::is_none);
    if is_there || is_late {
        return;
    }
    spawn_local(async move {
        let text = renderer::text(Form::Text(path.clone()), &rendered.of).await;
        let is_last = store.rendered.with_untracked(|last| {
            last.as_ref()
                .is_some_and(|last| Arc::ptr_eq(last, &rendered))
        });
        // Another file may have been chosen meanwhile.
        let is_shown = store
            .shown_file
            .with_untracked(|shown| shown.as_ref() == Some(&path));
        if let Ok(text) = text
            && is_last
            && is_shown
        {
            store.view.set(Some(Arc::new(View {
                of: rendered.of.clone(),
                path,
                text,
            })));
        }
    });
}
