//! Gateways by their addresses: what sidecars have of them, and how they hear of one that moves.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::json;

use crate::bed::{Bed, GLOBAL, eventually, text};

const CALLER: &str = "cluster1";
const MOVED: &str = "10.250.1.42";

/// Envoy's clusters in the caller's sidecar for names of the mesh, each with its type.
fn clusters(bed: &Bed) -> Vec<(String, String)> {
    let dump = [
        "curl",
        "-s",
        "127.0.0.1:15000/config_dump?resource=dynamic_active_clusters",
    ];
    let dump: serde_json::Value = serde_json::from_str(&bed.client(CALLER, &dump, "")).unwrap();
    let all = dump["configs"].as_array().unwrap().iter();
    let of_mesh = all.filter_map(|one| {
        let name = one["cluster"]["name"].as_str()?;
        let kind = one["cluster"]["type"].as_str().unwrap_or("STATIC");
        name.contains(".external.svc.")
            .then(|| (name.to_owned(), kind.to_owned()))
    });
    of_mesh.collect()
}

/// How often the caller's istiod has pushed something of a type.
fn pushes(bed: &Bed, of_type: &str) -> u64 {
    let address = bed.kubectl(
        CALLER,
        &[
            "get",
            "service/istiod",
            "-n=istio-system",
            "-o=jsonpath={.spec.clusterIP}",
        ],
    );
    let mut curl = bed.mesh.node_command(CALLER, "curl").unwrap();
    curl.args(["-s", "--fail", &format!("http://{address}:15014/metrics")]);
    let metrics = String::from_utf8(curl.output().unwrap().stdout).unwrap();
    let prefix = format!("pilot_xds_pushes{{type=\"{of_type}\"}} ");
    let value = metrics.lines().find_map(|line| line.strip_prefix(&prefix));
    value.map_or(0, |value| value.parse().unwrap())
}

#[test]
fn a_gateway_that_moves_is_endpoints_alone() {
    let bed = Bed::take();
    let mut document = bed.document();
    document["spec"]["endpoints"] = json!("addresses");
    // Nearest to the caller is the cluster that moves.
    document["spec"]["services"][0]["clusters"] = json!(["cluster2", "cluster3"]);
    bed.apply(&document);
    bed.verified(&document);
    let url = format!("http://{GLOBAL}/html");
    let expected = ("200".to_owned(), "cluster2".to_owned());
    assert_eq!(bed.call(CALLER, &url), expected);
    let found = clusters(&bed);
    assert!(!found.is_empty());
    for (name, kind) in &found {
        assert!(
            ["EDS", "ORIGINAL_DST"].contains(&kind.as_str()),
            "{name}: {kind}"
        );
    }

    let mut following = bed
        .mesh
        .command(env!("CARGO_BIN_EXE_fedmesh-agent"))
        .args(["follow", "-f"])
        .arg(bed.write("followed", &document))
        .env("KUBECONFIG", bed.mesh.kubeconfig())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let usual = bed.mesh.gateway_address("cluster2").unwrap();
    let known = |address: &str| {
        let seen = bed.client(CALLER, &["curl", "-s", "127.0.0.1:15000/clusters"], "");
        let endpoint = format!("|{GLOBAL}::{address}:");
        seen.contains(&endpoint).then_some(()).ok_or(seen)
    };
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("following"), "{first}");
    for (address, what) in [(MOVED, "it moves"), (&usual, "it moves back")] {
        let before = ["cds", "eds"].map(|of_type| pushes(&bed, of_type));
        let start = Instant::now();
        bed.mesh.move_gateway("cluster2", &[address]).unwrap();
        eventually(what, || known(address));
        println!("{what}: {:.1} s", start.elapsed().as_secs_f32());
        assert_eq!(bed.call(CALLER, &url), expected);
        let after = ["cds", "eds"].map(|of_type| pushes(&bed, of_type));
        assert_eq!(after[0], before[0], "{what}: a full push");
        assert!(after[1] > before[1], "{what}: no push of endpoints");
    }

    let pid = following.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    let told: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(
        told.iter()
            .any(|line| line.contains("endpoints in cluster1")),
        "{told:#?}"
    );
    let output = following.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    bed.verified(&document);
    bed.remove(&document);
}
