//! Clusters with several zones, and clusters that share one.

use documents::with_target;
use serde_json::json;
use shared::mesh::Target;

use super::{bundle, imported, same_manifests, stream, with_clusters_as_in};
use crate::regional::{ENDPOINTS, regional, shared_zone, with};

#[test]
fn zones_and_shares_of_clusters_come_back() {
    let shares = json!({ "distribute": [
        { "from": "r1/z2/red", "to": { "r1/z2/red": 80, "r1/z2/blue": 20 } },
        { "from": "r1/z2/blue", "to": { "r1/z2/blue": 100 } },
    ] });
    let weighted = with(&shared_zone(), "/spec/locality", shares);
    let spread = with(
        &regional(),
        "/spec/locality",
        json!({ "distribute": [{ "from": "r1/z1", "to": { "r1": 90, "r2": 10 } }] }),
    );
    let named = with(
        &regional(),
        "/spec/dns/levels",
        json!(["cluster", "zone", "global"]),
    );
    for document in [regional(), shared_zone(), weighted, spread, named] {
        // The federation controller of the other one writes no names of clusters.
        let others = |target: &Target| *target != Target::KubefedV1alpha1;
        for target in Target::all().filter(others) {
            for endpoints in ENDPOINTS {
                let document = with(&document, "/spec/endpoints", endpoints.into());
                let mesh = with_target(&crate::support::mesh(&document), target);
                let imported = imported(&stream(&bundle(&mesh)));
                assert!(
                    !imported.is_incomplete(),
                    "{target:?} {endpoints}: {:#?}\n{}",
                    (imported.findings, imported.checks),
                    imported.mesh.to_yaml()
                );
                let mesh = with_clusters_as_in(&mesh, &imported);
                same_manifests(&mesh, &imported);
            }
        }
    }
}
