//! A service that is another Kubernetes Service in some clusters: what is rendered there, what a verification
//! must see, what the checks say of overrides, and what an import makes of such manifests.

use crate::support;
use crate::support::{bundle, mesh};
use serde_json::{Value, json};
use shared::bundle::{Bundle, MESH_FILE};
use shared::check::{Finding, Severity, code};
use shared::facts::Facts;
use shared::import::{Options, Source, import};
use shared::traffic::expect::expect;
use shared::{check, yaml};

/// `cart` is older in the south and all at once in the west; `stock` is the same everywhere.
fn document() -> Value {
    json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "m" },
        "spec": {
            "dns": { "suffix": "mesh.example.com", "externalDns": { "provider": "rfc2136" } },
            "clusters": [
                { "name": "north", "region": "r1", "zone": "a", "gateway": { "addresses": ["203.0.113.1"] } },
                { "name": "south", "region": "r1", "zone": "b", "gateway": { "addresses": ["203.0.113.2"] },
                  "labels": { "age": "old" } },
                { "name": "west", "region": "r2", "zone": "c", "gateway": { "addresses": ["203.0.113.3"] },
                  "labels": { "age": "old" } },
            ],
            "services": [
                { "name": "cart", "namespace": "shop", "failover": { "retry": true }, "subsets": [
                    { "name": "v1", "labels": { "version": "v1" } } ],
                  "ports": [{ "port": 8080 }, { "port": 9000, "protocol": "tcp" }],
                  "overrides": [
                    { "clusters": ["south"], "namespace": "shop-old", "ports": [{ "published": 80, "port": 8081 }] },
                    { "clusters": ["west"], "name": "cart-west" },
                  ] },
                { "name": "stock", "namespace": "depot", "port": 90, "failover": { "retry": true },
                  "clusters": ["north", "south"], "overrides": [] },
            ],
        },
    })
}

/// `namespace/name` and `spec` of the objects of a kind in a cluster that are about `cart`'s pods.
fn beside_cart(bundle: &Bundle, cluster: &str, kind: &str) -> Vec<(String, Value)> {
    let objects = bundle.cluster(cluster).unwrap().objects();
    objects
        .filter(|object| object.kind.kind == kind && object.name.starts_with("cart"))
        .filter(|object| object.namespace.as_deref() != Some("istio-system"))
        .map(|object| {
            let namespace = object.namespace.as_deref().unwrap_or_default();
            (
                format!("{namespace}/{}", object.name),
                object.body["spec"].clone(),
            )
        })
        .collect()
}

#[test]
fn what_stands_beside_the_service_is_where_and_what_it_is_there() {
    let bundle = bundle(&document());
    let mut names = Vec::new();
    for (cluster, service, http, tcp) in [
        ("north", "shop/cart", 8080, 9000),
        ("south", "shop-old/cart", 8081, 9000),
        ("west", "shop/cart-west", 8080, 9000),
    ] {
        let (namespace, name) = service.split_once('/').unwrap();
        let host = format!("{name}.{namespace}.svc.cluster.local");
        let routes = beside_cart(&bundle, cluster, "VirtualService");
        let [(at, spec)] = &routes[..] else {
            panic!("{cluster}: {routes:?}")
        };
        assert_eq!(at, service);
        assert_eq!(
            spec["http"][0]["route"][0]["destination"],
            json!({ "host": host, "port": { "number": http } })
        );
        assert_eq!(
            spec["tcp"][0]["route"][0]["destination"],
            json!({ "host": host, "port": { "number": tcp } })
        );
        names.push(spec["hosts"].clone());
        let rules = beside_cart(&bundle, cluster, "DestinationRule");
        let [(at, spec)] = &rules[..] else {
            panic!("{cluster}: {rules:?}")
        };
        assert_eq!((at.as_str(), &spec["host"]), (service, &json!(host)));
    }
    assert!(names.iter().all(|one| *one == names[0]), "{names:?}");
    let published = names[0].to_string();
    assert!(
        published.contains("cart.shop.external") && !published.contains("old"),
        "{published}"
    );
}

#[test]
fn nothing_else_knows_of_it() {
    let with = bundle(&document());
    let mut without = document();
    without["spec"]["services"][0]["overrides"] = json!([]);
    let without = bundle(&without);
    let elsewhere = |bundle: &Bundle, cluster: &str| -> Vec<Value> {
        let objects = bundle.cluster(cluster).unwrap().objects();
        objects
            .filter(|object| object.namespace.as_deref() == Some("istio-system"))
            .map(shared::kubernetes::object::Object::to_json)
            .collect()
    };
    for cluster in ["north", "south", "west"] {
        assert!(elsewhere(&with, cluster).len() > 5);
        assert_eq!(elsewhere(&with, cluster), elsewhere(&without, cluster));
    }
}

