//! `verify` without reachable clusters: every format reports that nothing was checked, and why.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::workdir::{MESH, Workdir};

/// A folder with clusters and gateways at closed ports of this machine.
fn workdir() -> Workdir {
    let workdir = Workdir::new();
    let mesh = MESH
        .replace("192.0.2.1", "127.0.0.1")
        .replace("192.0.2.2", "127.0.0.2");
    let mesh = mesh.replace(
        "addresses: [127.0.0.",
        "port: 1\n      addresses: [127.0.0.",
    );
    workdir.write("mesh.yaml", &mesh);
    workdir.write(
        "kubeconfig",
        "{apiVersion: v1, kind: Config, current-context: ctx-one, \
         clusters: [{name: dead, cluster: {server: 'http://127.0.0.1:1'}}], \
         users: [{name: nobody, user: {token: none}}], \
         contexts: [{name: ctx-one, context: {cluster: dead, user: nobody}}, \
         {name: ctx-two, context: {cluster: dead, user: nobody}}]}",
    );
    workdir
}

fn arguments(more: &[&'static str]) -> Vec<&'static str> {
    let common = [
        "verify",
        "-f",
        "mesh.yaml",
        "--kubeconfig",
        "kubeconfig",
        "--timeout",
        "1s",
    ];
    [&common, more].concat()
}

#[test]
fn the_text_has_tables_causes_and_counts() {
    let ran = workdir().run(&arguments(&[]), 1);
    for part in [
        "mesh shop\n",
        "north: objects not-asked",
        "orders.sales: calls from a probe client in each cluster",
        "orders.sales: gateways, requests from this machine",
        // A refused connection means that the machine was reached, but not the gateway.
        "failed[refused] connection refused",
        "could not check[not-asked] context ctx-two: the cluster cannot be reached",
        "hint: ",
        " could not be checked",
    ] {
        assert!(ran.out.contains(part), "no {part:?} in\n{}", ran.out);
    }
}

#[test]
fn every_format_has_the_same_counts() {
    let workdir = workdir();
    let json: Value =
        serde_json::from_str(&workdir.run(&arguments(&["-o", "json"]), 1).out).unwrap();
    let checks = json["checks"].as_array().unwrap();
    let count = |outcome: &str| {
        checks
            .iter()
            .filter(|check| check["outcome"] == outcome && check["advisory"] != true)
            .count()
    };
    let junit = workdir.run(&arguments(&["-o", "junit"]), 1).out;
    let head = format!(
        "<testsuites name=\"fedmesh verify shop\" tests=\"{}\" skipped=\"{}\" failures=\"{}\" errors=\"{}\"",
        checks.len(),
        checks
            .iter()
            .filter(|check| check["advisory"] == true && check["outcome"] != "passed")
            .count(),
        count("failed"),
        count("couldNotCheck")
    );
    assert!(junit.contains(&head), "no {head} in\n{junit}");
    let markdown = workdir.run(&arguments(&["-o", "markdown"]), 1).out;
    assert!(markdown.starts_with("## ❌ mesh shop\n"), "{markdown}");
    assert!(markdown.contains("**refused**"), "{markdown}");
}

#[test]
fn waiting_ends_at_the_time_limit() {
    let start = Instant::now();
    workdir().run(&arguments(&["--wait", "3s", "--no-job"]), 1);
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(3), "{took:?}");
}
