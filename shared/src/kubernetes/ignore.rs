//! Ignored fields: created as rendered, and left to other managers afterwards.
//!
//! An apply to an existing object omits them, so that another manager's change is neither a conflict nor undone. Such
//! an apply would remove a field that only fedmesh owns, so the first apply gives up the ownership without changing the
//! value ([`without_ownership`]).

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::kubernetes::object::Object;
use crate::kubernetes::ownership::APPLIED_ANNOTATION;

pub use crate::kubernetes::pointer::{IgnoredField, Pointer};

/// The rendered kinds, each with its API groups.
pub(crate) const KINDS: [(&str, &[&str]); 20] = [
    ("AuthorizationPolicy", &["security.istio.io"]),
    ("CustomResourceDefinition", &["apiextensions.k8s.io"]),
    ("DNSEndpoint", &["externaldns.k8s.io"]),
    ("Deployment", &["apps"]),
    ("DestinationRule", &["networking.istio.io"]),
    ("GRPCRoute", &["gateway.networking.k8s.io"]),
    (
        "Gateway",
        &["gateway.networking.k8s.io", "networking.istio.io"],
    ),
    ("HTTPRoute", &["gateway.networking.k8s.io"]),
    ("Namespace", &[""]),
    ("Role", &["rbac.authorization.k8s.io"]),
    ("RoleBinding", &["rbac.authorization.k8s.io"]),
    ("Service", &[""]),
    ("ServiceAccount", &[""]),
    ("ServiceEntry", &["networking.istio.io"]),
    ("ServiceExport", &["multicluster.x-k8s.io"]),
    ("Sidecar", &["networking.istio.io"]),
    ("TCPRoute", &["gateway.networking.k8s.io"]),
    ("TLSRoute", &["gateway.networking.k8s.io"]),
    ("VirtualService", &["networking.istio.io"]),
    ("WorkloadEntry", &["networking.istio.io"]),
];

/// The reason why a text is not a [`Pointer`] to an ignorable field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// RFC 6901
    #[error("is not a JSON pointer")]
    Malformed,
    /// The field identifies the object, is its status, or is a mark of fedmesh.
    #[error("points to a field that fedmesh needs or does not apply")]
    NotIgnorable,
}

impl Pointer {
    /// Parses a JSON pointer such as `/spec/endpoints`.
    ///
    /// # Errors
    /// The text is not a JSON pointer, or the field cannot be ignored.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        let rest = text.strip_prefix('/').ok_or(PointerError::Malformed)?;
        let parts = rest.split('/').map(unescape);
        let parts: Vec<String> = parts
            .collect::<Option<_>>()
            .ok_or(PointerError::Malformed)?;
        if parts.iter().any(String::is_empty) {
            return Err(PointerError::Malformed);
        }
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        let can_be_ignored = match names[..] {
            ["metadata", "labels" | "annotations", key] => !is_mark(key),
            ["metadata" | "apiVersion" | "kind" | "status", ..] => false,
            _ => true,
        };
        if can_be_ignored {
            Ok(Self(parts))
        } else {
            Err(PointerError::NotIgnorable)
        }
    }

    /// Whether the path leads through a list of an object, of which no part can be omitted.
    pub(crate) fn goes_through_list(&self, object: &Object) -> bool {
        let Some((first, rest)) = self.0.split_first() else {
            return false;
        };
        let mut value = object.body.get(first);
        for part in rest {
            match value {
                Some(Value::Array(_)) => return true,
                Some(inner) => value = inner.get(part),
                None => return false,
            }
        }
        false
    }

    fn take(&self, object: &mut Object) -> Option<Value> {
        let (last, parents) = self.0.split_last()?;
        if let ["metadata", entries] = parents.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            let entries = match entries {
                "labels" => &mut object.labels,
                _ => &mut object.annotations,
            };
            return entries.remove(last).map(Value::String);
        }
        let mut at = &mut object.body;
        for parent in parents {
            at = at.get_mut(parent)?.as_object_mut()?;
        }
        at.shift_remove(last)
    }

    fn put(&self, object: &mut Object, value: Value) {
        let Some((last, parents)) = self.0.split_last() else {
            return;
        };
        if let ["metadata", entries] = parents.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            let entries = match entries {
                "labels" => &mut object.labels,
                _ => &mut object.annotations,
            };
            if let Value::String(value) = value {
                entries.insert(last.clone(), value);
            }
            return;
        }
        let mut at = &mut object.body;
        for parent in parents {
            let next = at
                .entry(parent.as_str())
                .or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(next) = next else { return };
            at = next;
        }
        at.insert(last.clone(), value);
    }
}

