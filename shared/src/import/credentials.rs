//! Credentials in manifests, which are not imported.

use serde_json::Value;

use crate::mesh::Mesh;
use crate::text::credential;

/// The document without its manifests' credentials, and their paths.
pub(super) fn leave_out(mesh: Mesh) -> (Mesh, Vec<String>) {
    let Ok(mut document) = serde_json::to_value(&mesh) else {
        return (mesh, Vec::new());
    };
    let mut left_out = Vec::new();
    walk(&mut document, "", false, &mut left_out);
    if left_out.is_empty() {
        return (mesh, left_out);
    }
    // If a required field was removed, the checks report it.
    match serde_json::from_value(document) {
        Ok(without) => (without, left_out),
        Err(_) => (mesh, left_out),
    }
}

/// `is_header` is whether the fields are headers of a request or a response.
fn walk(value: &mut Value, path: &str, is_header: bool, left_out: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            let mut is_of_flag = false;
            let mut kept = Vec::new();
            for (index, mut item) in std::mem::take(items).into_iter().enumerate() {
                let at = format!("{path}[{index}]");
                let text = item.as_str();
                let is_behind = is_of_flag && text.is_some_and(|text| !text.starts_with('-'));
                is_of_flag = text.is_some_and(credential::has_value_behind);
                let is_credential = text.is_some_and(|text| credential::without(text).is_some());
                if is_behind || is_of_flag || is_credential {
                    left_out.push(at);
                    continue;
                }
                walk(&mut item, &at, false, left_out);
                kept.push(item);
            }
            *items = kept;
        }
        Value::Object(fields) => {
            let dot = if path.is_empty() { "" } else { "." };
            fields.retain(|name, field| {
                let at = format!("{path}{dot}{name}");
                let Some(text) = field.as_str() else {
                    walk(field, &at, name == "set" || name == "add", left_out);
                    return true;
                };
                let url = credential::without_user_info(text);
                let is_credential =
                    credential::kind_of(text).is_some() || (is_header && credential::is_name(name));
                if is_credential {
                    left_out.push(at);
                }
                if let Some(url) = url {
                    *field = url.into();
                    return true;
                }
                !is_credential
            });
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
