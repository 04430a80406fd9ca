//! KubeFed v0.10.0: an object goes where its placement says, as far as its namespace is placed there,
//! with the overrides of that cluster (docs/userguide.md; `pkg/controller/sync/resource.go`,
//! `pkg/controller/util/{placement,overrides}.go`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::Clusters;
use super::objects::{Objects, put, replace, take, take_group};

const TYPES: &str = "types.kubefed.io";
/// What the chart enables, of the kinds that are spread here.
const BY_CHART: &[(&str, &str, &str)] = &[
    ("FederatedDeployment", "apps/v1", "Deployment"),
    ("FederatedService", "v1", "Service"),
    ("FederatedServiceAccount", "v1", "ServiceAccount"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    template: Option<Value>,
    placement: Placement,
    #[serde(default)]
    overrides: Vec<Override>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Placement {
    clusters: Vec<Cluster>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cluster {
    name: String,
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
    op: String,
    value: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TypeConfig {
    target_type: Resource,
    propagation: String,
    federated_type: Resource,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Resource {
    group: String,
    version: String,
    kind: String,
    plural_name: String,
    scope: String,
}

impl Spec {
    fn of(object: &Value) -> Self {
        serde_json::from_value(object["spec"].clone()).unwrap()
    }

    fn clusters(&self) -> BTreeSet<String> {
        let clusters = self.placement.clusters.iter();
        clusters.map(|cluster| cluster.name.clone()).collect()
    }
}

pub(crate) fn expand(mut hub: Objects, name: &str) -> Clusters {
    let federated = take_group(&mut hub, TYPES);
    let targets = targets(&mut hub);

    let mut clusters = Clusters::new();
    let mut namespaces: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for object in federated
        .iter()
        .filter(|one| one["kind"] == "FederatedNamespace")
    {
        let namespace = object["metadata"]["name"].as_str().unwrap();
        assert_eq!(
            object["metadata"]["namespace"], namespace,
            "else it is passed over"
        );
        assert_eq!(
            object["metadata"]["annotations"]["kubefed.io/orphan"],
            "true"
        );
        let spec = Spec::of(object);
        if let Some(template) = &spec.template {
            // The host has it: the object stands in it.
            for cluster in spec
                .clusters()
                .into_iter()
                .filter(|cluster| cluster != name)
            {
                let target = target(template, "v1", "Namespace", &json!({ "name": namespace }));
                put(clusters.entry(cluster).or_default(), target);
            }
        }
        namespaces.insert(namespace.to_owned(), spec.clusters());
    }
    for object in federated
        .iter()
        .filter(|one| one["kind"] != "FederatedNamespace")
    {
        let kind = object["kind"].as_str().unwrap();
        let (api_version, target_kind) = &targets[kind];
        let spec = Spec::of(object);
        let named: BTreeSet<&str> = spec
            .overrides
            .iter()
            .map(|one| one.cluster_name.as_str())
            .collect();
        assert_eq!(
            named.len(),
            spec.overrides.len(),
            "a cluster that is named twice stops everything"
        );
        let (namespace, own) = (
            &object["metadata"]["namespace"],
            &object["metadata"]["name"],
        );
        let identity = json!({ "name": own, "namespace": namespace });
        for cluster in spec
            .clusters()
            .intersection(&namespaces[namespace.as_str().unwrap()])
        {
            let mut target = target(
                spec.template.as_ref().unwrap(),
                api_version,
                target_kind,
                &identity,
            );
            for change in spec
                .overrides
                .iter()
                .filter(|one| one.cluster_name == *cluster)
                .flat_map(|one| &one.cluster_overrides)
            {
                assert_eq!(change.op, "replace");
                replace(&mut target, &change.path, change.value.clone());
            }
            put(clusters.entry(cluster.clone()).or_default(), target);
        }
    }
    for object in hub.into_values() {
        put(clusters.entry(name.to_owned()).or_default(), object);
    }
    clusters
}

/// Federated kind → API version and kind of what it stands for.
fn targets(hub: &mut Objects) -> BTreeMap<String, (String, String)> {
    let definitions = take(hub, |object| {
        object["kind"] == "CustomResourceDefinition" && object["spec"]["group"] == TYPES
    });
    let mut targets: BTreeMap<String, (String, String)> = BY_CHART
        .iter()
        .map(|(federated, api, kind)| {
            (
                (*federated).to_owned(),
                ((*api).to_owned(), (*kind).to_owned()),
            )
        })
        .collect();
    let configs = take_group(hub, "core.kubefed.io");
    assert_eq!(configs.len(), definitions.len());
    for object in configs {
        assert_eq!(object["metadata"]["namespace"], "kube-federation-system");
        let config: TypeConfig = serde_json::from_value(object["spec"].clone()).unwrap();
        let (from, to) = (config.target_type, config.federated_type);
        assert_eq!(
            object["metadata"]["name"],
            format!("{}.{}", from.plural_name, from.group)
        );
        assert_eq!(
            (
                config.propagation.as_str(),
                from.scope.as_str(),
                to.scope.as_str()
            ),
            ("Enabled", "Namespaced", "Namespaced")
        );
        let desired = format!("{}.{}", to.plural_name, to.group);
        let definition = definitions
            .iter()
            .find(|one| one["metadata"]["name"] == desired)
            .unwrap();
        assert_eq!(definition["spec"]["names"]["kind"], to.kind);
        assert_eq!(definition["spec"]["versions"][0]["name"], to.version);
        let before = targets.insert(
            to.kind,
            (format!("{}/{}", from.group, from.version), from.kind),
        );
        assert!(before.is_none(), "the chart's are not touched");
    }
    targets
}

fn target(template: &Value, api_version: &str, kind: &str, identity: &Value) -> Value {
    let mut target = template.clone();
    assert!(
        target["metadata"].get("annotations").is_none(),
        "the controller refuses them"
    );
    target["apiVersion"] = api_version.into();
    target["kind"] = kind.into();
    for (field, value) in identity.as_object().unwrap() {
        target["metadata"][field] = value.clone();
    }
    target
}
