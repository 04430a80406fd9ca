//! Comparison of a live object with an apply, as far as possible without the server. It runs while the JSON is parsed,
//! of which nothing is kept, since most objects of most plans are up to date.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::kubernetes::object::Object;
use crate::kubernetes::ownership;
use crate::plan::drift::{Drift, Writer};

/// Parses the JSON of a live object and returns whether an apply of the desired one would change nothing. `desired`
/// returns the desired object by namespace (empty for a cluster-scoped kind) and name, stamped; without one, the object
/// is not up to date. An up-to-date object comes with the fields that other managers have added.
///
/// An object is up to date if the last apply under the mesh's field manager was of the same object (an annotation that
/// only fedmesh writes has its digest) and every field has the applied value. A field that is no longer desired changes
/// the digest. An object that is being deleted is not up to date: an apply to it would be lost.
///
/// # Errors
/// The text is not the JSON of an object, or its metadata is invalid in Kubernetes.
pub fn compare<'w>(
    live: &str,
    desired: impl FnOnce(&str, &str) -> Option<&'w Object>,
) -> Result<Comparison, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(live);
    let comparison = json.deserialize_map(Live(desired))?;
    json.end()?;
    Ok(comparison)
}

/// The comparison of a live object with the desired one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// An apply would change nothing.
    Unchanged(Vec<Drift>),
    /// A dry run is necessary.
    Unknown,
}

/// `metadata`, limited to the fields in use.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow)]
    managed_fields: Option<Vec<Managed<'a>>>,
    deletion_timestamp: Option<IgnoredAny>,
}

/// An entry of managedFields. The fields are half of an object, and for most entries they are skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Managed<'a> {
    #[serde(borrow, default)]
    manager: Cow<'a, str>,
    #[serde(borrow, default)]
    operation: Cow<'a, str>,
    #[serde(borrow, default)]
    subresource: Cow<'a, str>,
    /// Empty if missing: an `Option` of it would be copied.
    #[serde(borrow, default)]
    time: Cow<'a, str>,
    /// Parsed only if they may be drift.
    #[serde(borrow)]
    fields_v1: Option<&'a RawValue>,
}

impl Metadata<'_> {
    /// Whether they belong to a stamped object, and the mesh's last apply is still recorded.
    fn is_of(&self, object: &Object) -> Result<bool, serde_json::Error> {
        let has = |live: Option<&RawValue>, entries: &BTreeMap<String, String>| match live {
            Some(live) => has_entries(live, entries),
            None => Ok(entries.is_empty()),
        };
        let mesh = object.labels.get(ownership::MESH_LABEL);
        let is_applied = |managed: &Managed<'_>| {
            managed.operation == "Apply"
                && mesh.is_some_and(|mesh| ownership::is_field_manager(&managed.manager, mesh))
        };
        let is_it = self.name == object.name
            && self.namespace == object.namespace.as_deref().unwrap_or_default()
            && self.deletion_timestamp.is_none()
            && self.managed_fields.iter().flatten().any(is_applied)
            && object
                .annotations
                .contains_key(ownership::APPLIED_ANNOTATION);
        Ok(is_it
            && has(self.annotations, &object.annotations)?
            && has(self.labels, &object.labels)?)
    }
}

impl Metadata<'_> {
    /// The fields that other managers have added.
    fn drift(self, object: &Object) -> Result<Vec<Drift>, serde_json::Error> {
        let mut all = Vec::new();
        for managed in self.managed_fields.into_iter().flatten() {
            let writer = Writer {
                manager: managed.manager,
                subresource: managed.subresource,
                time: managed.time,
            };
            if let Some(fields) = managed.fields_v1.filter(|_| writer.may_drift()) {
                all.extend(writer.drift(&serde_json::from_str(fields.get())?, object));
            }
        }
        all.sort();
        Ok(all)
    }
}

fn has_entries(
    live: &RawValue,
    entries: &BTreeMap<String, String>,
) -> Result<bool, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(live.get());
    json.deserialize_map(Entries(entries))
}

/// An object, with the lookup of the desired one.
struct Live<F>(F);

impl<'de, 'w, F: FnOnce(&str, &str) -> Option<&'w Object>> Visitor<'de> for Live<F> {
    type Value = Comparison;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Comparison, A::Error> {
        // Fields before the metadata, which identify the desired object: seldom more than the type.
        let mut before: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
        let metadata: Metadata<'de> = loop {
            match fields.next_key()? {
                Some(Text(field)) if field == "metadata" => break fields.next_value()?,
                Some(Text(field)) => before.push((field, fields.next_value()?)),
                None => return Err(A::Error::missing_field("metadata")),
            }
        };
        let object = (self.0)(&metadata.namespace, &metadata.name);
        let mut body = Fields::of(object);
        let mut is_same = match object {
            Some(object) => metadata.is_of(object).map_err(A::Error::custom)?,
            None => false,
        };
        for (field, value) in before {
            let mut json = serde_json::Deserializer::from_str(value.get());
            is_same &= body
                .take(&field)
                .deserialize(&mut json)
                .map_err(A::Error::custom)?;
        }
        while let Some(desired) = fields.next_key_seed(Key(|field: &str| body.take(field)))? {
            is_same &= fields.next_value_seed(desired)?;
        }
        match object {
            Some(object) if is_same && body.left == 0 => {
                let drift = metadata.drift(object).map_err(A::Error::custom)?;
                Ok(Comparison::Unchanged(drift))
            }
            _ => Ok(Comparison::Unknown),
        }
    }
}

