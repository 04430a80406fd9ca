//! A cluster is renamed, moved or taken out: what else the document says of it goes along.

use documents::meshes;
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::check;
use shared::check::{Finding, Severity};
use shared::facts::Facts;
use shared::mesh::Mesh;

fn errors(mesh: &Mesh) -> Vec<Finding> {
    let findings = check(mesh, &Facts::default()).findings;
    let errors = findings.into_iter();
    errors
        .filter(|one| one.severity == Severity::Error)
        .collect()
}

/// Codes of what a reference that was left behind leads to, and shares that no longer fit.
const LEFT_BEHIND: [&str; 7] = [
    "FM0203", "FM0416", "FM0431", "FM0503", "FM0504", "FM0505", "FM0508",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_cluster_leaves_nothing_behind(mut mesh in meshes(), any in any::<prop::sample::Index>()) {
        let count = mesh.spec.clusters.len();
        let index = any.index(count);
        let name = mesh.spec.clusters[index].name.clone();
        mesh.spec.remove_cluster(index);
        prop_assert_eq!(mesh.spec.clusters.len(), count - 1);
        for finding in errors(&mesh) {
            prop_assert!(!LEFT_BEHIND.contains(&&*finding.code), "{finding:#?}");
            // Shares of a service's own, or an override for nobody.
            let is_left = finding.code == "FM0507" || finding.path.contains(".overrides");
            prop_assert!(!is_left, "without {name}: {finding:#?}");
        }
    }

    #[test]
    fn a_renamed_cluster_is_the_same_to_all(mesh in meshes(), any in any::<prop::sample::Index>()) {
        let index = any.index(mesh.spec.clusters.len());
        let before = mesh.spec.clusters[index].name.clone();
        let mut renamed = mesh.clone();
        renamed.spec.rename_cluster(index, "another");
        prop_assert_eq!(errors(&renamed), []);
        let text = serde_json::to_string(&renamed.spec.services).unwrap();
        let still = text.contains(&format!("\"clusters\":[\"{before}\""));
        prop_assert!(!still, "{text}");
        renamed.spec.rename_cluster(index, &before);
        prop_assert_eq!(&renamed, &mesh);
    }

    #[test]
    fn what_is_said_of_a_place_moves_with_the_last_cluster_in_it(
        mesh in meshes(), any in any::<prop::sample::Index>()
    ) {
        let index = any.index(mesh.spec.clusters.len());
        let cluster = mesh.spec.clusters[index].clone();
        let mut moved = mesh.clone();
        moved.spec.move_cluster(index, "another", vec!["where".to_owned()]);
        let is_left = mesh.spec.clusters.iter().filter(|one| one.region == cluster.region).count() > 1;
        for finding in errors(&moved) {
            // Of what others are left in, a service may be no more.
            let is_known = is_left && ["FM0503", "FM0507"].contains(&&*finding.code);
            prop_assert!(is_known || !LEFT_BEHIND.contains(&&*finding.code), "{finding:#?}");
        }
        if !is_left {
            let zones = cluster.all_zones().map(str::to_owned).collect();
            moved.spec.move_cluster(index, &cluster.region, zones);
            prop_assert_eq!(&moved, &mesh);
        }
    }
}

fn document() -> Mesh {
    let cluster = |name: &str, region: &str, zone: &str| json!({ "name": name, "region": region, "zone": zone, "labels": { "at": region } });
    serde_json::from_value(json!({
        "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" },
        "spec": {
            "dns": { "suffix": "a.example", "cluster": "red" },
            "locality": {
                "failover": [{ "from": "r1", "to": "r2" }, { "to": "r3" }],
                "distribute": [{ "from": "r3", "to": { "r1/z1": 50, "r2": 30, "r3": 20 } }],
            },
            "clusters": [
                cluster("red", "r1", "z1"), cluster("blue", "r1", "z2"),
                cluster("green", "r2", "z3"), cluster("gold", "r3", "z4"),
            ],
            "services": [{
                "name": "web", "port": 80, "clusters": ["red", "green", "gold"],
                "overrides": [
                    { "clusters": ["red"], "name": "web-red" },
                    { "clusterSelector": { "at": "r2" }, "name": "web-green" },
                ],
                "locality": { "distribute": [{ "to": { "r1": 34, "r2": 33, "r3": 33 } }] },
            }],
            "external": [{ "host": "x.example", "clusters": ["red", "blue"] }],
        },
    }))
    .unwrap()
}

