//! The sample bookinfo: what is rendered of it, its route rules, and what is said of a document that has it.

use std::collections::BTreeMap;

use crate::support::{assert_is_complete, findings};
use crate::support::{bundle, mesh};
use serde_json::{Value, json};
use shared::check;
use shared::check::Severity;
use shared::facts::Facts;
use shared::import::{Options, Source, import};

/// The page is shared by one of two clusters, in a namespace of its own.
fn document() -> Value {
    json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "m" },
        "spec": {
            "dns": { "suffix": "mesh.example.com", "externalDns": { "provider": "aws" } },
            "clusters": [
                { "name": "north", "region": "r1", "zone": "a", "gateway": { "addresses": ["203.0.113.1"] } },
                { "name": "south", "region": "r2", "zone": "b", "gateway": { "addresses": ["203.0.113.2"] } },
            ],
            "services": [
                { "name": "productpage", "namespace": "books", "port": 80, "clusters": ["south"] },
            ],
            "samples": ["bookinfo"],
        },
    })
}

/// The specs of a kind in a cluster and in the sample's namespace, by name.
fn specs(document: &Value, cluster: &str, kind: &str) -> BTreeMap<String, Value> {
    let bundle = bundle(document);
    let Some(manifests) = bundle.cluster(cluster) else {
        return BTreeMap::new();
    };
    manifests
        .objects()
        .filter(|object| object.kind.kind == kind && object.namespace.as_deref() == Some("books"))
        .map(|object| {
            (
                object.name.clone(),
                object.body.get("spec").cloned().unwrap_or_default(),
            )
        })
        .collect()
}

#[test]
fn every_version_runs_where_the_page_does_under_the_port_by_which_it_is_called() {
    let mut document = document();
    document["spec"]["images"] =
        json!({ "bookinfo": { "reviews-v2": "registry.example.com/reviews:2" } });
    let deployments = specs(&document, "south", "Deployment");
    let images: Vec<(&str, &str)> = deployments
        .iter()
        .map(|(name, spec)| {
            let pods = &spec["template"]["spec"];
            (
                name.as_str(),
                pods["containers"][0]["image"].as_str().unwrap(),
            )
        })
        .collect();
    let pinned = "docker.io/istio/examples-bookinfo";
    let of = |name: &str| format!("{pinned}-{name}:1.20.3");
    assert_eq!(
        images,
        [
            ("details-v1", of("details-v1").as_str()),
            ("productpage-v1", &of("productpage-v1")),
            ("ratings-v1", &of("ratings-v1")),
            ("reviews-v1", &of("reviews-v1")),
            ("reviews-v2", "registry.example.com/reviews:2"),
            ("reviews-v3", &of("reviews-v3")),
        ]
    );
    let labels = json!({ "app": "reviews", "version": "v3" });
    assert_eq!(deployments["reviews-v3"]["selector"]["matchLabels"], labels);
    let services = specs(&document, "south", "Service");
    let port = |number: u16| json!([{ "name": "http", "port": number, "targetPort": "http" }]);
    assert_eq!(services["productpage"]["ports"], port(80));
    for name in ["details", "ratings", "reviews"] {
        let spec = json!({ "selector": { "app": name }, "ports": port(9080) });
        assert_eq!(services[name], spec);
    }
    assert_eq!(services.len(), 4);
    assert_eq!(specs(&document, "south", "ServiceAccount").len(), 4);
    assert!(specs(&document, "north", "Deployment").is_empty());
    // Without rules all versions answer in turn.
    assert!(specs(&document, "south", "DestinationRule").is_empty());
}

