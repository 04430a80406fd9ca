//! Clusters that are taken out of the document.

use fedmesh_agent::operation::{Operations, Planned};
use serde_json::Value;
use shared::api::Intent;
use shared::check::Severity;

use crate::fixture::{EAST, Fixture, WEST, shared_bed};

/// What is said of clusters that are not in the document: severity, message, hint.
fn said(planned: &Planned) -> Vec<(Severity, String, String)> {
    let findings = planned.findings.iter();
    findings
        .filter(|finding| finding.code == "FM0806")
        .map(|one| (one.severity, one.message.clone(), one.hint.clone()))
        .collect()
}

/// The clusters that the record in `context` names.
fn recorded(fixture: &Fixture<'_>, context: &str) -> String {
    let secret = format!("secret/fedmesh-{}", fixture.name);
    let secret = fixture.get(context, &["-n=istio-system", &secret]);
    let clusters = &secret["metadata"]["annotations"]["fedmesh.dev/clusters"];
    clusters.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_taken_out_is_remembered_until_it_is_removed() {
    let mut fixture = Fixture::new(shared_bed(), "former");
    fixture.apply().await;
    let both = r#"{"sunrise":"east-context","sunset":"west-context"}"#;
    assert_eq!(recorded(&fixture, WEST), both);
    assert_eq!(said(&fixture.plan().await), []);

    let sunrise = fixture.mesh.spec.clusters.remove(1);
    let left = "cluster sunrise (context east-context) of an earlier apply is not in this document: its \
    objects remain";
    // Before and after the apply that leaves it out.
    for _ in 0..2 {
        let planned = fixture.plan().await;
        let [(severity, message, hint)] = said(&planned).try_into().unwrap();
        assert_eq!((severity, message.as_str()), (Severity::Warning, left));
        assert!(hint.contains("only sunrise in spec.clusters"), "{hint}");
        let (report, _) = fixture.carry_out(planned, false).await;
        assert!(report.is_success(), "{report:#?}");
        assert_eq!(recorded(&fixture, WEST), both);
    }
    assert!(!fixture.ours(EAST).is_empty());
    let again = fixture.plan_removal().await;
    let [(severity, message, _)] = said(&again).try_into().unwrap();
    assert_eq!((severity, message.as_str()), (Severity::Hint, left));

    // By somebody who has no way to it.
    let config = std::fs::read_to_string(fixture.bed.kubeconfig()).unwrap();
    let mut config: Value = serde_json::from_str(&config).unwrap();
    let contexts = config["contexts"].as_array_mut().unwrap();
    contexts.retain(|context| context["name"] != EAST);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, config.to_string()).unwrap();
    let operations = Operations::new(Some(file));
    let planned = operations.plan(&fixture.mesh, Intent::Apply).await.unwrap();
    let [(_, message, _)] = said(&planned).try_into().unwrap();
    assert!(message.contains("objects may remain"), "{message}");
    assert!(message.contains(EAST), "{message}");

    // As the hint has it: a document with this cluster alone.
    let sunset = std::mem::replace(&mut fixture.mesh.spec.clusters[0], sunrise);
    fixture.remove().await;
    assert_eq!(fixture.ours(EAST), [].into());
    fixture.mesh.spec.clusters[0] = sunset;
    let planned = fixture.plan().await;
    assert_eq!(said(&planned), []);
    assert!(!planned.plan.has_changes(), "{:#?}", planned.plan);
    fixture.apply().await;
    assert_eq!(recorded(&fixture, WEST), r#"{"sunset":"west-context"}"#);
    fixture.remove().await;
    assert_eq!(fixture.ours(WEST), [].into());
}
