//! Objects as a reader of the bundle's text sees them.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::bundle::Bundle;
use shared::yaml;

/// What tells an object from every other one in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

pub(crate) type Objects = BTreeMap<Id, Value>;

impl Id {
    pub(crate) fn of(object: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            api_version: text(&object["apiVersion"]),
            kind: text(&object["kind"]),
            namespace: text(&object["metadata"]["namespace"]),
            name: text(&object["metadata"]["name"]),
        }
    }
}

/// The documents of a text.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let documents = text.split("---\n");
    documents
        .map(|document| yaml::from_str(document).unwrap())
        .collect()
}

/// What a cluster is handed; no object twice.
pub(crate) fn of_cluster(bundle: &Bundle, cluster: &str) -> Objects {
    let mut objects = Objects::new();
    let files = bundle
        .cluster(cluster)
        .into_iter()
        .flat_map(|manifests| &manifests.files);
    for object in files.flat_map(|file| documents(&file.text)) {
        put(&mut objects, object);
    }
    objects
}

/// Adds an object, which must not be there yet.
pub(crate) fn put(objects: &mut Objects, object: Value) {
    let id = Id::of(&object);
    assert!(!id.name.is_empty() && !id.kind.is_empty(), "{object:#}");
    let before = objects.insert(id.clone(), object);
    assert!(before.is_none(), "{id:?} twice");
}

/// Takes out the objects of an API group.
pub(crate) fn take_group(objects: &mut Objects, group: &str) -> Vec<Value> {
    take(objects, |object| {
        let api = object["apiVersion"].as_str().unwrap();
        api.split_once('/').is_some_and(|(of, _)| of == group)
    })
}

/// Takes out some objects.
pub(crate) fn take(objects: &mut Objects, which: impl Fn(&Value) -> bool) -> Vec<Value> {
    let (taken, left) = std::mem::take(objects)
        .into_iter()
        .partition(|(_, object)| which(object));
    *objects = left;
    let taken: Objects = taken;
    taken.into_values().collect()
}

/// JSON Patch's `replace` (RFC 6902): what is replaced has to be there.
pub(crate) fn replace(object: &mut Value, pointer: &str, value: Value) {
    let Some(place) = object.pointer_mut(pointer) else {
        panic!("{pointer} is not there: {object:#}");
    };
    *place = value;
}
