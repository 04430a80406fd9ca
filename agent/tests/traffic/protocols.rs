//! Calls across clusters in every protocol that a service can speak: who answers each name, as the model
//! says.

use std::fmt::Write as _;

use serde_json::{Value, json};
use shared::facts::Facts;
use shared::mesh::Protocol;
use shared::traffic::answers::in_mesh;
use shared::traffic::outage::Outage;
use shared::verify::{Family, Outcome};
use testbed::images::SERVICES_IMAGE;

use crate::bed::{Bed, CLUSTERS, ZONE, eventually};

/// Where the service of plain TCP is published.
const BYTES: u16 = 9000;
/// The clusters that run the services; the third calls them only.
const SERVING: [&str; 2] = ["cluster1", "cluster2"];
/// A service of each protocol: its name, its port and its protocol. One pod is behind them all.
const SERVICES: [(&str, u16, &str); 4] = [
    ("quick", 8080, "http2"),
    ("rpc", 8080, "grpc"),
    ("bytes", BYTES, "tcp"),
    ("vault", 8443, "tls"),
];
pub(crate) const METHOD: &str = "/grpc.health.v1.Health/Check";
const POD: (&str, &str) = ("default", "spoken");
const CERTIFICATE: &str = "spoken-certificate";

/// The pod, which says its cluster's name, with the Services and its certificate.
fn spoken(bed: &Bed, context: &str) -> Value {
    let names = SERVICES.map(|(name, ..)| format!("{name}.default.external.svc.{ZONE}"));
    let levels = CLUSTERS.iter().flat_map(|(_, region, zone)| {
        [
            format!("*.default.external.svc.{region}.{ZONE}"),
            format!("*.default.external.svc.{zone}.{region}.{ZONE}"),
        ]
    });
    let names: Vec<String> = names.into_iter().chain(levels).collect();
    let signed = bed.mesh.authority().sign(&names).unwrap();
    let metadata = |name: &str| json!({"name": name, "namespace": POD.0});
    let labels = json!({"app": POD.1});
    let mut items: Vec<Value> = SERVICES
        .iter()
        .map(|(name, port, protocol)| {
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": metadata(name),
                "spec": {"selector": labels, "ports": [{"name": protocol, "port": port}]},
            })
        })
        .collect();
    items.push(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata(CERTIFICATE),
        "stringData": {"tls.crt": signed.certificate, "tls.key": signed.key},
    }));
    items.push(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(POD.1),
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": {"app": POD.1, "sidecar.istio.io/inject": "true"}},
                "spec": {
                    "containers": [{
                        "name": "server", "image": SERVICES_IMAGE, "imagePullPolicy": "IfNotPresent",
                        "args": ["protocols", "-name", context],
                        "volumeMounts": [{"name": "certificate", "mountPath": "/certificate"}],
                    }],
                    "volumes": [{"name": "certificate", "secret": {"secretName": CERTIFICATE}}],
                },
            },
        },
    }));
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

fn document(bed: &Bed) -> Value {
    let mut document = bed.document();
    let services = document["spec"]["services"].as_array_mut().unwrap();
    services.extend(SERVICES.map(|(name, ..)| service(name)));
    document
}

/// One of the services, as a document has it.
pub(crate) fn service(name: &str) -> Value {
    let mut services = SERVICES.into_iter();
    let (_, port, protocol) = services.find(|(one, ..)| *one == name).unwrap();
    let mut service =
        json!({"name": name, "port": port, "protocol": protocol, "clusters": SERVING});
    if ["http2", "grpc"].contains(&protocol) {
        service["failover"] = json!({"retry": true});
    }
    if protocol == "grpc" {
        service["probe"] = json!({"path": METHOD});
    }
    service
}

pub(crate) fn start(bed: &Bed) {
    for context in SERVING {
        bed.kubectl_apply(context, &spoken(bed, context));
    }
}

/// Waits for the pods: a verification of what is not there takes all the time that it is given.
pub(crate) fn wait(bed: &Bed) {
    for context in SERVING {
        bed.mesh.wait_for_pods(context, POD).unwrap();
    }
}

pub(crate) fn stop(bed: &Bed) {
    for context in SERVING {
        let spoken = spoken(bed, context).to_string();
        let kubectl = bed.mesh.kubectl();
        kubectl
            .run_with_input(context, &["delete", "-f", "-"], &spoken)
            .unwrap();
    }
}

