//! Objects that are read from manifests, as JSON: the input of an import, and of an engine that reads its own.

mod carried;
mod change;
mod object;

use serde_json::Value;

pub use crate::kubernetes::object::texts;
pub use carried::{Budget, Carried, Expanded, TooManyCopies};
pub use change::Change;
pub use object::{Object, api_version, bytes, field, filled, has_texts, list};

/// A list of operations of JSON Patch (RFC 6902), which only Kustomize reads.
#[derive(Debug, Clone)]
pub struct Patch {
    /// Its file.
    pub file: String,
    /// The operations.
    pub operations: Vec<Value>,
}

/// The content of the texts.
#[derive(Debug, Default)]
pub struct Given {
    /// In the given order; lists are split.
    pub objects: Vec<Object>,
    /// Patches, each in a file of its own.
    pub patches: Vec<Patch>,
}

impl Given {
    /// Removes and returns the objects that match, in order.
    pub fn take(&mut self, which: impl Fn(&Object) -> bool) -> Vec<Object> {
        let (taken, left) = std::mem::take(&mut self.objects)
            .into_iter()
            .partition(which);
        self.objects = left;
        taken
    }
}
