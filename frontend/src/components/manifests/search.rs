//! The search in the manifests: what to find, how much was found, and the way from one match to the next.

use std::time::Duration;

use leptos::prelude::*;
use web_sys::KeyboardEvent;

use crate::components::icon::Icon;
use crate::form::place;
use crate::result::hits::Hits;
use crate::state::Store;

/// How long typing may pause within one search.
const PAUSE: Duration = Duration::from_millis(150);

#[component]
pub(super) fn SearchBar(hits: Memo<Hits>, path: Memo<String>) -> impl IntoView {
    let store = expect_context::<Store>();
    let is_idle = Memo::new(move |_| hits.with(|hits| hits.count() == 0));
    // The direction that was asked for before the result was there.
    let due: RwSignal<Option<bool>> = RwSignal::default();
    let step = move |is_forward: bool| {
        if untrack(|| store.search.is_current()) {
            go(store, hits, path, is_forward);
        } else {
            due.set(Some(is_forward));
        }
    };
    Effect::new(move || {
        if store.search.is_current()
            && let Some(is_forward) = due.get()
        {
            due.set(None);
            untrack(|| go(store, hits, path, is_forward));
        }
    });
    let button = move |is_forward: bool| {
        let (icon, label) = if is_forward {
            ("down", "Next match")
        } else {
            ("up", "Previous match")
        };
        view! {
            <button
                type="button"
                class="quiet icon-only"
                title=label
                aria-label=label
                disabled=move || is_idle.get()
                on:click=move |_| step(is_forward)
            >
                <Icon name=icon />
            </button>
        }
    };
    view! {
        <div class="search" role="search" aria-label="Manifests">
            <SearchInput step=Callback::new(step) />
            {button(false)}
            {button(true)}
            <p class="muted" id="search-count" role="status">{move || words(store, hits)}</p>
            <PartFilter />
        </div>
    }
}

/// Goes to the next match, or to the one before.
fn go(store: Store, hits: Memo<Hits>, path: Memo<String>, is_forward: bool) {
    let current = store.search.hit.get_untracked();
    hits.with_untracked(|hits| {
        let shown = path.get_untracked();
        let next = hits.next(current, &shown, is_forward);
        if let Some((next, hit)) = next.and_then(|next| Some((next, hits.at(next)?))) {
            store.file.set(Some(hit.path.to_owned()));
            store.search.hit.set(Some(next));
        }
    });
}

/// The number of matches, and the one that somebody is at.
fn words(store: Store, hits: Memo<Hits>) -> String {
    let query = store.search.query.get();
    if query.text.is_empty() {
        return String::new();
    }
    let Some(searched) = store.search.shown().filter(|_| store.search.is_current()) else {
        return "Searching …".to_owned();
    };
    let words = hits.with(|hits| hits.words(store.search.hit.get()));
    let found = &searched.found;
    if !found.is_whole {
        format!("{words}, so far: the other manifests are being rendered")
    } else if found.is_limited() {
        format!("{words}; more files match")
    } else {
        words
    }
}

/// The text to find. It is searched for when typing pauses, and at once by the Enter key.
#[component]
fn SearchInput(step: Callback<bool>) -> impl IntoView {
    let store = expect_context::<Store>();
    let typed = RwSignal::new(
        store
            .search
            .query
            .with_untracked(|query| query.text.clone()),
    );
    // The text of the search may be removed elsewhere.
    Effect::new(move || {
        if store.search.query.with(|query| query.text.is_empty()) {
            typed.set(String::new());
        }
    });
    let mut search_later = debounce(PAUSE, move |text: String| {
        // Not one that was searched for at once, or removed, meanwhile.
        if typed.try_get_untracked().as_ref() == Some(&text) {
            store.search.set_text(&text);
        }
    });
    let keydown = move |event: KeyboardEvent| match event.key().as_str() {
        "Enter" | "ArrowDown" | "ArrowUp" => {
            event.prevent_default();
            store.search.set_text(&typed.get_untracked());
            step.run(event.key() != "ArrowUp" && !event.shift_key());
        }
        "Escape" if typed.with_untracked(|typed| !typed.is_empty()) => {
            event.prevent_default();
            typed.set(String::new());
            store.search.set_text("");
        }
        _ => {}
    };
    view! {
        <input
            class="text"
            type="text"
            id="manifest-search"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            enterkeyhint="search"
            aria-label="Search the manifests"
            placeholder="Search paths and text"
            prop:value=move || typed.get()
            on:input:target=move |event| {
                typed.set(event.target().value());
                search_later(event.target().value());
            }
            on:keydown=keydown
        />
    }
}

/// The part of the document whose files are shown, and the button for all.
#[component]
fn PartFilter() -> impl IntoView {
    let store = expect_context::<Store>();
    move || {
        let part = store.search.query.with(|query| query.part.clone())?;
        let words = store.rendered.with(|rendered| {
            let of = rendered.as_ref()?;
            Some(place::words(&of.of, &part))
        });
        Some(view! {
            <p class="part" id="files-of">
                {format!("Only {}", words.unwrap_or(part))}
                <button
                    type="button"
                    class="quiet icon-only"
                    id="all-files"
                    title="Show all files"
                    aria-label="Show all files"
                    on:click=move |_| store.search.set_part(None)
                >
                    <Icon name="remove" />
                </button>
            </p>
        })
    }
}
