//! Where clusters come from.

use fedmesh_agent::operation::{Operations, PlanError};
use shared::api::Intent;

use crate::fixture::{EAST, WEST, document, start_bed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contexts_are_probed_with_locality_and_gateway() {
    let bed = start_bed();
    for (name, zone) in [("node-a", "eu-1-a"), ("node-b", "eu-1-b")] {
        let node = format!(
            r#"{{"apiVersion":"v1","kind":"Node","metadata":{{"name":"{name}","labels":{{
                "topology.kubernetes.io/region":"eu-1","topology.kubernetes.io/zone":"{zone}"}}}}}}"#
        );
        bed.kubectl_with_input(WEST, &["create", "-f", "-"], &node)
            .unwrap();
    }
    bed.ingress_gateway(WEST, &["203.0.113.7", "lb.example.com"])
        .unwrap();
    let operations = Operations::new(Some(bed.kubeconfig().to_owned()));
    let contexts = operations.clusters().await.contexts;
    let [west, east] = contexts.as_slice() else {
        panic!("{contexts:#?}")
    };
    assert_eq!((west.name.as_str(), east.name.as_str()), (WEST, EAST));
    assert!(
        west.version.as_deref().unwrap().starts_with("v1."),
        "{west:#?}"
    );
    assert_eq!(west.region.as_deref(), Some("eu-1"));
    assert_eq!(west.zone, None, "the nodes do not agree");
    assert_eq!(
        west.gateway.as_deref().unwrap(),
        ["203.0.113.7", "lb.example.com"]
    );
    assert_eq!(
        (&east.region, &east.gateway, &east.error),
        (&None, &None, &None)
    );

    // A server that hangs takes no longer than its deadline, and the other one is there.
    bed.pause_api_server(EAST).unwrap();
    let start = std::time::Instant::now();
    let contexts = operations.clusters().await.contexts;
    assert!(start.elapsed().as_secs() < 9, "{:?}", start.elapsed());
    assert!(contexts[0].error.is_none());
    let error = contexts[1].error.as_deref().unwrap();
    assert!(
        error.contains("in time") || error.contains("no answer within"),
        "{error}"
    );
    bed.resume_api_server(EAST).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kubeconfig_and_a_broken_one_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("absent");
    let operations = Operations::new(Some(file.clone()));
    let error = operations.clusters().await.error.unwrap();
    assert!(error.contains("there is no kubeconfig at"), "{error}");
    let planned = operations
        .plan(&document("none", &["orders"]), Intent::Apply)
        .await;
    assert!(
        matches!(planned, Err(PlanError::Kubeconfig(_))),
        "{planned:?}"
    );

    std::fs::write(&file, "contexts: 7").unwrap();
    let error = operations.clusters().await.error.unwrap();
    assert!(error.contains("is no kubeconfig"), "{error}");
    std::fs::write(&file, "").unwrap();
    let clusters = operations.clusters().await;
    assert_eq!((clusters.error, clusters.contexts), (None, Vec::new()));
}
