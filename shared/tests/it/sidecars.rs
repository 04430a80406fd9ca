//! Sidecars of callers' namespaces: what is said of a document, what is rendered, and what is read from manifests.

use crate::support;
use std::collections::BTreeMap;

use crate::support::{bundle, mesh, specs};
use serde_json::{Value, json};
use shared::check;
use shared::check::{Finding, Severity};
use shared::facts::Facts;
use shared::import::{Imported, Options, Source, import};

/// `shop` runs in `north`, and in `south` as `store` of another namespace; `news` runs in `south`, and everybody may
/// call it.
fn document(sidecars: &Value, callers: &Value) -> Value {
    let cluster = |name: &str, number: u8| {
        json!({ "name": name, "region": name, "zone": "a",
            "gateway": { "addresses": [format!("203.0.113.{number}")] } })
    };
    support::document(&json!({
        "dns": { "suffix": "a.example" },
        "sidecars": sidecars,
        "clusters": [cluster("north", 1), cluster("south", 2), cluster("west", 3)],
        "services": [
            { "name": "shop", "namespace": "s", "port": 81, "clusters": ["north", "south"], "callers": callers,
              "overrides": [{ "clusters": ["south"], "name": "store", "namespace": "t" }] },
            { "name": "news", "namespace": "s", "port": 82, "clusters": ["south"] },
        ],
    }))
}

fn found(document: &Value) -> Vec<Finding> {
    check(&mesh(document), &Facts::default()).findings
}

/// Namespace → the hosts of its Sidecar in a cluster.
fn sidecars(document: &Value, cluster: &str) -> BTreeMap<String, Vec<String>> {
    let bundle = bundle(document);
    let objects = bundle.cluster(cluster).unwrap().objects();
    let sidecars = objects.filter(|object| object.kind.kind == "Sidecar");
    let hosts = sidecars.map(|object| {
        assert_eq!(object.name, "default");
        let object = object.to_json();
        assert_eq!(object["apiVersion"], "networking.istio.io/v1");
        assert_eq!(object["spec"].as_object().unwrap().len(), 1, "{object}");
        let egress = object["spec"]["egress"].as_array().unwrap();
        assert_eq!(egress.len(), 1, "{object}");
        let hosts = serde_json::from_value(egress[0]["hosts"].clone()).unwrap();
        let namespace = object["metadata"]["namespace"].as_str().unwrap();
        (namespace.to_owned(), hosts)
    });
    hosts.collect()
}

const SHOP: &str = "s/shop.s.svc.cluster.local";
const STORE: &str = "t/store.t.svc.cluster.local";
const NEWS: &str = "s/news.s.svc.cluster.local";

fn expected(of: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let of = of.iter().map(|(namespace, hosts)| {
        let hosts = hosts.iter().map(|host| (*host).to_owned());
        ((*namespace).to_owned(), hosts.collect())
    });
    of.collect()
}

#[test]
fn proxies_know_what_their_namespace_calls() {
    let callers = json!([
        { "namespace": "web", "serviceAccounts": ["web"] },
        { "namespace": "web", "serviceAccounts": ["jobs"] },
        { "namespace": "s", "clusters": ["north", "south"] },
        { "namespace": "desk", "clusters": ["west"] },
        // Gateways take no Sidecar, and one here is that of namespaces without.
        { "namespace": "istio-system" },
    ]);
    let document = document(&json!({}), &callers);
    let always = ["./*", "istio-system/*"];
    assert_eq!(
        sidecars(&document, "north"),
        expected(&[("s", &always), ("web", &["./*", "istio-system/*", SHOP])])
    );
    // There the Service is another one, and news, which everybody calls, is in one of the callers' namespaces.
    assert_eq!(
        sidecars(&document, "south"),
        expected(&[
            ("s", &["./*", "istio-system/*", STORE]),
            ("web", &["./*", "istio-system/*", NEWS, STORE]),
        ])
    );
    // Nothing that they call runs there.
    assert_eq!(
        sidecars(&document, "west"),
        expected(&[("desk", &always), ("web", &always)])
    );
    let none = self::document(&Value::Null, &callers);
    for cluster in ["north", "south", "west"] {
        assert_eq!(specs(&none, cluster, "Sidecar"), BTreeMap::new());
    }
}

