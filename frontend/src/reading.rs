//! What the worker that reads documents answers.
//!
//! Reading YAML is two thirds of a megabyte of code, so it is in the worker alone, and the page
//! loads that only when somebody opens a document.

use serde::Serialize;
use serde_json::Value;
use shared::Mesh;

/// The worker's answer, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// The text is a document.
    Mesh(Box<Mesh>),
    /// It is none.
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
        let error = &value["error"];
        if error.is_object() {
            let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            return Ok(Self::Error {
                message: text("message"),
                hint: text("hint"),
            });
        }
        let mesh = serde_json::from_value(value["mesh"].take());
        mesh.map(Self::Mesh).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn an_answer_arrives_as_it_was_sent() {
        let error = Answer::Error {
            message: "line 3: no".to_owned(),
            hint: "yes".to_owned(),
        };
        for answer in [
            Answer::Mesh(Box::new(crate::template::walkthrough())),
            error,
        ] {
            let sent = serde_json::to_value(&answer).unwrap();
            assert_eq!(Answer::from_value(sent), Ok(answer));
        }
    }
}
