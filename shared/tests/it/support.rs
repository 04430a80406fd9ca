//! Documents that a test writes as JSON, what the checks find in them and what is rendered for them.

use serde_json::{Value, json};
use shared::bundle::Bundle;
use shared::check::{Finding, Severity};
use shared::facts::Facts;
use shared::resolved::Resolved;
use shared::{Mesh, check};
use std::collections::BTreeMap;

/// A document of mesh `m`.
pub(crate) fn document(spec: &Value) -> Value {
    json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "m" },
        "spec": spec,
    })
}

pub(crate) fn mesh(document: &Value) -> Mesh {
    serde_json::from_value(document.clone()).unwrap()
}

/// The document after the checks, which find no error in it.
#[track_caller]
pub(crate) fn resolved(document: &Value) -> Resolved {
    let checked = check(&mesh(document), &Facts::default());
    let findings = checked.findings;
    checked.resolved.unwrap_or_else(|| panic!("{findings:#?}"))
}

#[track_caller]
pub(crate) fn bundle(document: &Value) -> Bundle {
    Bundle::new(&mesh(document), &resolved(document))
}

/// The specs of a kind in a cluster, by name.
#[track_caller]
pub(crate) fn specs(document: &Value, cluster: &str, kind: &str) -> BTreeMap<String, Value> {
    let bundle = bundle(document);
    let objects = bundle.cluster(cluster).unwrap().objects();
    objects
        .filter(|object| object.kind.kind == kind)
        .map(|object| (object.name.clone(), object.body["spec"].clone()))
        .collect()
}

/// Everything that is found in a document, which is resolved exactly if it has no error.
pub(crate) fn findings(mesh: &Mesh) -> Vec<Finding> {
    let checked = check(mesh, &Facts::default());
    assert_eq!(
        checked.resolved.is_some(),
        checked.count(Severity::Error) == 0,
        "a document is resolved exactly if it has no error: {:#?}",
        checked.findings
    );
    checked.findings
}

/// A finding says what it is about as people read it, and what to do.
#[track_caller]
pub(crate) fn assert_is_complete(found: &Finding) {
    assert!(
        !found.message.ends_with('.') && !found.hint.is_empty(),
        "{found:#?}"
    );
}
