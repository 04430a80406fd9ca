//! The text editor, CodeMirror: `frontend/editor/editor.mjs`.

use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Element;

#[wasm_bindgen]
extern "C" {
    /// In `boot.mjs`, which alone knows the number of the build.
    #[wasm_bindgen(js_name = loadModule, catch)]
    fn load(name: &str) -> Result<js_sys::Promise, JsValue>;

    type Module;
    #[wasm_bindgen(method, catch)]
    fn open(this: &Module, parent: &Element, text: &str, page: &JsValue) -> Result<Open, JsValue>;

    /// An editor on the page.
    pub(crate) type Open;
    /// Replaces the text, and keeps the cursor.
    #[wasm_bindgen(method)]
    pub(crate) fn set(this: &Open, text: &str);
    /// Sets whether nothing can be typed, as at first.
    #[wasm_bindgen(method)]
    pub(crate) fn lock(this: &Open, is_locked: bool);
    /// Marks lines: a JSON list of `{line, severity, message}`.
    #[wasm_bindgen(method)]
    pub(crate) fn mark(this: &Open, findings: &str);
    #[wasm_bindgen(method)]
    fn close(this: &Open);
}

/// What the editor calls.
pub(crate) struct Page {
    /// The text was typed.
    pub(crate) changed: Closure<dyn Fn(String)>,
    /// What can be written behind a text, as JSON.
    pub(crate) suggest: Closure<dyn Fn(String) -> Option<String>>,
    /// The help at a position, as JSON.
    pub(crate) help: Closure<dyn Fn(String, String) -> Option<String>>,
}

/// An editor; dropping it removes it.
pub(crate) struct Editor {
    open: Open,
    _page: Page,
}

impl Editor {
    /// Loads the editor, and opens it in an element.
    pub(crate) async fn open(parent: &Element, text: &str, page: Page) -> Result<Self, JsValue> {
        let module: Module = JsFuture::from(load("editor")?).await?.unchecked_into();
        let functions = js_sys::Object::new();
        for (name, function) in [
            ("changed", page.changed.as_ref()),
            ("suggest", page.suggest.as_ref()),
            ("help", page.help.as_ref()),
        ] {
            js_sys::Reflect::set(&functions, &name.into(), function)?;
        }
        let open = module.open(parent, text, &functions)?;
        Ok(Self { open, _page: page })
    }
}

impl std::ops::Deref for Editor {
    type Target = Open;

    fn deref(&self) -> &Open {
        &self.open
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.open.close();
    }
}
