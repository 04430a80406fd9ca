//! The objects of a sample's program.

use serde_json::{Value, json};

use super::skeleton;
use crate::kubernetes::object::{Kind, Object};
use crate::placed::Placed;

/// The Service of a sample under one name.
pub(super) struct SampleService {
    /// The name of the Service.
    pub(super) name: String,
    pub(super) namespace: String,
    /// Its clusters, each with the ports of that Service.
    pub(super) clusters: Vec<(usize, Value)>,
}

impl SampleService {
    pub(super) fn clusters(&self) -> Vec<usize> {
        self.clusters.iter().map(|(cluster, _)| *cluster).collect()
    }
}

pub(super) fn port(name: &str, number: u16, target: &Value) -> Value {
    json!({ "name": name, "port": number, "targetPort": target })
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
