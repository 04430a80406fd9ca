//! Istio 1.0, whose objects say less than those of all others: what is rendered, who answers then, and what
//! is refused.

use crate::support::{assert_is_complete, findings};
use crate::support::{bundle, mesh, resolved, specs};
use serde_json::{Value, json};
use shared::check::{Finding, Severity};
use shared::import::{Options, Source, import};
use shared::traffic::answers::{Answers, in_mesh};
use shared::traffic::outage::Outage;

const GLOBAL: &str = "web.default.external.svc.a.example";

/// A service in three clusters of two regions.
fn document(service: &Value, more: &Value) -> Value {
    let mut document = json!({
        "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" },
        "spec": {
            "istio": "1.0",
            "dns": { "suffix": "a.example" },
            "clusters": [
                { "name": "red", "region": "r1", "zone": "z1", "egressGateway": {} },
                { "name": "blue", "region": "r1", "zone": "z2", "egressGateway": {} },
                { "name": "green", "region": "r2", "zone": "z3", "egressGateway": {} },
            ],
            "services": [{ "name": "web", "port": 80 }],
        },
    });
    for (name, value) in service.as_object().unwrap() {
        document["spec"]["services"][0][name] = value.clone();
    }
    for (name, value) in more.as_object().unwrap() {
        document["spec"][name] = value.clone();
    }
    document
}

fn plain() -> Value {
    document(&json!({}), &json!({}))
}

#[test]
fn objects_have_no_field_that_it_lacks() {
    let entries = specs(&plain(), "red", "ServiceEntry");
    for spec in entries.values() {
        for endpoint in spec["endpoints"].as_array().into_iter().flatten() {
            let fields: Vec<&String> = endpoint.as_object().unwrap().keys().collect();
            assert_eq!(fields, ["address", "ports"]);
        }
    }
    assert_eq!(entries[GLOBAL]["endpoints"].as_array().unwrap().len(), 3);

    let at_gateway = &specs(&plain(), "red", "VirtualService")["web"];
    assert_eq!(
        at_gateway["gateways"],
        json!(["fedmesh-m.istio-system.svc.cluster.local"])
    );
    let route = json!([{ "route": [{ "destination": {
        "host": "web.default.svc.cluster.local", "port": { "number": 80 } } }] }]);
    assert_eq!(at_gateway["http"], route);
}

#[test]
fn calls_are_repeated_only_where_those_that_arrived_may_be() {
    for failover in [json!({}), json!({ "failover": { "retry": false } })] {
        let rendered = specs(&document(&failover, &json!({})), "red", "VirtualService");
        assert_eq!(rendered.keys().collect::<Vec<_>>(), ["web"], "{failover}");
    }
    let repeated = document(&json!({ "failover": { "retry": true } }), &json!({}));
    let rendered = specs(&repeated, "red", "VirtualService");
    assert_eq!(
        rendered[GLOBAL]["http"][0]["retries"],
        json!({ "attempts": 3, "perTryTimeout": "2s" })
    );
}

#[test]
fn hosts_outside_are_called_through_egress_gateways_by_the_name_in_tls() {
    let outside = json!({ "external": [{ "host": "api.example.org", "egressGateway": true }] });
    let routes = specs(&document(&json!({}), &outside), "red", "VirtualService");
    let routes = routes
        .values()
        .find(|spec| spec["hosts"] == json!(["api.example.org"]))
        .unwrap();
    let gateway = "egress-m.istio-system.svc.cluster.local";
    assert_eq!(routes["gateways"], json!(["mesh", gateway]));
    assert_eq!(routes["tls"][1]["match"][0]["gateways"], json!([gateway]));
}

/// What is found of a code: severity and path.
fn told(document: &Value, code: &str) -> Vec<(Severity, String)> {
    let found = findings(&mesh(document)).into_iter();
    let of_code = found.filter(|one: &Finding| one.code == code);
    of_code
        .map(|one| {
            assert_is_complete(&one);
            (one.severity, one.path)
        })
        .collect()
}

#[test]
fn what_is_lost_is_said() {
    let warned = vec![(Severity::Warning, "spec.istio".to_owned())];
    for code in ["FM0428", "FM0429", "FM0430"] {
        assert_eq!(told(&plain(), code), warned, "{code}");
    }
    assert_eq!(told(&plain(), "FM0427"), []);
    // Of one cluster, and of bytes, there is less to lose.
    let alone = document(&json!({ "clusters": ["red"] }), &json!({}));
    for (code, expected) in [
        ("FM0428", &vec![]),
        ("FM0429", &vec![]),
        ("FM0430", &warned),
    ] {
        assert_eq!(told(&alone, code), *expected, "{code}");
    }
    let bytes = document(&json!({ "protocol": "tcp" }), &json!({}));
    assert_eq!(told(&bytes, "FM0430"), []);
    let known = document(&json!({}), &json!({ "answerHeader": false }));
    assert_eq!(told(&known, "FM0430"), []);
    // Later versions have it all.
    let later = document(&json!({}), &json!({ "istio": "1.1" }));
    for code in ["FM0428", "FM0429", "FM0430"] {
        assert_eq!(told(&later, code), [], "{code}");
    }
}

