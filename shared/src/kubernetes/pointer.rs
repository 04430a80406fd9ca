//! Paths to fields of objects.

use std::fmt;

use serde_json::{Map, Value};

/// The path to a field, through objects only: lists of these kinds are replaced as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(pub(super) Vec<String>);

impl Pointer {
    /// The field in the API server's form for conflicts, such as `.spec.endpoints`.
    pub fn field(&self) -> String {
        self.0.iter().flat_map(|part| [".", part]).collect()
    }

    /// The value at the path in an object.
    pub(super) fn get<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.0
            .iter()
            .try_fold(object, |value, part| value.get(part))
    }

    /// Removes the field, and parents that become empty, from a `fieldsV1`. Returns whether it was there.
    pub(super) fn disown(&self, fields: &mut Map<String, Value>) -> bool {
        fn disown(parts: &[String], fields: &mut Map<String, Value>) -> bool {
            let Some((first, rest)) = parts.split_first() else {
                return false;
            };
            let key = format!("f:{first}");
            if rest.is_empty() {
                return fields.shift_remove(&key).is_some();
            }
            let Some(Value::Object(inner)) = fields.get_mut(&key) else {
                return false;
            };
            let is_disowned = disown(rest, inner);
            if is_disowned && inner.is_empty() {
                fields.shift_remove(&key);
            }
            is_disowned
        }
        disown(&self.0, fields)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            write!(f, "/{}", part.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

/// A field that is left to other managers.
#[derive(Debug, Clone, PartialEq)]
pub struct IgnoredField {
    /// The path.
    pub pointer: Pointer,
    /// The value at creation; `None` if the field is not rendered, so that only additions of others are ignored.
    pub value: Option<Value>,
}
