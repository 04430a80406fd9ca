//! Karmada: a template goes where the policy that selects it says, with the rules that are for that
//! cluster; a namespace goes everywhere unless it is labelled (docs/userguide/scheduling in its website).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::Clusters;
use super::objects::{Id, Objects, put, replace, take_group};

const STAYS: &str = "namespace.karmada.io/skip-auto-propagation";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Propagation {
    resource_selectors: Vec<Selector>,
    placement: Placement,
    #[serde(default)]
    preserve_resources_on_deletion: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Placement {
    cluster_affinity: Affinity,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Affinity {
    cluster_names: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Selector {
    api_version: String,
    kind: String,
    #[serde(default)]
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Overriding {
    resource_selectors: Vec<Selector>,
    override_rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Rule {
    target_cluster: Affinity,
    overriders: Overriders,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Overriders {
    plaintext: Vec<Plaintext>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plaintext {
    path: String,
    operator: String,
    value: Value,
}

impl Selector {
    fn id(self) -> Id {
        Id {
            api_version: self.api_version,
            kind: self.kind,
            namespace: self.namespace,
            name: self.name,
        }
    }
}

pub(crate) fn expand(mut templates: Objects) -> Clusters {
    let (propagation, overriding): (Vec<Value>, Vec<Value>) =
        take_group(&mut templates, "policy.karmada.io")
            .into_iter()
            .partition(|policy| {
                policy["kind"]
                    .as_str()
                    .unwrap()
                    .ends_with("PropagationPolicy")
            });
    let mut clusters = Clusters::new();
    let mut selected: BTreeSet<Id> = BTreeSet::new();
    for policy in &propagation {
        let spec: Propagation = serde_json::from_value(policy["spec"].clone()).unwrap();
        for id in selectors(policy, "PropagationPolicy", spec.resource_selectors) {
            let template = templates
                .get(&id)
                .unwrap_or_else(|| panic!("{id:?} is not there"));
            let never_deleted =
                matches!(id.kind.as_str(), "Namespace" | "CustomResourceDefinition");
            assert_eq!(spec.preserve_resources_on_deletion, never_deleted, "{id:?}");
            for cluster in &spec.placement.cluster_affinity.cluster_names {
                put(
                    clusters.entry(cluster.clone()).or_default(),
                    template.clone(),
                );
            }
            assert!(selected.insert(id.clone()), "{id:?} is selected twice");
        }
    }
    for policy in &overriding {
        let spec: Overriding = serde_json::from_value(policy["spec"].clone()).unwrap();
        let ids = selectors(policy, "OverridePolicy", spec.resource_selectors);
        for rule in &spec.override_rules {
            for cluster in &rule.target_cluster.cluster_names {
                for id in &ids {
                    let object = clusters.get_mut(cluster).unwrap().get_mut(id).unwrap();
                    for change in &rule.overriders.plaintext {
                        assert_eq!(change.operator, "replace");
                        replace(object, &change.path, change.value.clone());
                    }
                }
            }
        }
    }
    for (id, template) in &templates {
        if id.kind == "Namespace" {
            assert_eq!(
                template["metadata"]["labels"][STAYS], "true",
                "else it goes everywhere"
            );
        } else {
            assert!(selected.contains(id), "{id:?} goes nowhere");
            let home = templates
                .keys()
                .any(|other| other.kind == "Namespace" && other.name == id.namespace);
            assert!(
                home || id.namespace.is_empty() || id.namespace == "default",
                "{id:?} has nowhere to be"
            );
        }
    }
    // It travels along, and changes nothing in a member.
    for object in clusters
        .values_mut()
        .flat_map(|objects| objects.values_mut())
    {
        if object["kind"] == "Namespace" {
            object["metadata"]["labels"]
                .as_object_mut()
                .unwrap()
                .remove(STAYS);
        }
    }
    clusters
}

/// A policy in a namespace reaches what is in it and nothing else.
fn selectors(policy: &Value, kind: &str, selectors: Vec<Selector>) -> Vec<Id> {
    let name = policy["metadata"]["name"].as_str().unwrap();
    assert!(
        name.len() <= 63 && name.ends_with(|c: char| c.is_ascii_alphanumeric()),
        "{name}"
    );
    assert!(!selectors.is_empty());
    let namespace = policy["metadata"]["namespace"].as_str().unwrap_or_default();
    let prefix = if namespace.is_empty() { "Cluster" } else { "" };
    assert_eq!(policy["kind"], format!("{prefix}{kind}"));
    let ids: Vec<Id> = selectors.into_iter().map(Selector::id).collect();
    assert!(ids.iter().all(|id| id.namespace == namespace), "{policy:#}");
    ids
}
