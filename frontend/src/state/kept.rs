//! Stores the document in the browser, and notices changes by other tabs.
//!
//! All tabs store their document under one key, which has the document that was changed last. A tab keeps its own
//! document with its history, also over a reload, and offers to load the other one.

use gloo::timers::callback::Timeout;
use leptos::ev;
use leptos::prelude::*;
use serde_json::Value;

use super::store::{Action, Notice, Store};
use crate::browser::storage::Keep;
use crate::document::history::{History, Written};
use crate::document::{link, start};

/// Milliseconds without a change after which the document is stored: a large one takes longer than a keystroke may.
const PAUSE: u32 = 250;

/// Storage key of the document that was changed last, in all tabs.
const SAVED: &str = "fedmesh.mesh";
/// Storage key of this tab's document and its history.
const OWN: &str = "fedmesh.history";
/// Storage key of another tab's document, until the user chooses one of the two.
const ELSEWHERE: &str = "fedmesh.mesh.elsewhere";
/// Storage key of a stored text that could not be read, until the user dismisses it.
const UNREADABLE: &str = "fedmesh.mesh.unreadable";

/// The document to start with, stored or new, and a notice about it.
pub(crate) fn load() -> (History, Option<Notice>) {
    let lost = Keep::Always.text(UNREADABLE);
    let lost = lost.map(|text| rescue(text, "it was stored on an earlier visit"));
    if let Some(history) = Keep::Tab.get(OWN) {
        return (history, lost);
    }
    match Keep::Always.text(SAVED) {
        None => (History::new(start::empty()), lost),
        Some(json) => match parse(&json) {
            Ok(document) => (History::new(document), lost),
            Err(error) => {
                if Keep::Always.set_text(UNREADABLE, &json) {
                    Keep::Always.forget(SAVED);
                }
                (History::new(start::empty()), Some(rescue(json, &error)))
            }
        },
    }
}

fn parse(json: &str) -> Result<Written, String> {
    let stored: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    // Before documents had texts, they were stored alone.
    let written: Written = if stored.get("kind").is_some() {
        stored.into()
    } else {
        serde_json::from_value(stored).map_err(|error| error.to_string())?
    };
    link::check_kind(&written.document)?;
    Ok(written)
}

fn rescue(text: String, error: &str) -> Notice {
    Notice {
        is_failure: true,
        text: format!("Cannot read the document stored in this browser: {error}"),
        hint: "Download it before you dismiss this message, which deletes it.".to_owned(),
        action: Some(Action::Rescue(text)),
    }
}

/// Deletes a text that could not be read.
pub(crate) fn drop_rescued() {
    Keep::Always.forget(UNREADABLE);
}

/// Stores the document whenever it changes, and notices when another tab does.
pub(crate) fn keep(store: Store) {
    // Changes from before this tab was open, or that the user had not decided about before a reload.
    if Keep::Tab.text(OWN).is_some() {
        let last = Keep::Always.text(SAVED);
        let last = last.and_then(|json| parse(&json).ok());
        notice(store, last.filter(|last| *last != store.written()));
        if store.elsewhere.with_untracked(Option::is_none) {
            notice(store, Keep::Tab.get(ELSEWHERE));
        }
    }
    let on_storage = window_event_listener(ev::storage, move |event| {
        if event.key().as_deref() == Some(SAVED) {
            let json = event.new_value();
            notice(store, json.and_then(|json| parse(&json).ok()));
        }
    });
    on_cleanup(move || on_storage.remove());
    let is_unsaved = StoredValue::new(false);
    let save_once = move || {
        // A page that has changed nothing must not replace the document of another tab.
        if is_unsaved.get_value() {
            is_unsaved.set_value(false);
            save(store);
        }
    };
    // A page that is closed or reloaded stores what was typed last.
    let on_hide = window_event_listener(ev::pagehide, move |_| save_once());
    on_cleanup(move || on_hide.remove());
    let waiting = StoredValue::new_local(None);
    let mut is_first = true;
    Effect::new(move || {
        store.with_history(|_| ());
        // A tab that was only opened or reloaded has changed nothing.
        let is_new = std::mem::take(&mut is_first);
        if is_new && Keep::Always.text(SAVED).is_some() {
            store.with_history(|history| Keep::Tab.set(OWN, history));
        } else {
            is_unsaved.set_value(true);
            // Dropping the last one cancels it.
            waiting.set_value(Some(Timeout::new(PAUSE, save_once)));
        }
    });
}

/// Stores the document and its history.
fn save(store: Store) {
    untrack(|| {
        store.with_history(|history| Keep::Tab.set(OWN, history));
        if !Keep::Always.set(SAVED, &store.written()) {
            store.warn_unsaved();
        }
    });
}

/// Offers another tab's document, unless it is the same.
fn notice(store: Store, other: Option<Written>) {
    if let Some(other) = other {
        let is_other = other != store.written();
        set_elsewhere(store, is_other.then_some(other));
    }
}

fn set_elsewhere(store: Store, document: Option<Written>) {
    match &document {
        Some(document) => _ = Keep::Tab.set(ELSEWHERE, document),
        None => Keep::Tab.forget(ELSEWHERE),
    }
    store.elsewhere.set(document);
}

/// Replaces the document with that of the other tab.
pub(crate) fn take_other(store: Store) {
    if let Some(document) = store.elsewhere.get_untracked() {
        set_elsewhere(store, None);
        store.open(document);
        store.emit("Loaded the document of the other tab. Undo restores the previous document.");
    }
}

/// Keeps this tab's document, which becomes the stored one.
pub(crate) fn keep_own(store: Store) {
    set_elsewhere(store, None);
    Keep::Always.set(SAVED, &store.written());
}
