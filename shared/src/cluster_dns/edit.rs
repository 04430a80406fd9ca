//! A change to one ConfigMap, as it is shown and as it is sent.

use serde_json::{Value, json};

use super::NAMESPACE;
use crate::diff;

/// A change to one ConfigMap.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Its name.
    pub config_map: &'static str,
    /// As it is; `None` where it is to be made.
    pub before: Option<Value>,
    /// Its data as they will be, and annotations that change (`null`: that go).
    pub after: Value,
    /// Whether something of ours is in it afterwards.
    pub holds_ours: bool,
    /// Whether CoreDNS only sees it after a restart of its pods.
    pub needs_restart: bool,
}

impl Edit {
    /// The same, of the object as it is now.
    #[must_use]
    pub fn of(self, live: Value) -> Self {
        Self {
            before: Some(live),
            ..self
        }
    }

    /// Whether nothing is to do.
    pub fn is_done(&self) -> bool {
        // Where there is nothing and nothing is to be, either.
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

    /// The whole object as it will be.
    pub fn object(&self) -> Value {
        let mut object = self.before.clone().unwrap_or_else(|| {
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": { "name": self.config_map, "namespace": NAMESPACE },
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

    /// How it changes, as a unified diff of its texts: in YAML, one blank at the end of a line would put a
    /// whole Corefile on one.
    pub fn diff(&self) -> String {
        let before = self.before.as_ref().map(readable).unwrap_or_default();
        diff::of_texts(&before, &readable(&self.object()))
    }

    /// A JSON merge patch (RFC 7386) that does it to the very object that was seen: the server
    /// refuses it when the object has changed since. `None` where the object is to be made.
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

/// The texts of a ConfigMap, and what says which of them are ours.
fn readable(object: &Value) -> String {
    let mut readable = String::new();
    for (title, texts) in [
        ("data", &object["data"]),
        ("annotations", &object["metadata"]["annotations"]),
    ] {
        for (key, text) in texts.as_object().into_iter().flatten() {
            // `null` takes an annotation away.
            let Some(text) = text.as_str() else { continue };
            readable.push_str(&[title, ".", key, ":\n"].concat());
            readable.extend(text.lines().map(|line| format!("  {line}\n")));
        }
    }
    readable
}
