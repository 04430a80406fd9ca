//! Open Cluster Management: the work agent of a managed cluster carries out the ManifestWorks in the
//! namespace of that name, as far as it is allowed to (docs/concepts/work-distribution/manifestwork in
//! its website).

use serde::Deserialize;
use serde_json::Value;

use super::Clusters;
use super::objects::{Id, Objects, put, take, take_group};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Work {
    workload: Workload,
    manifest_configs: Vec<Config>,
    delete_option: Option<DeleteOption>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Workload {
    manifests: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Config {
    resource_identifier: Identifier,
    update_strategy: UpdateStrategy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identifier {
    group: String,
    resource: String,
    #[serde(default)]
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateStrategy {
    r#type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DeleteOption {
    propagation_policy: String,
}

pub(crate) fn expand(mut hub: Objects, name: &str) -> Clusters {
    let mut clusters = Clusters::new();
    for work in take_group(&mut hub, "work.open-cluster-management.io") {
        let cluster = work["metadata"]["namespace"].as_str().unwrap().to_owned();
        let spec: Work = serde_json::from_value(work["spec"].clone()).unwrap();
        let manifests = spec.workload.manifests;
        let bytes: usize = manifests.iter().map(|one| one.to_string().len()).sum();
        assert!(
            !manifests.is_empty() && (manifests.len() == 1 || bytes < 50 * 1024),
            "{bytes}"
        );
        assert_eq!(manifests.len(), spec.manifest_configs.len());
        let orphaned = spec
            .delete_option
            .is_some_and(|option| option.propagation_policy == "Orphan");
        for (manifest, config) in manifests.into_iter().zip(spec.manifest_configs) {
            let (id, config_of) = (Id::of(&manifest), config.resource_identifier);
            let group = id
                .api_version
                .split_once('/')
                .map_or("", |(group, _)| group);
            assert_eq!(
                (
                    config_of.group.as_str(),
                    &config_of.namespace,
                    &config_of.name
                ),
                (group, &id.namespace, &id.name)
            );
            assert!(
                plural(&id.kind) == config_of.resource,
                "{id:?}: {}",
                config_of.resource
            );
            assert_eq!(config.update_strategy.r#type, "ServerSideApply");
            assert_eq!(
                orphaned,
                matches!(id.kind.as_str(), "Namespace" | "CustomResourceDefinition")
            );
            put(clusters.entry(cluster.clone()).or_default(), manifest);
        }
    }
    for objects in clusters.values_mut() {
        let allowed = take(objects, |object| {
            object["metadata"]["labels"]["open-cluster-management.io/aggregate-to-work"] == "true"
        });
        assert_eq!(allowed.len(), 1);
        for id in objects.keys() {
            assert!(
                is_allowed(id, &allowed[0]),
                "the work agent may not make {id:?}"
            );
        }
    }
    for object in hub.into_values() {
        put(clusters.entry(name.to_owned()).or_default(), object);
    }
    clusters
}

/// The agent has the role `admin` and may make namespaces, definitions and roles; the rest has to be
/// in a role that is added to its own.
fn is_allowed(id: &Id, role: &Value) -> bool {
    let group = id
        .api_version
        .split_once('/')
        .map_or("", |(group, _)| group);
    let builtin = matches!(
        group,
        "" | "apps" | "rbac.authorization.k8s.io" | "apiextensions.k8s.io"
    );
    let contains =
        |list: &Value, text: &str| list.as_array().unwrap().iter().any(|one| one == text);
    let rules = role["rules"].as_array().unwrap();
    builtin
        || rules.iter().any(|rule| {
            let verbs = [
                "create", "delete", "get", "list", "patch", "update", "watch",
            ];
            contains(&rule["apiGroups"], group)
                && contains(&rule["resources"], &plural(&id.kind))
                && verbs.iter().all(|verb| contains(&rule["verbs"], verb))
        })
}

fn plural(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    match lower.strip_suffix('y') {
        Some(stem) if !lower.ends_with("way") => format!("{stem}ies"),
        _ => format!("{lower}s"),
    }
}
