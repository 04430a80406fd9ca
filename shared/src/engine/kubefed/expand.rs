//! The import of both versions: objects of target kinds from federated ones.

use std::collections::BTreeMap;

use serde_json::json;

use crate::manifests::{Object, api_version, field};

/// A federated object as an object of its target kind.
pub(super) fn template(of: &Object, kind: &str, api_version: String) -> Object {
    let mut value = field(&of.value, &["spec", "template"]).clone();
    if !value.is_object() {
        value = json!({});
    }
    value["apiVersion"] = api_version.into();
    value["kind"] = kind.into();
    if !value["metadata"].is_object() {
        value["metadata"] = json!({});
    }
    for name in ["name", "namespace"] {
        value["metadata"][name] = of.value["metadata"][name].clone();
    }
    Object::new(of.file.clone(), of.cluster.clone(), value)
}

/// The API version of each kind in the type configurations, whose target is in `field`.
pub(super) fn versions(objects: &[Object], target: &str) -> BTreeMap<String, String> {
    objects
        .iter()
        .filter(|object| object.kind() == "FederatedTypeConfig")
        .filter_map(|object| {
            let target = field(&object.value, &["spec", target]);
            let text = |name: &str| target[name].as_str().map(str::to_owned);
            let (kind, version) = (text("kind")?, text("version")?);
            let api_version = match target["group"].as_str() {
                Some(group) if !group.is_empty() => format!("{group}/{version}"),
                _ => api_version(&kind, &version),
            };
            Some((kind, api_version))
        })
        .collect()
}
