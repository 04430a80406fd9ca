//! Calls in mutual TLS from the pods of one mesh to those of another.

use serde_json::{Value, json};
use shared::verify::{Family, Outcome};
use testbed::{Authority, TrustDomain};

use crate::bed::{Bed, CLUSTERS, GLOBAL, ZONE, eventually, failed};

const BYTES: u16 = 8001;
const SERVER: (&str, &str) = ("default", "httpbin");

/// httpbin in mutual TLS, as requests and as plain bytes; nothing at the ingress gateways.
pub(crate) fn document(bed: &Bed) -> Value {
    let mut document = bed.document();
    document["spec"]["transport"] = json!("mtls");
    let service = document["spec"]["services"][0].as_object_mut().unwrap();
    service.remove("port");
    service.insert("serviceAccount".to_owned(), json!("httpbin"));
    service.insert(
        "ports".to_owned(),
        json!([{"port": 8000}, {"port": BYTES, "protocol": "tcp"}]),
    );
    document
}

/// Lets one workload in, or nobody: in a namespace with a policy, who is not named is refused.
fn let_in(bed: &Bed, context: &str, account: &str) {
    let principal = format!("cluster.local/ns/default/sa/{account}");
    bed.kubectl_apply(
        context,
        &json!({
            "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
            "metadata": {"name": "callers", "namespace": "default"},
            "spec": {
                "selector": {"matchLabels": {"app": "httpbin"}},
                "rules": [{"from": [{"source": {"principals": [principal]}}]}],
            },
        }),
    );
}

fn let_all_in(bed: &Bed, context: &str) {
    let policy = "authorizationpolicies.security.istio.io/callers";
    bed.kubectl(context, &["-n", "default", "delete", policy]);
}

fn zone_name(cluster: usize) -> String {
    let (_, region, zone) = CLUSTERS[cluster];
    format!("httpbin.default.external.svc.{zone}.{region}.{ZONE}")
}

/// Waits until calls from a cluster get this status.
fn answered(bed: &Bed, client: &str, host: &str, status: &str) {
    eventually(&format!("{host} answers {client} with {status}"), || {
        let (seen, _) = bed.call(client, &format!("http://{host}/html"));
        (seen == status).then_some(()).ok_or(seen)
    });
}

/// The pod that answers calls from cluster1: no gateway can mark the answers.
fn who(bed: &Bed, host: &str) -> String {
    let url = format!("http://{host}/hostname");
    bed.client("cluster1", &["curl", "-s", "-m", "3", &url], "")
}

/// Waits until the pod of a cluster answers calls from cluster1 for the global name.
fn answers(bed: &Bed, cluster: &str) {
    let pod = bed
        .mesh
        .pod_name(cluster, ("default", "app=httpbin"))
        .unwrap();
    eventually(&format!("{cluster} answers"), || {
        let seen = who(bed, GLOBAL);
        seen.contains(&pod).then_some(()).ok_or(seen)
    });
}

/// Waits until a verification finds all of these failed, each a family, a cluster, a name and, where it is told,
/// the cause.
fn named(bed: &Bed, document: &Value, of: &[(Family, &str, &str, Option<&str>)]) {
    eventually("named", || {
        let report = bed.verify(document, &[]);
        let said = |(family, cluster, host, cause): &(Family, &str, &str, Option<&str>)| {
            report.checks.iter().any(|check| {
                let said = check.cause.as_ref().map(|cause| cause.code.as_str());
                (&check.family, check.cluster.as_str(), check.host.as_str())
                    == (family, *cluster, *host)
                    && check.outcome == Outcome::Failed
                    && (cause.is_none() || said == *cause)
            })
        };
        if of.iter().all(said) {
            return Ok(());
        }
        Err(failed(&report).join("\n"))
    });
}

