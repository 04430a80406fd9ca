//! Hosts outside: from a cluster that lets nothing else out, to a server that is in no mesh.

use std::fs::{self, File};
use std::path::Path;
use std::process::Child;

use serde_json::{Value, json};
use testbed::tools::SERVICES;

use crate::bed::{Bed, ZONE, eventually};

const ROOT: &str = "/var/run/secrets/istio/root-cert.pem";
const CLIENT: &str = "cluster1";
/// The Service, and the label `app` of the pods, of the egress gateway.
const EXIT: &str = "exit";

/// The server outside, which ends with this value.
struct Outside {
    process: Child,
    folder: tempfile::TempDir,
}

impl Outside {
    fn start(bed: &Bed) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let signed = bed.mesh.authority().sign(&[format!("*.{ZONE}")]).unwrap();
        fs::write(folder.path().join("tls.crt"), signed.certificate).unwrap();
        fs::write(folder.path().join("tls.key"), signed.key).unwrap();
        let address = bed.mesh.name_server().address();
        let log = File::create(folder.path().join("log")).unwrap();
        let process = bed
            .mesh
            .command(SERVICES.ensure().unwrap())
            .args([
                "protocols",
                "-name",
                "outside",
                "-requests",
                &format!("{address}:80"),
            ])
            .args([
                "-bytes",
                &format!("{address}:9000"),
                "-tls",
                &format!("{address}:443"),
            ])
            .arg("-certificate")
            .arg(folder.path())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { process, folder }
    }

    /// What it wrote of requests for a host.
    fn log(&self, host: &str) -> String {
        let log = fs::read_to_string(Path::new(self.folder.path()).join("log")).unwrap();
        let lines = log.lines().filter(|line| line.contains(host));
        lines.map(|line| format!("{line}\n")).collect()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// An egress gateway: pods as the ingress gateway has, with a Service of their own.
fn egress_gateway(bed: &Bed) -> Value {
    let ingress = [
        "-n=istio-system",
        "get",
        "deployment/istio-ingressgateway",
        "-o=json",
    ];
    let ingress: Value = serde_json::from_str(&bed.kubectl(CLIENT, &ingress)).unwrap();
    let metadata = json!({"name": EXIT, "namespace": "istio-system"});
    let labels = json!({"app": EXIT});
    let mut spec = ingress["spec"].clone();
    spec["selector"]["matchLabels"] = labels.clone();
    spec["template"]["metadata"]["labels"] =
        json!({"app": EXIT, "sidecar.istio.io/inject": "false"});
    json!({
        "apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "v1", "kind": "Service", "metadata": metadata,
                "spec": {"selector": labels, "ports": [
                    {"name": "http2", "port": 80, "targetPort": 8080},
                    {"name": "https", "port": 443, "targetPort": 8443},
                ]},
            },
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
        ],
    })
}

/// Lets the client call what its mesh knows, and nothing else.
fn registry_only() -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "Sidecar",
        "metadata": {"name": "default", "namespace": "default"},
        "spec": {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}},
    })
}

fn host(name: &str) -> String {
    format!("{name}.{ZONE}")
}

/// In clear and in TLS, begun by the caller and by who speaks for it, straight on and through the gateway.
fn document(bed: &Bed) -> Value {
    let mut document = bed.document();
    let origination = json!({"port": 80, "tls": {"caCertificates": ROOT}});
    document["spec"]["clusters"][0]["egressGateway"] =
        json!({"service": EXIT, "selector": {"app": EXIT}});
    document["spec"]["external"] = json!([
        {"host": host("clear"), "ports": [{"port": 80}], "clusters": [CLIENT]},
        {"host": host("sealed"), "clusters": [CLIENT]},
        {"host": host("begun"), "ports": [origination], "clusters": [CLIENT]},
        {"host": host("passed"), "ports": [{"port": 80}, {"port": 443}], "clusters": [CLIENT], "egressGateway": true},
        {"host": host("begun-there"), "ports": [origination], "clusters": [CLIENT], "egressGateway": true},
    ]);
    document
}

