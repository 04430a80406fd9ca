//! Differences of one cluster: JSON Patch (RFC 6902), used by KubeFed, Karmada and Kustomize, and the dotted paths of
//! federation-v2.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::object::bytes;
use crate::yaml::MAX_DEPTH;

/// A change of one field.
#[derive(Debug, Clone)]
pub struct Change {
    path: Vec<String>,
    operation: Operation,
    value: Rc<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// Sets it, and creates missing parents.
    Set,
    Add,
    Replace,
    Remove,
}

impl Change {
    /// A dotted path of federation-v2; `None` if it is deeper than objects are.
    pub fn dotted(path: &str, value: &Value) -> Option<Self> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        (path.len() <= MAX_DEPTH).then(|| Self {
            path,
            operation: Operation::Set,
            value: Rc::new(value.clone()),
        })
    }

    /// An operation of JSON Patch; `None` for an unsupported one.
    pub fn patch(operation: &str, pointer: &str, value: &Value) -> Option<Self> {
        let operation = match operation {
            "add" => Operation::Add,
            "replace" => Operation::Replace,
            "remove" => Operation::Remove,
            _ => return None,
        };
        let path: Vec<String> = pointer
            .strip_prefix('/')?
            .split('/')
            .map(|name| name.replace("~1", "/").replace("~0", "~"))
            .collect();
        (path.len() <= MAX_DEPTH).then(|| Self {
            path,
            operation,
            value: Rc::new(value.clone()),
        })
    }

    /// Applies the change; returns whether its parent exists.
    pub fn apply(&self, object: &mut Value) -> bool {
        let Some((last, parents)) = self.path.split_last() else {
            return false;
        };
        let mut at = object;
        for name in parents {
            if self.operation == Operation::Set && !at.is_object() {
                *at = Value::Object(Map::new());
            }
            let next = match at {
                Value::Object(fields) => {
                    if self.operation == Operation::Set && !fields.contains_key(name) {
                        fields.insert(name.clone(), Value::Null);
                    }
                    fields.get_mut(name)
                }
                Value::Array(items) => name
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get_mut(index)),
                _ => None,
            };
            let Some(next) = next else {
                return false;
            };
            at = next;
        }
        if self.operation == Operation::Set && !at.is_object() {
            *at = Value::Object(Map::new());
        }
        match at {
            Value::Object(fields) => self.in_map(fields, last),
            Value::Array(items) => self.in_list(items, last),
            _ => false,
        }
    }

    fn in_map(&self, fields: &mut Map<String, Value>, name: &str) -> bool {
        if self.operation == Operation::Remove {
            return fields.shift_remove(name).is_some();
        }
        if self.operation == Operation::Replace && !fields.contains_key(name) {
            return false;
        }
        fields.insert(name.to_owned(), Value::clone(&self.value));
        true
    }

    fn in_list(&self, items: &mut Vec<Value>, name: &str) -> bool {
        let index = match name {
            "-" => Some(items.len()),
            _ => name.parse().ok(),
        };
        let value = || Value::clone(&self.value);
        match (self.operation, index) {
            (Operation::Add, Some(index)) if index <= items.len() => items.insert(index, value()),
            (Operation::Replace, Some(index)) if index < items.len() => items[index] = value(),
            (Operation::Remove, Some(index)) if index < items.len() => {
                items.remove(index);
            }
            _ => return false,
        }
        true
    }

    /// Size of the value as JSON, in bytes.
    pub fn bytes(&self) -> usize {
        bytes(&self.value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Change;

    #[test]
    fn patches_change_existing_fields() {
        for (operation, pointer, expected) in [
            ("replace", "/a/b", Some(json!({"a":{"b":9},"l":[1,2]}))),
            ("replace", "/a/c", None),
            ("add", "/a/c", Some(json!({"a":{"b":1,"c":9},"l":[1,2]}))),
            ("add", "/x/c", None),
            (
                "add",
                "/a/x~1y~0",
                Some(json!({"a":{"b":1,"x/y~":9},"l":[1,2]})),
            ),
            ("add", "/l/-", Some(json!({"a":{"b":1},"l":[1,2,9]}))),
            ("add", "/l/0", Some(json!({"a":{"b":1},"l":[9,1,2]}))),
            ("replace", "/l/1", Some(json!({"a":{"b":1},"l":[1,9]}))),
            ("replace", "/l/2", None),
            ("remove", "/l/0", Some(json!({"a":{"b":1},"l":[2]}))),
            ("remove", "/a", Some(json!({"l":[1,2]}))),
            ("remove", "/b", None),
        ] {
            let mut object = json!({"a":{"b":1},"l":[1,2]});
            let change = Change::patch(operation, pointer, &json!(9));
            let done = change.is_some_and(|change| change.apply(&mut object));
            assert_eq!(done.then_some(object), expected, "{operation} {pointer}");
        }
        assert!(Change::patch("move", "/a", &json!(1)).is_none());
        assert!(Change::patch("add", &"/a".repeat(1000), &json!(1)).is_none());
    }
}
