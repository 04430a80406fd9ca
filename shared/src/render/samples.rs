//! The sample workloads.

use serde_json::{Value, json};

use super::{all, bookinfo, skeleton};
use crate::defaults::{BOOKINFO_PORT, DEFAULT_HTTPBIN_PORT, DEFAULT_NAMESPACE};
use crate::kubernetes::object::{Kind, Object};
use crate::mesh::Sample;
use crate::placed::Placed;
use crate::resolved::{Resolved, Service};

/// The Service of a sample under one name.
pub(super) struct SampleService {
    /// The name of the Service.
    pub(super) name: String,
    pub(super) namespace: String,
    /// Its clusters, each with the ports of that Service.
    clusters: Vec<(usize, Value)>,
}

impl SampleService {
    pub(super) fn clusters(&self) -> Vec<usize> {
        self.clusters.iter().map(|(cluster, _)| *cluster).collect()
    }
}

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

pub(super) fn port(name: &str, number: u16, target: &Value) -> Value {
    json!({ "name": name, "port": number, "targetPort": target })
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

/// A Service of a sample and the pods behind it.
#[derive(Clone, Copy)]
pub(super) struct App<'a> {
    pub(super) subject: &'a str,
    /// The label `app` of its pods.
    pub(super) label: &'a str,
    /// The Service's name.
    pub(super) name: &'a str,
    pub(super) place: &'a SampleService,
}

impl App<'_> {
    pub(super) fn account(&self, name: &str) -> Placed {
        self.object(Kind::SERVICE_ACCOUNT, name, json!({}))
    }

    /// The Service, with the same ports everywhere.
    pub(super) fn service(&self, ports: &Value) -> Placed {
        let mut body = skeleton(r#"{"spec":{"selector":{},"ports":[]}}"#);
        body["spec"]["selector"]["app"] = self.label.into();
        body["spec"]["ports"] = ports.clone();
        self.object(Kind::SERVICE, self.name, body)
    }

    /// The Service with each cluster's own ports.
    pub(super) fn service_of_place(&self) -> Placed {
        let ports = self.place.clusters.iter();
        let ports = ports.map(|(cluster, ports)| (*cluster, vec![ports.clone()]));
        let template = self.service(&json!([])).template;
        Placed::with_fields(
            template,
            self.subject,
            &[&["spec", "ports"]],
            ports.collect(),
        )
    }

    /// The Deployment. `selector` distinguishes its pods from those of other versions; `spec` is that of the pods.
    pub(super) fn deployment(
        &self,
        name: &str,
        version: &str,
        selector: &Value,
        spec: Value,
    ) -> Placed {
        // The label enables injection also where the namespace does not.
        let mut body = skeleton(
            r#"{"spec":{"replicas":1,"selector":{"matchLabels":{}},"template":{
            "metadata":{"labels":{"app":"","version":"","sidecar.istio.io/inject":"true"}},
            "spec":{}}}}"#,
        );
        body["spec"]["selector"]["matchLabels"] = selector.clone();
        let template = &mut body["spec"]["template"];
        template["metadata"]["labels"]["app"] = self.label.into();
        template["metadata"]["labels"]["version"] = version.into();
        template["spec"] = spec;
        self.object(Kind::DEPLOYMENT, name, body)
    }

    pub(super) fn object(&self, kind: Kind, name: &str, body: Value) -> Placed {
        let object = Object::new(kind, Some(&self.place.namespace), name, body);
        Placed::same(
            object.label("app", self.label),
            self.subject,
            self.place.clusters(),
        )
    }
}