fn unescape(part: &str) -> Option<String> {
    let mut rest = part;
    while let Some((_, after)) = rest.split_once('~') {
        if !after.starts_with(['0', '1']) {
            return None;
        }
        rest = after;
    }
    Some(part.replace("~1", "/").replace("~0", "~"))
}

/// Whether fedmesh recognizes its objects by a label or an annotation.
fn is_mark(key: &str) -> bool {
    let prefix = key.split_once('/').map_or("", |(prefix, _)| prefix);
    key == crate::kubernetes::ownership::MANAGED_BY_LABEL
        || prefix == "fedmesh.dev"
        || prefix == "applyset.kubernetes.io"
}

/// An entry of `spec.ignore`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreRule {
    /// The kind.
    pub kind: String,
    /// The namespace; `None` for any.
    pub namespace: Option<String>,
    /// The name; `None` for any.
    pub name: Option<String>,
    /// The fields.
    pub fields: Vec<Pointer>,
}

impl IgnoreRule {
    /// Whether it applies to an object.
    pub fn is_for(&self, object: &Object) -> bool {
        self.kind == object.kind.kind
            && self.name.as_ref().is_none_or(|name| *name == object.name)
            && (self.namespace.is_none() || self.namespace == object.namespace)
    }
}

/// Removes the ignored fields from an object, before it is stamped.
#[must_use]
pub fn without_ignored(mut object: Object, rules: &[IgnoreRule]) -> Object {
    let rules = rules.iter().filter(|rule| rule.is_for(&object));
    let pointers: Vec<&Pointer> = rules.flat_map(|rule| &rule.fields).collect();
    for pointer in pointers {
        let value = pointer.take(&mut object);
        object.ignored.push(IgnoredField {
            pointer: pointer.clone(),
            value,
        });
    }
    object
}

/// The `fieldsV1` of fedmesh's entry without the ownership of an object's ignored fields; `None` if fedmesh owns none
/// of them.
pub fn without_ownership(
    fields: &Map<String, Value>,
    object: &Object,
) -> Option<Map<String, Value>> {
    let mut left = fields.clone();
    let mut is_other = false;
    for ignored in &object.ignored {
        is_other |= ignored.pointer.disown(&mut left);
    }
    is_other.then_some(left)
}

