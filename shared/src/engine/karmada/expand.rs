//! The import: templates in their own kinds, and policies that select them by name.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{POLICIES, STAYS_LABEL};
use crate::findings::{Findings, code};
use crate::manifests::{
    Budget, Carried, Change, Expanded, Given, Object, TooManyCopies, bytes, field, list, texts,
};

/// API version, kind, namespace and name.
type Id = (String, String, String, String);

pub(super) fn expand(
    given: &mut Given,
    budget: &mut Budget,
    findings: &mut Findings,
) -> Result<Option<Expanded>, TooManyCopies> {
    let objects = &mut given.objects;
    let mut expanded = Expanded::default();
    let of_kind = |kind: &'static str| {
        let policies = objects.iter().enumerate();
        policies.filter(move |(_, object)| {
            object.group() == POLICIES && object.kind().trim_start_matches("Cluster") == kind
        })
    };
    let ids: BTreeMap<Id, usize> = objects
        .iter()
        .enumerate()
        .map(|(index, object)| (id(&object.value), index))
        .collect();
    let mut carried: BTreeMap<usize, Carried> = BTreeMap::new();
    for (_, policy) in of_kind("PropagationPolicy") {
        let affinity = field(&policy.value, &["spec", "placement", "clusterAffinity"]);
        let clusters: Vec<String> = texts(&affinity["clusterNames"])
            .map(str::to_owned)
            .collect();
        if clusters.is_empty() {
            not_read(
                policy,
                "placement",
                "the placement lists no cluster",
                "list its clusters in `clusterAffinity.clusterNames`",
                findings,
            );
        }
        for index in selected(policy, &ids, findings) {
            let object = &objects[index];
            budget.take(bytes(&object.value), clusters.len())?;
            let before = carried.remove(&index);
            let mut all = before.map(|one| one.clusters).unwrap_or_default();
            all.extend(clusters.iter().cloned());
            carried.insert(index, Carried::new(as_spread(object), all));
        }
    }
    for (_, policy) in of_kind("OverridePolicy") {
        let selected = selected(policy, &ids, findings);
        for rule in list(field(&policy.value, &["spec", "overrideRules"])) {
            let changes = changes(policy, rule, findings);
            let size: usize = changes.iter().map(Change::bytes).sum();
            let clusters: Vec<&str> = texts(&rule["targetCluster"]["clusterNames"]).collect();
            budget.take(size, clusters.len().saturating_mul(selected.len()))?;
            for index in &selected {
                let Some(one) = carried.get_mut(index) else {
                    continue;
                };
                for cluster in &clusters {
                    let all = one.changes.entry((*cluster).to_owned()).or_default();
                    all.extend(changes.iter().cloned());
                }
            }
        }
    }
    let mut left = Vec::new();
    for (index, object) in std::mem::take(objects).into_iter().enumerate() {
        match carried.remove(&index) {
            Some(one) => expanded.add(one),
            None => left.push(object),
        }
    }
    *objects = left;
    Ok(expanded.found())
}

fn id(value: &Value) -> Id {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        text(&value["apiVersion"]),
        text(&value["kind"]),
        text(&value["metadata"]["namespace"]),
        text(&value["metadata"]["name"]),
    )
}

/// Indices of the objects that a policy selects by name.
fn selected(policy: &Object, ids: &BTreeMap<Id, usize>, findings: &mut Findings) -> Vec<usize> {
    let own = policy.value["metadata"]["namespace"].as_str();
    let mut selected = Vec::new();
    for selector in list(field(&policy.value, &["spec", "resourceSelectors"])) {
        let text = |name: &str| selector[name].as_str().map(str::to_owned);
        let namespace = text("namespace").or_else(|| own.map(str::to_owned));
        let desired = (
            text("apiVersion").unwrap_or_default(),
            text("kind").unwrap_or_default(),
            namespace.unwrap_or_default(),
            text("name").unwrap_or_default(),
        );
        match ids.get(&desired) {
            Some(index) if !desired.3.is_empty() => selected.push(*index),
            _ => not_read(
                policy,
                "resourceSelectors",
                &format!(
                    "`{} {}` is not in the manifests, or is not selected by name",
                    desired.1, desired.3
                ),
                "add the object to the manifests and select it by name",
                findings,
            ),
        }
    }
    selected
}

/// The changes of an override policy's rule.
fn changes(policy: &Object, rule: &Value, findings: &mut Findings) -> Vec<Change> {
    let overriders = rule["overriders"].as_object();
    let others = overriders.into_iter().flatten();
    if others.map(|(name, _)| name).any(|name| name != "plaintext")
        || texts(&rule["targetCluster"]["clusterNames"])
            .next()
            .is_none()
    {
        not_read(
            policy,
            "overrideRules",
            "the policy has overriders or a cluster selection that import does not support",
            "use `targetCluster.clusterNames` and `plaintext` overriders",
            findings,
        );
    }
    let mut changes = Vec::new();
    for one in list(&rule["overriders"]["plaintext"]) {
        let text = |name: &str| one[name].as_str().unwrap_or_default();
        match Change::patch(text("operator"), text("path"), &one["value"]) {
            Some(change) => changes.push(change),
            None => not_read(
                policy,
                "overrideRules",
                &format!(
                    "{:?} is not a path that an override can change",
                    text("path")
                ),
                "use a JSON pointer such as `/spec/hosts`, with operator `add`, `replace` or `remove`",
                findings,
            ),
        }
    }
    changes
}

fn not_read(policy: &Object, field: &str, message: &str, hint: &str, findings: &mut Findings) {
    findings.warning(
        code::FEDERATED_FAULT,
        &format!("{} spec.{field}", policy.place()),
        message.to_owned(),
        hint.to_owned(),
    );
}

/// The propagated template, without the label that keeps a namespace from being propagated to all members.
fn as_spread(template: &Object) -> Object {
    let mut object = template.clone();
    if let Some(Value::Object(labels)) = object.value.pointer_mut("/metadata/labels") {
        labels.shift_remove(STAYS_LABEL);
    }
    object
}
