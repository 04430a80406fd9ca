//! The files of the bundle, the search in them, and the text of the one that is looked at.

mod file;
mod files;
mod object;
mod search;

use leptos::prelude::*;

use super::failure::FailureBox;
use super::file_list::{FileList, Line};
use super::icon::Icon;
use crate::agent::Failure;
use crate::browser;
use crate::document::start;
use crate::result::counts::Counts;
use crate::result::hits::Hits;
use crate::state::{Store, Tab, renderer};
use file::File;
use files::{listed, shown_file};
use search::SearchBar;

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

/// The search, the list of files and one of them.
#[component]
fn FileAndText() -> impl IntoView {
    let store = expect_context::<Store>();
    let lines = Memo::new(move |_| listed(store));
    let path =
        Memo::new(move |_| lines.with(|lines| shown_file(lines, store.file.get().as_deref())));
    let hits = Memo::new(move |_| lines.with(|lines| hits(store, lines)));
    view! {
        <SearchBar hits path />
        <div class="manifests">
            <FileList
                id="files"
                label="Files"
                lines
                path
                choose=Callback::new(move |path| store.file.set(Some(path)))
                none="No file matches."
            />
            <File path hits />
        </div>
    }
}

/// The lines that the search found in the files of a list.
fn hits(store: Store, lines: &[Line]) -> Hits {
    let shown = store.search.shown();
    let Some(searched) = shown.filter(|one| !one.query.text.is_empty()) else {
        return Hits::default();
    };
    let listed = files::paths(lines);
    let found = searched.found.files.iter();
    Hits::new(
        found
            .filter(|file| listed.contains(&*file.path))
            .map(|file| (&*file.path, file.lines)),
    )
}
