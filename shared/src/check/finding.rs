//! What a check says: code, severity, place, message, hint and where possible a fix.

use serde::{Deserialize, Serialize};

use crate::mesh::Mesh;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is rendered until it is mended.
    Error,
    /// Something will not work, or something is left out.
    Warning,
    /// Worth knowing.
    Hint,
}

impl Severity {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

/// One thing that a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which rule, such as `FM0101`; see [`super::code`].
    pub code: String,
    /// How bad.
    pub severity: Severity,
    /// Where in the document, such as `spec.clusters[1].zone`.
    pub path: String,
    /// What is wrong: one sentence without a full stop.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// What the page can do about it with one click.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// A change of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// The field, in the form of [`Finding::path`].
    pub path: String,
    /// Its new text.
    pub value: String,
}

impl Fix {
    /// The document with the field changed, or added to the object that it is a field of; `None` where there is
    /// no such object.
    pub fn apply(&self, mesh: &Mesh) -> Option<Mesh> {
        let mut document = serde_json::to_value(mesh).ok()?;
        let pointer = format!("/{}", self.path.replace(['.', '['], "/").replace(']', ""));
        let value = self.value.clone().into();
        if let Some(field) = document.pointer_mut(&pointer) {
            *field = value;
        } else {
            let (parent, field) = pointer.rsplit_once('/')?;
            let parent = document.pointer_mut(parent)?.as_object_mut()?;
            parent.insert(field.to_owned(), value);
        }
        serde_json::from_value(document).ok()
    }
}
