//! Requests that travel between clusters in TLS.

use serde_json::{Value, json};
use shared::verify::{Family, Outcome};
use testbed::Authority;

use crate::bed::{Bed, CLUSTERS, GLOBAL, ZONE, eventually, failed};

pub(crate) const SECRET: &str = "door";
pub(crate) const BYTES: u16 = 8001;

pub(crate) fn names() -> Vec<String> {
    let levels = CLUSTERS.iter().flat_map(|(_, region, zone)| {
        [
            format!("*.default.external.svc.{region}.{ZONE}"),
            format!("*.default.external.svc.{zone}.{region}.{ZONE}"),
        ]
    });
    let wide = [
        format!("httpbin.{ZONE}"),
        format!("*.default.external.svc.{ZONE}"),
    ];
    wide.into_iter().chain(levels).collect()
}

pub(crate) fn put_certificate(bed: &Bed, context: &str, authority: &Authority, names: &[String]) {
    put_certificate_in(bed, context, "istio-system", authority, names);
}

/// The same, for gateways whose pods are in a namespace.
pub(crate) fn put_certificate_in(
    bed: &Bed,
    context: &str,
    namespace: &str,
    authority: &Authority,
    names: &[String],
) {
    let signed = authority.sign(names).unwrap();
    bed.kubectl_apply(
        context,
        &json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": SECRET, "namespace": namespace},
            "stringData": {"tls.crt": signed.certificate, "tls.key": signed.key},
        }),
    );
}

/// Gives a gateway another certificate, and ends the sessions that clients have with it: a certificate is
/// looked at when a session begins.
fn change_certificate(bed: &Bed, context: &str, authority: &Authority, names: &[String]) {
    put_certificate(bed, context, authority, names);
    let gateway = ("istio-system", "istio-ingressgateway");
    bed.scale(context, gateway, 0);
    bed.scale(context, gateway, 1);
}

pub(crate) fn take_certificate(bed: &Bed, context: &str) {
    let secret = format!("secret/{SECRET}");
    bed.kubectl(context, &["-n", "istio-system", "delete", &secret]);
}

/// httpbin in TLS, and a second time as plain bytes on a port of its own.
pub(crate) fn document(bed: &Bed) -> Value {
    let mut document = bed.document();
    let service = document["spec"]["services"][0].as_object_mut().unwrap();
    service.remove("port");
    service.insert(
        "ports".to_owned(),
        json!([{"port": 8000}, {"port": BYTES, "protocol": "tcp"}]),
    );
    document["spec"]["transport"] = json!("tls");
    document["spec"]["tls"] = json!({
        "credentialName": SECRET, "ca": "/var/run/secrets/istio/root-cert.pem",
    });
    document
}

/// Waits until a verification names this cause at the gateway of cluster2, and for calls to it.
fn named(bed: &Bed, document: &Value, what: &str) {
    eventually(what, || {
        let report = bed.verify(document, &[]);
        let said = |family: Family| {
            report.checks.iter().any(|check| {
                let cause = check.cause.as_ref().map(|cause| cause.code.as_str());
                check.family == family
                    && check.outcome == Outcome::Failed
                    && cause == Some("certificate")
            })
        };
        if said(Family::Gateway) && said(Family::Call) {
            return Ok(());
        }
        Err(failed(&report).join("\n"))
    });
}

/// The usual bed with a certificate at each gateway, and the document applied and verified.
fn in_tls() -> (Bed, Value) {
    let bed = Bed::with_usual();
    for (context, ..) in CLUSTERS {
        put_certificate(&bed, context, bed.mesh.authority(), &names());
        bed.open_gateway(context, BYTES);
    }
    let document = document(&bed);
    bed.apply(&document);
    bed.verified(&document);
    (bed, document)
}

fn take_back(bed: &Bed) {
    bed.apply(&bed.document());
    for (context, ..) in CLUSTERS {
        take_certificate(bed, context);
        bed.close_gateway(context, BYTES);
    }
}

#[test]
fn every_name_in_tls() {
    let (bed, _) = in_tls();
    bytes_pass_and_plain_requests_are_led_on(&bed);
    take_back(&bed);
}

#[test]
#[ignore = "in the long run"]
fn a_certificate_that_is_not_taken_is_named() {
    let (bed, document) = in_tls();
    let authority = bed.mesh.authority();
    let elsewhere = ["elsewhere.example.com".to_owned()];
    change_certificate(&bed, "cluster2", authority, &elsewhere);
    named(&bed, &document, "a certificate for another name");
    change_certificate(&bed, "cluster2", &Authority::new().unwrap(), &names());
    named(&bed, &document, "a certificate of another authority");

    change_certificate(&bed, "cluster2", authority, &names());
    bed.verified(&document);
    take_back(&bed);
}

pub(crate) fn bytes_pass_and_plain_requests_are_led_on(bed: &Bed) {
    // The other port is no part of it: bytes arrive as they were sent.
    let (status, by) = bed.call("cluster1", &format!("http://{GLOBAL}:{BYTES}/html"));
    assert_eq!((status.as_str(), by.as_str()), ("200", ""));

    // From outside a plain request is led on, and gets nothing else.
    let gateway = bed.mesh.gateway_address("cluster2").unwrap();
    let output = bed
        .mesh
        .command("curl")
        .args(["-s", "-m", "5", "-o", "/dev/null", "-H"])
        .arg(format!("Host: {GLOBAL}"))
        .args(["-w", "%{http_code} %{redirect_url}"])
        .arg(format!("http://{gateway}/html"))
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("301 https://{GLOBAL}/html")
    );
}
