//! The sample workloads.

use serde_json::{Value, json};

use super::{all, skeleton};
use crate::mesh::Sample;
use crate::object::{Kind, Object};
use crate::placed::Placed;
use crate::resolved::{DEFAULT_HTTPBIN_PORT, DEFAULT_NAMESPACE, Resolved, Service};

/// Where a sample runs under one name.
pub(super) struct Place {
    name: String,
    pub(super) namespace: String,
    /// Clusters and the ports of the Service there.
    clusters: Vec<(usize, Value)>,
}

impl Place {
    pub(super) fn clusters(&self) -> Vec<usize> {
        self.clusters.iter().map(|(cluster, _)| *cluster).collect()
    }
}

/// A shared service with the sample's name says where it runs; without one it runs in `default`
/// everywhere.
pub(super) fn places(sample: Sample, resolved: &Resolved) -> Vec<Place> {
    let shared = resolved
        .services
        .iter()
        .find(|service| service.name.as_str() == sample.as_str());
    let port = match (sample, shared) {
        (Sample::Httpbin, Some(service)) => return places_of(service),
        (Sample::Httpbin, None) => {
            json!([{ "name": "http", "port": DEFAULT_HTTPBIN_PORT, "targetPort": "http" }])
        }
        (Sample::Sleep, _) => json!([{ "name": "http", "port": 80, "targetPort": 80 }]),
    };
    let clusters = all(resolved).into_iter();
    vec![Place {
        name: sample.as_str().into(),
        namespace: DEFAULT_NAMESPACE.into(),
        clusters: clusters.map(|cluster| (cluster, port.clone())).collect(),
    }]
}

/// What the document shares as `httpbin`.
fn places_of(service: &Service) -> Vec<Place> {
    let ports = |cluster: usize| {
        let ports = service.local(cluster).ports.iter();
        ports
            // Istio reads the protocol at the beginning of a port's name.
            .map(|port| json!({ "name": port.name(), "port": port.number, "targetPort": "http" }))
            .collect()
    };
    let locals = service.locals().into_iter();
    locals
        .map(|((namespace, name), clusters)| Place {
            name: name.to_string(),
            namespace: namespace.to_string(),
            clusters: clusters.into_iter().map(|at| (at, ports(at))).collect(),
        })
        .collect()
}

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    resolved
        .samples
        .iter()
        .flat_map(|&sample| {
            let places = places(sample, resolved).into_iter();
            places.flat_map(move |place| one(sample, place, resolved))
        })
        .collect()
}

fn one(sample: Sample, place: Place, resolved: &Resolved) -> [Placed; 3] {
    let sample_name = sample.as_str();
    let clusters = place.clusters();
    let name = place.name.as_str();
    let object = |kind, body| {
        let object = Object::new(kind, Some(&place.namespace), name, body);
        object.label("app", sample_name)
    };
    let (container, image) = match sample {
        Sample::Httpbin => (
            r#"{"name":"httpbin","image":"","imagePullPolicy":"IfNotPresent",
            "ports":[{"name":"http","containerPort":8080}],
            "readinessProbe":{"httpGet":{"path":"/status/200","port":"http"}}}"#,
            &resolved.images.httpbin,
        ),
        Sample::Sleep => (
            r#"{"name":"sleep","image":"","imagePullPolicy":"IfNotPresent","command":["/bin/sleep","infinity"]}"#,
            &resolved.images.sleep,
        ),
    };
    let mut container = skeleton(container);
    container["image"] = image.as_str().into();
    let account = object(Kind::SERVICE_ACCOUNT, json!({}));
    let mut body = skeleton(r#"{"spec":{"selector":{},"ports":[]}}"#);
    body["spec"]["selector"]["app"] = sample_name.into();
    let service = object(Kind::SERVICE, body);
    // The label asks for a sidecar also where the namespace does not.
    let mut body = skeleton(
        r#"{"spec":{"replicas":1,"selector":{"matchLabels":{}},"template":{
        "metadata":{"labels":{"app":"","version":"v1","sidecar.istio.io/inject":"true"}},
        "spec":{"serviceAccountName":"","containers":[]}}}}"#,
    );
    body["spec"]["selector"]["matchLabels"]["app"] = sample_name.into();
    let template = &mut body["spec"]["template"];
    template["metadata"]["labels"]["app"] = sample_name.into();
    template["spec"]["serviceAccountName"] = name.into();
    template["spec"]["containers"] = vec![container].into();
    let deployment = object(Kind::DEPLOYMENT, body);
    let subject = format!("sample-{sample_name}");
    let ports = place.clusters.into_iter();
    let ports = ports.map(|(cluster, ports)| (cluster, vec![ports]));
    [
        Placed::same(account, &subject, clusters.clone()),
        Placed::with_fields(service, &subject, &[&["spec", "ports"]], ports.collect()),
        Placed::same(deployment, &subject, clusters),
    ]
}
