//! Findings and manifests of the document, from the worker that checks and renders.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::LocalKey;

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::engine::Commands;
use wasm_bindgen::{JsCast, JsValue};

use super::search::Searched;
use super::store::{Compared, Mapped, Named, Rendered, Simulation, Store, View};
use crate::workers::calls::Calls;
use crate::workers::changes::Comparing;
use crate::workers::rendering::{FileText, Form, Rendering, Request};
use crate::workers::search::{Found, Search};
use crate::workers::{Worker, worker};

thread_local! {
    /// A worker of its own, so that findings do not wait for manifests.
    static CHECKER: Renderer = Renderer::new();
    static RENDERER: Renderer = Renderer::new();
}

/// Checks the document whenever it changes, and renders it when it has no errors. Changes during a run are
/// handled together after it.
pub(crate) fn keep(store: Store) {
    keep_up(store, Store::unchecked, check);
    keep_up(store, Store::unrendered, async |store, document| {
        // A document that has changed is rendered next.
        render(store, document).await.is_ok() || store.unrenderable.get_untracked().is_none()
    });
    keep_up(store, Store::unnamed, derive_names);
    keep_up(store, Store::unsimulated, simulate);
    keep_up(store, Store::unmapped, find_calls);
    keep_up(store, Store::uncompared, compare);
    keep_up(store, Store::unsearched, search);
}

/// Does the pending work, one run at a time, until it fails.
pub(super) fn keep_up<T: 'static>(
    store: Store,
    due: fn(Store) -> Option<T>,
    work: impl AsyncFn(Store, T) -> bool + Copy + 'static,
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

/// Derives the names, in the worker that checks.
async fn derive_names(store: Store, document: Arc<Value>) -> bool {
    let names = ask(&CHECKER, Form::Names, &document).await;
    report(store, names.as_ref().err());
    let Ok(names) = names else {
        return false;
    };
    store.named.set(Some(Arc::new(Named {
        of: document,
        names,
    })));
    true
}

