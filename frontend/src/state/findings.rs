//! The findings of a document by the fields that show them.

use std::collections::HashMap;

use shared::check::{Finding, Severity};

use crate::schema;

/// Findings, each at the field whose editor shows the value that it is about.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    by_field: HashMap<String, Vec<Finding>>,
}

impl Findings {
    pub(crate) fn new(findings: &[Finding]) -> Self {
        let mut by_field: HashMap<String, Vec<Finding>> = HashMap::new();
        for finding in findings {
            if let Some(field) = field_of(&finding.path) {
                by_field.entry(field).or_default().push(finding.clone());
            }
        }
        Self { by_field }
    }

    /// The errors at a field.
    pub(crate) fn errors(&self, field: &str) -> Vec<Finding> {
        self.of(field, |severity| severity == Severity::Error)
    }

    /// Warnings and hints at a field.
    pub(crate) fn notes(&self, field: &str) -> Vec<Finding> {
        self.of(field, |severity| severity != Severity::Error)
    }

    fn of(&self, field: &str, is_meant: impl Fn(Severity) -> bool) -> Vec<Finding> {
        let found = self.by_field.get(field).into_iter().flatten();
        found
            .filter(|one| is_meant(one.severity))
            .cloned()
            .collect()
    }
}

/// The field that shows the value with a path. `None` for a path that is not in the document, such as that of an
/// imported file.
pub(crate) fn field_of(path: &str) -> Option<String> {
    let field = schema::field_of(path)?;
    // One field is for both, see `form::field`.
    let cluster = field
        .strip_suffix(".zones")
        .filter(|around| around.starts_with("spec.clusters["));
    Some(cluster.map_or_else(|| field.to_owned(), |cluster| format!("{cluster}.zone")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_at_one_field() {
        for (path, field) in [
            ("spec.clusters[1].zone", Some("spec.clusters[1].zone")),
            ("spec.clusters[1].zones[2]", Some("spec.clusters[1].zone")),
            (
                "spec.clusters[1].gateway.addresses[0]",
                Some("spec.clusters[1].gateway.addresses"),
            ),
            (
                "spec.services[0].routes[2]",
                Some("spec.services[0].routes[2]"),
            ),
            ("spec", Some("spec")),
            ("objects[3].spec", None),
        ] {
            assert_eq!(field_of(path).as_deref(), field, "{path}");
        }
    }
}
