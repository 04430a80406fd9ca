//! The page as a whole: creates its state and handles the events of the window.

use gloo::utils::document;
use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement, HtmlTextAreaElement, KeyboardEvent};

use crate::agent::{Agent, Client};
use crate::browser;
use crate::components::agent_dialog::AgentDialog;
use crate::components::commands::CommandsDialog;
use crate::components::header::Header;
use crate::components::new_mesh::NewMeshDialog;
use crate::components::notice::Notices;
use crate::components::table::pasted_text;
use crate::document::link::Fragment;
use crate::pages::edit::EditPage;
use crate::review::{Review, ReviewPage};
use crate::state::{Page, Store, delivered, exchange, kept, renderer, writer};

/// Shows the page.
pub fn start() {
    if let Some(waiting) = document().get_element_by_id("waiting") {
        waiting.remove();
    }
    mount_to_body(App);
}

#[component]
fn App() -> impl IntoView {
    let (history, notice) = kept::load();
    let store = Store::new(history);
    let agent = Agent::new();
    let review = Review::new(store, agent);
    provide_context(store);
    provide_context(agent);
    provide_context(review);
    store.notice.set(notice);
    delivered::load(store);
    kept::keep(store);
    take_fragment(store, agent, true);
    let is_connected = Memo::new(move |_| agent.is_connected());
    agent.watch();
    Effect::new(move || {
        if is_connected.get() {
            store.spoken.set("Connected to the agent".to_owned());
            review.resume();
        } else if agent.is_lost() {
            store
                .spoken
                .set("The connection to the agent is lost".to_owned());
        }
    });
    // The page lives as long as its window, and so do these.
    window_event_listener(ev::hashchange, move |_| take_fragment(store, agent, false));
    window_event_listener(ev::keydown, move |event| undo_keys(store, &event));
    window_event_listener(ev::dragover, |event| event.prevent_default());
    window_event_listener(ev::drop, move |event| {
        event.prevent_default();
        exchange::open_files(store, event.data_transfer().and_then(|data| data.files()));
    });
    window_event_listener(ev::paste, move |event| paste_document(store, &event));
    window_event_listener(ev::popstate, move |_| store.page.set(Page::Edit));
    let is_review = Memo::new(move |_| store.page.get() == Page::Review);
    Effect::new(move |was: Option<bool>| {
        let is_open = is_review.get();
        if was != Some(is_open) {
            browser::note_review(is_open);
        }
        is_open
    });
    // Last, so that the form appears before the worker is loaded.
    renderer::keep(store);
    writer::keep(store);
    let is_editing = Memo::new(move |_| store.page.get() == Page::Edit);
    view! {
        <Header />
        <Notices />
        <main>
            <Show when=move || is_editing.get()><EditPage /></Show>
            <ReviewPage />
            <FileInput />
        </main>
        <AgentDialog />
        <CommandsDialog />
        <NewMeshDialog />
    }
}

/// The input that opens files; buttons click it.
#[component]
fn FileInput() -> impl IntoView {
    let store = expect_context::<Store>();
    let input = NodeRef::<html::Input>::new();
    let chosen = move |_| {
        if let Some(input) = input.get_untracked() {
            exchange::open_files(store, input.files());
            // Without this, the same file could not be chosen again.
            input.set_value("");
        }
    };
    view! {
        <input
            class="unseen"
            id=browser::FILE_INPUT
            node_ref=input
            type="file"
            tabindex="-1"
            aria-label="Open a Mesh document or manifests"
            accept=".yaml,.yml,.json,.zip"
            multiple=true
            on:change=chosen
        />
    }
}

/// Reads the fragment of the address, and removes a token from it.
fn take_fragment(store: Store, agent: Agent, first: bool) {
    let fragment = Fragment::read(&browser::fragment());
    if fragment != Fragment::default() {
        browser::clear_fragment();
    }
    if let Some(linked) = fragment.mesh {
        exchange::open_link(store, linked);
    }
    if let Some(token) = fragment.token {
        let address = fragment.agent.unwrap_or_else(browser::origin);
        agent.connect(Client { address, token });
    } else if first {
        agent.reconnect();
    }
}

/// Whether an event is about an input for texts outside of the document, which the browser handles.
fn is_other_text(event: &Event) -> bool {
    let target = event.target();
    let is_text = target.is_some_and(|target| {
        let input = target.dyn_ref::<HtmlInputElement>();
        input.is_some_and(|input| matches!(input.type_().as_str(), "text" | "password"))
            || target.has_type::<HtmlTextAreaElement>()
    });
    is_text && !is_in_document(event)
}

fn is_in_document(event: &Event) -> bool {
    let element = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|element| {
        element
            .closest(".document")
            .is_ok_and(|form| form.is_some())
    })
}

/// Undo and redo of the document: the browser's own would undo a text in another field.
fn undo_keys(store: Store, event: &KeyboardEvent) {
    let key = event.key().to_ascii_lowercase();
    let is_undo = (event.ctrl_key() || event.meta_key()) && matches!(key.as_str(), "z" | "y");
    if !is_undo || is_other_text(event) {
        return;
    }
    event.prevent_default();
    if key == "y" || event.shift_key() {
        store.redo();
    } else {
        store.undo();
    }
}

/// Opens a Mesh document that is pasted outside of a text input.
fn paste_document(store: Store, event: &web_sys::ClipboardEvent) {
    let text = pasted_text(event);
    if !is_other_text(event) && !is_in_document(event) && text.contains("fedmesh.dev/") {
        exchange::open(store, "the pasted document".to_owned(), text.into());
    }
}
