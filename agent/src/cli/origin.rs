//! Where a document was written, so that what is said about it names lines, as compilers do.

use serde::Serialize;
use shared::check::Finding;
use shared::yaml::{Place, Places};

/// The file of a document.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// The file with its lines, or what to call it.
    pub(super) file: String,
    /// What is in it; `None` where it has no lines, as in an archive.
    pub(super) text: Option<String>,
}

/// A finding with its place in the file.
#[derive(Debug, Serialize)]
pub(super) struct Placed<'a> {
    #[serde(flatten)]
    pub(super) finding: &'a Finding,
    #[serde(flatten)]
    pub(super) place: Option<Place>,
}

impl Origin {
    /// Findings, each with its place where it has one.
    pub(super) fn placed<'a>(
        &self,
        findings: impl IntoIterator<Item = &'a Finding>,
    ) -> Vec<Placed<'a>> {
        let mut places = None;
        let findings = findings.into_iter().map(|finding| {
            // The text is read for the first of them.
            let places = places.get_or_insert_with(|| self.text.as_deref().map(Places::of));
            let place = places.as_ref().and_then(|all| all.find(&finding.path));
            Placed { finding, place }
        });
        findings.collect()
    }
}
