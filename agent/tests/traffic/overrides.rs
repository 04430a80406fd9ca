//! A service that is in another namespace and on another port in one cluster, and one that is headless: who
//! calls them by their names does not notice.
//!
//! Istio gives sidecars no addresses of a headless Service's pods, but gateways have them as of any other
//! (`convertResolution` in istio's `pilot/pkg/networking/core/cluster.go`), so nothing is rendered differently.

use serde_json::{Value, json};
use shared::verify::{Family, Outcome};

use crate::bed::{Bed, CLUSTERS, GLOBAL, ZONE, eventually, line, server};

const LEDGER: &str = "ledger.default.external.svc.my.dns.zone.name";

/// A server without an address of its own: its name leads to its pods.
fn ledger() -> Value {
    let mut all = server("ledger");
    let spec = &mut all["items"][0]["spec"];
    spec["clusterIP"] = "None".into();
    // Nobody translates the port of a call that goes to a pod.
    spec["ports"][0]["port"] = 8080.into();
    all
}

fn document(bed: &Bed) -> Value {
    let mut document = bed.document();
    let services = document["spec"]["services"].as_array_mut().unwrap();
    services[0]["overrides"] =
        json!([{"clusters": ["cluster2"], "namespace": "annex", "port": 9100}]);
    services.push(json!({
        "name": "ledger", "port": 8080, "clusters": ["cluster1", "cluster2"],
        "failover": {"retry": true}, "probe": {"path": "/get", "status": 200},
    }));
    document
}

/// Waits until this cluster answers a client that asks for a name.
fn answers(bed: &Bed, cluster: &str, client: &str, host: &str) {
    let url = format!("http://{host}/get");
    eventually(&format!("{cluster} answers {client} for {host}"), || {
        let (status, by) = bed.call(client, &url);
        (status == "200" && by == cluster)
            .then_some(())
            .ok_or_else(|| format!("{status} by {by:?}"))
    });
}

#[test]
#[ignore = "in the long run"]
fn names_hide_where_a_service_is_and_that_it_has_no_address() {
    let bed = Bed::take();
    let ledger = ledger();
    for context in ["cluster1", "cluster2"] {
        bed.kubectl_apply(context, &ledger);
    }
    let document = document(&bed);
    bed.apply(&document);
    let report = bed.verified(&document);
    let calls = report
        .checks
        .iter()
        .filter(|check| check.family == Family::Call);
    // httpbin: three clients, vanity, global, 2 regions, 3 zones, local; ledger: 6 names, local twice.
    assert_eq!(calls.count(), 3 * 8 + 3 * 6 + 2);
    let usual = ["get", "service/httpbin", "--ignore-not-found", "-o=name"];
    assert_eq!(
        bed.kubectl("cluster2", &usual),
        "",
        "the one in the annex answered"
    );

    // Each zone's name by its own cluster, for every client.
    let urls = CLUSTERS.map(|(_, region, zone)| {
        format!("http://httpbin.default.external.svc.{zone}.{region}.{ZONE}/get")
    });
    for (client, ..) in CLUSTERS {
        let seen = bed.calls(client, &urls);
        let desired = CLUSTERS.map(|(cluster, ..)| ("200".to_owned(), cluster.to_owned()));
        assert_eq!(seen, desired, "{client}");
    }

    // Both are away in the client's own cluster, and come back.
    answers(&bed, "cluster2", "cluster2", GLOBAL);
    answers(&bed, "cluster2", "cluster2", LEDGER);
    let away = [("annex", "httpbin"), ("default", "ledger")];
    for service in away {
        bed.scale("cluster2", service, 0);
    }
    answers(&bed, "cluster1", "cluster2", GLOBAL);
    answers(&bed, "cluster1", "cluster2", LEDGER);
    for service in away {
        bed.scale("cluster2", service, 1);
    }
    answers(&bed, "cluster2", "cluster2", GLOBAL);
    answers(&bed, "cluster2", "cluster2", LEDGER);

    another_port_than_the_pods(&bed, document);

    bed.remove(&bed.document());
    for context in ["cluster1", "cluster2"] {
        bed.mesh
            .kubectl()
            .run_with_input(context, &["delete", "-f", "-"], &ledger.to_string())
            .unwrap();
    }
    bed.kubectl("cluster2", &["delete", "namespace/annex"]);
}

/// Gateways know the port of the pods; who calls a pod by the Service's own name has to.
fn another_port_than_the_pods(bed: &Bed, mut document: Value) {
    let mut ledger = ledger();
    ledger["items"][0]["spec"]["ports"][0]["port"] = 9000.into();
    bed.kubectl_apply("cluster2", &ledger);
    document["spec"]["services"][1]["overrides"] =
        json!([{"clusters": ["cluster2"], "port": 9000}]);
    bed.apply(&document);
    eventually("only the local call fails, and it is said why", || {
        let report = bed.verify(&document, &[]);
        let failed: Vec<_> = report
            .checks
            .iter()
            .filter(|check| check.outcome == Outcome::Failed && !check.advisory)
            .collect();
        let is_it = matches!(&failed[..], [one] if one.cluster == "cluster2"
            && one.host == "ledger.default.svc.cluster.local"
            && one.cause.as_ref().is_some_and(|cause| cause.code == "headless-port"));
        let failed: Vec<_> = failed.into_iter().map(line).collect();
        is_it.then_some(()).ok_or_else(|| failed.join("\n"))
    });
    answers(bed, "cluster2", "cluster2", LEDGER);
}
