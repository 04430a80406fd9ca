//! Documents for old versions of Istio: without what those lack.

use serde_json::Value;
use shared::check;
use shared::facts::Facts;
use shared::mesh::Mesh;

/// More than any generated document has of what a version lacks.
const FIELDS_MAX: usize = 200;

/// The document without what its Istio lacks; `None` if something else is wrong with it.
pub(super) fn fitted(mut document: Value) -> Option<Mesh> {
    for _ in 0..FIELDS_MAX {
        let mesh: Mesh = serde_json::from_value(document.clone())
            .unwrap_or_else(|error| panic!("{error}: {document}"));
        let checked = check(&mesh, &Facts::default());
        if checked.resolved.is_some() {
            return Some(mesh);
        }
        let mut findings = checked.findings.iter();
        let lacking = findings.find(|one| one.code == "FM0502")?;
        take_out(&mut document, &lacking.path)?;
    }
    None
}

/// Takes out what a finding's path leads to.
fn take_out(document: &mut Value, path: &str) -> Option<Value> {
    let pointer = format!("/{path}").replace(['.', '['], "/").replace(']', "");
    let (parent, last) = pointer.rsplit_once('/')?;
    match document.pointer_mut(parent)? {
        Value::Array(items) => Some(items.remove(last.parse().ok()?)),
        Value::Object(fields) => fields.shift_remove(last),
        _ => None,
    }
}
