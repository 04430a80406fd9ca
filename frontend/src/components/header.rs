//! The header: skip links, menu of the document, status, agent, and actions.

use leptos::prelude::*;
use shared::api::Intent;

use super::icon::Icon;
use super::menu::{Item, Menu};
use crate::agent::{Agent, Link};
use crate::browser;
use crate::document::{start, value};
use crate::result::counts::Counts;
use crate::review::{Review, TITLE, Task};
use crate::state::exchange::{self, Download};
use crate::state::{Half, Page, Store, Tab};

#[component]
pub(crate) fn Header() -> impl IntoView {
    view! {
        <header>
            <SkipLinks />
            <h1 class="brand">
                <Icon name="brand" />
                <span class="name">"fedmesh"</span>
            </h1>
            <DocumentMenu />
            <Steps />
            <span class="space"></span>
            <Status />
            <AgentButton />
            <DownloadMenu />
            <ReviewButton />
        </header>
    }
}

/// Links past the header and the form, visible while they have the focus.
#[component]
fn SkipLinks() -> impl IntoView {
    let store = expect_context::<Store>();
    // The fragment of the address belongs to shared documents, so the links leave it alone.
    let skip = move |half: Half, selector: &'static str| {
        move |event: web_sys::MouseEvent| {
            event.prevent_default();
            store.half.set(half);
            // After a narrow window has changed to that half.
            request_animation_frame(move || {
                if let Some(target) = browser::find(selector) {
                    browser::focus(&target);
                }
            });
        }
    };
    view! {
        <Show
            when=move || store.page.get() == Page::Edit
            fallback=|| {
                let go = |event: web_sys::MouseEvent| {
                    event.prevent_default();
                    browser::focus_id(TITLE);
                };
                view! { <a class="skip" href=format!("#{TITLE}") on:click=go>"Skip to the review"</a> }
            }
        >
            <a
                class="skip"
                id="skip-to-result"
                href="#result-tabs"
                on:click=skip(Half::Result, "#result-tabs [aria-selected=true]")
            >
                "Skip to the result"
            </a>
            <a class="skip" id="skip-to-document" href="#form" on:click=skip(Half::Form, "#form")>
                "Skip to the document"
            </a>
        </Show>
    }
}

#[component]
fn DocumentMenu() -> impl IntoView {
    let store = expect_context::<Store>();
    let name = Memo::new(move |_| {
        store.with(|document| value::text(document, "metadata.name").to_owned())
    });
    let items = vec![
        Item::new("new", "New mesh…", "", move || {
            store.is_starting.set(true);
        }),
        Item::new(
            "new-walkthrough",
            "Open the walk-through",
            "an example to try out",
            move || store.open(start::walkthrough()),
        ),
        Item::new(
            "open",
            "Open document or manifests…",
            "or drop files anywhere",
            browser::choose_file,
        ),
        Item::new(
            "copy-link",
            "Copy link to document",
            "the link contains the document",
            move || exchange::copy_link(store),
        ),
    ];
    view! {
        <Menu id="document" items>
            {move || {
                let name = name.get();
                let name = if name.is_empty() { "unnamed".to_owned() } else { name };
                view! { <span class="words">{name}</span> }
            }}
        </Menu>
    }
}

/// Undo and redo.
#[component]
fn Steps() -> impl IntoView {
    let store = expect_context::<Store>();
    view! {
        <span class="steps">
            <button
                type="button"
                class="quiet icon-only"
                id="undo"
                title="Undo (Ctrl+Z)"
                aria-label="Undo"
                disabled=move || !store.can_undo()
                on:click=move |_| store.undo()
            >
                <Icon name="undo" />
            </button>
            <button
                type="button"
                class="quiet icon-only"
                id="redo"
                title="Redo (Ctrl+Shift+Z)"
                aria-label="Redo"
                disabled=move || !store.can_redo()
                on:click=move |_| store.redo()
            >
                <Icon name="redo" />
            </button>
        </span>
    }
}

