//! Use offline, and new versions of the page: the service worker, which `boot.mjs` starts.

use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = keepOffline, catch)]
    fn keep(ready: &Closure<dyn Fn()>) -> Result<(), JsValue>;

    #[wasm_bindgen(js_name = takeUpdate, catch)]
    fn take() -> Result<(), JsValue>;
}

/// Keeps the page for use offline, which loads all of it. Calls `ready` when a new version can be used.
pub(crate) fn keep_offline(ready: impl Fn() + 'static) {
    let ready = Closure::<dyn Fn()>::new(ready);
    // The page works without.
    _ = keep(&ready);
    // New versions come as long as the page is open.
    ready.forget();
}

/// Loads the page again, in its new version.
pub(crate) fn take_update() {
    // Without `boot.mjs`, no update was ready.
    _ = take();
}