#[test]
fn callers_of_all_namespaces_are_those_that_others_name_too() {
    let mut document = document(&json!({}), &json!([{ "clusters": ["south"] }]));
    document["spec"]["services"][1]["callers"] = json!([{ "namespace": "web" }]);
    assert_eq!(
        sidecars(&document, "south"),
        expected(&[("web", &["./*", "istio-system/*", NEWS, STORE])])
    );
    // Shop is called from south alone.
    assert_eq!(
        sidecars(&document, "north"),
        expected(&[("web", &["./*", "istio-system/*"])])
    );
}

#[test]
fn hosts_of_the_document_are_beside_them_once() {
    let hosts = json!(["zoo/*", "s/*", "*/api.example.com", "bank/*.example.com"]);
    let callers = json!([{ "namespace": "web" }, { "namespace": "s" }]);
    let document = document(&json!({ "hosts": hosts }), &callers);
    // Istio warns of a host that another one has already.
    let web = [
        "*/api.example.com",
        "./*",
        "bank/*.example.com",
        "istio-system/*",
        "s/*",
        "zoo/*",
    ];
    let own = [
        "*/api.example.com",
        "./*",
        "bank/*.example.com",
        "istio-system/*",
        "zoo/*",
    ];
    assert_eq!(
        sidecars(&document, "north"),
        expected(&[("s", &own), ("web", &web)])
    );
}

#[test]
fn invalid_hosts() {
    let long = format!("{}/*", "a".repeat(64));
    for (hosts, code, index) in [
        (json!(["payments"]), "FM0539", 0),
        (json!([""]), "FM0539", 0),
        (json!(["./*"]), "FM0539", 0),
        (json!(["~/*"]), "FM0539", 0),
        (json!(["~payments/*"]), "FM0539", 0),
        (json!(["*/*"]), "FM0539", 0),
        (json!(["Payments/*"]), "FM0539", 0),
        (json!([long]), "FM0539", 0),
        (json!(["payments/"]), "FM0539", 0),
        (json!(["/a.example.com"]), "FM0539", 0),
        (json!(["payments/*a.example.com"]), "FM0539", 0),
        (json!(["payments/a/b"]), "FM0539", 0),
        (json!(["payments/*", "payments/*"]), "FM0103", 1),
        (
            json!(["payments/a.example", "payments/a.example"]),
            "FM0103",
            1,
        ),
        (json!(["payments/a.example", "payments/*"]), "FM0103", 0),
        (json!(["istio-system/*"]), "FM0103", 0),
        (json!(["istio-system/a.example"]), "FM0103", 0),
    ] {
        let document = document(&json!({ "hosts": hosts }), &json!([{ "namespace": "web" }]));
        let found = found(&document);
        let errors: Vec<_> = found
            .iter()
            .filter(|one| one.severity == Severity::Error)
            .map(|one| (one.code.as_str(), one.path.clone()))
            .collect();
        let path = format!("spec.sidecars.hosts[{index}]");
        assert_eq!(errors, [(code, path)], "{hosts}");
    }
}

