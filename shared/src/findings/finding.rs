//! Findings of a check: code, severity, path, message, hint and, if possible, a fix.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mesh::Mesh;

/// The severity of a finding.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[strum(serialize_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Prevents rendering.
    Error,
    /// A part will not work, or is left out.
    Warning,
    /// For information.
    Hint,
}

impl Severity {
    /// Its name in output.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A finding of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The rule's code, such as `FM0101`; see [`super::code`].
    pub code: String,
    /// Its severity.
    pub severity: Severity,
    /// Path in the document, such as `spec.clusters[1].zone`.
    pub path: String,
    /// The defect: one sentence without a full stop.
    pub message: String,
    /// The remedy.
    pub hint: String,
    /// A fix that the page can apply with one click.
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
    /// The document with the field changed, or added to its parent; `None` if the parent does not exist.
    pub fn apply(&self, mesh: &Mesh) -> Option<Mesh> {
        Self::apply_all([self], mesh)
    }

    /// The document with the fields of all fixes changed; `None` if one of them cannot be.
    pub fn apply_all<'a>(fixes: impl IntoIterator<Item = &'a Self>, mesh: &Mesh) -> Option<Mesh> {
        let mut document = serde_json::to_value(mesh).ok()?;
        for fix in fixes {
            fix.set(&mut document)?;
        }
        serde_json::from_value(document).ok()
    }

    fn set(&self, document: &mut Value) -> Option<()> {
        let pointer = format!("/{}", self.path.replace(['.', '['], "/").replace(']', ""));
        let value = self.value.clone().into();
        if let Some(field) = document.pointer_mut(&pointer) {
            *field = value;
        } else {
            let (parent, field) = pointer.rsplit_once('/')?;
            let parent = document.pointer_mut(parent)?.as_object_mut()?;
            parent.insert(field.to_owned(), value);
        }
        Some(())
    }
}
