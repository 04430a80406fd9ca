//! The import of a folder: overlays in `clusters/<name>`, each with a base, files of its own, and patches (RFC 6902).
//! For other features of Kustomize, its output can be imported.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::KEEP;
use crate::findings::{Findings, code};
use crate::manifests::{
    Budget, Carried, Change, Expanded, Given, Object, Patch, TooManyCopies, bytes, list, texts,
};

/// Limit of nested Kustomizations.
const MAX_DEPTH: usize = 8;
const FILES: [&str; 2] = ["kustomization.yaml", "kustomization.yml"];
/// The supported fields of a Kustomization.
const READ: [&str; 5] = ["apiVersion", "kind", "metadata", "resources", "patches"];

/// A folder, as parts without `.` and `..`.
type Path = Vec<String>;

struct Folders<'a> {
    /// Kustomizations, by folder.
    kustomizations: BTreeMap<Path, &'a Object>,
    /// Other objects, by file.
    files: BTreeMap<Path, Vec<usize>>,
    patches: BTreeMap<Path, &'a Patch>,
    objects: &'a [Object],
}

/// The result of one overlay: objects by index, each with its changes.
#[derive(Default)]
struct Built {
    objects: BTreeMap<usize, Vec<Change>>,
    /// By kind and name.
    named: BTreeMap<(String, String), Vec<usize>>,
    seen: BTreeSet<Path>,
}

pub(super) fn expand(
    given: &mut Given,
    budget: &mut Budget,
    findings: &mut Findings,
) -> Result<Option<Expanded>, TooManyCopies> {
    let folders = Folders::find(given);
    let overlays = folders.kustomizations.iter().filter_map(|(folder, of)| {
        let [.., clusters, name] = folder.as_slice() else {
            return None;
        };
        (clusters == "clusters").then_some((folder, name, *of))
    });
    let mut carried: BTreeMap<usize, Carried> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for (folder, name, _) in overlays {
        names.insert(name.clone());
        let mut built = Built::default();
        folders.build(folder, MAX_DEPTH, &mut built, budget, findings)?;
        for (index, changes) in built.objects {
            let one = carried
                .entry(index)
                .or_insert_with(|| Carried::new(folders.built(index), Vec::new()));
            one.clusters.push(name.clone());
            one.changes.insert(name.clone(), changes);
        }
    }
    let Some(first) = names.first() else {
        return Ok(None);
    };
    let kustomizations = folders.kustomizations.values();
    let kustomizations: BTreeSet<String> = kustomizations.map(|one| one.file.clone()).collect();
    given.patches.clear();
    let mut expanded = Expanded::default();
    let mut left = Vec::new();
    for (index, mut object) in std::mem::take(&mut given.objects).into_iter().enumerate() {
        if let Some(one) = carried.remove(&index) {
            // Folders have no order.
            expanded.carried.push(one);
        } else if !kustomizations.contains(&object.file) || !is_kustomization(&object) {
            object.cluster = home(&object, &names, first);
            left.push(object);
        }
    }
    given.objects = left;
    expanded.orders = orders(&given.objects);
    Ok(Some(expanded))
}

/// The cluster of an object outside of overlays: Flux's have a file for each cluster.
fn home(object: &Object, names: &BTreeSet<String>, first: &str) -> Option<String> {
    let deployer = object.group().ends_with("argoproj.io") || object.group().ends_with("fluxcd.io");
    if !deployer {
        return object
            .cluster
            .clone()
            .filter(|cluster| names.contains(cluster));
    }
    let path = path(&[], &object.file).unwrap_or_default();
    let stem = path.last().and_then(|file| file.rsplit_once('.'));
    let cluster = stem
        .map(|(stem, _)| stem)
        .filter(|stem| names.contains(*stem));
    Some(cluster.unwrap_or(first).to_owned())
}

/// The clusters in the orders of Argo CD's lists.
fn orders(objects: &[Object]) -> Vec<Vec<String>> {
    let sets = objects
        .iter()
        .filter(|object| object.kind() == "ApplicationSet");
    let generators = sets.flat_map(|set| list(&set.value["spec"]["generators"]));
    generators
        .map(|generator| {
            let elements = list(&generator["list"]["elements"]).iter();
            let names = elements.filter_map(|one| one["cluster"].as_str());
            names.map(str::to_owned).collect()
        })
        .collect()
}

fn is_kustomization(object: &Object) -> bool {
    object.kind() == "Kustomization" && !object.group().ends_with("fluxcd.io")
}

/// A path relative to a folder; `None` if it leads out of the root, or is not a path.
fn path(folder: &[String], relative: &str) -> Option<Path> {
    let mut path = folder.to_vec();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(path.pop()?),
            part if part.ends_with(':') => return None,
            part => path.push(part.to_owned()),
        }
    }
    Some(path)
}