/// Each call, what the server sees of it, and whether it leaves through the gateway.
const CALLS: [(&str, &str, &str, bool); 6] = [
    ("http", "clear", "clear", false),
    ("https", "sealed", "TLS 1.3 for sealed", false),
    ("http", "begun", "TLS 1.3 for begun", false),
    ("http", "passed", "clear", true),
    ("https", "passed", "TLS 1.3 for passed", true),
    ("http", "begun-there", "TLS 1.3 for begun-there", true),
];

fn call(bed: &Bed, scheme: &str, name: &str) -> String {
    let url = format!("{scheme}://{}/from-{scheme}", host(name));
    let curl = ["curl", "-sf", "-m", "3", "--cacert", "/tmp/root.pem", &url];
    bed.client(CLIENT, &curl, "").trim().to_owned()
}

#[test]
#[ignore = "in the long run"]
fn hosts_outside_are_called_as_the_document_says_and_only_those() {
    let bed = Bed::with_usual();
    let outside = Outside::start(&bed);
    let names = bed.mesh.name_server();
    let address = names.address();
    let hosts: std::collections::BTreeSet<&str> = CALLS.iter().map(|call| call.1).collect();
    let records: Vec<String> = hosts
        .iter()
        .map(|name| format!("update add {}. 2 A {address}", host(name)))
        .collect();
    names.update(&records.join("\n")).unwrap();
    let gateway = egress_gateway(&bed);
    bed.kubectl_apply(CLIENT, &gateway);
    let root = bed.mesh.authority().certificate();
    bed.client(CLIENT, &["sh", "-c", "cat > /tmp/root.pem"], &root);

    // Without a word of it nothing is called, once nothing is let out that is not known.
    assert_eq!(call(&bed, "http", "clear"), "outside");
    bed.kubectl_apply(CLIENT, &registry_only());
    eventually("nothing is let out", || {
        let calls = CALLS
            .iter()
            .map(|(scheme, name, ..)| call(&bed, scheme, name));
        let seen: String = calls.collect();
        seen.is_empty().then_some(()).ok_or(seen)
    });

    let document = document(&bed);
    bed.apply(&document);
    bed.mesh
        .wait_for_pods(CLIENT, ("istio-system", EXIT))
        .unwrap();
    for (scheme, name, as_seen, by_gateway) in CALLS {
        eventually(&format!("{scheme} to {name}"), || {
            let answer = call(&bed, scheme, name);
            (answer == "outside").then_some(()).ok_or(answer)
        });
        let log = outside.log(&format!("/from-{scheme} "));
        let mut of_host = log.lines().filter(|line| line.contains(&host(name)));
        let seen = of_host
            .next_back()
            .unwrap_or_else(|| panic!("{name}: {log}"));
        assert!(
            seen.ends_with(&format!("in {as_seen}")) || seen.contains(&format!("in {as_seen}.")),
            "{seen}"
        );
        // The gateway writes a line once a request, or a connection, is over.
        let passed = || {
            let log = bed.kubectl(CLIENT, &["-n", "istio-system", "logs", "deployment/exit"]);
            log.lines()
                .filter(|line| line.contains(&host(name)))
                .count()
        };
        if by_gateway {
            eventually(&format!("{scheme} to {name} in the gateway's log"), || {
                (passed() > 0).then_some(()).ok_or_else(String::new)
            });
        } else {
            assert_eq!(passed(), 0, "{name}");
        }
    }
    bed.verified(&document);

    bed.apply(&bed.document());
    let delete = |manifest: &Value| {
        let kubectl = bed.mesh.kubectl();
        let manifest = manifest.to_string();
        kubectl
            .run_with_input(CLIENT, &["delete", "-f", "-"], &manifest)
            .unwrap();
    };
    delete(&registry_only());
    delete(&gateway);
    let records = hosts
        .iter()
        .map(|name| format!("update delete {}. A", host(name)));
    names
        .update(&records.collect::<Vec<_>>().join("\n"))
        .unwrap();
}
