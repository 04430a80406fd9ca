//! Kustomize: an overlay is its resources with its patches; a base is built in the place where it is
//! named (kustomize's reference, `resources` and `patches`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use shared::bundle::{Bundle, MESH_FILE};
use shared::mesh::Gitops;
use shared::yaml;

use super::Clusters;
use super::objects::{Id, Objects, documents, put, replace};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Kustomization {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    kind: String,
    resources: Vec<String>,
    #[serde(default)]
    patches: Vec<Patch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    path: String,
    target: Target,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    group: String,
    kind: String,
    name: String,
    namespace: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    op: String,
    path: String,
    value: Value,
}

/// Files by path, those that nobody has read yet.
type Files = BTreeMap<String, String>;

pub(crate) fn expand(bundle: &Bundle, gitops: &Gitops) -> Clusters {
    let files = bundle
        .files()
        .map(|(path, text)| (path.to_owned(), text.to_owned()));
    let mut files: Files = files.collect();
    files.remove(MESH_FILE);
    let root = gitops.path.as_ref().map(|path| format!("{path}/"));
    let root = root.unwrap_or_default();
    let mut clusters = Clusters::new();
    let mut left = files.clone();
    for cluster in take_argo_cd(&mut left, &root) {
        let flux = left.remove(&format!("flux/{cluster}.yaml")).unwrap();
        let branch = gitops.branch.as_deref().unwrap_or("main");
        take_flux(&flux, &format!("./{root}clusters/{cluster}"), branch);
        let mut objects = build(&files, &mut left, &format!("clusters/{cluster}"));
        objects.values_mut().for_each(marked);
        clusters.insert(cluster, objects);
    }
    assert!(left.is_empty(), "nobody reads {:?}", left.keys());
    clusters
}

/// The clusters that Argo CD makes an application for, each of its overlay.
fn take_argo_cd(left: &mut Files, root: &str) -> Vec<String> {
    let Some(text) = left.remove("argocd/applicationset.yaml") else {
        return Vec::new();
    };
    let set: Value = yaml::from_str(&text).unwrap();
    let source = &set["spec"]["template"]["spec"]["source"];
    assert_eq!(source["path"], format!("{root}clusters/{{{{.cluster}}}}"));
    assert_eq!(
        source["repoURL"],
        "https://git.example.com/platform/mesh.git"
    );
    let elements = set["spec"]["generators"][0]["list"]["elements"]
        .as_array()
        .unwrap();
    elements
        .iter()
        .map(|one| one["cluster"].as_str().unwrap().to_owned())
        .collect()
}

fn take_flux(text: &str, path: &str, branch: &str) {
    let [source, kustomization]: [Value; 2] = documents(text).try_into().unwrap();
    assert_eq!(kustomization["spec"]["path"], path);
    assert_eq!(
        kustomization["spec"]["sourceRef"]["name"],
        source["metadata"]["name"]
    );
    assert_eq!(source["spec"]["ref"]["branch"], branch);
}

fn build(files: &Files, left: &mut Files, folder: &str) -> Objects {
    let mut read = |path: String| {
        left.remove(&path);
        files
            .get(&path)
            .unwrap_or_else(|| panic!("{path} is not there"))
            .clone()
    };
    let kustomization: Kustomization =
        yaml::from_str(&read(format!("{folder}/kustomization.yaml"))).unwrap();
    assert_eq!(kustomization.kind, "Kustomization");
    let patches: Vec<(Target, Vec<Operation>)> = kustomization
        .patches
        .into_iter()
        .map(|patch| {
            (
                patch.target,
                yaml::from_str(&read(format!("{folder}/{}", patch.path))).unwrap(),
            )
        })
        .collect();
    let mut objects = Objects::new();
    for resource in kustomization.resources {
        if resource == "../../base" {
            objects.extend(build(files, left, "base"));
            continue;
        }
        let path = format!("{folder}/{resource}");
        left.remove(&path);
        for object in documents(&files[&path]) {
            put(&mut objects, object);
        }
    }
    for (target, operations) in patches {
        let matching: Vec<Id> = objects
            .keys()
            .filter(|id| target.matches(id))
            .cloned()
            .collect();
        let [id] = matching.as_slice() else {
            panic!("{} is the name of {matching:?}", target.name);
        };
        let object = objects.get_mut(id).unwrap();
        for operation in operations {
            assert_eq!(operation.op, "replace");
            replace(object, &operation.path, operation.value);
        }
    }
    objects
}

impl Target {
    /// The name is a regular expression; the only one in it is an escaped dot.
    fn matches(&self, id: &Id) -> bool {
        let group = id
            .api_version
            .split_once('/')
            .map_or("", |(group, _)| group);
        assert_eq!(
            self.name.matches('.').count(),
            self.name.matches("\\.").count()
        );
        (self.group.as_str(), &self.kind, &self.namespace) == (group, &id.kind, &id.namespace)
            && self.name.replace("\\.", ".") == id.name
    }
}

/// What may not be pruned is marked so, which `direct` does not need.
fn marked(object: &mut Value) {
    let kind = object["kind"].as_str().unwrap();
    if !matches!(kind, "Namespace" | "CustomResourceDefinition") {
        return;
    }
    let annotations = object["metadata"]["annotations"].as_object_mut().unwrap();
    assert_eq!(
        annotations
            .remove("argocd.argoproj.io/sync-options")
            .unwrap(),
        "Prune=false,Delete=false"
    );
    assert_eq!(
        annotations
            .remove("kustomize.toolkit.fluxcd.io/prune")
            .unwrap(),
        "disabled"
    );
    if annotations.is_empty() {
        object["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("annotations");
    }
}
