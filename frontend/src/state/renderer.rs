//! Findings and manifests of the document, from the worker that checks and renders.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::LocalKey;

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::store::{Rendered, Simulation, Store};
use crate::workers::Worker;
use crate::workers::rendering::Form;

thread_local! {
    /// A worker of its own, so that findings do not wait for manifests.
    static CHECKER: Worker = const { Worker::new("render-worker") };
    static RENDERER: Worker = const { Worker::new("render-worker") };
}

/// Checks the document whenever it changes, and renders it when it has no errors. Changes during a run are
/// handled together after it.
pub(crate) fn keep(store: Store) {
    keep_up(store, Store::unchecked, check);
    keep_up(store, Store::unrendered, async |store, document| {
        render(store, document).await.is_ok()
    });
    keep_up(store, Store::unsimulated, simulate);
}

/// Does the pending work, one run at a time, until it fails.
fn keep_up(
    store: Store,
    due: fn(Store) -> Option<Arc<Value>>,
    work: impl AsyncFn(Store, Arc<Value>) -> bool + Copy + 'static,
) {
    let is_busy = Rc::new(Cell::new(false));
    Effect::new(move || {
        if due(store).is_some() && !is_busy.replace(true) {
            let is_busy = is_busy.clone();
            spawn_local(async move {
                while let Some(document) = untrack(|| due(store))
                    && work(store, document).await
                {}
                is_busy.set(false);
            });
        }
    });
}

/// Checks; `false` on an error, which is in the store, and the next change tries again.
async fn check(store: Store, document: Arc<Value>) -> bool {
    let checks = ask(&CHECKER, Form::Checks, &document).await;
    report(store, checks.as_ref().err());
    checks.map(|checks| store.take(document, checks)).is_ok()
}

/// Simulates the outage, in the worker that checks, because rendering takes longer than the user should wait
/// after a click.
async fn simulate(store: Store, document: Arc<Value>) -> bool {
    let down: Vec<String> = store
        .down
        .with_untracked(|down| down.iter().cloned().collect());
    let answers = ask(&CHECKER, Form::Simulated(down.clone()), &document).await;
    report(store, answers.as_ref().err());
    let Ok(answers) = answers else {
        return false;
    };
    store.simulated.set(Some(Arc::new(Simulation {
        of: document,
        down,
        answers,
    })));
    true
}

/// Shows an error. One that is shown already stays as it is, because the button beside it may have the keyboard's
/// focus.
fn report(store: Store, error: Option<&String>) {
    if store
        .unrenderable
        .with_untracked(|known| known.as_ref() != error)
    {
        store.unrenderable.set(error.cloned());
    }
}

/// Tries again after an error.
pub(crate) fn again(store: Store) {
    spawn_local(async move {
        // Errors are in the store. Checks that succeed lead to manifests by themselves.
        if let Some(document) = untrack(|| store.unchecked()) {
            check(store, document).await;
        } else if let Some(document) = untrack(|| store.unrendered()) {
            _ = render(store, document).await;
        } else if let Some(document) = untrack(|| store.unsimulated()) {
            simulate(store, document).await;
        }
    });
}

/// The manifests of the document as it is. Waits until they are ready; if there are none, it shows the
/// reason.
pub(crate) async fn current(store: Store) -> Option<Arc<Rendered>> {
    let document = store.now();
    let rendered = store.rendered.get_untracked();
    if let Some(rendered) = rendered.filter(|rendered| rendered.of == document) {
        return Some(rendered);
    }
    match render(store, document).await {
        Ok(rendered) => Some(rendered),
        Err(error) => {
            store.fail(format!("Cannot render the manifests: {error}"), HINT);
            None
        }
    }
}

/// What to do when the worker does not respond.
pub(crate) const HINT: &str = "Reload the page; a part of it did not load.";

async fn render(store: Store, document: Arc<Value>) -> Result<Arc<Rendered>, String> {
    let manifests = ask(&RENDERER, Form::Files, &document).await;
    report(store, manifests.as_ref().err());
    let rendered = Arc::new(Rendered {
        of: document,
        manifests: manifests?,
    });
    store.rendered.set(Some(rendered.clone()));
    Ok(rendered)
}

/// A form of a document that is a text.
pub(crate) async fn text(form: Form, document: &Value) -> Result<String, String> {
    ask(&RENDERER, form, document).await
}

/// The bundle of a document as an archive.
pub(crate) async fn zip(document: &Value) -> Result<Vec<u8>, String> {
    let request =
        serde_json::to_string(&(Form::Zip, document)).map_err(|error| error.to_string())?;
    let response = RENDERER.with(|worker| worker.send(&request.into())).await?;
    match response.as_string() {
        Some(error) => Err(error),
        None => Ok(js_sys::Uint8Array::new(&response).to_vec()),
    }
}

/// Requests a form, whose type is that of the response.
async fn ask<T: DeserializeOwned>(
    worker: &'static LocalKey<Worker>,
    form: Form,
    document: &Value,
) -> Result<T, String> {
    worker.with(|worker| worker.ask(&(form, document))).await
}
