//! Documents for tests: those in `examples/`, and generated ones.
//!
//! A separate crate, for the tests of the core and of the agent: compiled into each test program, it would be most of
//! the program.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot continue panics"
)]

mod clusters;
mod dns;
mod external;
mod parts;
mod passthrough;
mod services;
mod versions;

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::bundle::Bundle;
use shared::check;
use shared::facts::Facts;
use shared::mesh::{Gitops, Mesh, Target};

use parts::{awkward, object, one_of, sometimes};

/// Every document in `examples/`, by file name.
pub fn examples() -> BTreeMap<String, Mesh> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let paths = std::fs::read_dir(folder).unwrap();
    let examples: BTreeMap<String, Mesh> = paths
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .map(|path| {
            let mesh = Mesh::read(&std::fs::read_to_string(&path).unwrap()).unwrap();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), mesh)
        })
        .collect();
    assert!(examples.len() >= 3, "{examples:?}");
    examples
}

/// The same document, comparable between engines: the only default that depends on the engine is set.
pub fn for_all_engines(mesh: &Mesh) -> Mesh {
    let mut mesh = mesh.clone();
    mesh.spec.endpoints = Some(mesh.spec.endpoints());
    mesh
}

/// The document with another engine and its settings.
pub fn with_target(mesh: &Mesh, target: Target) -> Mesh {
    let mut mesh = mesh.clone();
    mesh.spec.target = Some(target);
    if target.is_applied_by_others() && mesh.spec.gitops.is_none() {
        mesh.spec.gitops = Some(Gitops {
            repo_url: "https://git.example.com/platform/mesh.git".into(),
            path: Some("mesh/prod".into()),
            ..Gitops::default()
        });
    }
    mesh
}

/// The bundle of a document that passes the checks.
pub fn bundle(mesh: &Mesh, facts: &Facts) -> Bundle {
    let checked = check(mesh, facts);
    Bundle::new(
        mesh,
        &checked
            .resolved
            .unwrap_or_else(|| panic!("{:#?}", checked.findings)),
    )
}

/// Addresses of all gateways, so that records are rendered too.
pub fn addresses(mesh: &Mesh) -> Facts {
    let clusters = mesh.spec.clusters.iter().enumerate();
    Facts {
        gateways: clusters
            .map(|(i, cluster)| (cluster.name.clone(), vec![format!("198.51.100.{}", i + 1)]))
            .collect(),
        ..Facts::default()
    }
}

/// Whether a server's object has every field of the rendered one, with the same value.
pub fn contains(whole: &Value, part: &Value) -> bool {
    use Value::{Array, Object};
    match (whole, part) {
        (Object(whole), Object(part)) => part
            .iter()
            .all(|(k, v)| whole.get(k).is_some_and(|w| contains(w, v))),
        (Array(whole), Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(w, p)| contains(w, p))
        }
        _ => whole == part,
    }
}

/// The scope of generated documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// All fields of a document.
    Everything,
    /// Fields that can be imported from manifests.
    Importable,
}

impl Scope {
    /// The probability of a field that cannot be imported.
    fn only(self, probability: f64) -> f64 {
        match self {
            Self::Everything => probability,
            Self::Importable => 0.0,
        }
    }
}

/// Documents of all kinds that pass the checks.
pub fn meshes() -> BoxedStrategy<Mesh> {
    documents(Scope::Everything)
}

/// Documents that can be imported from their own manifests, with an engine whose manifests can be imported.
pub fn importable() -> BoxedStrategy<Mesh> {
    documents(Scope::Importable)
}