/// What a shell does with `$host` so that it prints who answers, or nothing.
fn call(protocol: Protocol) -> String {
    match protocol {
        Protocol::Http | Protocol::Http2 => {
            "curl -sf -m 3 --http2-prior-knowledge http://$host/".to_owned()
        }
        // A call without a message. Its status comes behind the answer.
        Protocol::Grpc => format!(
            "printf '\\0\\0\\0\\0\\0' | curl -s -m 3 --http2-prior-knowledge -H 'te: trailers' \
             -H 'content-type: application/grpc' --data-binary @- -D /tmp/headers -o /tmp/message \
             http://$host{METHOD}; grep -q '^grpc-status: 0' /tmp/headers && \
             [ $(stat -c %s /tmp/message) = 7 ] && sed -n 's/^served-by: \\([a-z0-9]*\\).*/\\1/p' /tmp/headers"
        ),
        // The answer is no HTTP, which a proxy that took it for that would not let through.
        Protocol::Tcp => format!("curl -s -m 3 --http0.9 http://$host:{BYTES}/"),
        Protocol::Tls => "curl -sf -m 3 --cacert /tmp/root.pem https://$host/".to_owned(),
    }
}

/// Who answers each name of a service.
fn answers(bed: &Bed, client: &str, protocol: Protocol, names: &[&str]) -> Vec<String> {
    let mut script = String::new();
    for name in names {
        _ = writeln!(script, "host={name}; echo \"$({})\"", call(protocol));
    }
    let text = bed.client(client, &["sh"], &script);
    let seen: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(seen.len(), names.len(), "{protocol:?}: {text}");
    seen
}

/// Waits until all names of all these services in a document are answered, from both kinds of client, by whom
/// the model says.
pub(crate) fn agree(bed: &Bed, document: &Value) {
    let mesh = serde_json::from_value(document.clone()).unwrap();
    let resolved = &shared::check(&mesh, &Facts::default()).resolved.unwrap();
    // One that runs the services, and one in another region that does not.
    let clients = [0, 2];
    let root = bed.mesh.authority().certificate();
    for client in clients {
        let keep = ["sh", "-c", "cat > /tmp/root.pem"];
        bed.client(CLUSTERS[client].0, &keep, &root);
    }
    eventually("every name", || {
        for client in clients {
            for (index, service) in resolved.services.iter().enumerate() {
                if !SERVICES
                    .iter()
                    .any(|(name, ..)| *name == service.name.as_str())
                {
                    continue;
                }
                let protocol = service.ports[0].protocol;
                let names: Vec<&str> = service
                    .names
                    .iter()
                    .map(|name| name.host.as_str())
                    .collect();
                let seen = answers(bed, CLUSTERS[client].0, protocol, &names);
                for (name, seen) in service.names.iter().zip(seen) {
                    let model = in_mesh(resolved, client, index, name, &Outage::default());
                    let by: Vec<&str> = model
                        .by()
                        .iter()
                        .map(|&index| resolved.clusters[index].name.as_str())
                        .collect();
                    let agrees = if by.is_empty() {
                        seen.is_empty()
                    } else {
                        by.contains(&seen.as_str())
                    };
                    if !agrees {
                        return Err(format!(
                            "{} calls {}: {seen:?}, the model says {model:?}",
                            CLUSTERS[client].0, name.host
                        ));
                    }
                }
            }
        }
        Ok(())
    });
}

#[test]
fn every_protocol_is_answered_across_clusters_as_the_model_says() {
    let bed = Bed::with_usual();
    for (context, ..) in CLUSTERS {
        bed.open_gateway(context, BYTES);
    }
    start(&bed);
    let document = document(&bed);
    bed.apply(&document);
    wait(&bed);
    let report = bed.verified(&document);
    // Global, 2 regions and 3 zones from three clients, and the own name in two clusters; of plain TCP
    // the global name alone at gateways, but every name for clients.
    for (name, ..) in SERVICES {
        let calls = report.checks.iter().filter(|check| {
            check.family == Family::Call
                && check.outcome == Outcome::Passed
                && check.host.starts_with(&format!("{name}.default"))
        });
        assert_eq!(calls.count(), 3 * 6 + 2, "{name}");
    }
    agree(&bed, &document);

    bed.apply(&bed.document());
    stop(&bed);
    for (context, ..) in CLUSTERS {
        bed.close_gateway(context, BYTES);
    }
}