/// Simulates the outage, in the worker that checks, because rendering takes longer than the user should wait
/// after a click.
async fn simulate(store: Store, document: Arc<Value>) -> bool {
    let down = down(store);
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

/// Finds the clusters that answer the calls for a service, in the worker that checks.
async fn find_calls(store: Store, (document, service): (Arc<Value>, String)) -> bool {
    let down = down(store);
    let form = Form::Calls(service.clone(), down.clone());
    let calls: Result<Calls, String> = ask(&CHECKER, form, &document).await;
    report(store, calls.as_ref().err());
    let Ok(calls) = calls else {
        return false;
    };
    store.mapped.set(Some(Arc::new(Mapped {
        of: document,
        service,
        down,
        calls: calls.into(),
    })));
    true
}

/// The outage that is simulated.
fn down(store: Store) -> Vec<String> {
    store
        .down
        .with_untracked(|down| down.iter().cloned().collect())
}

/// Compares two documents part by part. Stops when others are to be compared.
async fn compare(store: Store, (before, after): (Arc<Value>, Arc<Value>)) -> bool {
    let mut form = Form::Compare(Some(before.clone()));
    loop {
        let step: Result<Comparing, String> = ask(&RENDERER, form, &after).await;
        store.incomparable.set(step.as_ref().err().cloned());
        let Ok(step) = step else {
            return false;
        };
        if let Some(changes) = step.changes {
            store.compared.set(Some(Arc::new(Compared {
                before,
                after,
                changes,
            })));
            return true;
        }
        if untrack(|| store.uncompared()).is_none_or(|due| due != (before.clone(), after.clone())) {
            return true;
        }
        form = Form::Compare(None);
    }
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

/// Renders part by part, the file that is looked at first. Stops when a later document is to be rendered.
async fn render(store: Store, document: Arc<Value>) -> Result<Arc<Rendered>, String> {
    let mut seen = None;
    loop {
        let path = store.shown_file.get_untracked();
        let is_seen = seen.is_some() && seen == path;
        let request = Form::Render(path.clone().filter(|_| !is_seen));
        let step: Result<Rendering, String> = ask(&RENDERER, request, &document).await;
        report(store, step.as_ref().err());
        let step = step.inspect_err(|_| store.rendering.set(None))?;
        if let (Some(path), Some(file)) = (&path, step.file) {
            store.view.set(Some(Arc::new(View {
                of: document.clone(),
                path: path.clone(),
                text: file.text,
                origins: file.origins,
            })));
            seen = Some(path.clone());
        }
        if let Some(manifests) = step.manifests {
            store.rendering.set(None);
            let rendered = Arc::new(Rendered {
                of: document,
                manifests,
            });
            store.rendered.set(Some(rendered.clone()));
            return Ok(rendered);
        }
        store.rendering.set(Some((step.done, step.total)));
        if untrack(|| store.unrendered()).is_some_and(|later| later != document) {
            return Err("the document has changed".to_owned());
        }
    }
}

/// Searches the manifests, some files at a time, so that a changed document waits no longer. `false` on an error.
async fn search(store: Store, (query, of): (Search, Arc<Rendered>)) -> bool {
    // A later document is being rendered; the earlier one would be rendered again.
    let is_late = untrack(|| store.unrendered()).is_some();
    let document = RENDERER
        .with(Renderer::document)
        .filter(|_| is_late)
        .unwrap_or_else(|| of.of.clone());
    let mut found = Found::default();
    let mut from = Some(0);
    while let Some(next) = from {
        let form = Form::Search(query.clone(), next);
        match ask::<Found>(&RENDERER, form, &document).await {
            Ok(more) => found.add(more),
            Err(error) => {
                store.fail(format!("Cannot search the manifests: {error}"), HINT);
                return false;
            }
        }
        from = found.next;
        if store.search.query.with_untracked(|last| *last != query) {
            return true;
        }
    }
    if !found.is_whole && !is_late {
        // The worker had another document, so that the rest is not rendered. This gives a new list, which is searched next.
        return render(store, document).await.is_ok();
    }
    let searched = Searched { query, of, found };
    store.search.result.set(Some(Arc::new(searched)));
    true
}

/// One file of the bundle of a document.
pub(crate) async fn file(path: String, document: &Arc<Value>) -> Result<FileText, String> {
    ask(&RENDERER, Form::Text(path), document).await
}

/// A form of a document that is a text.
pub(crate) async fn text(form: Form, document: &Arc<Value>) -> Result<String, String> {
    ask(&RENDERER, form, document).await
}

/// The commands that apply an archive of the bundle.
pub(crate) async fn commands(name: String, document: &Arc<Value>) -> Result<Commands, String> {
    ask(&RENDERER, Form::Commands(name), document).await
}

/// The bundle of a document as an archive.
pub(crate) async fn zip(document: &Arc<Value>) -> Result<Vec<u8>, String> {
    let response = RENDERER.with(|one| one.send(Form::Zip, document))?.await?;
    match response.dyn_into::<js_sys::Uint8Array>() {
        Ok(bytes) => Ok(bytes.to_vec()),
        // An error is as that of all other forms.
        Err(response) => worker::read::<Result<_, String>>(&response)?,
    }
}

/// Requests a form, whose type is that of the response.
async fn ask<T: DeserializeOwned>(
    renderer: &'static LocalKey<Renderer>,
    form: Form,
    document: &Arc<Value>,
) -> Result<T, String> {
    let response = renderer.with(|one| one.send(form, document))?;
    worker::read::<Result<T, String>>(&response.await?)?
}

/// A worker that renders, and the document that it has.
struct Renderer {
    worker: Worker,
    sent: Rc<RefCell<Option<Arc<Value>>>>,
}

impl Renderer {
    fn new() -> Self {
        Self {
            worker: Worker::new("render-worker"),
            sent: Rc::default(),
        }
    }

    /// The document of the last request.
    fn document(&self) -> Option<Arc<Value>> {
        self.sent.borrow().clone()
    }

    /// Sends a request, with the document if the worker does not have it.
    fn send(
        &self,
        form: Form,
        document: &Arc<Value>,
    ) -> Result<impl Future<Output = Result<JsValue, String>> + use<>, String> {
        let is_sent = |sent: &Arc<Value>| Arc::ptr_eq(sent, document);
        let is_known = self.sent.borrow().as_ref().is_some_and(is_sent);
        let request = Request {
            form,
            document: (!is_known).then(|| Cow::Borrowed(&**document)),
        };
        let request = serde_json::to_string(&request).map_err(|error| error.to_string())?;
        let response = self.worker.send(&request.into());
        *self.sent.borrow_mut() = Some(document.clone());
        let sent = self.sent.clone();
        Ok(async move {
            let response = response.await;
            // The next request starts the program again.
            if response.is_err() {
                *sent.borrow_mut() = None;
            }
            response
        })
    }
}