fn documents(scope: Scope) -> BoxedStrategy<Mesh> {
    (
        proptest::collection::vec(clusters::cluster(scope), 1..5),
        proptest::collection::vec(services::service(scope), 0..5),
        proptest::collection::vec(external::host(), 0..3),
        dns::dns(scope),
        rest(scope),
    )
        .prop_map(move |(mut clusters, services, external, mut dns, mut spec)| {
            clusters::tell_apart(&mut clusters);
            let mut services = services::placed(services, &clusters);
            dns::fit(&mut dns, &mut clusters, &mut services);
            if clusters.len() > 1 && dns::lacks_zones(&dns, &services) {
                spec["endpoints"] = "addresses".into();
                if spec["istio"] == "1.0" || spec["istio"] == "1.5" {
                    // They have no WorkloadEntry.
                    spec["istio"] = "1.21".into();
                }
            }
            spec["dns"] = dns;
            if let Some(kind) = spec["locality"].as_u64().and_then(|kind| u8::try_from(kind).ok()) {
                let all: Vec<Value> = clusters.iter().map(|one| one["name"].clone()).collect();
                spec["locality"] = services::preferences(kind, &all, &clusters).unwrap_or_default();
            }
            spec["external"] = external::placed(external, &clusters);
            if scope == Scope::Importable && !services.iter().any(services::comes_in_at_gateway) {
                // Then no object refers to the certificate.
                let fields = spec.as_object_mut().unwrap();
                fields.retain(|name, _| name != "transport" && name != "tls");
            }
            if scope == Scope::Importable && clusters.iter().any(|one| one.get("zones").is_some()) {
                services::without_shares(&mut spec);
                services.iter_mut().for_each(services::without_shares);
            }
            spec["clusters"] = clusters.into();
            spec["services"] = services.into();
            json!({
                "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" }, "spec": spec,
            })
        })
        .prop_filter_map("does not pass the checks", |mut document| {
            passing(&document).or_else(|| {
                // The Gateway API lacks many features of routes.
                document["spec"].as_object_mut()?.shift_remove("gatewayApi");
                versions::fitted(document)
            })
        })
        .boxed()
}

/// The fields besides clusters, services, names and external hosts.
fn rest(scope: Scope) -> BoxedStrategy<Value> {
    let everything = scope == Scope::Everything;
    let targets: Vec<Value> = Target::all().map(|target| target.as_str().into()).collect();
    let versions = if everything {
        &["1.0", "1.5", "1.21", "1.27", "1.30"][..]
    } else {
        &["1.4", "1.21", "1.27"]
    };
    let versions: Vec<Value> = versions.iter().map(|&version| version.into()).collect();
    let spec = object(vec![
        ("target", sometimes(1.0, proptest::sample::select(targets))),
        ("istio", sometimes(0.4, proptest::sample::select(versions))),
        ("gitops", sometimes(1.0, gitops())),
        (
            "answerHeader",
            sometimes(0.3, any::<bool>().prop_map(Value::Bool)),
        ),
        (
            "samples",
            sometimes(
                0.8,
                proptest::sample::subsequence(vec!["sleep", "httpbin", "bookinfo"], 0..=3)
                    .prop_map(Value::from),
            ),
        ),
        (
            "bookinfo",
            sometimes(
                0.3,
                one_of(
                    &["all-v1", "reviews-v2-v3", "reviews-v3"].map(|one| json!({ "routes": one })),
                ),
            ),
        ),
        ("mcs", sometimes(0.2, any::<bool>().prop_map(Value::Bool))),
        (
            "endpoints",
            sometimes(0.4, one_of(&[json!("names"), json!("addresses")])),
        ),
        (
            "sidecars",
            sometimes(
                scope.only(0.4),
                one_of(&[
                    json!({}),
                    json!({ "hosts": ["zoo/*", "b/*"] }),
                    json!({ "hosts": ["*/*.example.com", "a/api.example.com"] }),
                ]),
            ),
        ),
        // A kind, replaced when the clusters are known.
        ("locality", sometimes(0.4, (0..4_u8).prop_map(Value::from))),
        (
            "gatewayApi",
            sometimes(scope.only(0.4), any::<bool>().prop_map(Value::Bool)),
        ),
        ("images", sometimes(scope.only(0.2), images())),
        ("ignore", sometimes(scope.only(0.2), ignored())),
    ]);
    (spec, transport())
        .prop_map(move |(mut spec, transport)| {
            let fields = spec.as_object_mut().unwrap();
            fields.extend(transport.as_object().unwrap().clone());
            if fields["target"] != "gitops" {
                fields.shift_remove("gitops");
            }
            let samples = fields.get("samples").and_then(Value::as_array);
            if !samples.is_some_and(|samples| samples.contains(&"bookinfo".into())) {
                fields.shift_remove("bookinfo");
            }
            spec
        })
        .boxed()
}

