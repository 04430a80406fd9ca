//! Findings and manifests of the document, from the worker that checks and renders.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::LocalKey;

use serde::de::DeserializeOwned;
use shared::Mesh;
use wasm_bindgen_futures::spawn_local;

use super::store::{Checked, Rendered, Simulation, Store};
use crate::browser::dom::effect;
use crate::browser::signals::*;
use crate::json;
use crate::workers::Worker;
use crate::workers::rendering::{Form, Manifests};

thread_local! {
    /// A worker of its own, so that findings do not wait for manifests.
    static CHECKER: Worker = const { Worker::new("render-worker") };
    static RENDERER: Worker = const { Worker::new("render-worker") };
}

/// Checks the document whenever it changes, and renders it when it has no errors. Changes during a run are
/// handled together after it.
pub(crate) fn keep(store: Store) {
    keep_up(store, Store::unchecked, check);
    keep_up(store, Store::unrendered, async |store, mesh| {
        render(store, mesh).await.is_ok()
    });
    keep_up(store, Store::unsimulated, simulate);
}

/// Does the pending work, one run at a time, until it fails.
fn keep_up(
    store: Store,
    due: fn(Store) -> Option<Arc<Mesh>>,
    work: impl AsyncFn(Store, Arc<Mesh>) -> bool + Copy + 'static,
) {
    let is_busy = Rc::new(Cell::new(false));
    effect(move || {
        if due(store).is_some() && !is_busy.replace(true) {
            let is_busy = is_busy.clone();
            spawn_local(async move {
                while let Some(mesh) = untrack(|| due(store))
                    && work(store, mesh).await
                {}
                is_busy.set(false);
            });
        }
    });
}

/// Renders; `false` on an error, which is in the store, and the next change tries again.
async fn check(store: Store, mesh: Arc<Mesh>) -> bool {
    match ask(&CHECKER, Form::Checks, &mesh).await {
        Ok(checks) => store.take(Checked { of: mesh, checks }),
        Err(error) => {
            emit(store, Some(error));
            return false;
        }
    }
    emit(store, None);
    true
}

/// Simulates the outage, in the worker that checks, because rendering takes longer than the user should wait
/// after a click.
async fn simulate(store: Store, mesh: Arc<Mesh>) -> bool {
    let down: Vec<String> = store
        .down
        .with_untracked(|down| down.iter().cloned().collect());
    match ask(&CHECKER, Form::Simulated(down.clone()), &mesh).await {
        Ok(answers) => store.simulated.set(Some(Arc::new(Simulation {
            of: mesh,
            down,
            answers,
        }))),
        Err(error) => {
            emit(store, Some(error));
            return false;
        }
    }
    emit(store, None);
    true
}

/// Reports an error. An error that is shown already stays as it is, because the button beside it may have the
/// keyboard's focus.
fn emit(store: Store, why: Option<String>) {
    if store.unrenderable.get_untracked() != why {
        store.unrenderable.set(why);
    }
}

/// Tries again after an error.
pub(crate) fn again(store: Store) {
    spawn_local(async move {
        // Errors are in the store. Checks that succeed lead to manifests by themselves.
        if let Some(mesh) = untrack(|| store.unchecked()) {
            check(store, mesh).await;
        } else if let Some(mesh) = untrack(|| store.unrendered()) {
            _ = render(store, mesh).await;
        } else if let Some(mesh) = untrack(|| store.unsimulated()) {
            simulate(store, mesh).await;
        }
    });
}

/// The manifests of the document as it is. Waits until they are ready; if there are none, it shows the
/// reason.
pub(crate) async fn current(store: Store) -> Option<Arc<Rendered>> {
    let mesh = store.shared();
    let rendered = store.rendered.get_untracked();
    if let Some(rendered) = rendered.filter(|rendered| rendered.of == mesh) {
        return Some(rendered);
    }
    match render(store, mesh).await {
        Ok(rendered) => Some(rendered),
        Err(error) => {
            store.fail(format!("Cannot render the manifests: {error}"), HINT);
            None
        }
    }
}

/// What to do when the worker does not respond.
const HINT: &str = "Reload the page; a part of it did not load.";

async fn render(store: Store, mesh: Arc<Mesh>) -> Result<Arc<Rendered>, String> {
    let manifests: Result<Manifests, String> = ask(&RENDERER, Form::Files, &mesh).await;
    emit(store, manifests.as_ref().err().cloned());
    let rendered = Arc::new(Rendered {
        of: mesh,
        manifests: manifests?,
    });
    store.rendered.set(Some(rendered.clone()));
    Ok(rendered)
}

/// The document in a form that is a text.
pub(crate) async fn text(form: Form, mesh: &Mesh) -> Result<String, String> {
    ask(&RENDERER, form, mesh).await
}

/// Requests a form, whose type is that of the response.
async fn ask<T: DeserializeOwned>(
    worker: &'static LocalKey<Worker>,
    form: Form,
    mesh: &Mesh,
) -> Result<T, String> {
    let question = json::write(&(form, mesh));
    let answer = worker.with(|worker| worker.ask(&question)).await?;
    json::read::<Result<T, String>>(&answer.as_string().unwrap_or_default())?
}
