//! Three clusters in two regions.

use serde_json::json;
use shared::verify::Family;

use crate::bed::{Bed, CLUSTERS, GLOBAL, ZONE, eventually, server};

fn set_mtls(bed: &Bed, mode: &str) {
    for (context, ..) in CLUSTERS {
        let patch = json!({"spec": {"mtls": {"mode": mode}}}).to_string();
        let object = ["patch", "peerauthentication/default", "-n=istio-system"];
        let change = ["--type=merge", "--patch", &patch];
        bed.kubectl(context, &[&object[..], &change[..]].concat());
    }
}

#[test]
fn every_name_from_every_client_and_a_cluster_that_leaves_takes_its_names_along() {
    let bed = Bed::with_usual();
    let stock = server("stock");
    bed.kubectl_apply("cluster3", &stock);
    let mut document = bed.document();
    document["spec"]["services"].as_array_mut().unwrap().push(json!({
        "name": "stock", "port": 9000, "clusters": ["cluster3"], "probe": {"path": "/get", "status": 200},
    }));
    bed.apply(&document);
    let report = bed.verified(&document);
    let calls = report
        .checks
        .iter()
        .filter(|check| check.family == Family::Call);
    // httpbin: three clients, vanity, global, 2 regions, 3 zones, local; stock: 6 names, local once.
    assert_eq!(calls.count(), 3 * 8 + 3 * 6 + 1);
    let (status, by) = bed.call(
        "cluster1",
        &format!("http://stock.default.external.svc.us-west2-a.us-west2.{ZONE}/get"),
    );
    assert_eq!(
        (status.as_str(), by.as_str()),
        ("200", "cluster3"),
        "it falls back to where stock is"
    );

    // Calls go through sidecars that insist on mTLS; through those that only take it, too.
    set_mtls(&bed, "PERMISSIVE");
    bed.verified(&document);
    set_mtls(&bed, "STRICT");

    let names = bed.mesh.name_server();
    let gone = format!("httpbin.default.external.svc.us-east4-a.us-east4.{ZONE}");
    assert_eq!(names.ask(&gone, "A").unwrap(), ["10.250.1.23"]);
    document["spec"]["services"]
        .as_array_mut()
        .unwrap()
        .truncate(1);
    document["spec"]["clusters"]
        .as_array_mut()
        .unwrap()
        .truncate(2);
    bed.apply(&document);
    for name in [gone.as_str(), &format!("stock.default.external.svc.{ZONE}")] {
        eventually(&format!("{name} is gone"), || {
            match names.ask(name, "A").unwrap() {
                answers if answers.is_empty() => Ok(()),
                answers => Err(answers.join(" ")),
            }
        });
    }
    eventually("the global name", || {
        let addresses = names.ask(GLOBAL, "A").unwrap();
        (addresses == ["10.250.1.21", "10.250.1.22"])
            .then_some(())
            .ok_or_else(|| addresses.join(" "))
    });
    bed.verified(&document);
    for context in ["cluster1", "cluster2"] {
        let entries = bed.kubectl(
            context,
            &["-n", "istio-system", "get", "serviceentries", "-o", "yaml"],
        );
        assert!(!entries.contains("us-east4"), "{context}: {entries}");
    }
    bed.mesh
        .kubectl()
        .run_with_input("cluster3", &["delete", "-f", "-"], &stock.to_string())
        .unwrap();
}
