//! Requests and responses of the worker that reads files.
//!
//! Reading YAML and importing manifests takes more code than the rest of the page, so only this worker contains it, and
//! the page loads it when the user opens something.

use js_sys::{Array, Uint8Array};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::check::Finding;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{File, FileReaderSync};

use crate::browser;

/// What was read. The response is a `Result<Opened, Unreadable>` as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The document.
    pub document: Value,
    /// Its text, with the comments of the person who wrote it; empty for one that was imported or is part of a bundle.
    pub text: String,
    /// Parts of the input that are not in the document, or were assumed.
    pub reported: Vec<Finding>,
}

/// Why the input cannot be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// The error.
    pub message: String,
    /// How to fix it; may be empty.
    pub hint: String,
    /// The line of the text that is being edited, from 1, where known. The message about a file contains its line.
    pub line: Option<u64>,
}

/// A request: the DNS suffix of the current document, which is assumed for manifests without one, and the input: a
/// text, or a list of files.
pub(crate) fn request(suffix: &str, input: &JsValue) -> JsValue {
    Array::of2(&suffix.into(), input).into()
}

/// The name and the bytes of a file.
pub type NamedBytes = (String, Vec<u8>);

/// The suffix, and the name and the bytes of each file of a request, or of a text without a name.
///
/// # Errors
/// The browser's message about a file that it cannot read.
pub fn parts(request: JsValue) -> Result<(String, Vec<NamedBytes>), Unreadable> {
    let request: Array = request.unchecked_into();
    let suffix = request.get(0).as_string().unwrap_or_default();
    let input = request.get(1);
    if let Some(text) = input.as_string() {
        return Ok((suffix, vec![(String::new(), text.into_bytes())]));
    }
    files(&input.unchecked_into()).map(|files| (suffix, files))
}

/// By hand, because `gloo-file` reads only with callbacks, which a worker that answers in order has no use for.
fn files(files: &Array) -> Result<Vec<NamedBytes>, Unreadable> {
    let failed = |name: &str, error: &JsValue| Unreadable {
        message: format!("{name}: {}", browser::message(error)),
        ..Unreadable::default()
    };
    let reader = FileReaderSync::new().map_err(|error| failed("files", &error))?;
    let read = |file: JsValue| {
        let file: File = file.unchecked_into();
        match reader.read_as_array_buffer(&file) {
            Ok(buffer) => Ok((file.name(), Uint8Array::new(&buffer).to_vec())),
            Err(error) => Err(failed(&file.name(), &error)),
        }
    };
    files.iter().map(read).collect()
}
