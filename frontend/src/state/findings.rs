//! The findings of a document by the fields that show them.

use std::collections::BTreeMap;

use shared::check::{Finding, Severity};

use crate::schema;

/// Findings, each at the field whose editor shows the value that it is about.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    by_field: BTreeMap<String, Vec<Finding>>,
}

impl Findings {
    pub(crate) fn new(findings: &[Finding]) -> Self {
        let mut by_field: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
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

/// The field that shows the value with a path, or the object around an unknown field. `None` for a path that is not in
/// the document, such as that of an imported file.
pub(crate) fn field_of(path: &str) -> Option<String> {
    let field = schema::nearest(path)?;
    // One field is for both, see `form::field`.
    let cluster = field
        .strip_suffix(".zones")
        .filter(|around| around.starts_with("spec.clusters["));
    Some(cluster.map_or_else(|| field.to_owned(), |cluster| format!("{cluster}.zone")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use shared::explain::{self, BASE, Block};

    use super::*;
    use crate::form::place;
    use crate::workers::rendering::Checks;

    /// JSON Merge Patch (RFC 7386), as the examples of explanations are written.
    fn merge(target: &mut Value, patch: Value) {
        let Value::Object(fields) = patch else {
            *target = patch;
            return;
        };
        if !target.is_object() {
            *target = Value::Object(serde_json::Map::new());
        }
        for (name, value) in fields {
            let object = target.as_object_mut().unwrap();
            if value.is_null() {
                object.remove(&name);
            } else {
                merge(object.entry(name).or_insert(Value::Null), value);
            }
        }
    }

    /// Documents with the finding of each rule, and the examples with each engine.
    fn faulty_and_good() -> Vec<Value> {
        let blocks = explain::findings().flat_map(|entry| explain::blocks(entry.text));
        let patches = blocks.filter_map(|block| match block {
            Block::Example { info, text } if info.starts_with("yaml ") => {
                (!info.contains("manifests")).then(|| shared::yaml::from_str(text).unwrap())
            }
            _ => None,
        });
        let explained = patches.map(|patch| {
            let mut document: Value = shared::yaml::from_str(BASE).unwrap();
            merge(&mut document, patch);
            document
        });
        let examples = documents::examples();
        let examples = examples.values().flat_map(|mesh| {
            let targets = shared::mesh::Target::all();
            targets.map(|target| documents::with_target(mesh, target))
        });
        let examples = examples.map(|mesh| serde_json::to_value(mesh).unwrap());
        explained.chain(examples).collect()
    }

    #[test]
    fn every_finding_leads_to_a_field() {
        let mut seen = BTreeSet::new();
        for document in faulty_and_good() {
            for finding in Checks::of(&document).findings {
                let path = &finding.path;
                let field = field_of(path).unwrap_or_else(|| panic!("{finding:?}"));
                assert!(schema::at(&field).is_some(), "{finding:?}");
                assert!(!place::words(&document, path).is_empty(), "{finding:?}");
                let fix = finding.fix.as_ref();
                assert!(
                    fix.is_none_or(|fix| field_of(&fix.path).is_some()),
                    "{finding:?}"
                );
                seen.insert(finding.code);
            }
        }
        assert!(seen.len() > 120, "{}", seen.len());
    }

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
