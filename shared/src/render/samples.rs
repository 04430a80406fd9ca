//! The sample workloads.

use serde_json::json;

use super::app::{App, SampleService, port};
use super::{all, bookinfo, skeleton};
use crate::defaults::{BOOKINFO_PORT, DEFAULT_HTTPBIN_PORT, DEFAULT_NAMESPACE};
use crate::mesh::Sample;
use crate::placed::Placed;
use crate::resolved::{Resolved, Service};

/// The shared service of a sample sets its place; without one it runs in `default` everywhere.
pub(super) fn places(sample: Sample, resolved: &Resolved) -> Vec<SampleService> {
    if let Some(service) = resolved.service_of(sample) {
        return places_of(service);
    }
    let port = match sample {
        Sample::Httpbin => port("http", DEFAULT_HTTPBIN_PORT, &json!("http")),
        Sample::Sleep => port("http", 80, &json!(80)),
        Sample::Bookinfo => port("http", BOOKINFO_PORT, &json!("http")),
    };
    let clusters = all(resolved).into_iter();
    vec![SampleService {
        name: sample.service().unwrap_or(sample.as_str()).into(),
        namespace: DEFAULT_NAMESPACE.into(),
        clusters: clusters.map(|at| (at, json!([port]))).collect(),
    }]
}

/// The places of the document's service.
fn places_of(service: &Service) -> Vec<SampleService> {
    let ports = |cluster: usize| {
        let ports = service.local(cluster).ports.iter();
        ports
            // Istio reads the protocol from the prefix of a port's name.
            .map(|one| port(&one.name(), one.number, &json!("http")))
            .collect()
    };
    let locals = service.locals().into_iter();
    locals
        .map(|((namespace, name), clusters)| SampleService {
            name: name.to_string(),
            namespace: namespace.to_string(),
            clusters: clusters.into_iter().map(|at| (at, ports(at))).collect(),
        })
        .collect()
}

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    let mut placed = Vec::new();
    for &sample in &resolved.samples {
        for place in &places(sample, resolved) {
            let subject = format!("sample-{}", sample.as_str());
            let label = sample.service().unwrap_or(sample.as_str());
            let app = App {
                subject: &subject,
                label,
                name: &place.name,
                place,
            };
            placed.extend(match sample {
                Sample::Httpbin => one_program(
                    &app,
                    r#"{"name":"httpbin","image":"","imagePullPolicy":"IfNotPresent",
                    "ports":[{"name":"http","containerPort":8080}],
                    "readinessProbe":{"httpGet":{"path":"/status/200","port":"http"}}}"#,
                    &resolved.images.httpbin,
                ),
                Sample::Sleep => one_program(
                    &app,
                    r#"{"name":"sleep","image":"","imagePullPolicy":"IfNotPresent","command":["/bin/sleep","infinity"]}"#,
                    &resolved.images.sleep,
                ),
                Sample::Bookinfo => bookinfo::render(&app, resolved),
            });
        }
    }
    placed
}

/// A sample of one program, with one name for all its objects.
fn one_program(app: &App<'_>, container: &'static str, image: &str) -> Vec<Placed> {
    let mut container = skeleton(container);
    container["image"] = image.into();
    let spec = json!({ "serviceAccountName": app.name, "containers": [container] });
    vec![
        app.account(app.name),
        app.service_of_place(),
        app.deployment(app.name, "v1", &json!({ "app": app.label }), spec),
    ]
}