/// A field name, or another short text.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The fields of an object except its metadata.
struct Fields<'w> {
    object: Option<&'w Object>,
    /// Number of fields of the desired body that are not seen yet. A server writes no field twice.
    left: usize,
}

impl<'w> Fields<'w> {
    fn of(object: Option<&'w Object>) -> Self {
        let left = object.map_or(0, |object| object.body.len());
        Self { object, left }
    }

    fn take(&mut self, field: &str) -> Expected<'w> {
        let Some(object) = self.object else {
            return Expected::Anything;
        };
        match (field, object.body.get(field)) {
            ("apiVersion", _) => Expected::Text(object.kind.api_version().into()),
            ("kind", _) => Expected::Text(Cow::Borrowed(&object.kind.kind)),
            (_, Some(value)) => {
                self.left = self.left.saturating_sub(1);
                Expected::Json(value)
            }
            (_, None) => Expected::Anything,
        }
    }
}

/// Finds the expected value of a field by its name.
struct Key<F>(F);

impl<'de, 'w, F: FnOnce(&str) -> Expected<'w>> DeserializeSeed<'de> for Key<F> {
    type Value = Expected<'w>;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Expected<'w>, D::Error> {
        name.deserialize_str(self)
    }
}

impl<'w, F: FnOnce(&str) -> Expected<'w>> Visitor<'_> for Key<F> {
    type Value = Expected<'w>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Expected<'w>, E> {
        Ok((self.0)(name))
    }
}

/// The expected value: the live one must have every field of it with the same value, and lists of the same length.
/// Deserializing returns whether it does.
enum Expected<'w> {
    Anything,
    Text(Cow<'w, str>),
    Json(&'w Value),
}

impl Expected<'_> {
    fn is(&self, value: &Value) -> bool {
        matches!(self, Self::Json(expected) if *expected == value)
    }
}

impl<'de> DeserializeSeed<'de> for Expected<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        match self {
            Self::Anything => IgnoredAny::deserialize(json).map(|_| true),
            Self::Text(_) | Self::Json(_) => json.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Expected<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(self.is(&Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
        Ok(self.is(&Value::from(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<bool, E> {
        Ok(self.is(&Value::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<bool, E> {
        Ok(self.is(&Value::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<bool, E> {
        Ok(self.is(&Value::from(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<bool, E> {
        Ok(match self {
            Self::Anything => true,
            Self::Text(expected) => expected == value,
            Self::Json(expected) => expected.as_str() == Some(value),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let (expected, mut is_same) = match self {
            Self::Json(Value::Array(expected)) => (expected.as_slice(), true),
            _ => (&[][..], false),
        };
        let mut expected = expected.iter();
        loop {
            let next = expected.next();
            match items.next_element_seed(next.map_or(Self::Anything, Expected::Json))? {
                Some(same) => is_same &= same && next.is_some(),
                None => return Ok(is_same && next.is_none()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<bool, A::Error> {
        let expected = match self {
            Self::Json(Value::Object(expected)) => Some(expected),
            _ => None,
        };
        let mut left = expected.map_or(0, serde_json::Map::len);
        let mut is_same = expected.is_some();
        let mut find = |name: &str| match expected.and_then(|expected| expected.get(name)) {
            Some(value) => {
                left = left.saturating_sub(1);
                Expected::Json(value)
            }
            None => Expected::Anything,
        };
        while let Some(value) = fields.next_key_seed(Key(&mut find))? {
            is_same &= fields.next_value_seed(value)?;
        }
        Ok(is_same && left == 0)
    }
}

/// Labels or annotations; others may have added more.
struct Entries<'w>(&'w BTreeMap<String, String>);

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels or annotations")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<bool, A::Error> {
        let mut left = self.0.len();
        let mut is_same = true;
        let mut find = |name: &str| match self.0.get(name) {
            Some(value) => {
                left = left.saturating_sub(1);
                Expected::Text(Cow::Borrowed(value))
            }
            None => Expected::Anything,
        };
        while let Some(value) = entries.next_key_seed(Key(&mut find))? {
            is_same &= entries.next_value_seed(value)?;
        }
        Ok(is_same && left == 0)
    }
}

#[cfg(test)]
mod tests;
