//! Documents to start from.

use serde_json::{Value, json};

use super::value;

/// What a new document is made of. It contains no names but those that the user typed: the rest is to be filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choices {
    /// The name of the mesh.
    pub(crate) name: String,
    /// The DNS suffix.
    pub(crate) suffix: String,
    /// The number of clusters, each a row without values.
    pub(crate) clusters: usize,
    /// The number of services, each a row without values.
    pub(crate) services: usize,
    /// A value of `spec.transport`; the default is not written.
    pub(crate) transport: String,
    /// A value of `spec.target`; the default is not written.
    pub(crate) target: String,
    /// Whether fedmesh runs ExternalDNS.
    pub(crate) has_external_dns: bool,
}

/// The paths of the choices that are values of the document.
pub(crate) const NAME: &str = "metadata.name";
pub(crate) const SUFFIX: &str = "spec.dns.suffix";
pub(crate) const TRANSPORT: &str = "spec.transport";
pub(crate) const TARGET: &str = "spec.target";

impl Choices {
    /// The document with these choices.
    pub(crate) fn document(&self) -> Value {
        let rows = |count: usize| vec![json!({}); count];
        let mut document = json!({
            "apiVersion": "fedmesh.dev/v1alpha1",
            "kind": "Mesh",
            "metadata": {},
            "spec": { "dns": {}, "clusters": rows(self.clusters) },
        });
        let texts = [
            (NAME, self.name.trim()),
            (SUFFIX, self.suffix.trim()),
            (TRANSPORT, &self.transport),
            (TARGET, &self.target),
        ];
        for (path, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            value::set(&mut document, path, text.into());
        }
        // Their required fields are to be filled in.
        if self.has_external_dns {
            value::set(&mut document, "spec.dns.externalDns", json!({}));
        }
        if self.transport == "tls" {
            value::set(&mut document, "spec.tls", json!({}));
        }
        if self.target == "gitops" {
            value::set(&mut document, "spec.gitops", json!({}));
        }
        if self.services > 0 {
            value::set(&mut document, "spec.services", rows(self.services).into());
        }
        document
    }
}

/// An empty document: what it needs is to be filled in.
pub(crate) fn empty() -> Value {
    Choices {
        clusters: 2,
        ..Choices::default()
    }
    .document()
}

/// The walk-through: one service in two clusters, in two zones of one region.
pub(crate) fn walkthrough() -> Value {
    let cluster =
        |name: &str, zone: &str| json!({ "name": name, "region": "us-west2", "zone": zone });
    json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "demo" },
        "spec": {
            "istio": shared::defaults::DEFAULT_ISTIO,
            "dns": {
                "suffix": "my.dns.zone.name",
                "externalDns": { "provider": "google" },
            },
            "clusters": [cluster("cluster1", "us-west2-a"), cluster("cluster2", "us-west2-b")],
            "services": [{
                "name": "httpbin",
                "port": 8000,
                "hostname": "httpbin",
                "routes": [{ "exact": "/html" }, { "exact": "/status" }, { "exact": "/delay" }],
                "failover": { "retry": true },
            }],
            "samples": ["httpbin", "sleep"],
        },
    })
}

#[cfg(test)]
mod tests {
    use shared::Mesh;
    use shared::facts::Facts;

    use super::*;

    /// But for the owner of its records, which follows the name: two meshes must not share one.
    #[test]
    fn the_walkthrough_is_the_example() {
        let example = include_str!("../../../examples/walkthrough.yaml");
        let mut example = Mesh::read(example).unwrap();
        let external_dns = example.spec.dns.external_dns.as_mut().unwrap();
        assert_eq!(
            external_dns.owner_id.take(),
            Some(example.metadata.name.clone())
        );
        let walkthrough = super::walkthrough();
        assert_eq!(crate::document::clusters::as_value(&example), walkthrough);
        assert_eq!(Mesh::from_value(&walkthrough), (example, Vec::new()));
    }

    /// What is to be filled in, and no text that was not chosen.
    #[test]
    fn a_new_document_has_only_what_was_chosen() {
        let choices = Choices {
            name: " shop ".to_owned(),
            suffix: "mesh.example.com".to_owned(),
            clusters: 3,
            services: 1,
            transport: "tls".to_owned(),
            target: "gitops".to_owned(),
            has_external_dns: true,
        };
        let document = choices.document();
        let chosen = [
            "fedmesh.dev/v1alpha1",
            "Mesh",
            "shop",
            "mesh.example.com",
            "tls",
            "gitops",
        ];
        let mut found = texts(&document);
        found.sort_unstable();
        let mut expected = chosen.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected);

        let (mesh, errors) = Mesh::from_value(&document);
        let mut gaps: Vec<String> = errors
            .iter()
            .map(|one| {
                one.missing
                    .map_or_else(|| one.path.clone(), |field| format!("{}.{field}", one.path))
            })
            .collect();
        let findings = shared::check(&mesh, &Facts::default()).findings;
        gaps.extend(findings.into_iter().map(|one| one.path));
        for needed in [
            "spec.dns.externalDns.provider",
            "spec.tls.credentialName",
            "spec.gitops.repoURL",
            "spec.clusters[2].zone",
            "spec.services[0].port",
        ] {
            assert!(gaps.iter().any(|gap| gap == needed), "{needed}: {gaps:?}");
        }
    }

    /// All texts in a value.
    fn texts(value: &Value) -> Vec<&str> {
        match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().flat_map(texts).collect(),
            Value::Object(fields) => fields.values().flat_map(texts).collect(),
            _ => Vec::new(),
        }
    }
}
