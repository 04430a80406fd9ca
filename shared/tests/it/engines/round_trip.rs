//! **Engines read what they write**: the objects that an engine delivers, expanded by its own import, are those that
//! `direct` delivers to each cluster.
//!
//! For any implementation of [`Engine`], also one that no document can name.

use std::collections::BTreeSet;

use documents::{addresses, examples, for_all_engines, meshes, with_target};
use proptest::prelude::*;
use serde_json::Value;
use shared::engine::{self, Content, Delivery, Description, Engine, File};
use shared::facts::Facts;
use shared::findings::Findings;
use shared::kubernetes::object::Object as Manifest;
use shared::manifests::{Budget, Given, Object, Patch};
use shared::mesh::{Mesh, Target};
use shared::placed::Placed;
use shared::render::render;
use shared::resolved::Resolved;

use super::Clusters;
use super::objects::{Id, put};

/// Kinds of which an engine may add objects for itself.
const OF_ENGINES_TOO: [&str; 2] = ["CustomResourceDefinition", "ClusterRole"];

/// The document with the engine, or with any if it has none of that name, rendered; `None` if the engine refuses it.
fn resolved(mesh: &Mesh, target: Target, facts: &Facts) -> Option<Resolved> {
    let mesh = with_target(&for_all_engines(mesh), target);
    shared::check(&mesh, facts).resolved
}

/// Fails unless the engine's manifests of a document come to the objects of `direct`.
pub(super) fn check(engine: &dyn Engine, description: Description, resolved: &Resolved) {
    let placed = render(resolved);
    let expected = of_direct(resolved, &placed);
    let found = expanded(engine, description, resolved, &placed);
    let kinds: BTreeSet<&str> = ids(&expected).map(|(_, id)| id.kind.as_str()).collect();
    for (cluster, objects) in &expected {
        for (id, object) in objects {
            let found = found.get(cluster).and_then(|objects| objects.get(id));
            assert_eq!(found, Some(object), "{cluster}: {id:?}");
        }
    }
    for (cluster, id) in ids(&found) {
        let is_own =
            !kinds.contains(id.kind.as_str()) || OF_ENGINES_TOO.contains(&id.kind.as_str());
        let is_expected = expected
            .get(cluster)
            .is_some_and(|objects| objects.contains_key(id));
        assert!(is_own || is_expected, "{cluster} has {id:?} too");
    }
}

fn ids(clusters: &Clusters) -> impl Iterator<Item = (&String, &Id)> {
    let clusters = clusters.iter();
    clusters.flat_map(|(cluster, objects)| objects.keys().map(move |id| (cluster, id)))
}

fn of_direct(resolved: &Resolved, placed: &[Placed]) -> Clusters {
    let direct = engine::of(Target::Direct);
    let mut clusters = Clusters::new();
    for (index, cluster) in resolved.clusters.iter().enumerate() {
        for one in direct.deliver(resolved, placed, index) {
            add(&mut clusters, cluster.name.as_str(), one.object.to_json());
        }
    }
    clusters
}

/// Namespaces are not compared: engines leave those that they find, and KubeFed places each of them everywhere.
fn add(clusters: &mut Clusters, cluster: &str, object: Value) {
    if object["kind"] != "Namespace" {
        put(clusters.entry(cluster.to_owned()).or_default(), object);
    }
}

fn expanded(
    engine: &dyn Engine,
    description: Description,
    resolved: &Resolved,
    placed: &[Placed],
) -> Clusters {
    let hub = resolved.clusters[resolved.dns.cluster].name.to_string();
    let mut given = Given::default();
    for (index, cluster) in resolved.clusters.iter().enumerate() {
        let has_objects =
            !matches!(description.delivery, Delivery::Hub { .. }) || index == resolved.dns.cluster;
        if has_objects {
            let files = engine.files(resolved, placed, index);
            read(files, Some(cluster.name.as_str()), &mut given);
        }
    }
    read(engine.common_files(resolved, placed), None, &mut given);
    let mut findings = Findings::default();
    let carried = engine
        .expand(&mut given, &mut Budget::default(), &mut findings)
        .unwrap();
    assert!(findings.0.is_empty(), "{findings:#?}");
    let carried = carried.into_iter().flat_map(|one| one.carried);
    let mut clusters = Clusters::new();
    for (cluster, object) in carried.flat_map(shared::manifests::Carried::copies) {
        add(&mut clusters, &cluster, object.value);
    }
    for object in given.objects {
        let cluster = object.cluster.as_deref().unwrap_or(&hub);
        add(&mut clusters, cluster, object.value);
    }
    clusters
}

/// Reads files as an import does.
fn read(files: Vec<File>, cluster: Option<&str>, given: &mut Given) {
    for file in files {
        let values = match file.content {
            Content::Objects(objects) => objects.iter().map(Manifest::to_json).collect(),
            Content::Kustomize(value) => vec![value],
        };
        for value in values {
            let file = file.path.clone();
            match value {
                Value::Array(operations) => given.patches.push(Patch { file, operations }),
                value => {
                    let cluster = cluster.map(str::to_owned);
                    given.objects.push(Object::new(file, cluster, value));
                }
            }
        }
    }
}

/// Checks an engine that no document can name.
pub(super) fn check_examples<E: Engine>(engine: &E) {
    for (name, mesh) in examples() {
        println!("{name}");
        let resolved = resolved(&mesh, Target::Direct, &addresses(&mesh)).unwrap();
        check(engine, E::description(), &resolved);
    }
}

fn check_all(mesh: &Mesh, facts: &Facts) {
    for target in Target::all() {
        println!("{}", target.as_str());
        if let Some(resolved) = resolved(mesh, target, facts) {
            check(engine::of(target), target.description(), &resolved);
        }
    }
}

#[test]
fn engines_read_what_they_write_of_every_example() {
    for (name, mesh) in examples() {
        println!("{name}");
        check_all(&mesh, &addresses(&mesh));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn engines_read_what_they_write(mesh in meshes()) {
        check_all(&mesh, &Facts::default());
    }
}