#[test]
fn every_name_in_mutual_tls() {
    let bed = Bed::with_usual();
    let document = document(&bed);
    bed.apply(&document);
    bed.verified(&document);

    // Bytes too, and the ingress gateways know nothing of it.
    let (status, _) = bed.call("cluster1", &format!("http://{GLOBAL}:{BYTES}/html"));
    assert_eq!(status, "200");
    let gateway = bed.mesh.gateway_address("cluster2").unwrap();
    let output = bed
        .mesh
        .command("curl")
        .args([
            "-s",
            "-m",
            "5",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-H",
        ])
        .arg(format!("Host: {GLOBAL}"))
        .arg(format!("http://{gateway}/html"))
        .output()
        .unwrap();
    assert_ne!(String::from_utf8_lossy(&output.stdout), "200");

    // The server knows who calls from the other cluster.
    let host = zone_name(1);
    let_in(&bed, "cluster2", "somebody-else");
    answered(&bed, "cluster1", &host, "403");
    let_in(&bed, "cluster2", "sleep");
    answered(&bed, "cluster1", &host, "200");
    let_all_in(&bed, "cluster2");

    // The nearest answers, and the next one while it is down.
    answers(&bed, "cluster1");
    bed.scale("cluster1", SERVER, 0);
    answers(&bed, "cluster2");
    bed.scale("cluster1", SERVER, 1);
    answers(&bed, "cluster1");

    // In plain HTTP again: no sidecar goes on by the rules, whose hosts are still there.
    bed.apply(&bed.document());
    bed.verified(&bed.document());
}

#[test]
#[ignore = "in the long run"]
fn refused_without_a_common_root() {
    let bed = Bed::with_usual();
    let document = document(&bed);
    bed.apply(&document);
    bed.verified(&document);

    let host = zone_name(1);
    let other = Authority::new().unwrap();
    bed.mesh.change_root("cluster2", &other).unwrap();
    bed.mesh.start_anew("cluster2", SERVER).unwrap();
    let cause = Some("no-common-root");
    let of = [
        (Family::Gateway, "cluster2", GLOBAL, cause),
        (Family::Call, "cluster1", host.as_str(), cause),
    ];
    named(&bed, &document, &of);
    answered(&bed, "cluster1", &host, "503");

    bed.mesh
        .change_root("cluster2", bed.mesh.authority())
        .unwrap();
    for name in ["httpbin", "sleep"] {
        bed.mesh.start_anew("cluster2", ("default", name)).unwrap();
    }
    bed.verified(&document);
}

const OTHER: TrustDomain<'_> = TrustDomain {
    own: "two.example.com",
    aliases: &[TrustDomain::USUAL.own],
};

#[test]
#[ignore = "in the long run"]
fn meshes_of_different_trust_domains_know_each_other_by_aliases() {
    let bed = Bed::take();
    let mut document = document(&bed);
    let clusters = document["spec"]["clusters"].as_array_mut().unwrap();
    clusters.truncate(2);
    clusters[1]["trustDomain"] = json!(OTHER.own);
    let knowing = TrustDomain {
        aliases: &[OTHER.own],
        ..TrustDomain::USUAL
    };
    bed.mesh.change_trust_domain("cluster1", knowing).unwrap();
    bed.mesh.change_trust_domain("cluster2", OTHER).unwrap();
    bed.apply(&document);
    bed.verified(&document);
    answered(&bed, "cluster1", &zone_name(1), "200");
    answered(&bed, "cluster2", &zone_name(0), "200");

    // Callers take nobody of a trust domain that the document does not name.
    let mut silent = document.clone();
    silent["spec"]["clusters"][1]["trustDomain"].take();
    bed.apply(&silent);
    answered(&bed, "cluster1", &zone_name(1), "503");
    // Envoy does not tell callers why.
    let of = [
        (Family::Gateway, "cluster2", GLOBAL, Some("identity")),
        (Family::Call, "cluster1", &*zone_name(1), None),
    ];
    named(&bed, &silent, &of);
    bed.apply(&document);
    bed.verified(&document);

    // Servers take nobody of one that their mesh does not know; the other way round nothing is missing.
    bed.mesh
        .change_trust_domain("cluster1", TrustDomain::USUAL)
        .unwrap();
    answered(&bed, "cluster2", &zone_name(0), "503");
    answered(&bed, "cluster1", &zone_name(1), "200");
    let of = [(Family::Call, "cluster2", &*zone_name(0), None)];
    named(&bed, &document, &of);

    bed.remove(&document);
    bed.mesh
        .change_trust_domain("cluster2", TrustDomain::USUAL)
        .unwrap();
}
