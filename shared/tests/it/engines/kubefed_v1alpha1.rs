//! federation-v2 v0.0.4: a template goes where its placement says, as far as its namespace is placed
//! there, with the overrides of that cluster.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::Clusters;
use super::objects::{Objects, put, take, take_group};

const PRIMITIVES: &str = "primitives.federation.k8s.io";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Placement {
    cluster_names: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Overrides {
    overrides: Vec<Override>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Override {
    cluster_name: String,
    cluster_overrides: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    path: String,
    value: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TypeConfig {
    #[serde(rename = "comparisonField")]
    _comparison_field: String,
    namespaced: bool,
    target: Resource,
    template: Resource,
    placement: Resource,
    r#override: Option<Resource>,
    propagation_enabled: bool,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Resource {
    #[serde(default)]
    group: String,
    kind: String,
    plural_name: String,
    version: String,
}

impl Resource {
    fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

pub(crate) fn expand(mut hub: Objects, name: &str) -> Clusters {
    let primitives = take_group(&mut hub, PRIMITIVES);
    let configs: Vec<TypeConfig> = take_group(&mut hub, "core.federation.k8s.io")
        .into_iter()
        .map(|config| serde_json::from_value(config["spec"].clone()).unwrap())
        .collect();
    let definitions = take(&mut hub, |object| {
        object["kind"] == "CustomResourceDefinition" && object["spec"]["group"] == PRIMITIVES
    });
    take_group(&mut hub, "multiclusterdns.federation.k8s.io");
    for config in &configs {
        assert!(config.propagation_enabled);
        assert_eq!(config.namespaced, config.target.kind != "Namespace");
        for resource in [&config.placement].into_iter().chain(&config.r#override) {
            defined(resource, &definitions);
        }
    }
    let spec = |kind: &str, of: &Value| -> Option<Value> {
        let same = |one: &&Value| {
            one["kind"] == kind
                && one["metadata"]["name"] == of["metadata"]["name"]
                && one["metadata"]["namespace"] == of["metadata"]["namespace"]
        };
        primitives.iter().find(same).map(|one| one["spec"].clone())
    };

    let mut clusters = Clusters::new();
    let mut namespaces: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for object in primitives
        .iter()
        .filter(|one| one["kind"] == "FederatedNamespacePlacement")
    {
        let namespace = object["metadata"]["name"].as_str().unwrap();
        assert_eq!(object["metadata"]["namespace"], namespace);
        let placement: Placement = serde_json::from_value(object["spec"].clone()).unwrap();
        // The host's namespace is the template; it stays there, so that the host has it already.
        let template = hub
            .values()
            .find(|one| one["kind"] == "Namespace" && one["metadata"]["name"] == namespace);
        if let Some(template) = template {
            for cluster in placement
                .cluster_names
                .iter()
                .filter(|cluster| *cluster != name)
            {
                put(
                    clusters.entry(cluster.clone()).or_default(),
                    template.clone(),
                );
            }
        }
        namespaces.insert(namespace.to_owned(), placement.cluster_names);
    }
    for config in configs.iter().filter(|config| config.namespaced) {
        defined(&config.template, &definitions);
        let overriding = config.r#override.as_ref().unwrap();
        for object in primitives
            .iter()
            .filter(|one| one["kind"] == *config.template.kind)
        {
            let placement: Placement =
                serde_json::from_value(spec(&config.placement.kind, object).unwrap()).unwrap();
            let overrides = spec(&overriding.kind, object).map_or_else(Vec::new, |spec| {
                serde_json::from_value::<Overrides>(spec).unwrap().overrides
            });
            let named: BTreeSet<&str> = overrides
                .iter()
                .map(|one| one.cluster_name.as_str())
                .collect();
            assert_eq!(
                named.len(),
                overrides.len(),
                "a cluster that is named twice stops everything"
            );
            let namespace = object["metadata"]["namespace"].as_str().unwrap();
            for cluster in placement.cluster_names.intersection(&namespaces[namespace]) {
                let mut target = object["spec"]["template"].clone();
                target["apiVersion"] = config.target.api_version().into();
                target["kind"] = json!(config.target.kind);
                target["metadata"]["name"] = object["metadata"]["name"].clone();
                target["metadata"]["namespace"] = json!(namespace);
                for change in overrides
                    .iter()
                    .filter(|one| one.cluster_name == *cluster)
                    .flat_map(|one| &one.cluster_overrides)
                {
                    let mut place = &mut target;
                    for field in change.path.split('.') {
                        place = &mut place[field];
                    }
                    *place = change.value.clone();
                }
                put(clusters.entry(cluster.clone()).or_default(), target);
            }
        }
    }
    for object in hub.into_values() {
        put(clusters.entry(name.to_owned()).or_default(), object);
    }
    clusters
}

fn defined(resource: &Resource, definitions: &[Value]) {
    let desired = format!("{}.{}", resource.plural_name, resource.group);
    let definition = definitions
        .iter()
        .find(|one| one["metadata"]["name"] == desired);
    let definition = definition.unwrap_or_else(|| panic!("{desired} is not defined"));
    assert_eq!(definition["spec"]["names"]["kind"], resource.kind);
    assert_eq!(definition["spec"]["versions"][0]["name"], resource.version);
}
