//! The import: a template, a placement and an override of each target kind, which belong together by kind and
//! name.
//!
//! Faults that the federation's controller ignores silently are reported, and the intended value is imported.

use std::collections::BTreeMap;

use super::super::expand::{template, versions};
use super::{PRIMITIVES, overrides};
use crate::findings::{Findings, code};
use crate::manifests::{
    Budget, Carried, Expanded, Given, Object, TooManyCopies, api_version, bytes, field, texts,
};

/// Template, placement and override of one object.
#[derive(Default)]
struct Parts {
    template: Option<Object>,
    placement: Option<Object>,
    r#override: Option<Object>,
}

/// Kind without the prefix `Federated`, namespace and name.
type Id = (String, String, String);

pub(super) fn expand(
    given: &mut Given,
    budget: &mut Budget,
    findings: &mut Findings,
) -> Result<Option<Expanded>, TooManyCopies> {
    let mut expanded = Expanded::default();
    // For a namespace only the placement is an object of the federation.
    let carriers = given.take(|object| {
        let kind = object.kind().strip_prefix("Federated");
        object.group() == PRIMITIVES && kind.is_some_and(|kind| kind != "NamespacePlacement")
    });
    let mut parts: BTreeMap<Id, Parts> = BTreeMap::new();
    let mut order: Vec<Id> = Vec::new();
    for object in carriers {
        let kind = object.kind();
        let kind = kind.strip_prefix("Federated").unwrap_or(kind);
        let (kind, part) = ["Placement", "Override"]
            .into_iter()
            .find_map(|part| Some((kind.strip_suffix(part)?, part)))
            .unwrap_or((kind, "Template"));
        let id = (
            kind.to_owned(),
            object.namespace().to_owned(),
            object.name().to_owned(),
        );
        let entry = parts.entry(id.clone()).or_insert_with(|| {
            order.push(id);
            Parts::default()
        });
        let slot = match part {
            "Placement" => &mut entry.placement,
            "Override" => &mut entry.r#override,
            _ => &mut entry.template,
        };
        if let Some(earlier) = slot.replace(object) {
            findings.warning(
                code::IMPORT_CONTRADICTS,
                &earlier.place(),
                "the object is given twice, and only the last one is imported".into(),
                "remove one of the two".into(),
            );
        }
    }
    misnamed(&mut parts, &order, findings);
    let versions = versions(&given.objects, "target");
    for id in order {
        let Some(Parts {
            template: Some(of),
            placement,
            r#override,
        }) = parts.remove(&id)
        else {
            continue;
        };
        let kind = &id.0;
        let mut clusters: Vec<String> = Vec::new();
        if let Some(placement) = &placement {
            let names = texts(field(&placement.value, &["spec", "clusterNames"]));
            clusters.extend(names.map(str::to_owned));
        }
        if clusters.is_empty() {
            findings.warning(
                code::FEDERATED_FAULT,
                &of.place(),
                "no placement lists a cluster for the object".into(),
                format!("list its clusters in `clusterNames` of a Federated{kind}Placement"),
            );
        }
        budget.take(bytes(&of.value), clusters.len())?;
        let changes = match &r#override {
            Some(r#override) => {
                budget.take(bytes(&r#override.value), 1)?;
                overrides::values(r#override, &clusters, findings)
            }
            None => BTreeMap::new(),
        };
        let version = versions.get(kind).cloned();
        let version = version.unwrap_or_else(|| api_version(kind, ""));
        let mut one = Carried::new(template(&of, kind, version), clusters);
        one.changes = changes;
        expanded.add(one);
    }
    Ok(expanded.found())
}

/// Placements and overrides of a kind without a template: the only template of the same name is used.
fn misnamed(parts: &mut BTreeMap<Id, Parts>, order: &[Id], findings: &mut Findings) {
    for id in order {
        let Some(one) = parts.get(id).filter(|one| one.template.is_none()) else {
            continue;
        };
        let meant: Vec<&Id> = parts
            .iter()
            .filter(|(other, parts)| {
                let free = (one.placement.is_none() || parts.placement.is_none())
                    && (one.r#override.is_none() || parts.r#override.is_none());
                free && parts.template.is_some() && (&other.1, &other.2) == (&id.1, &id.2)
            })
            .map(|(other, _)| other)
            .collect();
        let meant = match meant[..] {
            [only] => Some(only.clone()),
            _ => None,
        };
        let Some(one) = parts.remove(id) else {
            continue;
        };
        for (object, part) in [(&one.placement, "Placement"), (&one.r#override, "Override")] {
            let Some(object) = object else { continue };
            let hint = match &meant {
                Some((kind, ..)) => format!(
                    "use Federated{kind}{part}, the kind that belongs to Federated{kind}; it is imported as that"
                ),
                None => format!(
                    "add its template, a Federated{}, or remove the object",
                    id.0
                ),
            };
            findings.warning(
                code::FEDERATED_FAULT,
                &object.place(),
                format!(
                    "the object belongs to no template: no Federated{} has its name",
                    id.0
                ),
                hint,
            );
        }
        if let Some(entry) = meant.and_then(|meant| parts.get_mut(&meant)) {
            entry.placement = entry.placement.take().or(one.placement);
            entry.r#override = entry.r#override.take().or(one.r#override);
        }
    }
}
