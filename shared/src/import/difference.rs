//! The fields of a value that another one lacks or has with other values.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::manifests::texts;

/// A given value without a counterpart.
pub(super) struct Loss {
    pub(super) path: String,
    pub(super) given: Value,
    pub(super) instead: Option<Value>,
}

impl Loss {
    /// Whether it is a label or an annotation, which has no effect on calls.
    pub(super) fn is_of_metadata(&self) -> bool {
        self.path.starts_with("metadata.")
    }
}

/// The losses of a whole object.
pub(super) fn losses(given: &Value, rendered: &Value) -> Vec<Loss> {
    let mut lost = Vec::new();
    difference(given, rendered, "", &mut lost);
    lost
}

fn difference(given: &Value, rendered: &Value, path: &str, lost: &mut Vec<Loss>) {
    let missing = |given: &Value, path: &str, instead: Option<&Value>| Loss {
        path: path.to_owned(),
        given: given.clone(),
        instead: instead.cloned(),
    };
    match (given, rendered) {
        (Value::Object(fields), Value::Object(others)) => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                let at = format!("{path}{dot}{name}");
                match others.get(name) {
                    Some(other) => difference(value, other, &at, lost),
                    None if says_nothing(value) || is_default(name, value) => {}
                    None => lost.push(missing(value, &at, None)),
                }
            }
        }
        (Value::Array(items), Value::Array(others)) => {
            let known: BTreeSet<&str> = texts(rendered).collect();
            let covered = |item: &Value| match item.as_str() {
                Some(text) => known.contains(text),
                None => others.iter().any(|other| losses(item, other).is_empty()),
            };
            let left: Vec<(usize, &Value)> = items
                .iter()
                .enumerate()
                // They mostly have the same order.
                .filter(|(index, item)| others.get(*index) != Some(*item) && !covered(item))
                .collect();
            if left
                .iter()
                .all(|(_, item)| !item.is_object() && !item.is_array())
            {
                let left: Vec<Value> = left.into_iter().map(|(_, item)| item.clone()).collect();
                if !left.is_empty() {
                    lost.push(missing(&left.into(), path, None));
                }
                return;
            }
            for (index, item) in left {
                let at = format!("{path}[{index}]");
                let size =
                    |lost: &Vec<Loss>| lost.iter().map(|one| leaves(&one.given)).sum::<usize>();
                let compared = |other: &Value| {
                    let mut lost = Vec::new();
                    difference(item, other, &at, &mut lost);
                    lost
                };
                let same = others.iter().filter(|other| is_same(item, other));
                if let Some(same) = same.map(compared).min_by_key(size) {
                    lost.extend(same);
                    continue;
                }
                match others.iter().map(compared).min_by_key(size) {
                    Some(nearest) if 2 * size(&nearest) <= leaves(item) => lost.extend(nearest),
                    // With most of its values missing, it is another item.
                    _ => lost.push(missing(item, &at, None)),
                }
            }
        }
        _ if given == rendered => {}
        _ => lost.push(missing(given, path, Some(rendered))),
    }
}

/// Whether items are the same one: containers of one name, routes to the same destinations.
fn is_same(one: &Value, other: &Value) -> bool {
    ["name", "route"]
        .iter()
        .any(|field| !one[field].is_null() && one[field] == other[field])
}

/// The number of scalars in a value.
fn leaves(value: &Value) -> usize {
    let count = match value {
        Value::Object(fields) => fields.values().map(leaves).sum(),
        Value::Array(items) => items.iter().map(leaves).sum(),
        _ => 1,
    };
    count.max(1)
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Whether a field has the value that it has if it is omitted: the defaults of Istio's kinds, and those that API servers
/// write into Services and Deployments.
fn is_default(name: &str, value: &Value) -> bool {
    match name {
        "exportTo" => *value == json!(["*"]),
        "httpsRedirect" => value == false,

        "clusterIP" => value != "None",
        "clusterIPs" => *value != json!(["None"]),
        "ipFamilies" => *value == json!(["IPv4"]),
        "ipFamilyPolicy" => value == "SingleStack",
        "internalTrafficPolicy" => value == "Cluster",
        "protocol" => value == "TCP",
        "sessionAffinity" => value == "None",
        "type" => value == "ClusterIP",

        "defaultMode" => value == 420,
        "dnsPolicy" => value == "ClusterFirst",
        "imagePullPolicy" => value == "IfNotPresent",
        "progressDeadlineSeconds" => value == 600,
        "replicas" => value == 1,
        "restartPolicy" => value == "Always",
        "revisionHistoryLimit" => value == 10,
        "schedulerName" => value == "default-scheduler",
        "strategy" => {
            let quarter = json!({ "maxSurge": "25%", "maxUnavailable": "25%" });
            *value == json!({ "type": "RollingUpdate", "rollingUpdate": quarter })
        }
        "terminationGracePeriodSeconds" => value == 30,
        "terminationMessagePath" => value == "/dev/termination-log",
        "terminationMessagePolicy" => value == "File",
        _ => false,
    }
}
