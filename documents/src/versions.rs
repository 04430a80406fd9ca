//! Documents for old versions of Istio: without unsupported fields.

use serde_json::Value;
use shared::check;
use shared::facts::Facts;
use shared::mesh::Mesh;

/// More than the unsupported fields of any generated document.
const FIELDS_MAX: usize = 200;

/// The document without fields that its Istio does not support; `None` if it has other errors.
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

/// Removes the field at a finding's path.
fn take_out(document: &mut Value, path: &str) -> Option<Value> {
    let pointer = format!("/{path}").replace(['.', '['], "/").replace(']', "");
    let (parent, last) = pointer.rsplit_once('/')?;
    match document.pointer_mut(parent)? {
        Value::Array(items) => Some(items.remove(last.parse().ok()?)),
        Value::Object(fields) => fields.shift_remove(last),
        _ => None,
    }
}
