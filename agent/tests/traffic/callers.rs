//! Who calls a service in mutual TLS: its callers are answered, everybody else is refused, and `verify` says both. With
//! Sidecars their proxies know what they call, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::defaults::SLEEP_IMAGE;
use shared::verify::{Family, Outcome};

use crate::bed::{Bed, CLUSTERS, GLOBAL, ZONE, eventually, failed, server};
use crate::mtls;

const STRANGER: &str = "stranger";
/// A client in a namespace of its own, by namespace and name.
const BUYER: (&str, &str) = ("shop", "buyer");
/// Beside httpbin, and not called by the document.
const OTHER: &str = "other";

/// The document of mutual TLS, in which one service account calls httpbin.
fn document(bed: &Bed, account: &str) -> Value {
    let mut document = mtls::document(bed);
    let service = &mut document["spec"]["services"][0];
    service["selector"] = json!({"app": "httpbin"});
    service["callers"] = json!([{"namespace": "default", "serviceAccounts": [account]}]);
    document
}

/// A client beside `sleep`, with a service account of its own.
fn client((namespace, name): (&str, &str)) -> Value {
    let metadata = json!({"name": name, "namespace": namespace});
    let labels = json!({"app": name});
    json!({
        "apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            {
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": {"app": name, "sidecar.istio.io/inject": "true"}},
                        "spec": {
                            "serviceAccountName": name,
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

/// What curl prints in a client of cluster1.
fn curl(bed: &Bed, (namespace, name): (&str, &str), arguments: &[&str]) -> String {
    let deployment = format!("deployment/{name}");
    let exec = ["-n", namespace, "exec", &deployment, "-c", "sleep", "--"];
    let command = [&exec[..], &["curl", "-s", "-m", "3"], arguments].concat();
    let kubectl = bed.mesh.kubectl();
    let output = kubectl.attempt("cluster1", &command, "").unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a client in cluster1 gets: the body and the status behind it.
fn called(bed: &Bed, client: (&str, &str), host: &str) -> String {
    let url = format!("http://{host}/html");
    curl(bed, client, &["-w", " %{http_code}", &url])
}

#[test]
fn callers_are_answered_and_strangers_refused() {
    let bed = Bed::with_usual();
    let document = document(&bed, "sleep");
    for (cluster, ..) in CLUSTERS {
        bed.kubectl_apply(cluster, &client(("default", STRANGER)));
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
            let seen = called(&bed, ("default", STRANGER), host);
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
        let is_published = checks.any(|check| {
            let cause = check.cause.as_ref();
            cause.is_some_and(|cause| cause.code == "access-denied")
        });
        is_published
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

/// The hosts of Services in cluster1 for which the buyer's proxy has a cluster.
fn known(bed: &Bed) -> BTreeSet<String> {
    let url = "127.0.0.1:15000/config_dump?resource=dynamic_active_clusters";
    let dump: Value = serde_json::from_str(&curl(bed, BUYER, &[url])).unwrap();
    let clusters = dump["configs"].as_array().unwrap().iter();
    let names = clusters.filter_map(|one| one["cluster"]["name"].as_str());
    let hosts = names.filter_map(|name| name.strip_prefix("outbound|")?.rsplit('|').next());
    let local = hosts.filter(|host| host.ends_with(".svc.cluster.local"));
    local.map(str::to_owned).collect()
}

#[test]
fn proxies_of_callers_know_what_they_call() {
    let bed = Bed::with_usual();
    let (namespace, name) = BUYER;
    for (cluster, ..) in CLUSTERS {
        bed.kubectl(cluster, &["create", "namespace", namespace]);
        bed.kubectl_apply(cluster, &client(BUYER));
    }
    bed.kubectl_apply("cluster1", &server(OTHER));
    let mut document = mtls::document(&bed);
    let service = &mut document["spec"]["services"][0];
    service["selector"] = json!({"app": "httpbin"});
    service["callers"] = json!([{"namespace": namespace}]);
    bed.apply(&document);
    for (cluster, ..) in CLUSTERS {
        bed.mesh.wait_for_pods(cluster, BUYER).unwrap();
    }
    bed.mesh
        .wait_for_pods("cluster1", ("default", OTHER))
        .unwrap();
    let (_, region, zone) = CLUSTERS[1];
    let of_zone = format!("httpbin.default.external.svc.{zone}.{region}.{ZONE}");
    let local = "httpbin.default.svc.cluster.local";
    let other = format!("{OTHER}.default.svc.cluster.local");
    let answers = |host: &str| {
        eventually(&format!("{host} answers"), || {
            let seen = called(&bed, BUYER, host);
            seen.ends_with(" 200").then_some(()).ok_or(seen)
        });
    };
    // Without Sidecars its proxy knows everything.
    answers(&format!("{other}:9000"));
    let before = known(&bed);
    assert!(
        before.contains(&other) && before.contains(local),
        "{before:?}"
    );

    document["spec"]["sidecars"] = json!({});
    bed.apply(&document);
    eventually("the proxy knows less", || {
        let known = known(&bed);
        let is_less = !known.contains(&other) && known.contains(local);
        is_less.then_some(()).ok_or(format!("{known:?}"))
    });
    let of_others = known(&bed)
        .into_iter()
        .filter(|host| !host.contains(".istio-system."));
    assert_eq!(of_others.collect::<Vec<_>>(), [local]);
    // The service takes nobody else, so these are in mutual TLS.
    for host in [GLOBAL, of_zone.as_str(), &format!("{local}:8000")] {
        answers(host);
    }
    let buyer = format!("--client={namespace}/app={name}");
    eventually("verified by the buyer", || {
        let report = bed.verify(&document, &["--timeout", "3s", &buyer]);
        let bad = failed(&report);
        bad.is_empty().then_some(()).ok_or_else(|| bad.join("\n"))
    });
    // What is not listed is called without mutual TLS, which the mesh refuses.
    let seen = called(&bed, BUYER, &format!("{other}:9000"));
    assert!(!seen.ends_with(" 200"), "{seen}");

    let listed = format!("default/{other}");
    document["spec"]["sidecars"] = json!({"hosts": [listed]});
    bed.apply(&document);
    answers(&format!("{other}:9000"));

    // Rules that few namespaces saw leave no trace in the others.
    let usual = bed.document();
    bed.apply(&usual);
    bed.verified(&usual);
    eventually("the proxy knows everything again", || {
        let known = known(&bed);
        let is_all = known.contains(&other);
        is_all.then_some(()).ok_or(format!("{known:?}"))
    });
    for (cluster, ..) in CLUSTERS {
        bed.kubectl(cluster, &["delete", "namespace", namespace]);
    }
    let objects = [format!("deployment/{OTHER}"), format!("service/{OTHER}")];
    bed.kubectl(
        "cluster1",
        &["-n", "default", "delete", &objects[0], &objects[1]],
    );
}
