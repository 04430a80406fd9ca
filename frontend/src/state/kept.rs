//! Stores the document in the browser, and notices changes by other tabs.
//!
//! All tabs store their document under one key, which has the document that was changed last. A tab keeps its own
//! document, also over a reload, and offers to load the other one.

use shared::Mesh;
use wasm_bindgen::JsCast;
use web_sys::{Event, StorageEvent};

use super::saved;
use super::store::{Notice, Store};
use crate::browser::dom::{effect, on_window};
use crate::browser::{self, Keep};
use crate::form::template;

/// Storage key of the document: for all tabs the one that was changed last, for this tab its own.
const SAVED: &str = "fedmesh.mesh";
/// Storage key of another tab's document, until the user chooses one of the two.
const ELSEWHERE: &str = "fedmesh.mesh.elsewhere";
/// Storage key of a stored text that could not be read, until the user dismisses it.
const UNREADABLE: &str = "fedmesh.mesh.unreadable";

/// The document to start with, stored or new, and a notice about it.
pub(crate) fn load() -> (Mesh, Option<Notice>) {
    let lost = browser::load(Keep::Always, UNREADABLE);
    let lost = lost.map(|text| rescue(text, "it was stored on an earlier visit"));
    let own = browser::load(Keep::Tab, SAVED).and_then(|json| saved::from_json(&json).ok());
    if let Some(mesh) = own {
        return (mesh, lost);
    }
    match browser::load(Keep::Always, SAVED) {
        None => (template::start(), lost),
        Some(json) => match saved::from_json(&json) {
            Ok(mesh) => (mesh, lost),
            Err(error) => {
                if browser::store(Keep::Always, UNREADABLE, &json) {
                    browser::forget(Keep::Always, SAVED);
                }
                (template::start(), Some(rescue(json, &error)))
            }
        },
    }
}

fn rescue(text: String, error: &str) -> Notice {
    Notice {
        is_failure: true,
        text: format!("Cannot read the document stored in this browser: {error}"),
        hint: "Download it before you dismiss this message, which deletes it.".to_owned(),
        rescue: Some(text),
    }
}

/// Deletes a text that could not be read.
pub(crate) fn drop_rescued() {
    browser::forget(Keep::Always, UNREADABLE);
}

/// Stores the document whenever it changes, and notices when another tab does.
pub(crate) fn keep(store: Store) {
    // Changes from before this tab was open, or that the user had not decided about before a reload.
    if browser::load(Keep::Tab, SAVED).is_some() {
        let last = browser::load(Keep::Always, SAVED);
        notice(
            store,
            last.filter(|last| *last != saved::to_json(&store.now())),
        );
        if store.elsewhere.with_untracked(Option::is_none) {
            notice(store, browser::load(Keep::Tab, ELSEWHERE));
        }
    }
    on_window("storage", move |event| on_storage(store, &event));
    let mut warned = false;
    let mut is_first = true;
    effect(move || {
        let json = store.with(saved::to_json);
        browser::store(Keep::Tab, SAVED, &json);
        // A tab that was only opened or reloaded has changed nothing.
        let is_new = std::mem::take(&mut is_first);
        if is_new && browser::load(Keep::Always, SAVED).is_some() {
            return;
        }
        if !browser::store(Keep::Always, SAVED, &json) && !warned {
            warned = true;
            store.fail(
                "The browser cannot store the document",
                "Download the Mesh document or copy the link before you close the page.",
            );
        }
    });
}

/// Handles a change of the storage by another tab.
fn on_storage(store: Store, event: &Event) {
    let event: &StorageEvent = event.unchecked_ref();
    if event.key().as_deref() == Some(SAVED) {
        notice(store, event.new_value());
    }
}

/// Offers another tab's document, unless it is the same or cannot be read.
fn notice(store: Store, json: Option<String>) {
    let Some(json) = json else { return };
    if let Ok(mesh) = saved::from_json(&json) {
        let other = (mesh != store.now()).then_some(mesh);
        set_elsewhere(store, other, &json);
    }
}

fn set_elsewhere(store: Store, mesh: Option<Mesh>, json: &str) {
    if mesh.is_some() {
        browser::store(Keep::Tab, ELSEWHERE, json);
    } else {
        browser::forget(Keep::Tab, ELSEWHERE);
    }
    store.elsewhere.set(mesh);
}

/// Replaces the document with that of the other tab.
pub(crate) fn take_other(store: Store) {
    if let Some(mesh) = store.elsewhere.get_untracked() {
        set_elsewhere(store, None, "");
        store.open(mesh);
        store.emit("Loaded the document of the other tab. Undo restores the previous document.");
    }
}

/// Keeps this tab's document, which becomes the stored one.
pub(crate) fn keep_own(store: Store) {
    set_elsewhere(store, None, "");
    browser::store(Keep::Always, SAVED, &saved::to_json(&store.now()));
}