/// The status of the document; a click shows the findings.
#[component]
fn Status() -> impl IntoView {
    let store = expect_context::<Store>();
    let counts = store.counts;
    let number = move |of: fn(Counts) -> usize| move || Some(of(counts.get()?).to_string());
    let show = move |_| {
        store.page.set(Page::Edit);
        store.tab.set(Tab::Findings);
        store.half.set(Half::Result);
    };
    let words = move || {
        let failed = store.unrenderable.with(Option::is_some);
        let unknown = if failed { "not checked" } else { "checking" };
        counts
            .get()
            .map_or_else(|| unknown.to_owned(), Counts::words)
    };
    let picture = Memo::new(move |_| look(counts.get()));
    view! {
        <button
            type="button"
            id="state"
            class=move || format!("state {}", picture.get())
            aria-live="polite"
            title="Show the findings"
            data-errors=number(|counts| counts.errors + counts.gaps)
            data-warnings=number(|counts| counts.warnings)
            data-hints=number(|counts| counts.hints)
            on:click=show
        >
            <span class="words">
                {move || view! { <Icon name=picture.get() /> }}
                <span>{words}</span>
            </span>
        </button>
    }
}

/// The picture of a status; before the first checks it is not `good`.
const fn look(counts: Option<Counts>) -> &'static str {
    match counts {
        Some(Counts { errors: 1.., .. }) => "error",
        None | Some(Counts { gaps: 1.., .. }) => "gap",
        Some(Counts { warnings: 1.., .. }) => "warning",
        Some(_) => "good",
    }
}

#[component]
fn AgentButton() -> impl IntoView {
    let agent = expect_context::<Agent>();
    let words = move || match agent.link.get() {
        Link::Off => "not connected".to_owned(),
        Link::Connecting => "connecting…".to_owned(),
        Link::Lost { .. } => "connection lost".to_owned(),
        Link::On { .. } => match agent.found() {
            _ if agent.problem().is_some() => "no cluster".to_owned(),
            Some(clusters) if clusters.contexts.len() == 1 => "1 context".to_owned(),
            Some(clusters) => format!("{} contexts", clusters.contexts.len()),
            None => "connected".to_owned(),
        },
    };
    view! {
        <button
            type="button"
            id="agent"
            class="quiet"
            class:on=move || agent.is_connected() && agent.problem().is_none()
            class:bad=move || agent.is_lost() || agent.problem().is_some()
            title=move || agent.problem()
            aria-haspopup="dialog"
            data-connected=move || agent.is_connected().to_string()
            on:click=move |_| agent.dialog.set(true)
        >
            <span class="lamp" aria-hidden="true"></span>
            <span class="wide">"Agent: "</span>
            <span class="words">{words}</span>
        </button>
    }
}

#[component]
fn DownloadMenu() -> impl IntoView {
    let store = expect_context::<Store>();
    let agent = expect_context::<Agent>();
    let run = move |download| move || exchange::download(store, download);
    let items = vec![
        Item::new(
            "download-yaml",
            "YAML",
            "all manifests in one file",
            run(Download::Yaml),
        )
        .enabled(move || store.is_good()),
        Item::new(
            "download-zip",
            "ZIP",
            "a folder for each cluster",
            run(Download::Zip),
        )
        .enabled(move || store.is_good()),
        Item::new(
            "commands",
            "Commands to apply the ZIP…",
            "for each cluster",
            move || store.shows_commands.set(true),
        )
        .enabled(move || store.is_good()),
        Item::new(
            "download-mesh",
            "Mesh document",
            "to open it here again",
            run(Download::Mesh),
        ),
    ];
    let is_primary = Signal::derive(move || !agent.is_connected());
    view! {
        <Menu id="download" is_right=true is_primary items>
            <Icon name="download" />
            <span class="words">"Download"</span>
        </Menu>
    }
}

/// The primary action if an agent is connected; not shown on the page that it leads to.
#[component]
fn ReviewButton() -> impl IntoView {
    let store = expect_context::<Store>();
    let agent = expect_context::<Agent>();
    let review = expect_context::<Review>();
    let click = move |_| {
        if review.is_running.get_untracked() {
            store.page.set(Page::Review);
        } else {
            review.order(Task::Plan(Intent::Apply));
        }
    };
    // A narrow window shows the first part.
    let words = move || {
        if review.is_running.get() {
            ("Show", " the run")
        } else {
            ("Review", " & apply")
        }
    };
    view! {
        <Show when=move || agent.is_connected() && store.page.get() != Page::Review>
            <button
                type="button"
                class="primary"
                id="review"
                disabled=move || !review.is_running.get() && (!store.is_good() || agent.problem().is_some())
                title=move || agent.problem()
                on:click=click
            >
                <span>{move || words().0}<span class="wide">{move || words().1}</span></span>
            </button>
        </Show>
    }
}
