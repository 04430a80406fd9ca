//! Requests to a worker, and the loop in which a worker handles them.
//!
//! A worker is a program that is loaded when it is first used, so that its code is not part of the page. It sends
//! [`READY`] once it listens, and then one response for each request, in order.
//!
//! By hand, because `gloo-worker` waits for ever for a worker that does not load, and has no way to start it again.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use js_sys::{Function, Promise};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::browser;

type Callback = Closure<dyn FnMut(JsValue)>;

/// A worker's first message: it accepts requests.
const READY: &str = "ready";

/// A worker; dropping it ends the program. After a failure, the next request starts the program again.
pub(crate) struct Worker {
    name: &'static str,
    running: RefCell<Option<Running>>,
}

struct Running {
    slot: Rc<RefCell<Slot>>,
    _callbacks: [Callback; 2],
}

/// The state of a running worker.
struct Slot {
    worker: web_sys::Worker,
    is_broken: bool,
    /// Requests from before the worker was ready; `None` once it is.
    queued: Option<Vec<JsValue>>,
    /// Resolve and reject functions, in the order of the requests.
    asked: VecDeque<[Function; 2]>,
}

impl Worker {
    /// The worker whose program has this name.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            running: RefCell::new(None),
        }
    }

    /// Sends a value that the browser can transfer, such as files.
    pub(crate) fn send(
        &self,
        request: &JsValue,
    ) -> impl Future<Output = Result<JsValue, String>> + use<> {
        let answer = Promise::new(&mut |resolve, reject| {
            if let Err(error) = self.put(request, [resolve, reject.clone()]) {
                // Calling `reject` does not fail, here and below.
                _ = reject.call1(&JsValue::NULL, &error);
            }
        });
        async move {
            let answer = JsFuture::from(answer).await;
            answer.map_err(|error| browser::message(&error))
        }
    }

    fn put(&self, request: &JsValue, reply: [Function; 2]) -> Result<(), JsValue> {
        let mut running = self.running.borrow_mut();
        if !matches!(&*running, Some(running) if !running.slot.borrow().is_broken) {
            *running = Some(Running::start(self.name)?);
        }
        if let Some(running) = &*running {
            let mut slot = running.slot.borrow_mut();
            match &mut slot.queued {
                Some(queued) => queued.push(request.clone()),
                None => slot.worker.post_message(request)?,
            }
            slot.asked.push_back(reply);
        }
        Ok(())
    }
}

/// Reads a response from JSON.
pub(crate) fn read<A: DeserializeOwned>(response: &JsValue) -> Result<A, String> {
    let text = response.as_string().unwrap_or_default();
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

impl Running {
    fn start(name: &str) -> Result<Self, JsValue> {
        let worker = browser::start_worker(name)?;
        let slot = Rc::new(RefCell::new(Slot {
            worker: worker.clone(),
            is_broken: false,
            queued: Some(Vec::new()),
            asked: VecDeque::new(),
        }));
        let on_storage = slot.clone();
        let on_message = Callback::new(move |event: JsValue| {
            on_storage
                .borrow_mut()
                .on_event(&event.unchecked_into::<MessageEvent>().data());
        });
        let broken = slot.clone();
        let on_error = Callback::new(move |_| broken.borrow_mut().give_up());
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self {
            slot,
            _callbacks: [on_message, on_error],
        })
    }
}

impl Slot {
    fn on_event(&mut self, data: &JsValue) {
        if *data == READY {
            for request in self.queued.take().into_iter().flatten() {
                // Texts and files can always be sent.
                _ = self.worker.post_message(&request);
            }
        } else if let Some([resolve, _]) = self.asked.pop_front() {
            _ = resolve.call1(&JsValue::NULL, data);
        }
    }

    fn give_up(&mut self) {
        self.is_broken = true;
        let error = js_sys::Error::new("a part of the page did not load, or failed");
        for [_, reject] in self.asked.drain(..) {
            _ = reject.call1(&JsValue::NULL, &error);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.slot.borrow().worker.terminate();
    }
}

/// Handles requests; called by the `main` of a worker.
pub fn serve(answer: impl Fn(JsValue) -> JsValue + 'static) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let reply = scope.clone();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        // It fails only when the page is closed.
        _ = reply.post_message(&answer(event.data()));
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    _ = scope.post_message(&READY.into());
}

/// A response as JSON.
pub fn response<T: Serialize>(response: &Result<T, String>) -> JsValue {
    // Responses have text keys only, so this does not fail.
    serde_json::to_string(response).unwrap_or_default().into()
}
