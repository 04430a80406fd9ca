//! The import: one object with template, placement and overrides in it (`pkg/controller/util`).

use super::super::expand::{template, versions};
use super::TYPES;
use crate::findings::{Findings, code};
use crate::manifests::{
    Budget, Carried, Change, Expanded, Given, Object, TooManyCopies, api_version, bytes, field,
    list,
};

pub(super) fn expand(
    given: &mut Given,
    budget: &mut Budget,
    findings: &mut Findings,
) -> Result<Option<Expanded>, TooManyCopies> {
    let mut expanded = Expanded::default();
    // The template of a namespace stays: clusters may have theirs from other sources.
    let carriers = given.take(|object| {
        object.group() == TYPES
            && object.kind().starts_with("Federated")
            && object.kind() != "FederatedNamespace"
    });
    let versions = versions(&given.objects, "targetType");
    for of in carriers {
        let kind = of.kind();
        let kind = kind.strip_prefix("Federated").unwrap_or(kind);
        let placement = field(&of.value, &["spec", "placement"]);
        let names = list(&placement["clusters"]).iter();
        let clusters: Vec<String> = names
            .filter_map(|one| one["name"].as_str().map(str::to_owned))
            .collect();
        if clusters.is_empty() {
            findings.warning(
                code::FEDERATED_FAULT,
                &format!("{} spec.placement", of.place()),
                "the placement lists no cluster".into(),
                "list its clusters by name in `placement.clusters`".into(),
            );
        }
        budget.take(bytes(&of.value), clusters.len())?;
        let version = versions.get(kind).cloned();
        let version = version.unwrap_or_else(|| api_version(kind, ""));
        let mut one = Carried::new(template(&of, kind, version), clusters);
        overrides(&of, &mut one, findings);
        others(&of, findings);
        expanded.add(one);
    }
    Ok(expanded.found())
}

fn overrides(of: &Object, one: &mut Carried, findings: &mut Findings) {
    let entries = list(field(&of.value, &["spec", "overrides"])).iter();
    for (index, entry) in entries.enumerate() {
        let at = format!("{} spec.overrides[{index}]", of.place());
        let cluster = entry["clusterName"].as_str().unwrap_or_default();
        let changes = one.changes.entry(cluster.to_owned()).or_default();
        for change in list(&entry["clusterOverrides"]) {
            let path = change["path"].as_str().unwrap_or_default();
            let operation = change["op"]
                .as_str()
                .filter(|operation| !operation.is_empty());
            match Change::patch(operation.unwrap_or("replace"), path, &change["value"]) {
                Some(change) => changes.push(change),
                None => findings.warning(
                    code::FEDERATED_FAULT,
                    &at,
                    format!("{path:?} is not a path that an override can change"),
                    "use a JSON pointer such as `/spec/hosts`, with op `add`, `replace` or `remove`"
                        .into(),
                ),
            }
        }
    }
}

/// Fields besides template, placement and overrides.
fn others(of: &Object, findings: &mut Findings) {
    let fields = of.value["spec"].as_object().into_iter().flatten();
    for (name, _) in fields {
        if !["template", "placement", "overrides"].contains(&name.as_str()) {
            findings.warning(
                code::NOT_CARRIED,
                &format!("{} spec.{name}", of.place()),
                "a Mesh document has no field for it".into(),
                "check that nothing needs it".into(),
            );
        }
    }
}
