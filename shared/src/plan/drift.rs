//! Drift: effective fields that other managers have added to an object of the mesh.
//!
//! Server-side apply leaves such fields alone, so an apply neither shows nor removes them. They are found by
//! `metadata.managedFields`: defaults of the API server have no manager, and fields that controllers add by design are
//! listed here.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kubernetes::object::Object;
use crate::kubernetes::ownership::FIELD_MANAGER;

/// A field that another manager has added.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// The field, in the API server's form for conflicts, such as `.spec.exportTo`.
    pub field: String,
    /// The manager, such as `kubectl-edit`.
    pub manager: String,
    /// Time of that manager's last write to the object, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// An entry of `metadata.managedFields`, without its fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writer<'a> {
    pub(crate) manager: Cow<'a, str>,
    pub(crate) subresource: Cow<'a, str>,
    /// Empty if missing.
    pub(crate) time: Cow<'a, str>,
}

/// Managers of the control plane.
const CONTROL_PLANE: [&str; 4] = [
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
];

/// Fields that controllers and tools set by design, by kind.
const BY_DESIGN: [(&str, &[&str]); 2] = [
    (
        "Deployment",
        &[
            // Set by an autoscaler, a person, or a drill.
            ".spec.replicas",
            // `kubectl rollout restart`
            ".spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt",
        ],
    ),
    // Set by old versions of Kubernetes.
    ("ServiceAccount", &[".secrets", ".imagePullSecrets"]),
];
/// Set by cert-manager and others.
const CA_BUNDLE: &str = ".caBundle";

impl Writer<'_> {
    /// Whether its fields may be drift: the manager is neither fedmesh nor the control plane, and it wrote the object
    /// itself, not its status or scale.
    pub(crate) fn may_drift(&self) -> bool {
        let own = self.manager.strip_prefix(FIELD_MANAGER);
        let is_own = own.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        !is_own && self.subresource.is_empty() && !CONTROL_PLANE.contains(&&*self.manager)
    }

    /// Its additions to a desired object; `fields` is its `fieldsV1`.
    pub(crate) fn drift(&self, fields: &Map<String, Value>, desired: &Object) -> Vec<Drift> {
        let mut added = Added {
            desired,
            path: String::new(),
            fields: Vec::new(),
        };
        added.of_object(fields);
        let drift = added.fields.into_iter().map(|field| Drift {
            field,
            manager: self.manager.to_string(),
            time: (!self.time.is_empty()).then(|| self.time.to_string()),
        });
        drift.collect()
    }
}

/// Additions of other managers to a desired object, by the `metadata.managedFields` of the live one.
pub fn of(managed_fields: &Value, desired: &Object) -> Vec<Drift> {
    let mut all = Vec::new();
    for entry in managed_fields.as_array().into_iter().flatten() {
        let text = |name: &str| entry[name].as_str().map(Cow::Borrowed);
        let writer = Writer {
            manager: text("manager").unwrap_or_default(),
            subresource: text("subresource").unwrap_or_default(),
            time: text("time").unwrap_or_default(),
        };
        if let Some(fields) = entry["fieldsV1"].as_object().filter(|_| writer.may_drift()) {
            all.extend(writer.drift(fields, desired));
        }
    }
    all.sort();
    all
}

/// Collects the fields of a manager that a desired object does not have.
struct Added<'a> {
    desired: &'a Object,
    /// Path of the current field.
    path: String,
    fields: Vec<String>,
}

