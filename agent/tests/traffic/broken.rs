//! What is broken on purpose, and whether a verification names it.

use serde_json::{Value, json};
use shared::verify::{Outcome, Report};

use crate::bed::{Bed, GLOBAL, ZONE, eventually, line};

/// Verifies until a check fails with this cause.
fn names(bed: &Bed, document: &Value, broken: &str, cause: &str) -> Report {
    eventually(broken, || {
        let report = bed.verify(document, &["--timeout", "2s"]);
        let named = report.checks.iter().any(|check| {
            check.outcome != Outcome::Passed
                && check
                    .cause
                    .as_ref()
                    .is_some_and(|found| found.code == cause)
        });
        if named {
            return Ok(report);
        }
        let bad = report
            .checks
            .iter()
            .filter(|check| check.outcome != Outcome::Passed && !check.advisory);
        Err(format!(
            "no [{cause}] among\n{}",
            bad.map(line).collect::<Vec<_>>().join("\n")
        ))
    })
}

fn patch(bed: &Bed, context: &str, namespace: &str, object: &str, patch: &Value) {
    bed.kubectl(
        context,
        &[
            "-n",
            namespace,
            "patch",
            object,
            "--type=merge",
            "-p",
            &patch.to_string(),
        ],
    );
}

#[test]
fn each_fault_is_named() {
    let bed = Bed::take();
    let mut document = bed.document();
    document["spec"]["clusters"]
        .as_array_mut()
        .unwrap()
        .truncate(2);
    bed.apply(&document);
    bed.verified(&document);
    let entry = format!("serviceentry/{GLOBAL}");
    // Applying again mends what fedmesh owns. Fields that kubectl took over are a conflict, so what
    // is broken is deleted first.
    let mend = |context: &str, namespace: &str, object: &str| {
        bed.kubectl(context, &["-n", namespace, "delete", object]);
        bed.apply(&document);
        bed.verified(&document);
    };

    println!("a host that the gateway does not have");
    patch(
        &bed,
        "cluster2",
        "istio-system",
        "gateway.networking.istio.io/fedmesh-demo",
        &json!({"spec": {"servers": [{
            "port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["other.example.com"],
        }]}}),
    );
    names(&bed, &document, "host missing from the gateway", "no-host");
    mend(
        "cluster2",
        "istio-system",
        "gateway.networking.istio.io/fedmesh-demo",
    );

    println!("an endpoint without a locality");
    patch(
        &bed,
        "cluster1",
        "istio-system",
        &entry,
        &json!({"spec": {"endpoints": [
            {"address": "istio-ingressgateway.istio-system.svc.cluster.local", "ports": {"http": 80}},
            {"address": format!("httpbin.default.external.svc.us-west2-b.us-west2.{ZONE}"), "ports": {"http": 80}},
        ]}}),
    );
    names(&bed, &document, "missing locality", "object-changed");
    mend("cluster1", "istio-system", &entry);

    println!("a port whose name is no protocol's");
    patch(
        &bed,
        "cluster1",
        "default",
        "service/httpbin",
        &json!({"spec": {"ports": [
            {"name": "web", "port": 8000, "targetPort": "http"},
        ]}}),
    );
    names(&bed, &document, "wrong port name", "port-name");
    mend("cluster1", "default", "service/httpbin");

    println!("ExternalDNS is off, and a record is gone");
    bed.scale("cluster1", ("external-dns", "external-dns"), 0);
    bed.mesh
        .name_server()
        .update(&format!("update delete {GLOBAL}. A"))
        .unwrap();
    names(&bed, &document, "ExternalDNS off", "external-dns");
    bed.scale("cluster1", ("external-dns", "external-dns"), 1);
    // What another run of ExternalDNS took away by hand it does not miss: its own mark is still there.
    bed.mesh
        .name_server()
        .update(&format!(
            "update delete fedmesh-a-{GLOBAL}. TXT\nupdate delete fedmesh-{GLOBAL}. TXT"
        ))
        .unwrap();
    bed.verified(&document);

    println!("a stub domain that is missing, and a Corefile that was edited by hand");
    let corefile = bed.kubectl(
        "cluster2",
        &[
            "-n",
            "kube-system",
            "get",
            "configmap",
            "coredns",
            "-o",
            "jsonpath={.data.Corefile}",
        ],
    );
    let without = corefile.split_once("# end fedmesh demo\n").unwrap().1;
    patch(
        &bed,
        "cluster2",
        "kube-system",
        "configmap/coredns",
        &json!({"data": {"Corefile": without}}),
    );
    names(&bed, &document, "stub domain missing", "stub-domain");
    let edited = corefile.replace("forward . 10.250.1.1\n", "forward . 10.250.1.2\n");
    assert_ne!(edited, corefile);
    patch(
        &bed,
        "cluster2",
        "kube-system",
        "configmap/coredns",
        &json!({"data": {"Corefile": edited}}),
    );
    names(
        &bed,
        &document,
        "Corefile edited by hand",
        "cluster-dns-edited",
    );
    bed.apply(&document);
    bed.verified(&document);

    println!("a gateway without an address");
    bed.mesh.move_gateway("cluster2", &[]).unwrap();
    names(
        &bed,
        &document,
        "gateway without address",
        "gateway-address",
    );
    let address = bed.mesh.gateway_address("cluster2").unwrap();
    bed.mesh.move_gateway("cluster2", &[&address]).unwrap();
    bed.verified(&document);

    println!("a network that is cut");
    let cut = bed
        .mesh
        .node_command("cluster2", "nft")
        .unwrap()
        .args(["add", "table", "inet", "cut"])
        .status();
    assert!(cut.unwrap().success());
    let rules = format!(
        "add chain inet cut c {{ type filter hook prerouting priority -310; }}; \
         add rule inet cut c ip daddr {address} tcp dport 80 drop"
    );
    let cut = bed
        .mesh
        .node_command("cluster2", "nft")
        .unwrap()
        .arg(rules)
        .status();
    assert!(cut.unwrap().success());
    names(&bed, &document, "network cut", "timeout");
    let mended = bed
        .mesh
        .node_command("cluster2", "nft")
        .unwrap()
        .args(["delete", "table", "inet", "cut"])
        .status();
    assert!(mended.unwrap().success());
    bed.verified(&document);

    println!("a service without pods");
    bed.scale("cluster2", ("default", "httpbin"), 0);
    names(&bed, &document, "backend 503", "no-endpoints");
    bed.scale("cluster2", ("default", "httpbin"), 1);
    bed.verified(&document);

    println!("a service that fails by itself");
    let mut failing = document.clone();
    failing["spec"]["services"][0]["probe"] = json!({"path": "/status/500"});
    names(&bed, &failing, "the service answers 500", "service-error");

    println!("a client without a sidecar");
    patch(
        &bed,
        "cluster1",
        "default",
        "deployment/sleep",
        &json!({"spec": {"template": {"metadata": {"labels": {
            "sidecar.istio.io/inject": "false",
        }}}}}),
    );
    bed.kubectl(
        "cluster1",
        &["rollout", "status", "deployment/sleep", "--timeout=60s"],
    );
    names(&bed, &document, "sidecar missing", "no-sidecar");
    mend("cluster1", "default", "deployment/sleep");

    println!("two meshes with one owner id");
    bed.mesh
        .name_server()
        .update(&format!(
            "update delete {GLOBAL}. A\nupdate add {GLOBAL}. 2 A 10.250.1.99"
        ))
        .unwrap();
    names(&bed, &document, "two meshes, one owner id", "shared-owner");

    println!("a record of somebody else");
    bed.mesh
        .name_server()
        .update(&format!(
            "update delete fedmesh-a-{GLOBAL}. TXT\n\
             update add fedmesh-a-{GLOBAL}. 2 TXT \"heritage=external-dns,external-dns/owner=other\""
        ))
        .unwrap();
    names(&bed, &document, "foreign owner", "foreign-owner");
    bed.mesh
        .name_server()
        .update(&format!(
            "update delete {GLOBAL}. A\nupdate delete fedmesh-a-{GLOBAL}. TXT"
        ))
        .unwrap();
    bed.verified(&document);

    println!("a record that is old in a cluster's cache");
    let mut slow = document.clone();
    slow["spec"]["dns"]["ttl"] = json!(60);
    bed.apply(&slow);
    bed.verified(&slow);
    bed.mesh.move_gateway("cluster2", &["10.250.1.42"]).unwrap();
    bed.apply(&slow);
    names(&bed, &slow, "stale record", "stale-record");
    bed.mesh.move_gateway("cluster2", &[&address]).unwrap();

    bed.remove(&document);
}