impl Object {
    /// The object at its creation: with its ignored fields. It has no digest, so that an apply that ends before their
    /// ownership is given up does not count as complete.
    pub fn as_created(&self) -> Cow<'_, Self> {
        if self.ignored.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut created = self.clone();
        created.annotations.remove(APPLIED_ANNOTATION);
        // Backwards: the last one removed may contain others.
        for ignored in created.ignored.clone().into_iter().rev() {
            if let Some(value) = ignored.value {
                ignored.pointer.put(&mut created, value);
            }
        }
        Cow::Owned(created)
    }

    /// The desired object next to a live one: with its ignored fields as they are there.
    pub fn beside(&self, live: &Value) -> Cow<'_, Self> {
        if self.ignored.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut beside = self.clone();
        for ignored in &self.ignored {
            if let Some(value) = ignored.pointer.get(live) {
                ignored.pointer.put(&mut beside, value.clone());
            }
        }
        Cow::Owned(beside)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kubernetes::object::Kind;
    use crate::kubernetes::ownership::stamp;

    fn object() -> Object {
        let body = json!({ "spec": { "ttl": 1, "more": { "a": 1, "b": 2 } } });
        Object::new(Kind::DNS_ENDPOINT, Some("shop"), "orders", body)
            .label("istio-injection", "enabled")
    }

    fn rule(fields: &[&str]) -> IgnoreRule {
        IgnoreRule {
            kind: "DNSEndpoint".into(),
            namespace: None,
            name: None,
            fields: fields
                .iter()
                .map(|one| Pointer::parse(one).unwrap())
                .collect(),
        }
    }

    #[test]
    fn pointers_to_applied_fields_are_valid() {
        for (text, field) in [
            ("/spec/endpoints", Ok(".spec.endpoints")),
            ("/data/a~1b~0c", Ok(".data.a/b~c")),
            ("/rules", Ok(".rules")),
            (
                "/metadata/labels/istio.io~1rev",
                Ok(".metadata.labels.istio.io/rev"),
            ),
            ("", Err(PointerError::Malformed)),
            ("spec", Err(PointerError::Malformed)),
            (".spec.hosts", Err(PointerError::Malformed)),
            ("/", Err(PointerError::Malformed)),
            ("/spec/", Err(PointerError::Malformed)),
            ("/spec/a~2", Err(PointerError::Malformed)),
            ("/status", Err(PointerError::NotIgnorable)),
            ("/kind", Err(PointerError::NotIgnorable)),
            ("/metadata", Err(PointerError::NotIgnorable)),
            ("/metadata/name", Err(PointerError::NotIgnorable)),
            ("/metadata/labels", Err(PointerError::NotIgnorable)),
            (
                "/metadata/labels/fedmesh.dev~1mesh",
                Err(PointerError::NotIgnorable),
            ),
            (
                "/metadata/annotations/fedmesh.dev~1applied",
                Err(PointerError::NotIgnorable),
            ),
        ] {
            let pointer = Pointer::parse(text);
            assert_eq!(
                pointer.as_ref().map(Pointer::field).map_err(|error| *error),
                field.map(str::to_owned),
                "{text}"
            );
            if let Ok(pointer) = pointer {
                assert_eq!(pointer.to_string(), text);
            }
        }
    }

    #[test]
    fn a_rule_applies_to_matching_objects() {
        let any = rule(&["/spec"]);
        let with = |namespace: Option<&str>, name: Option<&str>| IgnoreRule {
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            ..any.clone()
        };
        for (rule, is_for) in [
            (with(None, None), true),
            (with(Some("shop"), None), true),
            (with(Some("shop"), Some("orders")), true),
            (with(Some("other"), None), false),
            (with(None, Some("other")), false),
            (
                IgnoreRule {
                    kind: "Service".into(),
                    ..any.clone()
                },
                false,
            ),
        ] {
            assert_eq!(rule.is_for(&object()), is_for, "{rule:?}");
        }
    }

    #[test]
    fn ignored_fields_are_created_once_and_then_kept() {
        let rules = [rule(&[
            "/spec/more/a",
            "/spec/more",
            "/spec/new",
            "/metadata/labels/istio-injection",
        ])];
        let ignored = stamp(without_ignored(object(), &rules), "set");
        assert_eq!(
            Value::from(ignored.body.clone()),
            json!({ "spec": { "ttl": 1 } })
        );
        assert!(!ignored.labels.contains_key("istio-injection"));
        let created = ignored.as_created();
        assert_eq!(created.body, object().body);
        assert_eq!(created.labels["istio-injection"], "enabled");
        assert!(!created.annotations.contains_key(APPLIED_ANNOTATION));
        let live = json!({
            "metadata": { "labels": { "istio-injection": "disabled" } },
            "spec": { "ttl": 2, "more": { "c": 3 }, "new": [1] },
        });
        let beside = ignored.beside(&live);
        assert_eq!(
            Value::from(beside.body.clone()),
            json!({ "spec": { "ttl": 1, "more": { "c": 3 }, "new": [1] } })
        );
        assert_eq!(beside.labels["istio-injection"], "disabled");
        // The digest is that of later applies.
        let mut other = object();
        other.body["spec"]["more"] = json!({ "z": 1 });
        let other = stamp(without_ignored(other, &rules), "set");
        assert_eq!(other.annotations, ignored.annotations);
        assert_eq!(without_ignored(object(), &[]), object());
    }

    #[test]
    fn ownership_is_given_up_of_ignored_fields_only() {
        let ignored = without_ignored(
            object(),
            &[rule(&[
                "/spec/more/a",
                "/spec/endpoints",
                "/metadata/labels/a",
            ])],
        );
        let fields = |value: Value| value.as_object().unwrap().clone();
        let owned = fields(json!({
            "f:metadata": { "f:labels": { "f:a": {} } },
            "f:spec": { "f:endpoints": {}, "f:ttl": {}, "f:more": { "f:a": {}, "f:b": {} } },
        }));
        let left = without_ownership(&owned, &ignored).unwrap();
        assert_eq!(
            Value::from(left.clone()),
            json!({ "f:spec": { "f:ttl": {}, "f:more": { "f:b": {} } } })
        );
        assert_eq!(without_ownership(&left, &ignored), None);
    }

    #[test]
    fn no_part_of_a_list_is_ignored() {
        let body = json!({ "spec": { "servers": [{ "hosts": [] }], "selector": { "a": "b" } } });
        let gateway = Object::new(
            Kind::istio("v1", "Gateway", "gateways"),
            Some("a"),
            "a",
            body,
        );
        for (text, goes_through) in [
            ("/spec/servers/0/hosts", true),
            ("/spec/servers/0", true),
            ("/spec/servers", false),
            ("/spec/selector/a", false),
            ("/spec/other/0", false),
        ] {
            let pointer = Pointer::parse(text).unwrap();
            assert_eq!(pointer.goes_through_list(&gateway), goes_through, "{text}");
        }
    }
}