#[test]
fn a_verification_calls_each_cluster_s_own_service() {
    let checked = check(&mesh(&document()), &Facts::default());
    let expectations = expect(&checked.resolved.unwrap());
    let local: Vec<(&str, &str, u16, u16)> = expectations
        .calls
        .iter()
        .filter(|call| call.level == "local" && call.service == "cart.shop")
        .map(|call| {
            (
                call.client.as_str(),
                call.url_host.as_str(),
                call.port,
                call.published,
            )
        })
        .collect();
    assert_eq!(
        local,
        [
            ("north", "cart.shop.svc.cluster.local", 8080, 80),
            ("north", "cart.shop.svc.cluster.local", 9000, 9000),
            ("south", "cart.shop-old.svc.cluster.local", 8081, 80),
            ("south", "cart.shop-old.svc.cluster.local", 9000, 9000),
            ("west", "cart-west.shop.svc.cluster.local", 8080, 80),
            ("west", "cart-west.shop.svc.cluster.local", 9000, 9000),
        ]
    );
}

#[test]
fn a_sample_runs_where_the_service_is() {
    let mut document = document();
    document["spec"]["services"][1] = json!({
        "name": "httpbin", "namespace": "web", "port": 8000,
        "overrides": [
            { "clusters": ["south"], "namespace": "web-old" },
            { "clusters": ["west"], "name": "bin", "port": 8001 },
        ],
    });
    document["spec"]["samples"] = json!(["httpbin"]);
    let bundle = bundle(&document);
    for (cluster, namespace, name, port) in [
        ("north", "web", "httpbin", 8000),
        ("south", "web-old", "httpbin", 8000),
        ("west", "web", "bin", 8001),
    ] {
        let of = |kind: &str| -> Vec<&shared::kubernetes::object::Object> {
            let objects = bundle.cluster(cluster).unwrap().objects();
            objects
                .filter(|object| object.kind.kind == kind)
                .filter(|object| object.namespace.as_deref() != Some("external-dns"))
                .collect()
        };
        let [service] = of("Service")[..] else {
            panic!("{cluster}")
        };
        assert_eq!(
            (service.namespace.as_deref(), service.name.as_str()),
            (Some(namespace), name)
        );
        assert_eq!(service.body["spec"]["ports"][0]["port"], json!(port));
        let [deployment] = of("Deployment")[..] else {
            panic!("{cluster}")
        };
        assert_eq!(
            (deployment.namespace.as_deref(), deployment.name.as_str()),
            (Some(namespace), name)
        );
        let namespaces = of("Namespace");
        assert!(namespaces.iter().any(|one| one.name.as_str() == namespace));
    }
}

#[test]
fn labels_choose_clusters_too() {
    let mut by_labels = document();
    by_labels["spec"]["services"][1]["overrides"] =
        json!([{ "clusterSelector": { "age": "old" }, "namespace": "cellar" }]);
    let mut by_names = document();
    // West has the labels, but does not run it.
    by_names["spec"]["services"][1]["overrides"] =
        json!([{ "clusters": ["south"], "namespace": "cellar" }]);
    for cluster in ["north", "south", "west"] {
        let text = |document| -> Vec<Value> {
            let bundle = bundle(document);
            let manifests = bundle.cluster(cluster).unwrap();
            manifests
                .objects()
                .map(shared::kubernetes::object::Object::to_json)
                .collect()
        };
        assert_eq!(text(&by_labels), text(&by_names));
    }
}

const CART: usize = 0;
const STOCK: usize = 1;

/// Expects one finding that is no hint, for other overrides of `cart` or of `stock`.
#[track_caller]
fn found(service: usize, overrides: &Value, code: code::Code, severity: Severity, path: &str) {
    let mut document = document();
    document["spec"]["services"][service]["overrides"] = overrides.clone();
    let findings = support::findings(&mesh(&document));
    let found: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.severity != Severity::Hint)
        .collect();
    let [one] = &found[..] else {
        panic!("{overrides}: {findings:#?}")
    };
    let path = format!("spec.services[{service}].overrides{path}");
    assert_eq!(
        (one.code.as_str(), one.severity, one.path.as_str()),
        (code.id, severity, path.as_str()),
        "{one:#?}"
    );
    support::assert_is_complete(one);
}

