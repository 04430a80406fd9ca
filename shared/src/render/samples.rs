//! The sample workloads.

use serde_json::json;

use super::all;
use crate::mesh::Sample;
use crate::object::{Kind, Object};
use crate::placed::Placed;
use crate::resolved::{DEFAULT_HTTPBIN_PORT, DEFAULT_NAMESPACE, Resolved};

/// The port that the container of `httpbin` listens on.
const HTTPBIN_CONTAINER_PORT: u16 = 8080;

/// Where a sample runs.
pub(super) struct Place {
    pub(super) namespace: String,
    pub(super) clusters: Vec<usize>,
    port: u16,
}

/// A shared service with the sample's name says where it runs; without one it runs in `default`
/// everywhere.
pub(super) fn place(sample: Sample, resolved: &Resolved) -> Place {
    let shared = resolved
        .services
        .iter()
        .find(|service| service.name.as_str() == sample.as_str());
    match (sample, shared) {
        (Sample::Httpbin, Some(service)) => Place {
            namespace: service.namespace.to_string(),
            clusters: service.clusters.clone(),
            port: service.port,
        },
        (Sample::Httpbin, None) => Place {
            namespace: DEFAULT_NAMESPACE.into(),
            clusters: all(resolved),
            port: DEFAULT_HTTPBIN_PORT,
        },
        (Sample::Sleep, _) => Place {
            namespace: DEFAULT_NAMESPACE.into(),
            clusters: all(resolved),
            port: 80,
        },
    }
}

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    resolved
        .samples
        .iter()
        .flat_map(|&sample| one(sample, resolved))
        .collect()
}

fn one(sample: Sample, resolved: &Resolved) -> [Placed; 3] {
    let name = sample.as_str();
    let Place {
        namespace,
        clusters,
        port,
    } = place(sample, resolved);
    let object = |kind, body| Object::new(kind, Some(&namespace), name, body).label("app", name);
    let (container, target_port) = match sample {
        Sample::Httpbin => (
            json!({
                "name": name,
                "image": resolved.images.httpbin,
                "imagePullPolicy": "IfNotPresent",
                "ports": [{ "name": "http", "containerPort": HTTPBIN_CONTAINER_PORT }],
                "readinessProbe": { "httpGet": { "path": "/status/200", "port": "http" } },
            }),
            json!("http"),
        ),
        Sample::Sleep => (
            json!({
                "name": name,
                "image": resolved.images.sleep,
                "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/sleep", "infinity"],
            }),
            json!(80),
        ),
    };
    let account = object(Kind::SERVICE_ACCOUNT, json!({}));
    let service = object(
        Kind::SERVICE,
        json!({
            "spec": {
                "selector": { "app": name },
                "ports": [{ "name": "http", "port": port, "targetPort": target_port }],
            },
        }),
    );
    let deployment = object(
        Kind::DEPLOYMENT,
        json!({
            "spec": {
                "replicas": 1,
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    // The label asks for a sidecar also where the namespace does not.
                    "metadata": { "labels": { "app": name, "version": "v1", "sidecar.istio.io/inject": "true" } },
                    "spec": { "serviceAccountName": name, "containers": [container] },
                },
            },
        }),
    );
    [account, service, deployment]
        .map(|object| Placed::same(object, format!("sample-{name}"), clusters.clone()))
}
