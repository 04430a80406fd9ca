//! What is broken on purpose, and whether a verification names it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::verify::Outcome;

use crate::bed::{Bed, GLOBAL, eventually, line};

/// For a fault to show, and for a verification to be made.
const SHOWS_WITHIN: Duration = Duration::from_secs(40);
/// For a record to change, and for a verification to be made, while caches have the former one.
const STALE_FOR: Duration = Duration::from_secs(20);

/// What was broken and not named.
#[derive(Default)]
struct Unnamed(Vec<String>);

impl Unnamed {
    /// Verifies until a check fails with this cause, and says `word` in its explanation.
    fn expect(&mut self, bed: &Bed, document: &Value, broken: &str, (cause, word): (&str, &str)) {
        let start = Instant::now();
        loop {
            let report = bed.verify(document, &["--timeout", "2s"]);
            let bad: Vec<_> = report
                .checks
                .iter()
                .filter(|check| check.outcome != Outcome::Passed && !check.advisory)
                .collect();
            let named = bad.iter().any(|check| {
                check.cause.as_ref().is_some_and(|found| {
                    found.code == cause
                        && (found.message.contains(word) || check.host.contains(word))
                })
            });
            if named {
                println!("{broken}: {cause} {word}, after {:.0?}", start.elapsed());
                return;
            }
            if start.elapsed() > SHOWS_WITHIN {
                let bad = bad.into_iter().map(line).collect::<Vec<_>>().join("\n  ");
                println!("{broken}: not [{cause}] {word} but\n  {bad}");
                self.0.push(broken.to_owned());
                return;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

/// Waits until whoever asks for a record keeps it for long, and nobody has one from before.
fn cached_for_long(bed: &Bed) {
    let usual = Duration::from_secs(bed.document()["spec"]["dns"]["ttl"].as_u64().unwrap());
    eventually("the longer time to live", || {
        let ttl = bed.mesh.name_server().ttl(GLOBAL, "A").unwrap();
        (ttl == Some(STALE_FOR))
            .then_some(())
            .ok_or_else(|| format!("{ttl:?}"))
    });
    std::thread::sleep(usual);
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
#[expect(
    clippy::too_many_lines,
    reason = "a list of faults, one after the other on one bed"
)]
fn each_fault_is_named() {
    let bed = Bed::with_usual();
    let mut unnamed = Unnamed::default();
    let document = bed.document();
    let entry = format!("serviceentry/{GLOBAL}");
    // Applying again mends what fedmesh owns. Fields that kubectl took over are a conflict, so what
    // is broken is deleted first.
    let repair = |broken: &[(&str, &str, &str)]| {
        for (context, namespace, object) in broken {
            bed.kubectl(context, &["-n", namespace, "delete", object]);
        }
        bed.apply(&document);
        bed.verified(&document);
    };

    // First, because caches are right again only after a while, in which other faults show all the same.
    let address = bed.mesh.gateway_address("cluster2").unwrap();
    let mut slow = document.clone();
    slow["spec"]["dns"]["ttl"] = json!(STALE_FOR.as_secs());
    bed.apply(&slow);
    cached_for_long(&bed);
    bed.verified(&slow);
    bed.mesh.move_gateway("cluster2", &["10.250.1.42"]).unwrap();
    bed.apply(&slow);
    unnamed.expect(&bed, &slow, "stale record", ("stale-record", ""));
    bed.mesh.move_gateway("cluster2", &[&address]).unwrap();
    bed.apply(&document);

    let gateway = "gateway.networking.istio.io/fedmesh-demo";
    patch(
        &bed,
        "cluster2",
        "istio-system",
        gateway,
        &json!({"spec": {"servers": [{
            "port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["other.example.com"],
        }]}}),
    );
    unnamed.expect(
        &bed,
        &document,
        "host missing from the gateway",
        ("object-changed", "Gateway istio-system/fedmesh-demo"),
    );

    patch(
        &bed,
        "cluster1",
        "istio-system",
        "workloadentry/fedmesh-demo.cluster1",
        &json!({"spec": {"locality": null}}),
    );
    unnamed.expect(
        &bed,
        &document,
        "missing locality",
        ("object-changed", "WorkloadEntry"),
    );

    patch(
        &bed,
        "cluster1",
        "default",
        "service/httpbin",
        &json!({"spec": {"ports": [
            {"name": "web", "port": 8000, "targetPort": "http"},
        ]}}),
    );
    unnamed.expect(
        &bed,
        &document,
        "wrong port name",
        ("object-changed", "Service default/httpbin"),
    );
    repair(&[
        ("cluster2", "istio-system", gateway),
        ("cluster1", "istio-system", &entry),
        ("cluster1", "default", "service/httpbin"),
    ]);

    bed.scale("cluster1", ("external-dns", "external-dns"), 0);
    bed.mesh
        .name_server()
        .update(&format!("update delete {GLOBAL}. A"))
        .unwrap();
    unnamed.expect(&bed, &document, "ExternalDNS off", ("external-dns", ""));
    bed.scale("cluster1", ("external-dns", "external-dns"), 1);
    // What another run of ExternalDNS took away by hand it does not miss: its own mark is still there.
    bed.mesh
        .name_server()
        .update(&format!(
            "update delete fedmesh-a-{GLOBAL}. TXT\nupdate delete fedmesh-{GLOBAL}. TXT"
        ))
        .unwrap();
    bed.verified(&document);

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
    let mut left_alone = document.clone();
    left_alone["spec"]["clusters"][1]["dnsFlavour"] = json!("none");
    bed.apply(&left_alone);
    unnamed.expect(
        &bed,
        &left_alone,
        "stub domain missing",
        ("stub-domain", ""),
    );
    let edited = corefile.replace("forward . 10.250.1.1\n", "forward . 10.250.1.2\n");
    assert_ne!(edited, corefile);
    patch(
        &bed,
        "cluster2",
        "kube-system",
        "configmap/coredns",
        &json!({"data": {"Corefile": edited}}),
    );
    unnamed.expect(
        &bed,
        &document,
        "Corefile edited by hand",
        ("cluster-dns-edited", ""),
    );
    bed.apply(&document);
    bed.verified(&document);

    bed.mesh.move_gateway("cluster2", &[]).unwrap();
    unnamed.expect(
        &bed,
        &document,
        "gateway without address",
        ("gateway-address", "cluster2"),
    );
    bed.mesh.move_gateway("cluster2", &[&address]).unwrap();
    bed.verified(&document);

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
    unnamed.expect(&bed, &document, "network cut", ("timeout", ""));
    let repaired = bed
        .mesh
        .node_command("cluster2", "nft")
        .unwrap()
        .args(["delete", "table", "inet", "cut"])
        .status();
    assert!(repaired.unwrap().success());
    bed.verified(&document);

    bed.scale("cluster2", ("default", "httpbin"), 0);
    unnamed.expect(&bed, &document, "backend 503", ("no-endpoints", ""));
    bed.scale("cluster2", ("default", "httpbin"), 1);
    bed.verified(&document);

    let mut failing = document.clone();
    failing["spec"]["services"][0]["probe"] = json!({"path": "/status/500"});
    unnamed.expect(
        &bed,
        &failing,
        "the service answers 500",
        ("service-error", "500"),
    );

    patch(
        &bed,
        "cluster1",
        "default",
        "deployment/sleep",
        &json!({"spec": {"template": {"metadata": {"labels": {
            "sidecar.istio.io/inject": "false",
        }}}}}),
    );
    bed.mesh
        .wait_for_pods("cluster1", ("default", "sleep"))
        .unwrap();
    unnamed.expect(&bed, &document, "sidecar missing", ("no-sidecar", ""));
    repair(&[("cluster1", "default", "deployment/sleep")]);

    // ExternalDNS leaves alone what another one marks as its own.
    bed.mesh
        .name_server()
        .update(&format!(
            "update delete {GLOBAL}. A\n\
             update add {GLOBAL}. 2 A 10.250.1.99\n\
             update delete fedmesh-a-{GLOBAL}. TXT\n\
             update add fedmesh-a-{GLOBAL}. 2 TXT \"heritage=external-dns,external-dns/owner=other\""
        ))
        .unwrap();
    unnamed.expect(&bed, &document, "foreign owner", ("foreign-owner", "other"));
    bed.mesh
        .name_server()
        .update(&format!(
            "update delete {GLOBAL}. A\nupdate delete fedmesh-a-{GLOBAL}. TXT"
        ))
        .unwrap();
    bed.verified(&document);
    assert_eq!(unnamed.0, [] as [&str; 0]);
}
