//! The sample workloads.

use serde_json::json;

use super::{all, skeleton};
use crate::mesh::Sample;
use crate::object::{Kind, Object};
use crate::placed::Placed;
use crate::resolved::{DEFAULT_HTTPBIN_PORT, DEFAULT_NAMESPACE, Resolved};

/// Where a sample runs.
pub(super) struct Place {
    pub(super) namespace: String,
    pub(super) clusters: Vec<usize>,
    ports: Vec<(String, u16)>,
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
            // Istio reads the protocol at the beginning of a port's name.
            ports: service
                .ports
                .iter()
                .map(|port| (port.name(), port.number))
                .collect(),
        },
        (Sample::Httpbin, None) => Place {
            namespace: DEFAULT_NAMESPACE.into(),
            clusters: all(resolved),
            ports: vec![("http".to_owned(), DEFAULT_HTTPBIN_PORT)],
        },
        (Sample::Sleep, _) => Place {
            namespace: DEFAULT_NAMESPACE.into(),
            clusters: all(resolved),
            ports: vec![("http".to_owned(), 80)],
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
        ports,
    } = place(sample, resolved);
    let object = |kind, body| Object::new(kind, Some(&namespace), name, body).label("app", name);
    let (container, image, target_port) = match sample {
        Sample::Httpbin => (
            r#"{"name":"httpbin","image":"","imagePullPolicy":"IfNotPresent",
            "ports":[{"name":"http","containerPort":8080}],
            "readinessProbe":{"httpGet":{"path":"/status/200","port":"http"}}}"#,
            &resolved.images.httpbin,
            json!("http"),
        ),
        Sample::Sleep => (
            r#"{"name":"sleep","image":"","imagePullPolicy":"IfNotPresent","command":["/bin/sleep","infinity"]}"#,
            &resolved.images.sleep,
            json!(80),
        ),
    };
    let mut container = skeleton(container);
    container["image"] = image.as_str().into();
    let account = object(Kind::SERVICE_ACCOUNT, json!({}));
    let mut body = skeleton(r#"{"spec":{"selector":{},"ports":[]}}"#);
    body["spec"]["selector"]["app"] = name.into();
    body["spec"]["ports"] = ports
        .into_iter()
        .map(|(name, port)| json!({ "name": name, "port": port, "targetPort": target_port }))
        .collect();
    let service = object(Kind::SERVICE, body);
    // The label asks for a sidecar also where the namespace does not.
    let mut body = skeleton(
        r#"{"spec":{"replicas":1,"selector":{"matchLabels":{}},"template":{
        "metadata":{"labels":{"app":"","version":"v1","sidecar.istio.io/inject":"true"}},
        "spec":{"serviceAccountName":"","containers":[]}}}}"#,
    );
    body["spec"]["selector"]["matchLabels"]["app"] = name.into();
    let template = &mut body["spec"]["template"];
    template["metadata"]["labels"]["app"] = name.into();
    template["spec"]["serviceAccountName"] = name.into();
    template["spec"]["containers"] = vec![container].into();
    let deployment = object(Kind::DEPLOYMENT, body);
    [account, service, deployment]
        .map(|object| Placed::same(object, format!("sample-{name}"), clusters.clone()))
}
