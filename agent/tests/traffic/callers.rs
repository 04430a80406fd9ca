//! Who calls a service in mutual TLS: its callers are answered, everybody else is refused, and `verify` says both.

use serde_json::{Value, json};
use shared::resolved::SLEEP_IMAGE;
use shared::verify::{Family, Outcome};

use crate::bed::{Bed, CLUSTERS, GLOBAL, ZONE, eventually, failed};
use crate::mtls;

const STRANGER: &str = "stranger";

/// The document of mutual TLS, in which one service account calls httpbin.
fn document(bed: &Bed, account: &str) -> Value {
    let mut document = mtls::document(bed);
    let service = &mut document["spec"]["services"][0];
    service["selector"] = json!({"app": "httpbin"});
    service["callers"] = json!([{"namespace": "default", "serviceAccounts": [account]}]);
    document
}

/// A client beside `sleep`, with a service account of its own.
fn stranger() -> Value {
    let metadata = json!({"name": STRANGER, "namespace": "default"});
    let labels = json!({"app": STRANGER});
    json!({
        "apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            {
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": {"app": STRANGER, "sidecar.istio.io/inject": "true"}},
                        "spec": {
                            "serviceAccountName": STRANGER,
                            "terminationGracePeriodSeconds": 0,
                            "containers": [{
                                "name": "sleep", "image": SLEEP_IMAGE, "imagePullPolicy": "IfNotPresent",
                                "command": ["/bin/sleep", "infinity"],
                            }],
                        },
                    },
                },
            },
        ],
    })
}

/// What the stranger in cluster1 gets: the body and the status behind it.
fn called_by_stranger(bed: &Bed, host: &str) -> String {
    let deployment = format!("deployment/{STRANGER}");
    let url = format!("http://{host}/html");
    let command = [
        "-n",
        "default",
        "exec",
        &deployment,
        "-c",
        "sleep",
        "--",
        "curl",
        "-s",
        "-m",
        "3",
        "-w",
        " %{http_code}",
        &url,
    ];
    let output = bed
        .mesh
        .kubectl()
        .attempt("cluster1", &command, "")
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn callers_are_answered_and_strangers_refused() {
    let bed = Bed::with_usual();
    let document = document(&bed, "sleep");
    for (cluster, ..) in CLUSTERS {
        bed.kubectl_apply(cluster, &stranger());
    }
    bed.apply(&document);
    // The usual client is a caller.
    bed.verified(&document);
    for (cluster, ..) in CLUSTERS {
        bed.mesh
            .wait_for_pods(cluster, ("default", STRANGER))
            .unwrap();
    }
    let (_, region, zone) = CLUSTERS[1];
    let of_zone = format!("httpbin.default.external.svc.{zone}.{region}.{ZONE}");
    for host in [
        GLOBAL,
        of_zone.as_str(),
        "httpbin.default.svc.cluster.local:8000",
    ] {
        eventually(&format!("{host} refuses"), || {
            let seen = called_by_stranger(&bed, host);
            let is_refused = seen.ends_with(" 403") && seen.contains("RBAC: access denied");
            is_refused.then_some(()).ok_or(seen)
        });
    }

    let client = format!("--client=default/app={STRANGER}");
    let report = eventually("verified by a stranger", || {
        let report = bed.verify(&document, &["--timeout", "3s", &client]);
        let bad = failed(&report);
        bad.is_empty()
            .then_some(report)
            .ok_or_else(|| bad.join("\n"))
    });
    for (cluster, ..) in CLUSTERS {
        for host in [GLOBAL, &*of_zone, "httpbin.default.svc.cluster.local"] {
            let mut checks = report.checks.iter();
            let is_it = |check: &&shared::verify::Check| {
                (check.family, &*check.cluster, &*check.host) == (Family::Call, cluster, host)
            };
            let check = checks
                .find(is_it)
                .unwrap_or_else(|| panic!("{cluster} {host}"));
            assert_eq!(
                (check.outcome, check.seen.status),
                (Outcome::Passed, Some(403)),
                "{check:?}"
            );
        }
    }

    // The other way round, the usual client is the one that is refused.
    let other = self::document(&bed, STRANGER);
    bed.apply(&other);
    let report = bed.verified(&other);
    let refused = report
        .checks
        .iter()
        .filter(|check| check.seen.status == Some(403));
    assert!(refused.count() >= CLUSTERS.len());
    // A document that lets it in is not kept to by pods that refuse it.
    eventually("told", || {
        let report = bed.verify(&document, &["--timeout", "3s"]);
        let mut checks = report.checks.iter();
        let is_told = checks.any(|check| {
            let cause = check.cause.as_ref();
            cause.is_some_and(|cause| cause.code == "access-denied")
        });
        is_told
            .then_some(())
            .ok_or_else(|| failed(&report).join("\n"))
    });

    for (cluster, ..) in CLUSTERS {
        let objects = format!("deployment/{STRANGER}");
        let account = format!("serviceaccount/{STRANGER}");
        bed.kubectl(cluster, &["-n", "default", "delete", &objects, &account]);
    }
    // Without callers everybody is answered again.
    bed.apply(&bed.document());
    bed.verified(&bed.document());
}
