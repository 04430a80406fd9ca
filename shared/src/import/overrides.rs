//! The values of a federated override, as federation-v2 v0.0.4 reads them: dotted paths under
//! `clusterOverrides` (`pkg/controller/util/overrides.go`). What it passes over is told, and taken as it was
//! meant.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::objects::{Object, field, list};
use crate::check::{Findings, code};
use crate::yaml::MAX_DEPTH;

/// Dotted paths and their values, by cluster.
pub(super) fn values<'a>(
    object: &'a Object,
    clusters: &[&str],
    findings: &mut Findings,
) -> BTreeMap<&'a str, Vec<(String, &'a Value)>> {
    let mut all: BTreeMap<&str, Vec<(String, &Value)>> = BTreeMap::new();
    for (index, entry) in list(field(&object.value, &["spec", "overrides"]))
        .iter()
        .enumerate()
    {
        let at = format!("{} spec.overrides[{index}]", object.place());
        let Some(cluster) = entry["clusterName"].as_str() else {
            findings.warning(
                code::FEDERATED_FAULT,
                &at,
                "it has no clusterName".into(),
                "name the cluster that it is for".into(),
            );
            continue;
        };
        if !clusters.contains(&cluster) {
            findings.warning(
                code::FEDERATED_FAULT,
                &at,
                format!("the placement does not have cluster {cluster:?}"),
                "add it to clusterNames of the placement, or remove the override".into(),
            );
        }
        if all.contains_key(cluster) {
            findings.warning(
                code::FEDERATED_FAULT,
                &at,
                format!("there is an override for cluster {cluster:?} before; the controller stops at the second"),
                "put all its values into one entry".into(),
            );
        }
        let changes = all.entry(cluster).or_default();
        for change in list(&entry["clusterOverrides"]) {
            match change["path"].as_str() {
                Some(path) if path.split('.').count() <= MAX_DEPTH => {
                    changes.push((path.to_owned(), &change["value"]));
                }
                _ => findings.warning(
                    code::FEDERATED_FAULT,
                    &at,
                    "one of clusterOverrides has no path".into(),
                    "write a path with dots between its parts, such as spec.hosts".into(),
                ),
            }
        }
        let fields = entry.as_object().into_iter().flatten();
        for (name, value) in fields {
            if name == "clusterName" || name == "clusterOverrides" {
                continue;
            }
            findings.warning(
                code::FEDERATED_FAULT,
                &format!("{at}.{name}"),
                "the controller reads clusterOverrides only, so this changes nothing".into(),
                format!(
                    "write clusterOverrides: [{{path: spec.{name}, value: …}}]; it is taken as that"
                ),
            );
            changes.push((format!("spec.{name}"), value));
        }
    }
    all
}

/// Sets a nested field, given by a path with dots, making the maps on the way where there are none.
pub(super) fn set(value: &mut Value, path: &str, new: &Value) {
    let mut at = value;
    for name in path.split('.') {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[name];
    }
    *at = new.clone();
}
