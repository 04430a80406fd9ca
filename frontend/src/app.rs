//! The page as a whole: creates its state and handles the events of the window.

use any_spawner::Executor;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DragEvent, Event, HtmlInputElement, KeyboardEvent};

use crate::agent::Agent;
use crate::agent::api::Client;
use crate::browser;
use crate::browser::dom::{El, el, el_in, mount, on_window};
use crate::browser::signals::*;
use crate::components::agent_dialog::agent_dialog;
use crate::components::cluster_table::pasted_text;
use crate::components::header::header;
use crate::components::notice::notice_bar;
use crate::pages::edit::edit_page;
use crate::pages::review::review_page;
use crate::state::document;
use crate::state::kept;
use crate::state::renderer;
use crate::state::saved::Fragment;
use crate::state::{Page, Store};

/// Shows the page.
pub fn start() {
    // It fails only if an executor is set already.
    _ = Executor::init_wasm_bindgen();
    if let Some(waiting) = browser::document().get_element_by_id("waiting") {
        waiting.remove();
    }
    let owner = Owner::new();
    owner.with(show);
    // The page lives as long as its window.
    std::mem::forget(owner);
}

fn show() {
    let (mesh, notice) = kept::load();
    let store = Store::new(mesh);
    let agent = Agent::new(store);
    store.notice.set(notice);
    kept::keep(store);
    take_fragment(store, agent, true);
    on_window("hashchange", move |_| take_fragment(store, agent, false));
    on_window("keydown", move |event| undo_keys(store, &event));
    on_window("dragover", |event| event.prevent_default());
    on_window("drop", move |event| drop_file(store, &event));
    on_window("paste", move |event| paste_document(store, &event));

    // It stays in the document, because the part of the page draws into it.
    let review = review_page(store, agent);
    // The form is kept when another document is opened in it.
    let page = memo(move || store.page.get());
    let main = el("main").content(move || {
        let edit = (page.get() == Page::Edit).then(|| edit_page(store, agent));
        edit.into_iter().chain([review.clone()]).collect()
    });
    for part in [
        header(store, agent),
        notice_bar(store),
        main,
        agent_dialog(store, agent),
        file_input(store),
    ] {
        mount(&part);
    }
    // Last, so that the form appears before the worker is loaded.
    renderer::keep(store);
}

/// The input that opens files; buttons click it.
fn file_input(store: Store) -> El {
    el_in("input", "unseen")
        .id(browser::FILE_INPUT)
        .attr("type", "file")
        .attr("tabindex", "-1")
        .attr("aria-label", "Open a Mesh document or manifests")
        .attr("accept", ".yaml,.yml,.json,.zip")
        .attr("multiple", "")
        .on("change", move |event| {
            let Some(input) = input_of(&event) else {
                return;
            };
            document::open_files(store, input.files());
            // Without this, the same file could not be chosen again.
            input.set_value("");
        })
}

fn input_of(event: &Event) -> Option<HtmlInputElement> {
    event.target()?.dyn_into().ok()
}

/// Reads the fragment of the address, and removes a token from it.
fn take_fragment(store: Store, agent: Agent, first: bool) {
    let fragment = Fragment::read(&browser::fragment());
    if fragment != Fragment::default() {
        browser::clear_fragment();
    }
    if let Some(mesh) = fragment.mesh {
        document::open_link(store, mesh);
    }
    if let Some(token) = fragment.token {
        let address = fragment.agent.unwrap_or_else(browser::origin);
        agent.connect(Client { address, token });
    } else if first {
        agent.reconnect();
    }
}

/// Undo and redo, except in text inputs, where the browser handles them.
fn undo_keys(store: Store, event: &Event) {
    let is_text =
        input_of(event).is_some_and(|i| matches!(i.type_().as_str(), "text" | "password"));
    let keys: &KeyboardEvent = event.unchecked_ref();
    let key = keys.key().to_ascii_lowercase();
    if is_text || !(keys.ctrl_key() || keys.meta_key()) || !matches!(key.as_str(), "z" | "y") {
        return;
    }
    event.prevent_default();
    if key == "y" || keys.shift_key() {
        store.redo();
    } else {
        store.undo();
    }
}

fn drop_file(store: Store, event: &Event) {
    event.prevent_default();
    let data = event.unchecked_ref::<DragEvent>().data_transfer();
    document::open_files(store, data.and_then(|data| data.files()));
}

/// Opens a Mesh document that is pasted outside of a text input.
fn paste_document(store: Store, event: &Event) {
    let text = pasted_text(event);
    if input_of(event).is_none() && text.contains("fedmesh.dev/") {
        spawn_local(async move {
            document::open(store, "the pasted document", &text.into()).await;
        });
    }
}