#[test]
fn rules_say_which_versions_answer() {
    let host = |name: &str| format!("{name}.books.svc.cluster.local");
    let expected = |services: &[(&str, &[(&str, u8)])]| -> BTreeMap<String, Value> {
        let one = |(name, versions): &(&str, &[(&str, u8)])| {
            let route: Vec<Value> = versions
                .iter()
                .map(|(version, weight)| {
                    json!({ "destination": { "host": host(name), "subset": version }, "weight": weight })
                })
                .collect();
            (
                format!("bookinfo-{name}"),
                json!({ "hosts": [host(name)], "http": [{ "route": route }] }),
            )
        };
        services.iter().map(one).collect()
    };
    let v1: &[(&str, u8)] = &[("v1", 100)];
    for (routes, services) in [
        (
            "all-v1",
            &[
                ("productpage", v1),
                ("details", v1),
                ("ratings", v1),
                ("reviews", v1),
            ][..],
        ),
        ("reviews-v2-v3", &[("reviews", &[("v2", 50), ("v3", 50)])]),
        ("reviews-v3", &[("reviews", &[("v3", 100)])]),
    ] {
        let mut document = document();
        document["spec"]["bookinfo"] = json!({ "routes": routes });
        let mut rules = specs(&document, "south", "VirtualService");
        // The page at the gateway, which is another's business.
        assert!(rules.remove("productpage").is_some());
        assert_eq!(rules, expected(services), "{routes}");
        let pods = specs(&document, "south", "DestinationRule");
        assert!(pods.keys().eq(rules.keys()), "{routes}: {pods:#?}");
        let subsets = ["v1", "v2", "v3"]
            .map(|version| json!({ "name": version, "labels": { "version": version } }));
        assert_eq!(
            pods["bookinfo-reviews"],
            json!({ "host": host("reviews"), "subsets": subsets })
        );
    }
}

#[test]
fn slips_are_found() {
    use Severity::{Error, Warning};
    let shared = |more: Value| {
        let mut service =
            json!({ "name": "reviews", "namespace": "books", "port": 9080, "clusters": ["south"] });
        let fields = service.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        service
    };
    let policy = json!({ "trafficPolicy": { "loadBalancer": { "simple": "RANDOM" } } });
    let cases = [
        (
            json!(["sleep"]),
            shared(json!({})),
            Some(("FM0441", Warning, "spec.bookinfo")),
        ),
        (
            json!(["bookinfo"]),
            shared(policy.clone()),
            Some(("FM0442", Error, "spec.services[1]")),
        ),
        (
            json!(["bookinfo"]),
            shared(json!({ "port": 80 })),
            Some(("FM0443", Error, "spec.services[1]")),
        ),
        (json!(["bookinfo"]), shared(json!({})), None),
        // Of another's reviews nothing is known.
        (
            json!(["bookinfo"]),
            shared(
                json!({ "namespace": "s", "port": 80, "trafficPolicy": policy["trafficPolicy"] }),
            ),
            None,
        ),
    ];
    for (samples, service, expected) in cases {
        let mut document = document();
        document["spec"]["bookinfo"] = json!({ "routes": "reviews-v3" });
        document["spec"]["samples"] = samples;
        document["spec"]["services"]
            .as_array_mut()
            .unwrap()
            .push(service);
        let found: Vec<_> = findings(&mesh(&document))
            .into_iter()
            .filter(|one| one.code.starts_with("FM044"))
            .inspect(assert_is_complete)
            .collect();
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.code.as_str(), one.severity, one.path.as_str()))
            .collect();
        assert_eq!(found, Vec::from_iter(expected), "{document:#}");
    }
    // Without a rule for it, its own policy is the only one.
    let mut document = document();
    document["spec"]["services"]
        .as_array_mut()
        .unwrap()
        .push(shared(policy));
    assert!(
        check(&mesh(&document), &Facts::default())
            .resolved
            .is_some()
    );
}

/// Manifests that somebody wrote by hand have Services' names in short, and names of their own.
#[test]
fn rules_written_by_hand_are_read() {
    let mut document = document();
    document["spec"]["bookinfo"] = json!({ "routes": "reviews-v2-v3" });
    let whole = bundle(&document);
    let sources = ["north", "south"].map(|cluster| {
        let text = whole.cluster(cluster).unwrap().to_stream();
        Source {
            file: format!("{cluster}.yaml"),
            cluster: Some(cluster.into()),
            text: text
                .replace("name: bookinfo-reviews\n", "name: reviews\n")
                .replace("reviews.books.svc.cluster.local", "reviews"),
        }
    });
    assert!(
        sources[1].text.contains("- reviews\n"),
        "{}",
        sources[1].text
    );
    let imported = import(&sources, &Options::default()).unwrap();
    assert_eq!(imported.mesh.spec.bookinfo, mesh(&document).spec.bookinfo);
    let lost: Vec<_> = imported
        .findings
        .iter()
        .filter(|one| one.path.contains("VirtualService") || one.path.contains("DestinationRule"))
        .filter(|one| one.code != "FM1003")
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
}
