//! The box that finds a field of the document and leads to it.

use leptos::prelude::*;
use web_sys::KeyboardEvent;

use crate::form::search::{self, Hit};
use crate::state::Store;

const LIST: &str = "found-fields";

/// A combobox: the input has the focus, and the arrow keys choose from the list below it.
#[component]
pub(crate) fn FindField() -> impl IntoView {
    let store = expect_context::<Store>();
    let query = RwSignal::new(String::new());
    let chosen = RwSignal::new(0);
    let hits = Memo::new(move |_| {
        let query = query.get();
        store.with(|document| search::find(document, &query))
    });
    let is_open = move || query.with(|query| !query.trim().is_empty());
    let go = move |hit: &Hit| {
        query.set(String::new());
        store.go_to(&hit.path);
    };
    let keys = move |event: KeyboardEvent| {
        let count = hits.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count > 0 => chosen.update(|at| *at = (*at + 1) % count),
            "ArrowUp" if count > 0 => chosen.update(|at| *at = (*at + count - 1) % count),
            "Enter" => {
                let hit = hits.with_untracked(|hits| hits.get(chosen.get_untracked()).cloned());
                if let Some(hit) = hit {
                    go(&hit);
                }
            }
            "Escape" => query.set(String::new()),
            _ => return,
        }
        event.prevent_default();
    };
    let option = move |(index, hit): (usize, Hit)| {
        let target = hit.clone();
        let is_chosen = move || chosen.get() == index;
        view! {
            <li
                id=option_id(index)
                role="option"
                aria-selected=move || is_chosen().to_string()
                // Before the input loses the focus.
                on:mousedown=move |event| {
                    event.prevent_default();
                    go(&target);
                }
            >
                <span>{hit.label}</span>
                <span class="muted">{hit.place}</span>
                <span class="muted note">{hit.note}</span>
            </li>
        }
    };
    let options = move || {
        hits.get()
            .into_iter()
            .enumerate()
            .map(option)
            .collect_view()
    };
    let is_empty = move || hits.with(Vec::is_empty);
    let active = move || (is_open() && !is_empty()).then(|| option_id(chosen.get()));
    view! {
        <div class="find-field">
            <input
                class="text"
                id="find-field"
                type="text"
                role="combobox"
                autocomplete="off"
                spellcheck="false"
                aria-label="Find a field"
                placeholder="Find a field"
                aria-controls=LIST
                aria-expanded=move || is_open().to_string()
                aria-autocomplete="list"
                aria-activedescendant=active
                prop:value=move || query.get()
                on:input:target=move |event| {
                    chosen.set(0);
                    query.set(event.target().value());
                }
                on:keydown=keys
                on:blur=move |_| query.set(String::new())
            />
            <ul id=LIST role="listbox" aria-label="Found fields" hidden=move || !is_open() || is_empty()>{options}</ul>
            <p class="muted none-found" role="status" hidden=move || !is_open() || !is_empty()>
                "No field has these words."
            </p>
        </div>
    }
}

fn option_id(index: usize) -> String {
    format!("found-field-{index}")
}
