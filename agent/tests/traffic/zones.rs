//! Clusters with nodes in several zones, and clusters that share a zone: who answers, in every transport, as the model
//! says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::verify::Outcome;

use crate::bed::{Bed, CLUSTERS, GLOBAL, ZONE, eventually, failed, text};
use crate::outages::{agree, resolved};
use crate::tls::{SECRET, put_certificate, take_certificate};

const SERVER: (&str, &str) = ("default", "httpbin");
/// Transports and endpoints.
const WAYS: [(&str, &str); 4] = [
    ("http", "addresses"),
    ("http", "names"),
    ("tls", "addresses"),
    ("mtls", "addresses"),
];
const ALL_LEVELS: [&str; 4] = ["global", "region", "zone", "cluster"];

/// Moves the node of a cluster to a zone, and its client with it.
fn move_node(bed: &Bed, context: &str, zone: &str) {
    let node = format!("node/{context}-node");
    let label = format!("topology.kubernetes.io/zone={zone}");
    bed.kubectl(context, &["label", "--overwrite", &node, &label]);
    // Its sidecar gets its locality when it connects.
    bed.start_client_anew(context);
}

/// The clusters whose pods answer calls from a cluster for a name; the gateways mark no answer in mutual TLS.
fn answering(bed: &Bed, client: &str, host: &str) -> BTreeSet<String> {
    let pods: BTreeMap<String, &str> = CLUSTERS
        .iter()
        .filter_map(|(context, ..)| {
            let pod = bed.mesh.pod_name(context, ("default", "app=httpbin"));
            Some((pod.ok()?, *context))
        })
        .collect();
    let url = format!("http://{host}/hostname");
    let seen = bed.client(
        client,
        &[
            "sh",
            "-c",
            &format!("for n in 1 2 3 4 5 6 7 8; do curl -s -m 3 {url}; done"),
        ],
        "",
    );
    let answered = pods.iter().filter(|(pod, _)| seen.contains(*pod));
    answered.map(|(_, context)| (*context).to_owned()).collect()
}

fn answered_by(bed: &Bed, client: &str, host: &str, expected: &[&str]) {
    eventually(&format!("{expected:?} answer {client} for {host}"), || {
        let seen = answering(bed, client, host);
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        (seen == expected)
            .then_some(())
            .ok_or_else(|| seen.join(" "))
    });
}

/// The document in a transport.
pub(crate) fn in_transport(mut document: Value, transport: &str) -> Value {
    document["spec"]["transport"] = transport.into();
    match transport {
        "tls" => {
            let ca = "/var/run/secrets/istio/root-cert.pem";
            document["spec"]["tls"] = json!({ "credentialName": SECRET, "ca": ca });
        }
        "mtls" => document["spec"]["services"][0]["serviceAccount"] = "httpbin".into(),
        _ => {}
    }
    document
}

/// Applies and verifies a document in a transport, with a kind of endpoints.
fn apply_in(bed: &Bed, document: &Value, transport: &str, endpoints: &str) -> Value {
    println!("{transport}, endpoints: {endpoints}");
    let mut document = in_transport(document.clone(), transport);
    document["spec"]["endpoints"] = endpoints.into();
    if transport == "tls" {
        let names = certificate_names(&document);
        for (context, ..) in CLUSTERS {
            put_certificate(bed, context, bed.mesh.authority(), &names);
        }
    }
    bed.apply(&document);
    bed.verified(&document);
    document
}

/// The names of certificates for all names of a document.
pub(crate) fn certificate_names(document: &Value) -> Vec<String> {
    let resolved = resolved(document);
    let names = resolved.services.iter().flat_map(|service| &service.names);
    let wildcards = names.filter_map(|name| {
        let (_, rest) = name.host.as_str().split_once('.')?;
        Some([name.host.to_string(), format!("*.{rest}")])
    });
    let names: BTreeSet<String> = wildcards.flatten().collect();
    names.into_iter().collect()
}

fn with_zones(bed: &Bed, cluster: usize, zones: &[&str]) -> Value {
    let mut document = bed.document();
    let cluster = document["spec"]["clusters"][cluster]
        .as_object_mut()
        .unwrap();
    cluster.shift_remove("zone");
    cluster.insert("zones".to_owned(), json!(zones));
    document
}