/// Images that replace the pinned ones.
fn images() -> BoxedStrategy<Value> {
    let image = || {
        let names = awkward().prop_map(|text| text.replace(char::is_whitespace, ""));
        let images = names.prop_map(|name| format!("registry.example.com/{name}").into());
        sometimes(0.5, images)
    };
    object(vec![
        ("httpbin", image()),
        ("sleep", image()),
        ("externalDns", image()),
        (
            "bookinfo",
            sometimes(0.3, object(vec![("reviews-v2", image())])),
        ),
    ])
}

/// Fields that are left to other managers.
fn ignored() -> BoxedStrategy<Value> {
    let fields = [
        json!(["/spec/endpoints"]),
        json!(["/spec/hosts", "/spec/exportTo"]),
    ];
    let one = object(vec![
        (
            "kind",
            sometimes(
                1.0,
                one_of(&[json!("DNSEndpoint"), json!("VirtualService")]),
            ),
        ),
        ("namespace", sometimes(0.3, Just("default".into()))),
        ("name", sometimes(0.3, Just("orders".into()))),
        ("fields", sometimes(1.0, one_of(&fields))),
    ]);
    proptest::collection::vec(one, 1..3)
        .prop_map(Value::from)
        .boxed()
}

/// The Git repository.
fn gitops() -> BoxedStrategy<Value> {
    let url = "https://git.example.com/platform/mesh.git";
    object(vec![
        ("repoURL", sometimes(1.0, Just(url.into()))),
        ("path", sometimes(0.7, Just("mesh/prod".into()))),
        ("branch", sometimes(0.5, Just("release".into()))),
        ("secret", sometimes(0.5, Just("git".into()))),
    ])
}

/// How requests travel between clusters.
fn transport() -> impl Strategy<Value = Value> {
    let tls = object(vec![
        (
            "credentialName",
            sometimes(1.0, Just("gateway-certificate".into())),
        ),
        (
            "minVersion",
            sometimes(0.5, one_of(&[json!("TLSV1_2"), json!("TLSV1_3")])),
        ),
        (
            "redirect",
            sometimes(0.5, any::<bool>().prop_map(Value::Bool)),
        ),
        (
            "ca",
            sometimes(0.5, one_of(&[json!("system"), json!("/etc/ca/root.pem")])),
        ),
    ]);
    prop_oneof![
        2 => Just(json!({})),
        1 => Just(json!({ "transport": "http" })),
        2 => tls.prop_map(|tls| json!({ "transport": "tls", "tls": tls })),
    ]
}

/// The document, if it passes the checks.
fn passing(document: &Value) -> Option<Mesh> {
    let mesh: Mesh = serde_json::from_value(document.clone())
        .unwrap_or_else(|error| panic!("{error}: {document}"));
    let resolved = check(&mesh, &Facts::default()).resolved;
    resolved.map(|_| mesh)
}

/// Whether a part of a document passes the checks; `spec` has only that part.
fn is_good(mut spec: Value) -> bool {
    spec["dns"] = json!({ "suffix": "mesh.example.com" });
    spec["clusters"] = json!([{ "name": "c", "region": "r", "zone": "z", "egressGateway": {} }]);
    passing(&json!({
        "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" }, "spec": spec,
    }))
    .is_some()
}