#[test]
fn callers_without_a_namespace_get_none() {
    let about = |document: &Value| -> Vec<(String, Severity, String)> {
        let found = found(document).into_iter();
        let found = found.filter(|one| ["FM0537", "FM0538"].contains(&&*one.code));
        found
            .map(|one| (one.code, one.severity, one.path))
            .collect()
    };
    let hint = || {
        (
            "FM0537".to_owned(),
            Severity::Hint,
            "spec.sidecars".to_owned(),
        )
    };
    for callers in [
        Value::Null,
        json!([{ "clusters": ["north"] }]),
        json!([{ "namespace": "istio-system" }]),
    ] {
        assert_eq!(
            about(&document(&json!({}), &callers)),
            [hint()],
            "{callers}"
        );
        assert_eq!(about(&document(&Value::Null, &callers)), []);
    }
    let callers = json!([{ "namespace": "web" }, { "clusters": ["north"] }]);
    let warning = (
        "FM0538".to_owned(),
        Severity::Warning,
        "spec.services[0].callers[1]".to_owned(),
    );
    assert_eq!(about(&document(&json!({}), &callers)), [warning]);
    assert_eq!(about(&document(&Value::Null, &callers)), []);
    assert_eq!(
        about(&document(&json!({}), &json!([{ "namespace": "web" }]))),
        []
    );
}

#[test]
fn the_oldest_istio_has_none() {
    let mut document = document(&json!({}), &Value::Null);
    for (version, lacks) in [("1.0", true), ("1.1", false)] {
        document["spec"]["istio"] = json!(version);
        let found = found(&document);
        let mut lacking = found.iter().filter(|one| one.code == "FM0502");
        assert_eq!(
            lacking.any(|one| one.path == "spec.sidecars"),
            lacks,
            "{version}: {found:#?}"
        );
    }
}

/// The manifests of a document, read again.
fn imported(document: &Value, change: impl Fn(String) -> String) -> Imported {
    let text = bundle(document).to_stream();
    let manifests = text.split_inclusive('\n');
    let manifests = manifests.filter(|line| !line.starts_with("#|"));
    let source = Source {
        file: "all.yaml".into(),
        cluster: None,
        text: change(manifests.collect()),
    };
    import(&[source], &Options::default()).unwrap()
}

/// Only what is not rendered because of services becomes a host of the document.
#[test]
fn sidecars_are_imported() {
    let called = json!([{ "namespace": "web" }]);
    let named = json!([{ "namespace": "web" }, { "namespace": "s", "clusters": ["south"] }]);
    for (hosts, callers) in [
        (json!([]), &called),
        (json!(["s/*", "zoo/*"]), &called),
        // Every proxy of web knows it where it runs, and those in west because of this.
        (json!([SHOP, "zoo/api.example.com"]), &called),
        (json!(["*/api.example.com", "s/*"]), &named),
    ] {
        let mut document = document(&json!({ "hosts": hosts }), callers);
        document["spec"]["services"][1]["clusters"] = json!(["north", "south"]);
        document["spec"]["services"][0]
            .as_object_mut()
            .unwrap()
            .remove("overrides");
        let imported = imported(&document, |text| text);
        assert_eq!(imported.findings, [], "{hosts}");
        let sidecars = imported.mesh.spec.sidecars.as_ref().unwrap();
        assert_eq!(json!(sidecars.hosts), hosts);
        let shop = imported
            .mesh
            .spec
            .services
            .iter()
            .find(|one| one.name == "shop");
        assert!(shop.unwrap().callers.is_some(), "{hosts}");
        let again = serde_json::to_value(&imported.mesh).unwrap();
        for cluster in ["north", "south", "west"] {
            assert_eq!(
                self::sidecars(&again, cluster),
                self::sidecars(&document, cluster),
                "{hosts} {cluster}"
            );
        }
    }
}

#[test]
fn sidecars_of_others_are_not_taken() {
    let document = document(
        &json!({ "hosts": ["zoo/*"] }),
        &json!([{ "namespace": "web" }]),
    );
    let imported = imported(&document, |text| {
        text.replace("app.kubernetes.io/managed-by: fedmesh", "a: b")
    });
    assert_eq!(imported.mesh.spec.sidecars, None);
    let mut told = imported.findings.iter();
    let is_published =
        told.any(|one| one.code == "FM1001" && one.path.contains("Sidecar web/default"));
    assert!(is_published, "{:#?}", imported.findings);
}