#[test]
fn an_override_is_for_clusters_that_run_the_service() {
    for (overrides, code, path) in [
        (
            json!([{ "clusters": ["west"], "namespace": "cellar" }]),
            code::OVERRIDDEN_ELSEWHERE,
            "[0].clusters",
        ),
        (
            json!([{ "clusters": ["moon"], "namespace": "cellar" }]),
            code::UNKNOWN_CLUSTER,
            "[0].clusters[0]",
        ),
        (
            json!([{ "namespace": "cellar" }]),
            code::EMPTY,
            "[0].clusters",
        ),
        (
            json!([{ "clusters": [], "namespace": "cellar" }]),
            code::EMPTY,
            "[0].clusters",
        ),
        (
            json!([{ "clusterSelector": { "age": "new" }, "namespace": "cellar" }]),
            code::EMPTY,
            "[0].clusterSelector",
        ),
        (
            json!([{ "clusters": ["south"], "clusterSelector": { "age": "old" }, "namespace": "cellar" }]),
            code::CLUSTERS_TWICE,
            "[0].clusterSelector",
        ),
        (
            json!([
                { "clusters": ["south"], "namespace": "cellar" },
                { "clusters": ["north", "south"], "port": 91 },
            ]),
            code::OVERRIDDEN_TWICE,
            "[1]",
        ),
    ] {
        found(STOCK, &overrides, code, Severity::Error, path);
    }
}

#[test]
fn an_override_says_what_differs() {
    use Severity::{Error, Warning};
    for (overrides, code, severity, path) in [
        (
            json!([{ "clusters": ["south"] }]),
            code::OVERRIDES_NOTHING,
            Warning,
            "[0]",
        ),
        (
            json!([{ "clusters": ["south"], "name": "stock", "namespace": "depot", "port": 90 }]),
            code::OVERRIDES_NOTHING,
            Warning,
            "[0]",
        ),
        (
            json!([{ "clusters": ["south"], "name": "a_b" }]),
            code::NOT_A_LABEL,
            Error,
            "[0].name",
        ),
        (
            json!([{ "clusters": ["south"], "namespace": "" }]),
            code::EMPTY,
            Error,
            "[0].namespace",
        ),
        (
            json!([{ "clusters": ["south"], "port": 0 }]),
            code::BAD_PORT,
            Error,
            "[0].port",
        ),
        (
            json!([{ "clusters": ["south"], "ports": [{ "published": 443, "port": 91 }] }]),
            code::OVERRIDDEN_PORT,
            Error,
            "[0].ports[0].published",
        ),
        (
            json!([{ "clusters": ["south"], "port": 91, "ports": [{ "published": 80, "port": 92 }] }]),
            code::OVERRIDDEN_TWICE,
            Error,
            "[0].ports[0]",
        ),
    ] {
        found(STOCK, &overrides, code, severity, path);
    }
    for (overrides, code, path) in [
        (
            json!([{ "clusters": ["south"], "port": 91 }]),
            code::OVERRIDDEN_PORT,
            "[0].port",
        ),
        (
            json!([{ "clusters": ["south"], "ports": [{ "published": 80, "port": 9000 }] }]),
            code::SERVICE_PORT_TWICE,
            "[0]",
        ),
        // The other service, where it is too.
        (
            json!([{ "clusters": ["north", "south", "west"], "name": "stock", "namespace": "depot" }]),
            code::OVERRIDES_COLLIDE,
            "",
        ),
    ] {
        found(CART, &overrides, code, Error, path);
    }
}

#[test]
fn two_samples_stay_two() {
    let mut document = document();
    document["spec"]["samples"] = json!(["httpbin", "sleep"]);
    document["spec"]["services"][1] = json!({
        "name": "httpbin", "port": 8000, "failover": { "retry": true },
        "overrides": [{ "clusters": ["south"], "name": "sleep" }],
    });
    let findings = support::findings(&mesh(&document));
    let errors: Vec<&str> = findings
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .map(|one| one.code.as_str())
        .collect();
    assert_eq!(errors, [code::OVERRIDES_COLLIDE.id]);
}

fn imported(bundle: &Bundle) -> shared::import::Imported {
    let files = bundle.files().filter(|(path, _)| *path != MESH_FILE);
    let sources: Vec<Source> = files
        .map(|(path, text)| Source {
            file: path.to_owned(),
            cluster: path.split('/').next().map(str::to_owned),
            text: text.to_owned(),
        })
        .collect();
    import(&sources, &Options::default()).unwrap()
}

#[test]
fn a_service_that_is_another_one_in_every_cluster_keeps_its_names() {
    let mut document = document();
    document["spec"]["services"][0] = json!({
        "name": "cart", "namespace": "shop", "port": 8080, "clusters": ["north", "south"], "overrides": [
            { "clusters": ["north"], "namespace": "blue" },
            { "clusters": ["south"], "namespace": "green" },
        ],
    });
    let bundle = bundle(&document);
    let imported = imported(&bundle);
    let services =
        yaml::documents(&imported.mesh.to_yaml()).unwrap()[0]["spec"]["services"].clone();
    assert_eq!(
        services[0]["overrides"],
        document["spec"]["services"][0]["overrides"]
    );
    assert_eq!(services[0]["name"], "cart");
    let lost: Vec<&Finding> = imported
        .findings
        .iter()
        .filter(|one| one.code != code::ASSUMED.id)
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
}