#[test]
fn what_it_cannot_do_is_refused() {
    let outside = |host: Value| json!({ "external": [host] });
    for (service, more, path, last_without) in [
        (
            json!({ "protocol": "tls", "port": 443 }),
            json!({}),
            "spec.services[0]",
            0,
        ),
        (
            json!({}),
            json!({ "answerHeader": true }),
            "spec.answerHeader",
            0,
        ),
        (
            json!({}),
            outside(json!({ "host": "api.example.org" })),
            "spec.external[0]",
            0,
        ),
        (
            json!({}),
            outside(
                json!({ "host": "*.example.org", "ports": [{ "port": 8443, "protocol": "https" }] }),
            ),
            "spec.external[0]",
            0,
        ),
        (
            json!({}),
            outside(
                json!({ "host": "api.example.org", "addresses": ["192.0.2.7", "2001:db8::7"] }),
            ),
            "spec.external[0].addresses[1]",
            0,
        ),
        (
            json!({}),
            outside(
                json!({ "host": "api.example.org", "ports": [{ "port": 80 }], "egressGateway": true }),
            ),
            "spec.external[0].egressGateway",
            2,
        ),
    ] {
        for minor in 0..=last_without + 1 {
            let mut document = document(&service, &more);
            document["spec"]["istio"] = format!("1.{minor}").into();
            let refused = (Severity::Error, path.to_owned());
            let expected = if minor <= last_without {
                vec![refused]
            } else {
                vec![]
            };
            assert_eq!(told(&document, "FM0502"), expected, "{path} of 1.{minor}");
        }
    }
    for taken in [
        outside(json!({ "host": "api.example.org", "ports": [{ "port": 80 }] })),
        outside(json!({ "host": "api.example.org", "addresses": ["192.0.2.7"] })),
        outside(json!({ "host": "api.example.org", "egressGateway": true })),
    ] {
        assert_eq!(told(&document(&json!({}), &taken), "FM0502"), [], "{taken}");
    }
}

/// Who answers calls from red for the global name.
fn answers(document: &Value, down: &[&str]) -> Answers {
    let resolved = resolved(document);
    let mut outage = Outage::default();
    for what in down {
        outage.add(what, &resolved).unwrap();
    }
    let names = &resolved.services[0].names;
    let global = names.iter().find(|name| name.host.as_str() == GLOBAL);
    in_mesh(&resolved, 0, 0, global.unwrap(), &outage)
}

#[test]
fn all_clusters_answer_alike() {
    assert_eq!(answers(&plain(), &[]), Answers::By(vec![0, 1, 2]));
    assert_eq!(answers(&plain(), &["blue"]), Answers::By(vec![0, 2]));
    // Fewer than a half: Envoy does not believe it.
    assert_eq!(
        answers(&plain(), &["blue", "green"]),
        Answers::Partly {
            by: vec![0],
            lost: vec![1, 2],
        }
    );
    let two = document(&json!({ "clusters": ["red", "green"] }), &json!({}));
    assert_eq!(answers(&two, &["green"]), Answers::By(vec![0]));
    let later = document(&json!({}), &json!({ "istio": "1.1" }));
    assert_eq!(answers(&later, &[]), Answers::By(vec![0]));
    assert_eq!(answers(&later, &["blue", "green"]), Answers::By(vec![0]));
}

#[test]
fn its_manifests_are_told_by_their_endpoints() {
    let document = document(&json!({ "failover": { "retry": true } }), &json!({}));
    let bundle = bundle(&document);
    let source = Source {
        file: "all.yaml".into(),
        cluster: None,
        text: bundle.to_stream(),
    };
    let imported = import(&[source], &Options::default()).unwrap();
    assert_eq!(imported.findings, []);
    let spec = &imported.mesh.spec;
    assert_eq!(spec.istio.as_deref(), Some("1.0"));
    let failover = spec.services[0].failover.as_ref().unwrap();
    assert_eq!(failover.retry, Some(true));
    let places: Vec<(&str, &str)> = spec
        .clusters
        .iter()
        .map(|one| (one.region.as_str(), one.zone.as_str()))
        .collect();
    assert_eq!(places, [("r1", "z1"), ("r1", "z2"), ("r2", "z3")]);
}
