//! The manifests of the document, from the worker that renders.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use shared::Mesh;
use wasm_bindgen_futures::spawn_local;

use crate::dom::effect;
use crate::json;
use crate::rendering::{Form, Manifests};
use crate::signals::*;
use crate::state::{Rendered, Store};
use crate::worker::Worker;

thread_local! {
    static WORKER: Worker = const { Worker::new("render-worker") };
}

/// Has the document rendered whenever it changes and has no errors. What is typed meanwhile is
/// rendered together, afterwards.
pub(crate) fn keep(store: Store) {
    let is_busy = Rc::new(Cell::new(false));
    effect(move || {
        if store.unrendered().is_some() && !is_busy.replace(true) {
            let is_busy = is_busy.clone();
            spawn_local(async move {
                while let Some(mesh) = untrack(|| store.unrendered())
                    && render(store, mesh).await.is_ok()
                {}
                is_busy.set(false);
            });
        }
    });
}

/// Tries again what did not work.
pub(crate) fn again(store: Store) {
    if let Some(mesh) = untrack(|| store.unrendered()) {
        spawn_local(async move {
            // Why it does not work is in the store.
            _ = render(store, mesh).await;
        });
    }
}

/// The manifests of the document as it is, which has no errors. Where they are not there yet, it
/// waits; where there are none, it says so to the person.
pub(crate) async fn current(store: Store) -> Option<Arc<Rendered>> {
    match untrack(|| store.unrendered()) {
        None => store.rendered.get_untracked(),
        Some(mesh) => match render(store, mesh).await {
            Ok(rendered) => Some(rendered),
            Err(error) => {
                store.fail(format!("The manifests were not made: {error}"), HINT);
                None
            }
        },
    }
}

/// What to do where the worker gives no answer.
const HINT: &str = "Reload the page; the part of it that renders did not load.";

async fn render(store: Store, mesh: Arc<Mesh>) -> Result<Arc<Rendered>, String> {
    let answer = ask(Form::Files, &mesh).await;
    let manifests = answer.and_then(|answer| Manifests::from_value(&json::value(&answer)?));
    store.unrenderable.set(manifests.as_ref().err().cloned());
    let rendered = Arc::new(Rendered {
        of: mesh,
        manifests: manifests?,
    });
    store.rendered.set(Some(rendered.clone()));
    Ok(rendered)
}

/// A document in a form.
pub(crate) async fn ask(form: Form, mesh: &Mesh) -> Result<String, String> {
    let question = json::write(&(form, mesh));
    let answer = WORKER.with(|worker| worker.ask(&question)).await?;
    // It says nothing of a document with errors.
    answer
        .as_string()
        .ok_or_else(|| "the document has errors".to_owned())
}
