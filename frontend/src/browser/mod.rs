//! The parts of the browser that the page uses: focus, files, clipboard, storage, address bar; elements, and the
//! signals that they follow.

pub(crate) mod dom;
pub(crate) mod signals;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, CustomEvent, CustomEventInit, Document, Element, Event,
    HtmlAnchorElement, HtmlElement, Storage, Url, Window, Worker,
};

/// The window of the page.
pub(crate) fn window() -> Window {
    web_sys::window().expect("the page runs in a window")
}

/// The document of the page.
pub(crate) fn document() -> Document {
    window().document().expect("a window has a document")
}

/// Calls a function in the next animation frame.
pub(crate) fn next_frame(run: impl FnOnce() + 'static) {
    let run = Closure::once_into_js(run);
    // `requestAnimationFrame` does not fail.
    _ = window().request_animation_frame(run.unchecked_ref());
}

/// Calls a function after a delay.
pub(crate) fn after(milliseconds: i32, run: impl FnOnce() + 'static) {
    let run = Closure::once_into_js(run);
    // `setTimeout` does not fail, here and below.
    _ = window()
        .set_timeout_with_callback_and_timeout_and_arguments_0(run.unchecked_ref(), milliseconds);
}

/// Calls a function repeatedly, until [`stop`] is called with the result.
pub(crate) fn every(milliseconds: i32, run: impl FnMut() + 'static) -> Option<i32> {
    let run = Closure::wrap(Box::new(run) as Box<dyn FnMut()>).into_js_value();
    window()
        .set_interval_with_callback_and_timeout_and_arguments_0(run.unchecked_ref(), milliseconds)
        .ok()
}

/// Ends what [`every`] started.
pub(crate) fn stop(timer: i32) {
    window().clear_interval_with_handle(timer);
}

/// Waits.
pub(crate) async fn sleep(milliseconds: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
    });
    // This promise is never rejected.
    _ = JsFuture::from(promise).await;
}

/// Loads a part of the page, once; the error is the browser's. Only JavaScript can load code, so `boot.mjs`
/// does it.
pub(crate) async fn load_part(name: &str) -> Result<(), String> {
    match boot("loadPart", name) {
        Ok(promise) => JsFuture::from(promise.unchecked_into::<js_sys::Promise>())
            .await
            .map(|_| ()),
        Err(error) => Err(error),
    }
    .map_err(|error| message(&error))
}

/// Starts a worker.
pub(crate) fn start_worker(name: &str) -> Result<Worker, JsValue> {
    boot("startWorker", name).map(JsCast::unchecked_into)
}

/// Calls a function of `boot.mjs`.
fn boot(function: &str, name: &str) -> Result<JsValue, JsValue> {
    js_sys::Reflect::get(&window(), &function.into())
        .and_then(JsCast::dyn_into::<js_sys::Function>)
        .and_then(|function| function.call1(&JsValue::NULL, &name.into()))
}

/// Sends a text to the listeners of an element.
pub(crate) fn send(element: &Element, event: &str, text: &str) {
    let options = CustomEventInit::new();
    options.set_detail(&text.into());
    // The names of events are constants, so this does not fail.
    if let Ok(event) = CustomEvent::new_with_event_init_dict(event, &options) {
        _ = element.dispatch_event(&event);
    }
}

/// The text that [`send`] sent.
pub(crate) fn detail(event: &Event) -> String {
    let event: &CustomEvent = event.unchecked_ref();
    event.detail().as_string().unwrap_or_default()
}

/// A storage of the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Until the user clears it.
    Always,
    /// As long as the tab is open.
    Tab,
}

fn storage(keep: Keep) -> Option<Storage> {
    match keep {
        Keep::Always => window().local_storage(),
        Keep::Tab => window().session_storage(),
    }
    .ok()
    .flatten()
}

/// The value of a key; `None` where the browser stores nothing.
pub(crate) fn load(keep: Keep, key: &str) -> Option<String> {
    storage(keep)?.get_item(key).ok().flatten()
}

/// Stores a text; `false` where the browser refuses it (private windows, full storage).
pub(crate) fn store(keep: Keep, key: &str, text: &str) -> bool {
    storage(keep).is_some_and(|storage| storage.set_item(key, text).is_ok())
}

pub(crate) fn forget(keep: Keep, key: &str) {
    if let Some(storage) = storage(keep) {
        // Where nothing can be removed, nothing is stored.
        _ = storage.remove_item(key);
    }
}

/// Downloads a file.
pub(crate) fn download(name: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let options = BlobPropertyBag::new();
    // Not a text type, so that no browser shows it instead of saving it.
    options.set_type("application/octet-stream");
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options)?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(name);
    link.click();
    Url::revoke_object_url(&url)
}

/// Copies a text; the error is the browser's.
pub(crate) async fn copy(text: String) -> Result<(), String> {
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into());
    if clipboard.is_ok_and(|clipboard| clipboard.is_undefined()) {
        return Err("the browser allows copying only on https and localhost".to_owned());
    }
    let promise = window().navigator().clipboard().write_text(&text);
    JsFuture::from(promise)
        .await
        .map(|_| ())
        .map_err(|error| message(&error))
}

/// Scrolls to an element, opens the details around it, and focuses it.
pub(crate) fn focus(element: &Element) {
    if let Some(details) = element.closest("details").ok().flatten() {
        _ = details.set_attribute("open", "");
    }
    scroll_to(element);
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // The page has scrolled, even if the element cannot be focused.
        _ = element.focus();
    }
}

/// Scrolls as little as possible to show an element.
pub(crate) fn scroll_to(element: &Element) {
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

/// Whether the element that had the focus was removed.
pub(crate) fn has_lost_focus() -> bool {
    let document = document();
    document.active_element() == document.body().map(Into::into)
}

/// The element for the path of a finding: its field, else the first one inside, else the nearest one around it.
pub(crate) fn element_at(path: &str) -> Option<Element> {
    let document = document();
    if let Some(element) = document.get_element_by_id(path) {
        return Some(element);
    }
    for inside in [format!("{path}."), format!("{path}[")] {
        let selector = format!("[id^=\"{inside}\"]");
        if let Some(element) = document.query_selector(&selector).ok().flatten() {
            return Some(element);
        }
    }
    let cut = path.rfind(['.', '['])?;
    element_at(&path[..cut])
}

/// The id of the input that opens files.
pub(crate) const FILE_INPUT: &str = "file";

/// Opens the browser's file dialog.
pub(crate) fn choose_file() {
    let input = document().get_element_by_id(FILE_INPUT);
    if let Some(input) = input.and_then(|input| input.dyn_into::<HtmlElement>().ok()) {
        input.click();
    }
}

/// The fragment of the page's address.
pub(crate) fn fragment() -> String {
    window().location().hash().unwrap_or_default()
}

/// The origin of the page, such as `http://127.0.0.1:7777`.
pub(crate) fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// The page's address without a fragment.
pub(crate) fn address() -> String {
    let href = window().location().href().unwrap_or_default();
    href.split('#').next().unwrap_or_default().to_owned()
}

/// Removes the fragment from the address bar and from the history.
pub(crate) fn clear_fragment() {
    if let Ok(history) = window().history() {
        _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address()));
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number after 1970"
    )]
    let now = js_sys::Date::now() as u64;
    now
}

/// The message of an exception.
pub(crate) fn message(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(
        || format!("{error:?}"),
        |error| String::from(error.message()),
    )
}
