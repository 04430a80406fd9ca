//! The file of a document, so that findings name its lines.

use serde::Serialize;
use shared::check::Finding;
use shared::yaml::{Position, Positions};

/// The file of a document.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// The path or the name for messages.
    pub(super) file: String,
    /// The text of the file; `None` in an archive, where findings have no lines.
    pub(super) text: Option<String>,
}

/// A finding with its line and column.
#[derive(Debug, Serialize)]
pub(super) struct Placed<'a> {
    #[serde(flatten)]
    pub(super) finding: &'a Finding,
    #[serde(flatten)]
    pub(super) place: Option<Position>,
}

impl Origin {
    /// The findings, each with its line and column if it has them.
    pub(super) fn placed<'a>(
        &self,
        findings: impl IntoIterator<Item = &'a Finding>,
    ) -> Vec<Placed<'a>> {
        let mut places = None;
        let findings = findings.into_iter().map(|finding| {
            // The text is parsed only if there is a finding.
            let places = places.get_or_insert_with(|| self.text.as_deref().map(Positions::of));
            let place = places.as_ref().and_then(|all| all.find(&finding.path));
            Placed { finding, place }
        });
        findings.collect()
    }
}
