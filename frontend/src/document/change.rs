//! The differences between two versions of the document, which undo reverts.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::path;
use super::value::{get_mut, set};

/// A difference between two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Change {
    /// A field of an object or an item of a list; `None` if it does not exist.
    Field {
        path: String,
        before: Option<Value>,
        after: Option<Value>,
    },
    /// Items of a list, from an index on.
    Items {
        path: String,
        from: usize,
        before: Vec<Value>,
        after: Vec<Value>,
    },
}

/// The changes that turn one version into another.
pub(crate) fn between(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", before, after, &mut changes);
    changes
}

fn compare(path: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(before), Value::Object(after)) => {
            for (name, old) in before {
                let path = path::key(path, name);
                match after.get(name) {
                    Some(new) => compare(&path, old, new, changes),
                    None => changes.push(Change::Field {
                        path,
                        before: Some(old.clone()),
                        after: None,
                    }),
                }
            }
            let is_new = |(name, _): &(&String, &Value)| !before.contains_key(*name);
            changes.extend(
                after
                    .iter()
                    .filter(is_new)
                    .map(|(name, new)| Change::Field {
                        path: path::key(path, name),
                        before: None,
                        after: Some(new.clone()),
                    }),
            );
        }
        (Value::Array(before), Value::Array(after)) => items(path, before, after, changes),
        _ => changes.push(Change::Field {
            path: path.to_owned(),
            before: Some(before.clone()),
            after: Some(after.clone()),
        }),
    }
}

fn items(path: &str, before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let same = |pairs: &mut dyn Iterator<Item = (&Value, &Value)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let start = same(&mut before.iter().zip(after));
    let shorter = before.len().min(after.len()) - start;
    let end = same(&mut before.iter().rev().zip(after.iter().rev())).min(shorter);
    let before = &before[start..before.len() - end];
    let after = &after[start..after.len() - end];
    if before.len() == after.len() {
        for (index, (old, new)) in before.iter().zip(after).enumerate() {
            compare(&path::item(path, start + index), old, new, changes);
        }
    } else {
        changes.push(Change::Items {
            path: path.to_owned(),
            from: start,
            before: before.to_vec(),
            after: after.to_vec(),
        });
    }
}

impl Change {
    /// Carries the change out; what no longer exists is left as it is.
    pub(crate) fn apply(&self, value: &mut Value) {
        match self {
            Self::Field { path, after, .. } => put(value, path, after.as_ref()),
            Self::Items {
                path,
                from,
                before,
                after,
            } => splice(value, path, *from, before.len(), after),
        }
    }

    pub(crate) fn revert(&self, value: &mut Value) {
        match self {
            Self::Field { path, before, .. } => put(value, path, before.as_ref()),
            Self::Items {
                path,
                from,
                before,
                after,
            } => splice(value, path, *from, after.len(), before),
        }
    }
}

fn put(value: &mut Value, path: &str, new: Option<&Value>) {
    match new {
        Some(new) => set(value, path, new.clone()),
        None => {
            // Unlike `value::remove`, which also removes the empty objects around it.
            if let (Some(around), Some(last)) = (path::parent(path), path::steps(path).last())
                && let (Some(name), Some(Value::Object(fields))) =
                    (last.key(), get_mut(value, around))
            {
                fields.shift_remove(name);
            }
        }
    }
}

fn splice(value: &mut Value, path: &str, from: usize, count: usize, new: &[Value]) {
    if let Some(Value::Array(items)) = get_mut(value, path) {
        let from = from.min(items.len());
        let to = (from + count).min(items.len());
        items.splice(from..to, new.iter().cloned());
    }
}

/// The difference between two texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TextChange {
    /// In bytes.
    at: usize,
    before: String,
    after: String,
}

impl TextChange {
    /// `None` for equal texts.
    pub(crate) fn between(before: &str, after: &str) -> Option<Self> {
        if before == after {
            return None;
        }
        let same = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
            pairs
                .take_while(|(one, other)| one == other)
                .map(|(one, _)| one.len_utf8())
                .sum()
        };
        let at = same(&mut before.chars().zip(after.chars()));
        let (before, after) = (&before[at..], &after[at..]);
        let end = same(&mut before.chars().rev().zip(after.chars().rev()));
        Some(Self {
            at,
            before: before[..before.len() - end].to_owned(),
            after: after[..after.len() - end].to_owned(),
        })
    }

    pub(crate) fn applied(&self, text: &str) -> String {
        replaced(text, self.at, &self.before, &self.after)
    }

    pub(crate) fn reverted(&self, text: &str) -> String {
        replaced(text, self.at, &self.after, &self.before)
    }
}

/// The text itself if it does not have the old part, since the browser's storage may have been edited.
fn replaced(text: &str, at: usize, old: &str, new: &str) -> String {
    match (
        text.get(..at),
        text.get(at..).and_then(|rest| rest.strip_prefix(old)),
    ) {
        (Some(before), Some(after)) => [before, new, after].concat(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check(before: &Value, after: &Value) -> Vec<Change> {
        let changes = between(before, after);
        let mut value = before.clone();
        for change in &changes {
            change.apply(&mut value);
        }
        assert_eq!(&value, after);
        for change in changes.iter().rev() {
            change.revert(&mut value);
        }
        assert_eq!(&value, before);
        changes
    }

    #[test]
    fn changes_are_as_small_as_they_can_be() {
        let one = json!({ "a": [{ "x": 1, "y": 2 }, { "x": 3 }, 5], "b": true });
        let other = json!({ "a": [{ "x": 1, "y": 4 }, { "x": 3 }, 5], "c": [] });
        assert_eq!(
            check(&one, &other),
            [
                Change::Field {
                    path: "a[0].y".into(),
                    before: Some(json!(2)),
                    after: Some(json!(4)),
                },
                Change::Field {
                    path: "b".into(),
                    before: Some(json!(true)),
                    after: None,
                },
                Change::Field {
                    path: "c".into(),
                    before: None,
                    after: Some(json!([])),
                },
            ]
        );
        let longer = json!({ "a": [{ "x": 1, "y": 2 }, 0, { "x": 3 }, 5], "b": true });
        assert_eq!(
            check(&one, &longer),
            [Change::Items {
                path: "a".into(),
                from: 1,
                before: vec![],
                after: vec![json!(0)],
            }]
        );
        assert_eq!(check(&one, &one), []);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3).prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 30, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-c.]", inner, 0..4)
                    .prop_map(|fields| fields.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_change_of_a_text_is_applied_and_reverted(before in "[aä\n]{0,9}", after in "[aä\n]{0,9}") {
            match TextChange::between(&before, &after) {
                None => assert_eq!(before, after),
                Some(change) => {
                    assert_eq!(change.applied(&before), after);
                    assert_eq!(change.reverted(&after), before);
                }
            }
        }

        #[test]
        fn any_change_is_applied_and_reverted(before in any_value(), after in any_value()) {
            // The document is always an object.
            check(&json!({ "a": before }), &json!({ "a": after }));
        }
    }
}
