//! Which items of a new list are which of an old one.

use std::collections::BTreeMap;

use serde_json::Value;

/// For each new item, the old one that it is: an equal one, else one of the same name, else the one that follows that
/// of the item before.
pub(super) fn align(old: &[Value], new: &[Value]) -> Vec<Option<usize>> {
    let mut aligned = vec![None; new.len()];
    let mut is_used = vec![false; old.len()];
    // Equal items may be several: those at both ends are where they were.
    let shorter = old.len().min(new.len());
    let start = old
        .iter()
        .zip(new)
        .take_while(|(one, other)| one == other)
        .count();
    let ends = old.iter().rev().zip(new.iter().rev());
    let end = ends
        .take_while(|(one, other)| one == other)
        .count()
        .min(shorter - start);
    for at in (0..start).chain(new.len() - end..new.len()) {
        let from = if at < start {
            at
        } else {
            at + old.len() - new.len()
        };
        aligned[at] = Some(from);
        is_used[from] = true;
    }
    let identities: [fn(&Value) -> Option<String>; 2] = [
        |item| Some(item.to_string()),
        |item| {
            let field = |name| item.get(name).and_then(Value::as_str).unwrap_or_default();
            (!field("name").is_empty()).then(|| format!("{}/{}", field("namespace"), field("name")))
        },
    ];
    for identity in identities {
        let mut known: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, item) in old.iter().enumerate().rev().filter(|(at, _)| !is_used[*at]) {
            if let Some(identity) = identity(item) {
                known.entry(identity).or_default().push(at);
            }
        }
        for (item, aligned) in new.iter().zip(&mut aligned).filter(|(_, at)| at.is_none()) {
            let at = identity(item).and_then(|identity| known.get_mut(&identity)?.pop());
            if let Some(at) = at {
                is_used[at] = true;
                *aligned = Some(at);
            }
        }
    }
    let mut next = 0;
    for (item, aligned) in new.iter().zip(&mut aligned) {
        if aligned.is_none() && is_used.get(next) == Some(&false) && is_same_kind(&old[next], item)
        {
            is_used[next] = true;
            *aligned = Some(next);
        }
        next = aligned.map_or(next, |at| at + 1);
    }
    aligned
}

/// Whether both are maps, both lists, or both scalars; empty ones have no pieces.
pub(super) fn is_same_kind(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => !one.is_empty() && !other.is_empty(),
        (Value::Array(one), Value::Array(other)) => !one.is_empty() && !other.is_empty(),
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => false,
        _ => true,
    }
}

pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
