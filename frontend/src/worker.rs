//! Questions to a worker, and what a worker does with them.
//!
//! A worker is a program of its own that is loaded when it is needed: what it is made of is no part
//! of the page. It says [`READY`], takes one text and gives one answer.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, Worker};

use crate::browser;

type Callback = Closure<dyn FnMut(JsValue)>;

/// A worker's first word: it listens.
const READY: &str = "ready";

/// Starts a worker, asks it one question and ends it.
pub(crate) async fn ask(loader: &str, question: &str) -> Result<JsValue, String> {
    let worker = Worker::new(loader).map_err(|error| browser::message(&error))?;
    let callbacks: Rc<RefCell<Vec<Callback>>> = Rc::default();
    let promise = js_sys::Promise::new(&mut |resolve, reject| {
        let (sender, question) = (worker.clone(), JsValue::from_str(question));
        let on_message = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| {
            let data = event.unchecked_into::<MessageEvent>().data();
            // Neither can fail while both sides are there.
            if data == READY {
                _ = sender.post_message(&question);
            } else {
                _ = resolve.call1(&JsValue::NULL, &data);
            }
        });
        let on_error = Closure::<dyn FnMut(JsValue)>::new(move |_| {
            let error = js_sys::Error::new("a part of the page did not load");
            _ = reject.call1(&JsValue::NULL, &error);
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        callbacks.borrow_mut().extend([on_message, on_error]);
    });
    let answer = JsFuture::from(promise).await;
    worker.terminate();
    drop(callbacks);
    answer.map_err(|error| browser::message(&error))
}

/// Answers questions; to be called by the `main` of a worker.
pub fn serve(answer: impl Fn(&str) -> JsValue + 'static) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let reply = scope.clone();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let question = event.data().as_string().unwrap_or_default();
        // A page that is gone needs no answer.
        _ = reply.post_message(&answer(&question));
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    _ = scope.post_message(&READY.into());
}
