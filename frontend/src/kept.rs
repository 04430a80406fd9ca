//! How the document is kept in this browser, and what its tabs do with each other's.
//!
//! All tabs keep their document in one place, and the last one that was changed is there. A tab goes on
//! with its own, also when it is loaded again, and says that there is another.

use shared::Mesh;
use wasm_bindgen::JsCast;
use web_sys::{Event, StorageEvent};

use crate::browser::{self, Keep};
use crate::dom::{effect, on_window};
use crate::saved;
use crate::state::{Notice, Store};
use crate::template;

/// Where the document is kept: for all tabs the one that was changed last, for this tab its own.
const SAVED: &str = "fedmesh.mesh";
/// Where another tab's document is, until the person of this tab says which one it is to be.
const ELSEWHERE: &str = "fedmesh.mesh.elsewhere";
/// Where a kept text goes that could not be read, until the person lets go of it.
const UNREADABLE: &str = "fedmesh.mesh.unreadable";

/// The document to begin with, the one that was kept or a new one, and what has to be said of it.
pub(crate) fn load() -> (Mesh, Option<Notice>) {
    let lost = browser::load(Keep::Always, UNREADABLE);
    let lost = lost.map(|text| rescue(text, "it was left from before"));
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
        text: format!("The document kept in this browser cannot be read: {error}"),
        hint: "It is set aside. Download it before you dismiss this.".to_owned(),
        rescue: Some(text),
    }
}

/// Lets go of a text that could not be read.
pub(crate) fn drop_rescued() {
    browser::forget(Keep::Always, UNREADABLE);
}

/// Keeps the document whenever it changes, and notices when another tab does.
pub(crate) fn keep(store: Store) {
    // What was changed while this tab was not there, or not yet looked at before it was loaded again.
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
    on_window("storage", move |event| heard(store, &event));
    let mut warned = false;
    let mut is_first = true;
    effect(move || {
        let json = store.with(saved::to_json);
        browser::store(Keep::Tab, SAVED, &json);
        // A tab that was only opened, or loaded again, has changed nothing.
        let is_new = std::mem::take(&mut is_first);
        if is_new && browser::load(Keep::Always, SAVED).is_some() {
            return;
        }
        if !browser::store(Keep::Always, SAVED, &json) && !warned {
            warned = true;
            store.fail(
                "This browser does not keep the document",
                "Download the Mesh document, or copy the link, before you close the page.",
            );
        }
    });
}

/// Something was kept by another tab.
fn heard(store: Store, event: &Event) {
    let event: &StorageEvent = event.unchecked_ref();
    if event.key().as_deref() == Some(SAVED) {
        notice(store, event.new_value());
    }
}

/// Takes note of another tab's document, unless it says the same or cannot be read.
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

/// Goes on with the document of the other tab.
pub(crate) fn take_other(store: Store) {
    if let Some(mesh) = store.elsewhere.get_untracked() {
        set_elsewhere(store, None, "");
        store.open(mesh);
        store.tell("Loaded the document of the other tab. Undo brings back the one before.");
    }
}

/// Goes on with this tab's document, which is the one that is kept from now on.
pub(crate) fn keep_own(store: Store) {
    set_elsewhere(store, None, "");
    browser::store(Keep::Always, SAVED, &saved::to_json(&store.now()));
}
