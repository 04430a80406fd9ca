//! The sample workloads.

use serde_json::{Value, json};

use super::{all, bookinfo, skeleton};
use crate::mesh::Sample;
use crate::object::{Kind, Object};
use crate::placed::Placed;
use crate::resolved::{BOOKINFO_PORT, DEFAULT_HTTPBIN_PORT, Resolved};

/// Where a sample runs.
pub(super) struct Place {
    pub(super) namespace: String,
    pub(super) clusters: Vec<usize>,
    /// The ports of its Service, by name.
    pub(super) ports: Vec<(String, u16)>,
}

/// The shared service of a sample says where it runs; without one it runs in `default` everywhere.
pub(super) fn place(sample: Sample, resolved: &Resolved) -> Place {
    let namespace = resolved.namespace_of(sample).to_owned();
    match resolved.service_of(sample) {
        Some(service) => Place {
            namespace,
            clusters: service.clusters.clone(),
            // Istio reads the protocol at the beginning of a port's name.
            ports: service
                .ports
                .iter()
                .map(|port| (port.name(), port.number))
                .collect(),
        },
        None => Place {
            namespace,
            clusters: all(resolved),
            ports: vec![("http".to_owned(), default_port(sample))],
        },
    }
}

fn default_port(sample: Sample) -> u16 {
    match sample {
        Sample::Httpbin => DEFAULT_HTTPBIN_PORT,
        Sample::Sleep => 80,
        Sample::Bookinfo => BOOKINFO_PORT,
    }
}

pub(super) fn render(resolved: &Resolved) -> Vec<Placed> {
    let mut placed = Vec::new();
    for &sample in &resolved.samples {
        let place = place(sample, resolved);
        let objects = match sample {
            Sample::Httpbin => one_program(
                sample.as_str(),
                r#"{"name":"httpbin","image":"","imagePullPolicy":"IfNotPresent",
                "ports":[{"name":"http","containerPort":8080}],
                "readinessProbe":{"httpGet":{"path":"/status/200","port":"http"}}}"#,
                &resolved.images.httpbin,
                &json!("http"),
                &place,
            ),
            Sample::Sleep => one_program(
                sample.as_str(),
                r#"{"name":"sleep","image":"","imagePullPolicy":"IfNotPresent","command":["/bin/sleep","infinity"]}"#,
                &resolved.images.sleep,
                &json!(80),
                &place,
            ),
            Sample::Bookinfo => bookinfo::objects(&place, resolved),
        };
        placed.extend(objects.into_iter().map(|object| {
            let subject = format!("sample-{}", sample.as_str());
            Placed::same(object, subject, place.clusters.clone())
        }));
    }
    placed
}

/// A sample of one program, which has one name for all of it.
fn one_program(
    name: &str,
    container: &'static str,
    image: &str,
    target_port: &Value,
    place: &Place,
) -> Vec<Object> {
    let mut container = skeleton(container);
    container["image"] = image.into();
    let spec = json!({ "serviceAccountName": name, "containers": [container] });
    let of = App { name, place };
    vec![
        of.account(name),
        of.service(&place.ports, target_port),
        of.deployment(name, "v1", &json!({ "app": name }), spec),
    ]
}

/// A Service of a sample and the pods behind it.
pub(super) struct App<'a> {
    /// The Service's name, and the label `app` of its pods.
    pub(super) name: &'a str,
    pub(super) place: &'a Place,
}

impl App<'_> {
    pub(super) fn account(&self, name: &str) -> Object {
        self.object(Kind::SERVICE_ACCOUNT, name, json!({}))
    }

    pub(super) fn service(&self, ports: &[(String, u16)], target_port: &Value) -> Object {
        let mut body = skeleton(r#"{"spec":{"selector":{},"ports":[]}}"#);
        body["spec"]["selector"]["app"] = self.name.into();
        body["spec"]["ports"] = ports
            .iter()
            .map(|(name, port)| json!({ "name": name, "port": port, "targetPort": target_port }))
            .collect();
        self.object(Kind::SERVICE, self.name, body)
    }

    /// `selector` tells its pods from those of other versions; `spec` is that of the pods.
    pub(super) fn deployment(
        &self,
        name: &str,
        version: &str,
        selector: &Value,
        spec: Value,
    ) -> Object {
        // The label asks for a sidecar also where the namespace does not.
        let mut body = skeleton(
            r#"{"spec":{"replicas":1,"selector":{"matchLabels":{}},"template":{
            "metadata":{"labels":{"app":"","version":"","sidecar.istio.io/inject":"true"}},
            "spec":{}}}}"#,
        );
        body["spec"]["selector"]["matchLabels"] = selector.clone();
        let template = &mut body["spec"]["template"];
        template["metadata"]["labels"]["app"] = self.name.into();
        template["metadata"]["labels"]["version"] = version.into();
        template["spec"] = spec;
        self.object(Kind::DEPLOYMENT, name, body)
    }

    pub(super) fn object(&self, kind: Kind, name: &str, body: Value) -> Object {
        Object::new(kind, Some(&self.place.namespace), name, body).label("app", self.name)
    }
}
