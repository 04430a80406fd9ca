//! Calls between clusters whose Services have different DNS domains.

use serde_json::{Value, json};
use shared::verify::Family;

use crate::bed::{Bed, CLUSTERS, GLOBAL, ZONE, eventually, text};
use crate::{mtls, tls};

/// That of the second cluster; the first has the default.
const DOMAIN: &str = "corp.local";
const DOMAINS: [&str; 2] = ["cluster.local", DOMAIN];
const SERVER: (&str, &str) = ("default", "httpbin");

fn zone_name(cluster: usize) -> String {
    let (_, region, zone) = CLUSTERS[cluster];
    format!("httpbin.default.external.svc.{zone}.{region}.{ZONE}")
}

/// The other cluster's pods answer a cluster by their zone's name, and by the global name while its own are away.
fn called_both_ways(bed: &Bed) {
    for (at, (client, ..)) in CLUSTERS[..2].iter().enumerate() {
        let other = CLUSTERS[1 - at].0;
        let pod = bed
            .mesh
            .pod_name(other, ("default", "app=httpbin"))
            .unwrap();
        let answers = |host: &str| {
            eventually(&format!("{other} answers {client} for {host}"), || {
                let url = format!("http://{host}/hostname");
                let seen = bed.client(client, &["curl", "-s", "-m", "3", &url], "");
                seen.contains(&pod).then_some(()).ok_or(seen)
            });
        };
        answers(&zone_name(1 - at));
        bed.scale(client, SERVER, 0);
        answers(GLOBAL);
        bed.scale(client, SERVER, 1);
    }
}

/// Applies and verifies a document, with calls in both directions; each cluster calls its own Service by its own domain.
fn holds(bed: &Bed, document: &Value) {
    bed.apply(document);
    let report = bed.verified(document);
    for ((cluster, ..), domain) in CLUSTERS.iter().zip(DOMAINS) {
        let host = format!("httpbin.default.svc.{domain}");
        let mut checks = report.checks.iter();
        let is_called = checks.any(|check| {
            (check.family, &*check.cluster, &*check.host) == (Family::Call, *cluster, &*host)
        });
        assert!(is_called, "{cluster} {host}");
    }
    called_both_ways(bed);
    bed.verified(document);
}

#[test]
#[ignore = "in the long run"]
fn clusters_of_different_domains_call_each_other() {
    let bed = Bed::of_domains(&DOMAINS);
    let document = bed.document();
    assert_eq!(document["spec"]["clusters"][1]["clusterDomain"], DOMAIN);
    holds(&bed, &document);

    // The short name of a Service is completed by the pods' own domain.
    for ((client, ..), domain) in CLUSTERS.iter().zip(DOMAINS) {
        for host in [
            "httpbin.default.svc".to_owned(),
            format!("httpbin.default.svc.{domain}"),
        ] {
            let (status, _) = bed.call(client, &format!("http://{host}:8000/html"));
            assert_eq!(status, "200", "{client} {host}");
        }
    }

    // A document without the domain is warned of, with the value.
    let mut silent = document.clone();
    silent["spec"]["clusters"][1]["clusterDomain"].take();
    let path = bed.write("silent", &silent);
    let output = text(&bed.agent(&["plan", "-f", path.to_str().unwrap()]));
    assert!(output.contains("FM0218"), "{output}");
    assert!(
        output.contains(&format!("clusterDomain: {DOMAIN}")),
        "{output}"
    );

    for (context, ..) in &CLUSTERS[..2] {
        tls::put_certificate(&bed, context, bed.mesh.authority(), &tls::names());
        bed.open_gateway(context, tls::BYTES);
    }
    holds(&bed, &tls::document(&bed));

    // One SNI, although the names of the Service differ: the other cluster has it as an alias.
    holds(&bed, &mtls::document(&bed));
    let alias = ["get", "serviceentry", "-n=istio-system", "-o=name"];
    let entries = bed.kubectl("cluster2", &alias);
    assert!(
        entries.contains("/httpbin.default.svc.cluster.local"),
        "{entries}"
    );
    let mut one = mtls::document(&bed);
    one["spec"]["services"][0]["clusters"] = json!(["cluster2"]);
    one["spec"]["samples"] = json!(["httpbin", "sleep"]);
    bed.apply(&one);
    bed.verified(&one);
}