impl<'a> Folders<'a> {
    fn find(given: &'a Given) -> Self {
        let mut folders = Self {
            kustomizations: BTreeMap::new(),
            files: BTreeMap::new(),
            patches: BTreeMap::new(),
            objects: &given.objects,
        };
        for (index, object) in given.objects.iter().enumerate() {
            let Some(mut path) = path(&[], &object.file) else {
                continue;
            };
            let file = path.last().map(String::as_str).unwrap_or_default();
            if is_kustomization(object) && FILES.contains(&file) {
                path.pop();
                folders.kustomizations.insert(path, object);
            } else {
                folders.files.entry(path).or_default().push(index);
            }
        }
        for patch in &given.patches {
            if let Some(path) = path(&[], &patch.file) {
                folders.patches.insert(path, patch);
            }
        }
        folders
    }

    /// The built object, without annotations that keep it from being deleted.
    fn built(&self, index: usize) -> Object {
        let mut object = self.objects[index].clone();
        let metadata = object
            .value
            .get_mut("metadata")
            .and_then(Value::as_object_mut);
        let Some(metadata) = metadata else {
            return object;
        };
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            for (name, value) in KEEP {
                if annotations.get(name).is_some_and(|given| given == value) {
                    annotations.shift_remove(name);
                }
            }
            if annotations.is_empty() {
                metadata.shift_remove("annotations");
            }
        }
        object
    }

    fn build(
        &self,
        folder: &Path,
        depth: usize,
        built: &mut Built,
        budget: &mut Budget,
        findings: &mut Findings,
    ) -> Result<(), TooManyCopies> {
        let Some(of) = self.kustomizations.get(folder) else {
            return Ok(());
        };
        // Kustomize refuses duplicates and cycles.
        if depth == 0 || !built.seen.insert(folder.clone()) {
            return Ok(());
        }
        for (name, _) in of.value.as_object().into_iter().flatten() {
            if !READ.contains(&name.as_str()) {
                not_read(of, name, "import does not support this field", findings);
            }
        }
        for resource in texts(&of.value["resources"]) {
            let path = path(folder, resource).unwrap_or_default();
            if let Some(indices) = self.files.get(&path) {
                for &index in indices {
                    let object = &self.objects[index];
                    budget.take(bytes(&object.value), 1)?;
                    built.objects.entry(index).or_default();
                    let name = (object.kind().to_owned(), object.name().to_owned());
                    built.named.entry(name).or_default().push(index);
                }
            } else if self.kustomizations.contains_key(&path) {
                self.build(&path, depth - 1, built, budget, findings)?;
            } else {
                let message = format!("resource `{resource}` is not among the manifests");
                not_read(of, "resources", &message, findings);
            }
        }
        for patch in list(&of.value["patches"]) {
            self.patch(of, folder, patch, built, budget, findings)?;
        }
        Ok(())
    }

    fn patch(
        &self,
        of: &Object,
        folder: &Path,
        patch: &Value,
        built: &mut Built,
        budget: &mut Budget,
        findings: &mut Findings,
    ) -> Result<(), TooManyCopies> {
        let file = patch["path"].as_str().and_then(|file| path(folder, file));
        let given = file.and_then(|file| self.patches.get(&file));
        let operations: Option<Vec<Change>> = given.and_then(|given| {
            let operations = given.operations.iter().map(|one| {
                let text = |name: &str| one[name].as_str().unwrap_or_default();
                Change::patch(text("op"), text("path"), &one["value"])
            });
            operations.collect()
        });
        let target = &patch["target"];
        let text = |name: &str| target[name].as_str();
        // Kustomize reads the name as a regular expression.
        let name = text("name").unwrap_or_default().replace("\\.", ".");
        let named = built
            .named
            .get(&(text("kind").unwrap_or_default().to_owned(), name));
        let matching = named.into_iter().flatten().filter(|&&index| {
            let object = &self.objects[index];
            text("group").is_none_or(|group| group == object.group())
                && text("namespace").is_none_or(|namespace| namespace == object.namespace())
        });
        let matching: Vec<usize> = matching.copied().collect();
        let (Some(operations), false) = (operations, matching.is_empty()) else {
            let message = format!(
                "the patch of `{} {}` is not imported",
                text("kind").unwrap_or_default(),
                text("name").unwrap_or_default()
            );
            not_read(of, "patches", &message, findings);
            return Ok(());
        };
        let size = operations.iter().map(Change::bytes).sum();
        budget.take(size, matching.len())?;
        for index in matching {
            let changes = built.objects.entry(index).or_default();
            changes.extend(operations.iter().cloned());
        }
        Ok(())
    }
}

fn not_read(of: &Object, field: &str, message: &str, findings: &mut Findings) {
    findings.warning(
        code::NOT_CARRIED,
        &format!("{} {field}", of.place()),
        message.to_owned(),
        "import the output of `kustomize build` for each cluster, with `--cluster NAME=FILE`"
            .into(),
    );
}
