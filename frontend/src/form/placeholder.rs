//! Defaults and examples of fields, as the grey texts of empty inputs.

use serde_json::Value;
use shared::mesh::Endpoints;

use super::label::general;
use crate::document::path::parent;
use crate::document::value::{self, text};
use crate::schema;

/// The placeholder of a field.
pub(crate) fn of(document: &Value, path: &str) -> String {
    match general(path).as_str() {
        "spec.dns.suffix" => "mesh.example.com".to_owned(),
        "spec.gitops.repoURL" => "https://…".to_owned(),
        "spec.endpoints" => endpoints(document).to_owned(),
        "spec.dns.cluster" => text(document, "spec.clusters[0].name").to_owned(),
        "spec.dns.externalDns.ownerId" => text(document, "metadata.name").to_owned(),
        "spec.clusters[].context" => {
            let cluster = parent(path).unwrap_or_default();
            text(document, &format!("{cluster}.name")).to_owned()
        }
        // `zones` is in the same field.
        "spec.clusters[].zone" => String::new(),
        "spec.clusters[].gateway.addresses" => "unknown".to_owned(),
        "spec.clusters[].gateway.clusterIP" => "detected".to_owned(),
        "spec.services[].hostname" => "none".to_owned(),
        "spec.services[].routes" => "all paths".to_owned(),
        "spec.services[].callers" => "all clients".to_owned(),
        _ => schema::at(path).map(default).unwrap_or_default(),
    }
}

/// The default depends on the engine and on Istio's version.
fn endpoints(document: &Value) -> &'static str {
    let of = |name: &str| value::get(document, &format!("spec.{name}")).cloned();
    let parts = serde_json::json!({ "spec": { "target": of("target"), "istio": of("istio") } });
    match shared::Mesh::from_value(&parts).0.spec.endpoints() {
        Endpoints::Names => "names",
        Endpoints::Addresses => "addresses",
    }
}

fn default(schema: &schema::Schema) -> String {
    if let Some(default) = &schema.default {
        return default.clone();
    }
    // Defaults that are no single value are sentences at the end of the description.
    let words = schema
        .description
        .rsplit_once("Default: ")
        .map(|(_, words)| words);
    let words = words.map(|words| words.trim_end_matches('.'));
    let is_short = |words: &&str| words.len() <= 40 && !words.starts_with("required");
    words.filter(is_short).map(plain).unwrap_or_default()
}

/// A description without Markdown.
pub(crate) fn plain(description: &str) -> String {
    description.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::start;

    #[test]
    fn defaults_are_shown() {
        let mut document = start::walkthrough();
        for (path, shown) in [
            ("spec.dns.ttl", "300"),
            ("spec.dns.cluster", "cluster1"),
            ("spec.clusters[1].context", "cluster2"),
            ("spec.services[0].namespace", "default"),
            ("spec.services[0].levels", "spec.dns.levels"),
            ("spec.clusters[0].gateway.selector", "istio: ingressgateway"),
            ("spec.clusters[0].name", ""),
        ] {
            assert_eq!(of(&document, path), shown, "{path}");
        }
        assert_eq!(of(&document, "spec.endpoints"), "addresses");
        value::set(&mut document, "spec.target", "karmada".into());
        assert_eq!(of(&document, "spec.endpoints"), "names");
    }
}
