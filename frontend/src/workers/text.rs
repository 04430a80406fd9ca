//! Requests and responses of the worker that reads files, about the text of the document that is open.
//!
//! An error is [`Unreadable`](super::reading::Unreadable).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request, as JSON. The response is a `Result<T, Unreadable>` as JSON, in which `T` depends on the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// The document that a text is: a [`Value`].
    Read(String),
    /// The text of a document, made from a text that a person wrote: [`Made`].
    Write {
        /// The text that a person wrote.
        text: String,
        /// The document.
        document: Value,
    },
    /// The lines of the fields with these paths: a list of [`Option<u64>`], from 1.
    Lines {
        /// The text.
        text: String,
        /// Paths as findings have them.
        paths: Vec<String>,
    },
}

/// A text that was made from another one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The text.
    pub text: Arc<str>,
    /// Whether comments and layout could be kept.
    pub is_kept: bool,
}
