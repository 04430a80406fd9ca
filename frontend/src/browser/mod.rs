//! Functions of the browser that neither Leptos nor gloo has: focus, the clipboard, parts that are loaded on demand.

pub(crate) mod deflate;
pub(crate) mod editor;
pub(crate) mod storage;
pub(crate) mod update;

use gloo::file::{Blob, ObjectUrl};
use gloo::utils::{document, window};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, HtmlAnchorElement, HtmlElement, Worker};

/// Starts a worker. Only `boot.mjs` knows the number of the build, which is part of a worker's address.
pub(crate) fn start_worker(name: &str) -> Result<Worker, JsValue> {
    js_sys::Reflect::get(&window(), &"startWorker".into())
        .and_then(JsCast::dyn_into::<js_sys::Function>)
        .and_then(|start| start.call1(&JsValue::NULL, &name.into()))
        .map(JsCast::unchecked_into)
}

/// Downloads a file.
pub(crate) fn download(name: &str, bytes: &[u8]) -> Result<(), JsValue> {
    // Not a text type, so that no browser shows it instead of saving it.
    let blob = Blob::new_with_options(bytes, Some("application/octet-stream"));
    let url = ObjectUrl::from(blob);
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(name);
    link.click();
    Ok(())
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

/// Focuses the element with an id, if there is one.
pub(crate) fn focus_id(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        focus(&element);
    }
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
        if let Some(element) = find(&format!("[id^=\"{inside}\"]")) {
            return Some(element);
        }
    }
    element_at(crate::document::path::parent(path)?)
}

/// The first element that a selector finds.
pub(crate) fn find(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok().flatten()
}

/// All elements inside of another one that a selector finds.
pub(crate) fn find_all<T: JsCast>(around: &Element, selector: &str) -> Vec<T> {
    let Ok(found) = around.query_selector_all(selector) else {
        return Vec::new();
    };
    (0..found.length())
        .filter_map(|index| found.get(index)?.dyn_into().ok())
        .collect()
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

/// The name of the state of the browser's history that the review has.
const REVIEW: &str = "review";

/// Adds a step to the browser's history when the review opens, so that Back leads from it to the form; takes it away
/// when the review closes otherwise.
pub(crate) fn note_review(is_open: bool) {
    let Ok(history) = window().history() else {
        return;
    };
    let is_noted = history.state().is_ok_and(|state| state == REVIEW);
    // A refused step only has Back lead elsewhere.
    if is_open && !is_noted {
        _ = history.push_state_with_url(&REVIEW.into(), "", None);
    } else if !is_open && is_noted {
        _ = history.back();
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

/// A time in milliseconds since 1970, in the browser's time zone: `1 Dec 2026, 10:32`.
pub(crate) fn time_words(milliseconds: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "exact for times of this age")]
    let date = js_sys::Date::new(&JsValue::from_f64(milliseconds as f64));
    let options = js_sys::Object::new();
    for (name, value) in [("dateStyle", "medium"), ("timeStyle", "short")] {
        // A plain object accepts every property.
        _ = js_sys::Reflect::set(&options, &name.into(), &value.into());
    }
    date.to_locale_string("en-GB", &options).into()
}

/// The message of an exception.
pub(crate) fn message(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(
        || format!("{error:?}"),
        |error| String::from(error.message()),
    )
}
