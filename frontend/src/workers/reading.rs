//! Requests and responses of the workers that read files.
//!
//! Reading YAML takes two thirds of a megabyte of code, so only workers contain it, and the page loads one when the
//! user opens something. Importing manifests takes as much again, so it has a worker of its own, which is
//! used for input that is not a document.

use js_sys::{Array, Uint8Array};
use serde::{Deserialize, Serialize};
use shared::Mesh;
use shared::check::Finding;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{File, FileReaderSync};

use crate::browser;

/// A worker's response, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReadResult {
    /// A document was opened or imported.
    Opened {
        /// The document.
        mesh: Box<Mesh>,
        /// Parts of the input that are not in the document, or were assumed.
        reported: Vec<Finding>,
    },
    /// The input is not a document, and may be manifests.
    Manifests,
    /// The input cannot be read.
    Error {
        /// The error, with line and path.
        message: String,
        /// How to fix it.
        hint: String,
    },
}

/// The input of a worker: the name and the bytes of each file, or a text without a name.
///
/// # Errors
/// The browser's message about a file that it cannot read.
pub fn given(question: &JsValue) -> Result<Vec<(String, Vec<u8>)>, String> {
    if let Some(text) = question.as_string() {
        return Ok(vec![(String::new(), text.into_bytes())]);
    }
    let reader = FileReaderSync::new().map_err(|error| browser::message(&error))?;
    let files = question.unchecked_ref::<Array>().iter();
    files
        .map(|file| {
            let file: File = file.unchecked_into();
            match reader.read_as_array_buffer(&file) {
                Ok(buffer) => Ok((file.name(), Uint8Array::new(&buffer).to_vec())),
                Err(error) => Err(format!("{}: {}", file.name(), browser::message(&error))),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::ReadResult;
    use crate::form::template;
    use crate::json;

    #[test]
    fn responses_survive_json() {
        let mesh = Box::new(template::start());
        let reported = shared::check(&mesh, &shared::facts::Facts::default()).findings;
        let error = ReadResult::Error {
            message: "line 3: no".to_owned(),
            hint: "yes".to_owned(),
        };
        assert!(!reported.is_empty());
        for answer in [
            ReadResult::Opened { mesh, reported },
            ReadResult::Manifests,
            error,
        ] {
            assert_eq!(json::read(&json::write(&answer)), Ok(answer));
        }
    }
}
