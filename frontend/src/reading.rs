//! What the workers that read files are given, and what they answer.
//!
//! Reading YAML is two thirds of a megabyte of code, so it is in workers alone, and the page loads one
//! only when somebody opens something. Making a document of manifests is as much again, so that is in a
//! worker of its own, which is asked for what is no document.

use js_sys::{Array, Uint8Array};
use serde::Serialize;
use serde_json::Value;
use shared::Mesh;
use shared::check::Finding;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{File, FileReaderSync};

use crate::{answers, browser};

/// A worker's answer, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// There is a document.
    Opened {
        /// The document.
        mesh: Box<Mesh>,
        /// What of the files is not in it, or had to be assumed.
        told: Vec<Finding>,
    },
    /// It is no document, and may be manifests.
    Manifests,
    /// There is none.
    Error {
        /// What is wrong, with the line and the path.
        message: String,
        /// What to do.
        hint: String,
    },
}

impl Answer {
    /// From what the worker sent.
    pub(crate) fn from_value(mut value: Value) -> Result<Self, String> {
        if value.is_string() {
            return Ok(Self::Manifests);
        }
        let error = &value["error"];
        if error.is_object() {
            let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            return Ok(Self::Error {
                message: text("message"),
                hint: text("hint"),
            });
        }
        let opened = &mut value["opened"];
        let told = answers::findings(opened, "told")?;
        let mesh = serde_json::from_value(opened["mesh"].take());
        mesh.map(|mesh| Self::Opened { mesh, told })
            .map_err(|error| error.to_string())
    }
}

/// What was given to a worker: the name and the bytes of each file, or a text without a name.
///
/// # Errors
/// What the browser says of a file that it cannot read.
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
    use super::Answer;
    use crate::template;

    #[test]
    fn an_answer_arrives_as_it_was_sent() {
        let mesh = Box::new(template::start());
        let told = shared::check(&mesh, &shared::facts::Facts::default()).findings;
        let error = Answer::Error {
            message: "line 3: no".to_owned(),
            hint: "yes".to_owned(),
        };
        assert!(!told.is_empty());
        for answer in [Answer::Opened { mesh, told }, Answer::Manifests, error] {
            let sent = serde_json::to_value(&answer).unwrap();
            assert_eq!(Answer::from_value(sent), Ok(answer));
        }
    }
}
