//! The text of the document, from the worker that reads files.

use std::cell::RefCell;
use std::sync::Arc;

use gloo::timers::callback::Timeout;
use leptos::prelude::*;
use serde::de::DeserializeOwned;

use super::renderer;
use super::store::{Store, TextOf};
use crate::document::history::Written;
use crate::workers::reading::Unreadable;
use crate::workers::rendering::Form;
use crate::workers::text::{Made, Request};
use crate::workers::{Worker, worker};

/// Milliseconds for which typing may pause within one step of undo.
const PAUSE: u32 = 700;

thread_local! {
    /// A worker of its own: the one that reads files ends afterwards.
    static WRITER: Worker = const { Worker::new("read-worker") };
    /// Ends the step of undo; replacing it cancels it.
    static PAUSED: RefCell<Option<Timeout>> = const { RefCell::new(None) };
}

/// Reads the text whenever it is typed, and writes it when the document has changed and it is shown.
pub(crate) fn keep(store: Store) {
    renderer::keep_up(store, Store::unread, read);
    renderer::keep_up(store, Store::unwritten, write);
}

async fn read(store: Store, text: Arc<str>) -> bool {
    let read = ask(&Request::Read(text.to_string())).await;
    store.take_text(text, read);
    true
}

async fn write(store: Store, of: Written) -> bool {
    match text_of(&of).await {
        Ok(made) => {
            store.text_of.set(Some(Arc::new(TextOf { of, made })));
            true
        }
        Err(error) => {
            store.fail(
                format!("Cannot write the document: {error}"),
                renderer::HINT,
            );
            false
        }
    }
}

/// The text of a document.
pub(crate) async fn text_of(written: &Written) -> Result<Made, String> {
    if written.is_unread {
        // As it is typed.
        return Ok(Made {
            text: written.text.clone(),
            is_kept: true,
        });
    }
    if written.text.is_empty() {
        let text = renderer::text(Form::Document, &written.document).await;
        return text.map(|text| Made {
            text: text.into(),
            is_kept: true,
        });
    }
    let request = Request::Write {
        text: written.text.to_string(),
        document: written.document.as_ref().clone(),
    };
    ask(&request).await.map_err(|error| error.message)
}

/// The lines of the fields with these paths in a text.
pub(crate) async fn lines(text: String, paths: Vec<String>) -> Vec<Option<u64>> {
    // Without them, findings are only in their list.
    ask(&Request::Lines { text, paths })
        .await
        .unwrap_or_default()
}

async fn ask<T: DeserializeOwned>(request: &Request) -> Result<T, Unreadable> {
    let failed = |message: String| Unreadable {
        message,
        hint: renderer::HINT.to_owned(),
        line: None,
    };
    let request = serde_json::to_string(request).map_err(|error| failed(error.to_string()))?;
    let response = WRITER.with(|worker| worker.send(&request.into()));
    let response = response.await.map_err(failed)?;
    worker::read::<Result<T, Unreadable>>(&response).map_err(failed)?
}

/// Changes the text, and ends the step of undo once typing pauses.
pub(crate) fn type_text(store: Store, text: &str) {
    store.type_text(text);
    PAUSED.set(Some(Timeout::new(PAUSE, move || store.rest())));
}
