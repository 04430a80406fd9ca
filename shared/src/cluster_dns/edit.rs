//! An edit of one ConfigMap, for display and as a request.

use serde_json::{Value, json};

use super::Owner;
use crate::kubernetes::diff;
use crate::kubernetes::object::Key;

/// An edit of one ConfigMap.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Its key.
    pub config_map: Key,
    /// Who else writes it.
    pub owner: Option<Owner>,
    /// The current object; `None` if it will be created.
    pub before: Option<Value>,
    /// The new data, and changed annotations (`null` removes one).
    pub after: Value,
    /// Whether it contains a stub domain of the mesh afterwards.
    pub holds_ours: bool,
    /// The workload that must be restarted to load it, such as `deployment/coredns`.
    pub restarts: Option<String>,
}

impl Edit {
    /// The same edit of the current object.
    #[must_use]
    pub fn of(self, live: Value) -> Self {
        Self {
            before: Some(live),
            ..self
        }
    }

    /// Whether the edit changes nothing.
    pub fn is_done(&self) -> bool {
        // A missing ConfigMap without new data needs no change either.
        if self.before.is_none() && self.after["data"].is_null() {
            return true;
        }
        self.before.as_ref().is_some_and(|before| {
            let annotations = self.after["metadata"]["annotations"].as_object();
            let mut annotations = annotations.into_iter().flatten();
            before["data"] == self.after["data"]
                && annotations.all(|(key, value)| before["metadata"]["annotations"][key] == *value)
        })
    }

    /// The whole object after the edit.
    pub fn object(&self) -> Value {
        let mut object = self.before.clone().unwrap_or_else(|| {
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": { "name": self.config_map.name, "namespace": self.config_map.namespace },
            })
        });
        object["data"] = self.after["data"].clone();
        for (key, value) in self.after["metadata"]["annotations"]
            .as_object()
            .into_iter()
            .flatten()
        {
            object["metadata"]["annotations"][key] = value.clone();
        }
        object
    }

    /// The change as a unified diff of its texts: in YAML, one blank at the end of a line would put a whole Corefile on
    /// one line.
    pub fn diff(&self) -> String {
        let before = self.before.as_ref().map(readable).unwrap_or_default();
        diff::of_texts(&before, &readable(&self.object()))
    }

    /// A JSON merge patch (RFC 7386) of the observed version: the server refuses it if the object has changed since.
    /// `None` if the object will be created.
    pub fn patch(&self) -> Option<Value> {
        let before = self.before.as_ref()?;
        let mut data = self.after["data"].clone();
        if let (Some(data), Some(old)) = (data.as_object_mut(), before["data"].as_object()) {
            for gone in old
                .keys()
                .filter(|key| !self.after["data"][key.as_str()].is_string())
            {
                data.insert(gone.clone(), Value::Null);
            }
        }
        let mut metadata = json!({ "resourceVersion": before["metadata"]["resourceVersion"] });
        let annotations = &self.after["metadata"]["annotations"];
        if annotations.is_object() {
            metadata["annotations"] = annotations.clone();
        }
        Some(json!({ "metadata": metadata, "data": data }))
    }
}

/// The texts of a ConfigMap, with the annotation that marks the mesh's entries.
fn readable(object: &Value) -> String {
    let mut readable = String::new();
    for (title, texts) in [
        ("data", &object["data"]),
        ("annotations", &object["metadata"]["annotations"]),
    ] {
        for (key, text) in texts.as_object().into_iter().flatten() {
            // `null` removes an annotation.
            let Some(text) = text.as_str() else { continue };
            readable.push_str(&[title, ".", key, ":\n"].concat());
            readable.extend(text.lines().map(|line| format!("  {line}\n")));
        }
    }
    readable
}