fn written(mesh: &Mesh) -> Value {
    serde_json::to_value(&mesh.spec).unwrap()
}

#[test]
fn what_a_cluster_took_goes_to_the_others() {
    let mut mesh = document();
    mesh.spec.remove_cluster(0);
    let spec = written(&mesh);
    assert!(spec["dns"].get("cluster").is_none());
    assert_eq!(
        spec["locality"],
        json!({
            // `blue` is left in the region, but not in the zone.
            "failover": [{ "from": "r1", "to": "r2" }, { "to": "r3" }],
            "distribute": [{ "from": "r3", "to": { "r2": 60, "r3": 40 } }],
        })
    );
    let service = &spec["services"][0];
    assert_eq!(service["clusters"], json!(["green", "gold"]));
    assert_eq!(
        service["overrides"],
        json!([{ "clusterSelector": { "at": "r2" }, "name": "web-green" }])
    );
    // The service does not run in the rest of the region.
    let shares = json!({ "distribute": [{ "to": { "r2": 50, "r3": 50 } }] });
    assert_eq!(service["locality"], shares);
    assert_eq!(spec["external"][0]["clusters"], json!(["blue"]));

    // The next one leaves an override by labels, and places of all callers, without anybody.
    mesh.spec.remove_cluster(1);
    let spec = written(&mesh);
    assert!(spec["services"][0].get("overrides").is_none());
    assert_eq!(
        spec["locality"],
        json!({
            "failover": [{ "to": "r3" }],
            "distribute": [{ "from": "r3", "to": { "r3": 100 } }],
        })
    );
    mesh.spec.remove_cluster(1);
    assert_eq!(mesh.spec.locality, None);
    assert_eq!(mesh.spec.services[0].locality, None);
    assert_eq!(mesh.spec.services[0].clusters, Some(Vec::new()));
}

#[test]
fn a_name_that_is_taken_takes_no_reference() {
    let mut mesh = document();
    mesh.spec.rename_cluster(0, "green");
    let clusters = mesh.spec.services[0].clusters.clone().unwrap();
    assert_eq!(clusters, ["red", "green", "gold"]);
    // Nor does it lose one, when it is taken out again.
    mesh.spec.remove_cluster(0);
    assert_eq!(mesh.spec.services[0].clusters, Some(clusters));
}

#[test]
fn the_last_of_a_region_takes_what_is_said_of_it_along() {
    let mut mesh = document();
    mesh.spec.move_cluster(0, "r9", vec!["z1".to_owned()]);
    // `blue` still is in r1.
    let locality = written(&mesh)["locality"].clone();
    assert_eq!(locality["failover"][0], json!({ "from": "r1", "to": "r2" }));
    let shares = json!({ "r2": 30, "r3": 20, "r9/z1": 50 });
    assert_eq!(locality["distribute"][0]["to"], shares);
    mesh.spec.move_cluster(1, "r9", vec!["z2".to_owned()]);
    mesh.spec.move_cluster(2, "r3", vec!["z3".to_owned()]);
    let locality = written(&mesh)["locality"].clone();
    assert_eq!(locality["failover"][0], json!({ "from": "r9", "to": "r3" }));
    let shares = json!({ "r3": 50, "r9/z1": 50 });
    assert_eq!(locality["distribute"][0]["to"], shares);
}