#[test]
#[ignore = "in the long run"]
fn a_regional_cluster_answers_its_own_pods_in_every_zone() {
    let bed = Bed::with_usual();
    move_node(&bed, "cluster1", "us-west2-b");
    // With one zone, another cluster is nearer to pods in the other zone, and the plan says so.
    answered_by(&bed, "cluster1", GLOBAL, &["cluster2"]);
    let usual = bed.write("usual", &bed.document());
    let plan = text(&bed.agent(&["plan", "-f", usual.to_str().unwrap()]));
    assert!(
        plan.contains("FM0216") && plan.contains("us-west2/us-west2-b"),
        "{plan}"
    );

    let regional = with_zones(&bed, 0, &["us-west2-a", "us-west2-b"]);
    for (transport, endpoints) in WAYS {
        let document = apply_in(&bed, &regional, transport, endpoints);
        let resolved = resolved(&document);
        for zone in ["us-west2-b", "us-west2-a"] {
            move_node(&bed, "cluster1", zone);
            answered_by(&bed, "cluster1", GLOBAL, &["cluster1"]);
        }
        bed.scale("cluster1", SERVER, 0);
        answered_by(&bed, "cluster1", GLOBAL, &["cluster2"]);
        bed.scale("cluster2", SERVER, 0);
        answered_by(&bed, "cluster1", GLOBAL, &["cluster3"]);
        if transport == "http" {
            let down = [
                "service:httpbin.default@cluster1",
                "service:httpbin.default@cluster2",
            ];
            agree(&bed, &resolved, &down);
        }
        bed.scale("cluster1", SERVER, 1);
        if transport == "http" {
            agree(&bed, &resolved, &["service:httpbin.default@cluster2"]);
        }
        bed.scale("cluster2", SERVER, 1);
        // For callers in the second zone, it is as near as the cluster of that zone alone.
        answered_by(&bed, "cluster2", GLOBAL, &["cluster1", "cluster2"]);
        bed.verified(&document);
    }
    bed.apply(&regional);
    bed.verified(&regional);
    let drill = ["--drill", "httpbin.default@cluster1", "--yes"];
    let report = bed.verify(&regional, &drill);
    assert_eq!(report.outcome(), Outcome::Passed, "{:#?}", failed(&report));

    bed.apply(&bed.document());
    for (context, ..) in CLUSTERS {
        take_certificate(&bed, context);
    }
}

#[test]
#[ignore = "in the long run"]
fn clusters_of_one_zone_have_names_and_shares_of_their_own() {
    const REQUESTS: usize = 400;
    const TOLERANCE: usize = 30;
    let bed = Bed::with_usual();
    let mut shared = bed.document();
    let (blue, green) = (
        "us-west2/us-west2-a/cluster1",
        "us-west2/us-west2-a/cluster2",
    );
    shared["spec"]["clusters"][1]["zone"] = "us-west2-a".into();
    shared["spec"]["dns"]["levels"] = json!(ALL_LEVELS);
    let mut weighted = shared.clone();
    weighted["spec"]["services"][0]["locality"] =
        json!({ "distribute": [{ "from": blue, "to": { (blue): 80, (green): 20 } }] });
    for (transport, endpoints) in WAYS {
        apply_in(&bed, &weighted, transport, endpoints);
        for (client, ..) in CLUSTERS {
            for cluster in ["cluster1", "cluster2"] {
                let host =
                    format!("httpbin.default.external.svc.{cluster}.us-west2-a.us-west2.{ZONE}");
                answered_by(&bed, client, &host, &[cluster]);
            }
        }
        if transport != "mtls" {
            let urls = vec![format!("http://{GLOBAL}/get"); REQUESTS];
            let calls = bed.calls("cluster1", &urls);
            let count = |cluster: &str| {
                let by = calls
                    .iter()
                    .filter(|(status, by)| status == "200" && by == cluster);
                by.count()
            };
            let (first, second) = (count("cluster1"), count("cluster2"));
            println!("shares of {REQUESTS}: {first}, {second}");
            assert_eq!(first + second, REQUESTS, "{calls:?}");
            assert!(second.abs_diff(REQUESTS / 5) <= TOLERANCE, "{second}");
        }
    }

    // Taken out: all calls go to the other one.
    let mut out = shared.clone();
    out["spec"]["services"][0]["locality"] = json!({ "distribute": [{ "to": { (green): 100 } }] });
    bed.apply(&out);
    for (client, ..) in CLUSTERS {
        answered_by(&bed, client, GLOBAL, &["cluster2"]);
    }
    let drill = ["--drill", "httpbin.default@cluster1", "--yes"];
    bed.apply(&shared);
    bed.verified(&shared);
    let report = bed.verify(&shared, &drill);
    assert_eq!(report.outcome(), Outcome::Passed, "{:#?}", failed(&report));

    bed.apply(&bed.document());
    for (context, ..) in CLUSTERS {
        take_certificate(&bed, context);
    }
}
