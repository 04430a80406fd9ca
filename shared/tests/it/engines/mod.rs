//! **Engines agree**: what each of them hands over comes, by that engine's own documented rules, to
//! the objects that `direct` hands to each cluster.
//!
//! The rules are written here once more, from the engines' documentation and not from the adapters.
//! What the adapters write is read strictly: a field that the engine does not have is an error.

mod gitops;
mod karmada;
mod kubefed_v1alpha1;
mod kubefed_v1beta1;
mod objects;
mod ocm;
mod round_trip;
mod toy;

use std::collections::BTreeMap;

use documents::{addresses, bundle, examples, for_all_engines, meshes, with_target};
use proptest::prelude::*;
use serde_json::json;
use shared::bundle::Bundle;
use shared::facts::Facts;
use shared::kubernetes::object::Kind;
use shared::mesh::{Mesh, Naming, Target};

use objects::{Id, Objects, of_cluster};

/// What each cluster gets, by its name.
type Clusters = BTreeMap<String, Objects>;

fn expand(mesh: &Mesh, bundle: &Bundle, hub: &str) -> Clusters {
    let target = mesh.spec.target.unwrap();
    let on_hub = || of_cluster(bundle, hub);
    match target {
        Target::Direct => direct(bundle),
        Target::KubefedV1alpha1 => kubefed_v1alpha1::expand(on_hub(), hub),
        Target::KubefedV1beta1 => kubefed_v1beta1::expand(on_hub(), hub),
        Target::Karmada => karmada::expand(on_hub()),
        Target::Ocm => ocm::expand(on_hub(), hub),
        Target::Gitops => gitops::expand(bundle, mesh.spec.gitops.as_ref().unwrap()),
    }
}

fn direct(bundle: &Bundle) -> Clusters {
    let clusters = bundle.clusters.iter();
    clusters
        .map(|cluster| (cluster.name.clone(), of_cluster(bundle, &cluster.name)))
        .collect()
}

fn agree(mesh: &Mesh, facts: &Facts) {
    let mesh = &for_all_engines(mesh);
    let expected = direct(&bundle(&with_target(mesh, Target::Direct), facts));
    let first = &mesh.spec.clusters[0].name;
    let hub = mesh.spec.dns.cluster.as_ref().unwrap_or(first);
    for target in Target::all() {
        let mesh = with_target(mesh, target);
        let told = shared::check(&mesh, facts).findings;
        if told.iter().any(|finding| finding.code == "FM1105") {
            // A federation cannot tell the two kinds of Gateway apart.
            assert!(mesh.spec.gateway_api == Some(true) && target.as_str().starts_with("kubefed"));
            continue;
        }
        let bundle = bundle(&mesh, facts);
        if target.has_hub() {
            assert!(
                bundle.clusters.iter().all(|cluster| cluster.name == *hub),
                "everything goes to the hub"
            );
        }
        let mut found = expand(&mesh, &bundle, hub);
        let mut expected = expected.clone();
        if target == Target::KubefedV1alpha1 && mesh.spec.dns.naming == Some(Naming::Gateway) {
            without_publishing(&mut expected);
            without_publishing(&mut found);
        }
        if matches!(target, Target::KubefedV1alpha1 | Target::KubefedV1beta1) {
            let more = namespaces_elsewhere(&mut found, &expected);
            assert!(
                more.iter()
                    .all(|name| expected.values().any(|objects| objects.contains_key(name)))
            );
        }
        // A cluster of which nothing is left is none.
        for clusters in [&mut found, &mut expected] {
            clusters.retain(|_, objects| !objects.is_empty());
        }
        let names = |clusters: &Clusters| -> Vec<(String, Vec<Id>)> {
            let pairs = clusters.iter();
            pairs
                .map(|(name, objects)| (name.clone(), objects.keys().cloned().collect()))
                .collect()
        };
        assert_eq!(names(&found), names(&expected), "{}", target.as_str());
        for (cluster, objects) in &expected {
            for (id, object) in objects {
                assert_eq!(
                    &found[cluster][id],
                    object,
                    "{}: {cluster}",
                    target.as_str()
                );
            }
        }
    }
}

/// The federation's own controller writes the records there, of a kind of its own, and ExternalDNS
/// reads those.
fn without_publishing(clusters: &mut Clusters) {
    for objects in clusters.values_mut() {
        objects.retain(|id, object| {
            id.kind != "DNSEndpoint"
                && object["metadata"]["labels"]["app"] != "external-dns"
                && !id.name.ends_with("externaldns.k8s.io")
        });
    }
}

/// Takes out the namespaces that a federation makes in more clusters than asked for, and names them:
/// it places each of them everywhere.
fn namespaces_elsewhere(found: &mut Clusters, expected: &Clusters) -> Vec<Id> {
    let mut more = Vec::new();
    for (cluster, objects) in found.iter_mut() {
        objects.retain(|id, _| {
            let asked_for = expected
                .get(cluster)
                .is_some_and(|desired| desired.contains_key(id));
            if id.kind == "Namespace" && !asked_for {
                more.push(id.clone());
                return false;
            }
            true
        });
    }
    found.retain(|_, objects| !objects.is_empty());
    more
}

#[test]
fn engines_agree_on_every_example() {
    for (name, mesh) in examples() {
        println!("{name}");
        agree(&mesh, &addresses(&mesh));
    }
}

#[test]
fn a_sample_in_the_namespace_of_external_dns_is_one_namespace() {
    let mesh: Mesh = serde_json::from_value(json!({
        "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" },
        "spec": {
            "dns": { "suffix": "mesh.example.com", "externalDns": { "provider": "aws", "namespace": "both" } },
            "clusters": [
                { "name": "north", "region": "r", "zone": "a" },
                { "name": "south", "region": "r", "zone": "b" },
            ],
            "services": [{ "name": "httpbin", "namespace": "both", "port": 80, "clusters": ["south"] }],
            "samples": ["httpbin"],
        },
    }))
    .unwrap();
    agree(&mesh, &Facts::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn engines_agree(mesh in meshes()) {
        agree(&mesh, &Facts::default());
    }
}

/// The check goes by the document alone, since the page has no renderer at hand.
#[test]
fn kubefed_is_said_to_take_over_the_namespaces_that_its_bundle_does_not_make() {
    for (name, mesh) in examples() {
        let checked = shared::check(
            &with_target(&mesh, Target::KubefedV1beta1),
            &Facts::default(),
        );
        let placed = shared::render::render(&checked.resolved.unwrap());
        let spread = || {
            placed
                .iter()
                .filter(|one| !one.stays_on_hub)
                .map(|one| &one.template)
        };
        let made: Vec<&String> = spread()
            .filter(|template| template.kind == Kind::NAMESPACE)
            .map(|template| &template.name)
            .collect();
        let mut desired: Vec<&str> = spread()
            .filter_map(|template| template.namespace.as_ref())
            .filter(|namespace| *namespace != "default" && !made.contains(namespace))
            .map(String::as_str)
            .collect();
        desired.sort_unstable();
        desired.dedup();
        let code = shared::check::code::KUBEFED_NAMESPACES.id;
        let found = checked.findings.iter().find(|finding| finding.code == code);
        let message = found.map_or("", |finding| finding.message.as_str());
        assert!(
            message.ends_with(&format!(": {}", desired.join(", "))),
            "{name}: {message} for {desired:?}"
        );
    }
}