impl Added<'_> {
    fn of_object(&mut self, fields: &Map<String, Value>) {
        let desired = self.desired;
        for (key, owned) in fields {
            match key.strip_prefix("f:") {
                None | Some("apiVersion" | "kind" | "status") => {}
                Some("metadata") => self.of_metadata(owned),
                Some(name) => self.of_field(key, owned, desired.body.get(name)),
            }
        }
    }

    /// Of labels and annotations, only those that Istio acts on; other tools add many more.
    fn of_metadata(&mut self, owned: &Value) {
        let desired = self.desired;
        for (name, has) in [
            ("labels", &desired.labels),
            ("annotations", &desired.annotations),
        ] {
            let entries = owned[format!("f:{name}")].as_object();
            for key in entries.into_iter().flat_map(Map::keys) {
                let Some(key) = key.strip_prefix("f:") else {
                    continue;
                };
                let path = format!(".metadata.{name}.{key}");
                if is_of_istio(key) && !has.contains_key(key) && !self.is_ignored(&path) {
                    self.fields.push(path);
                }
            }
        }
    }

    fn of_value(&mut self, owned: &Map<String, Value>, desired: &Value) {
        for (key, owned) in owned {
            self.of_field(key, owned, entry(desired, key));
        }
    }

    fn is_ignored(&self, path: &str) -> bool {
        let mut ignored = self.desired.ignored.iter();
        ignored.any(|one| one.pointer.field() == path)
    }

    fn has_ignored_below(&self) -> bool {
        let mut ignored = self.desired.ignored.iter();
        ignored.any(|one| {
            let field = one.pointer.field();
            let below = field.strip_prefix(&self.path);
            below.is_some_and(|below| below.starts_with('.'))
        })
    }

    /// `key` is one of `fieldsV1`; `desired` is the value that is desired there.
    fn of_field(&mut self, key: &str, owned: &Value, desired: Option<&Value>) {
        let length = self.path.len();
        if !write_key(&mut self.path, key) {
            return;
        }
        if !is_by_design(self.desired, &self.path) && !self.is_ignored(&self.path) {
            match (desired, owned.as_object()) {
                // Comparing, or the server, shows whether the value is the same.
                (Some(desired), Some(owned)) => self.of_value(owned, desired),
                (Some(_), None) => {}
                (None, Some(owned)) if self.has_ignored_below() => {
                    self.of_value(owned, &Value::Null);
                }
                (None, _) => self.fields.push(self.path.clone()),
            }
        }
        self.path.truncate(length);
    }
}

/// Writes a key of `fieldsV1` in the API server's form for conflicts (structured-merge-diff, `fieldpath/path.go`).
/// Returns whether it is a child field.
fn write_key(path: &mut String, key: &str) -> bool {
    let Some((what, rest)) = key.split_once(':') else {
        // `.`: the field itself, whose children are listed separately.
        return false;
    };
    match what {
        "f" => path.extend([".", rest]),
        "k" => {
            let keys: Map<String, Value> = serde_json::from_str(rest).unwrap_or_default();
            let keys = keys.iter().map(|(name, value)| format!("{name}={value}"));
            path.extend(["[", &keys.collect::<Vec<_>>().join(","), "]"]);
        }
        "v" => path.extend(["[=", rest, "]"]),
        _ => path.extend(["[", rest, "]"]),
    }
    true
}

/// The desired value of a key of `fieldsV1`.
fn entry<'a>(desired: &'a Value, key: &str) -> Option<&'a Value> {
    let (what, rest) = key.split_once(':')?;
    match what {
        "f" => desired.get(rest),
        "k" => {
            let keys: Map<String, Value> = serde_json::from_str(rest).ok()?;
            // A key that is not rendered has its default.
            let is_it = |item: &&Value| {
                let same = |(name, value): (&String, &Value)| {
                    item.get(name).is_none_or(|desired| desired == value)
                };
                keys.iter().all(same) && keys.keys().any(|name| item.get(name).is_some())
            };
            desired.as_array()?.iter().find(is_it)
        }
        "v" => {
            let value: Value = serde_json::from_str(rest).ok()?;
            desired.as_array()?.iter().find(|item| **item == value)
        }
        _ => desired.get(rest.parse::<usize>().ok()?),
    }
}

/// Whether Istio acts on a label or an annotation: `istio-injection`, or a prefix of `istio.io` or below it.
fn is_of_istio(key: &str) -> bool {
    let prefix = key.split_once('/').map(|(prefix, _)| prefix);
    key == "istio-injection"
        || prefix.is_some_and(|prefix| prefix == "istio.io" || prefix.ends_with(".istio.io"))
}

/// Whether controllers and tools set a field by design.
fn is_by_design(object: &Object, path: &str) -> bool {
    let by_design = BY_DESIGN.iter().find(|(kind, _)| *kind == object.kind.kind);
    by_design.is_some_and(|(_, fields)| fields.contains(&path)) || path.ends_with(CA_BUNDLE)
}

impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} was added by {}", self.field, self.manager)?;
        if let Some(time) = &self.time {
            write!(f, ", last written {time}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::of;
    use crate::kubernetes::ignore::{IgnoreRule, Pointer, without_ignored};
    use crate::kubernetes::object::{Kind, Object};

    fn fields(object: &Object, manager: &str, fields: &Value) -> Vec<String> {
        let entries = json!([{
            "manager": manager, "operation": "Update", "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1", "fieldsV1": fields,
        }]);
        of(&entries, object)
            .into_iter()
            .map(|one| one.field)
            .collect()
    }

    fn service() -> Object {
        let body = json!({ "spec": {
            "ports": [{ "name": "http", "port": 80 }], "selector": { "app": "a" },
        } });
        Object::new(Kind::SERVICE, Some("shop"), "orders", body)
            .label("istio.io/rev", "default")
            .label("app", "a")
    }

    #[test]
    fn effective_additions_are_drift() {
        for (owned, expected) in [
            (
                json!({ "f:spec": { "f:externalIPs": {} } }),
                &[".spec.externalIPs"][..],
            ),
            // The whole field, if fedmesh owns no part of it.
            (
                json!({ "f:spec": { "f:sessionAffinityConfig": { ".": {}, "f:clientIP": {} } } }),
                &[".spec.sessionAffinityConfig"],
            ),
            (json!({ "f:spec": { "f:selector": { "f:app": {} } } }), &[]),
            (
                json!({ "f:spec": { "f:selector": { "f:version": {} } } }),
                &[".spec.selector.version"],
            ),
            (
                json!({ "f:spec": { "f:ports": {
                    "k:{\"port\":80,\"protocol\":\"TCP\"}": { ".": {}, "f:name": {}, "f:nodePort": {} },
                    "k:{\"port\":81,\"protocol\":\"TCP\"}": { ".": {}, "f:name": {} },
                } } }),
                &[
                    ".spec.ports[port=80,protocol=\"TCP\"].nodePort",
                    ".spec.ports[port=81,protocol=\"TCP\"]",
                ],
            ),
            (json!({ "f:status": { "f:loadBalancer": {} } }), &[]),
            (
                json!({ "f:metadata": {
                    "f:annotations": {
                        ".": {}, "f:networking.istio.io/exportTo": {}, "f:kubectl.kubernetes.io/x": {},
                        "f:notistio.io/x": {},
                    },
                    "f:labels": { "f:istio.io/rev": {}, "f:gateway.istio.io/managed": {}, "f:team": {} },
                    "f:finalizers": { "v:\"x\"": {} },
                } }),
                &[
                    ".metadata.annotations.networking.istio.io/exportTo",
                    ".metadata.labels.gateway.istio.io/managed",
                ],
            ),
            (
                json!({ "f:spec": { "f:conversion": { "f:webhook": { "f:caBundle": {} } } } }),
                &[".spec.conversion"],
            ),
            (json!({ "f:data": { "f:a": {} } }), &[".data"]),
        ] {
            assert_eq!(
                fields(&service(), "kubectl-edit", &owned),
                expected,
                "{owned}"
            );
        }
    }

    #[test]
    fn ignored_fields_are_no_drift() {
        let rule = IgnoreRule {
            kind: "Service".into(),
            namespace: None,
            name: None,
            fields: [
                "/spec/externalIPs",
                "/spec/a/b",
                "/metadata/labels/gateway.istio.io~1managed",
            ]
            .map(|text| Pointer::parse(text).unwrap())
            .into(),
        };
        let service = without_ignored(service(), &[rule]);
        let owned = json!({
            "f:metadata": { "f:labels": { "f:gateway.istio.io/managed": {} } },
            "f:spec": { "f:externalIPs": {}, "f:a": { "f:b": { "f:c": {} }, "f:d": {} } },
        });
        assert_eq!(fields(&service, "kubectl-edit", &owned), [".spec.a.d"]);
    }

    #[test]
    fn fields_of_fedmesh_and_controllers_are_no_drift() {
        let owned = json!({ "f:spec": { "f:externalIPs": {} } });
        for (manager, is_drift) in [
            ("kubectl-edit", true),
            ("fedmeshish", true),
            ("fedmesh", false),
            ("fedmesh-shop", false),
            ("kube-controller-manager", false),
        ] {
            let found = fields(&service(), manager, &owned);
            assert_eq!(!found.is_empty(), is_drift, "{manager}");
        }
        let status = json!([{
            "manager": "kubectl-edit", "subresource": "status", "fieldsV1": owned,
        }]);
        assert_eq!(of(&status, &service()), []);
        let template = "f:kubectl.kubernetes.io/restartedAt";
        let deployment = Object::new(
            Kind::DEPLOYMENT,
            Some("shop"),
            "orders",
            json!({ "spec": { "template": { "metadata": { "annotations": {} } } } }),
        );
        let owned = json!({ "f:spec": {
            "f:replicas": {}, "f:paused": {},
            "f:template": { "f:metadata": { "f:annotations": { template: {} } } },
        } });
        assert_eq!(fields(&deployment, "kubectl", &owned), [".spec.paused"]);
        let account = Object::new(Kind::SERVICE_ACCOUNT, Some("shop"), "orders", json!({}));
        assert_eq!(
            fields(&account, "openshift", &json!({ "f:imagePullSecrets": {} })),
            [""; 0]
        );
    }
}
