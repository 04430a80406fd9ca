//! The values of a federated override, as in federation-v2 v0.0.4: dotted paths under `clusterOverrides`
//! (`pkg/controller/util/overrides.go`). Entries that it ignores are reported, and imported as intended.

use std::collections::{BTreeMap, BTreeSet};

use crate::findings::{Findings, code};
use crate::manifests::{Change, Object, field, list};

/// The changes, by cluster.
pub(super) fn values(
    object: &Object,
    clusters: &[String],
    findings: &mut Findings,
) -> BTreeMap<String, Vec<Change>> {
    let clusters: BTreeSet<&str> = clusters.iter().map(String::as_str).collect();
    let mut all: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    for (index, entry) in list(field(&object.value, &["spec", "overrides"]))
        .iter()
        .enumerate()
    {
        let at = format!("{} spec.overrides[{index}]", object.place());
        let Some(cluster) = entry["clusterName"].as_str() else {
            findings.warning(
                code::FEDERATED_FAULT,
                &at,
                "the override has no `clusterName`".into(),
                "set `clusterName` to the cluster of the override".into(),
            );
            continue;
        };
        if !clusters.contains(cluster) {
            findings.warning(
                code::FEDERATED_FAULT,
                &at,
                format!("the placement does not list cluster {cluster:?}"),
                "add it to `clusterNames` of the placement, or remove the override".into(),
            );
        }
        if all.contains_key(cluster) {
            findings.warning(
                code::FEDERATED_FAULT,
                &at,
                format!(
                    "cluster {cluster:?} has two overrides, and the controller stops at the second"
                ),
                "write all its values into one entry".into(),
            );
        }
        let changes = all.entry(cluster.to_owned()).or_default();
        for change in list(&entry["clusterOverrides"]) {
            let path = change["path"].as_str();
            match path.and_then(|path| Change::dotted(path, &change["value"])) {
                Some(change) => changes.push(change),
                None => findings.warning(
                    code::FEDERATED_FAULT,
                    &at,
                    "an entry of `clusterOverrides` has no path".into(),
                    "set `path` to field names separated by dots, such as `spec.hosts`".into(),
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
                "the field has no effect: the controller reads only `clusterOverrides`".into(),
                format!(
                    "use `clusterOverrides: [{{path: spec.{name}, value: …}}]`; it is imported as that"
                ),
            );
            changes.extend(Change::dotted(&format!("spec.{name}"), value));
        }
    }
    all
}
