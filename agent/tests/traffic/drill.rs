//! A drill: a service is taken away on purpose, and comes back.

use shared::verify::Outcome;

use crate::bed::{Bed, CLUSTERS, failed};

#[test]
#[ignore = "in the long run"]
fn traffic_moves_and_comes_back_and_nothing_is_lost() {
    let bed = Bed::with_usual();
    let document = bed.document();
    let report = bed.verify(&document, &["--drill", "httpbin.default@cluster1", "--yes"]);
    assert_eq!(report.outcome(), Outcome::Passed, "{:#?}", failed(&report));
    let drill = report.drill.unwrap();
    assert_eq!(drill.not_restored, None);
    let workloads = [("default/httpbin".to_owned(), 1)];
    assert_eq!(drill.workloads, workloads, "one replica is there again");
    assert_eq!(drill.clients.len(), CLUSTERS.len());
    for client in &drill.clients {
        println!("{client:?}");
        let is_served = |by: &String| by != "cluster1";
        assert!(client.expected.iter().all(is_served), "{client:?}");
        assert!(client.moved_after.is_some() && client.returned_after.is_some());
        // Calls that may be repeated; for a busy machine, see the failures that are measured.
        assert!(client.lost <= client.requests / 20, "{client:?}");
    }
    let replicas = [
        "get",
        "deployment/httpbin",
        "-o",
        "jsonpath={.spec.replicas} {.metadata.annotations}",
    ];
    let left = bed.kubectl("cluster1", &replicas);
    assert!(
        left.starts_with("1 ") && !left.contains("before-drill"),
        "{left}"
    );
    bed.verified(&document);
}
