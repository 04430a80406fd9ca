use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Comparison, DeserializeSeed as _, Drift, Expected};
use crate::kubernetes::object::{Kind, Object};
use crate::kubernetes::ownership;

/// An object of a mesh, as applied.
fn role() -> Object {
    let rules = json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] }]);
    let role = Object::new(
        Kind::ROLE,
        Some("shop"),
        "reader",
        json!({ "rules": rules }),
    );
    let role = role.label(ownership::MESH_LABEL, "demo");
    ownership::stamp(role, &ownership::applyset_id("demo"))
}

/// The object in a cluster after an apply.
fn live(object: &Object) -> Value {
    let mut live = object.to_json();
    live["metadata"]["managedFields"] =
        json!([{ "manager": "fedmesh-demo", "operation": "Apply" }]);
    live
}

#[track_caller]
fn compare(live: &Value, desired: &Object) -> Comparison {
    super::compare(&live.to_string(), |_, _| Some(desired)).unwrap()
}

#[test]
fn a_missing_top_level_field_is_a_difference() {
    let role = role();
    let mut live = live(&role);
    assert_eq!(compare(&live, &role), Comparison::Unchanged(vec![]));
    live.as_object_mut().unwrap().remove("rules").unwrap();
    assert_eq!(compare(&live, &role), Comparison::Unknown);
}

/// A change to a live object.
type Change = fn(&mut Value);

#[test]
fn what_makes_an_object_unknown() {
    let changes: [(&str, Change); 14] = [
        ("another name", |live| {
            live["metadata"]["name"] = "writer".into();
        }),
        ("another namespace", |live| {
            live["metadata"]["namespace"] = "bank".into();
        }),
        ("it is being deleted", |live| {
            live["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z".into();
        }),
        ("applied by another manager", |live| {
            live["metadata"]["managedFields"][0]["manager"] = "kubectl".into();
        }),
        ("applied by another mesh", |live| {
            live["metadata"]["managedFields"][0]["manager"] = "fedmesh-other".into();
        }),
        ("updated instead of applied", |live| {
            live["metadata"]["managedFields"][0]["operation"] = "Update".into();
        }),
        ("written by no manager", |live| {
            live["metadata"]["managedFields"] = json!([]);
        }),
        ("another digest", |live| {
            live["metadata"]["annotations"][ownership::APPLIED_ANNOTATION] = "other".into();
        }),
        ("no annotations", |live| {
            live["metadata"]["annotations"] = json!({});
        }),
        ("another value of a label", |live| {
            live["metadata"]["labels"][ownership::MESH_LABEL] = "other".into();
        }),
        ("no labels", |live| live["metadata"]["labels"] = json!({})),
        ("the labels are missing", |live| {
            let metadata = live["metadata"].as_object_mut().unwrap();
            metadata.remove("labels").unwrap();
        }),
        ("another field", |live| live["rules"] = json!([])),
        ("another field before the metadata", |live| {
            live["rules"] = json!([]);
            metadata_last(live);
        }),
    ];
    let role = role();
    for (change, make) in changes {
        let mut live = live(&role);
        make(&mut live);
        assert_eq!(compare(&live, &role), Comparison::Unknown, "{change}");
    }
}

#[test]
fn what_leaves_an_object_unchanged() {
    let changes: [(&str, Change); 4] = [
        ("further labels", |live| {
            live["metadata"]["labels"]["team"] = "shop".into();
        }),
        ("further annotations", |live| {
            live["metadata"]["annotations"]["team"] = "shop".into();
        }),
        ("the metadata after the fields", metadata_last),
        ("further managers", |live| {
            let managers = live["metadata"]["managedFields"].as_array_mut().unwrap();
            managers.insert(0, json!({ "manager": "kubectl", "operation": "Apply" }));
        }),
    ];
    let role = role();
    for (change, make) in changes {
        let mut live = live(&role);
        make(&mut live);
        let comparison = compare(&live, &role);
        assert_eq!(comparison, Comparison::Unchanged(vec![]), "{change}");
    }
}

#[test]
fn an_object_without_a_digest_is_unknown() {
    let mut role = role();
    role.annotations
        .remove(ownership::APPLIED_ANNOTATION)
        .unwrap();
    assert_eq!(compare(&live(&role), &role), Comparison::Unknown);
}

fn metadata_last(live: &mut Value) {
    let fields = live.as_object_mut().unwrap();
    let metadata = fields.shift_remove("metadata").unwrap();
    fields.insert("metadata".into(), metadata);
}

#[test]
fn an_unchanged_object_keeps_the_drift_of_others() {
    let role = role();
    let mut live = live(&role);
    let entries = live["metadata"]["managedFields"].as_array_mut().unwrap();
    for (manager, subresource) in [("kubectl-edit", ""), ("kubelet", ""), ("other", "status")] {
        entries.push(json!({
            "manager": manager, "operation": "Update", "subresource": subresource,
            "time": "2026-01-02T03:04:05Z", "fieldsV1": { "f:aggregationRule": {} },
        }));
    }
    let drift = Drift {
        field: ".aggregationRule".into(),
        manager: "kubectl-edit".into(),
        time: Some("2026-01-02T03:04:05Z".into()),
    };
    assert_eq!(compare(&live, &role), Comparison::Unchanged(vec![drift]));
}

fn read(whole: &Value, part: &Value) -> bool {
    let text = whole.to_string();
    let mut json = serde_json::Deserializer::from_str(&text);
    Expected::Json(part).deserialize(&mut json).unwrap()
}

/// The same comparison for parsed values.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|other| contains(other, value))),
        (Value::Array(whole), Value::Array(part)) => {
            let mut pairs = whole.iter().zip(part);
            whole.len() == part.len() && pairs.all(|(whole, part)| contains(whole, part))
        }
        _ => whole == part,
    }
}

/// A small range of values, so that they are often equal.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1i64..2).prop_map(Value::from),
        Just(json!(1.0)),
        "[a\"]{0,1}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[ab\\\\]", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A part of a value, or one with a difference.
fn part_of(value: &Value, drop: &mut impl FnMut() -> bool) -> Value {
    match value {
        Value::Object(fields) => {
            let mut part = Map::new();
            for (name, value) in fields {
                if !drop() {
                    part.insert(name.clone(), part_of(value, drop));
                }
            }
            Value::Object(part)
        }
        Value::Array(items) => items.iter().map(|item| part_of(item, drop)).collect(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn reading_agrees_with_comparing(whole in value(), other in value(), seed: u64) {
        prop_assert_eq!(read(&whole, &other), contains(&whole, &other));
        let mut bits = seed;
        let part = part_of(&whole, &mut || {
            bits = bits.rotate_right(1);
            bits & 1 == 1
        });
        prop_assert!(read(&whole, &part));
        prop_assert_eq!(read(&part, &whole), contains(&part, &whole));
    }
}
