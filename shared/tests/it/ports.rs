//! Several ports and protocols: what is rendered, who answers, and what a verification must see.

use serde_json::{Value, json};
use shared::bundle::Bundle;
use shared::check;
use shared::facts::Facts;
use shared::mesh::{Mesh, Protocol};
use shared::resolved::Resolved;
use shared::traffic::answers::{Answers, in_mesh};
use shared::traffic::expect::expect;
use shared::traffic::outage::Outage;
use shared::verify::{Around, Backend, Cause, Expected, Failure, PortSeen, Reply, judge_call};

/// `shop` has requests, bytes and TLS; `archive` bytes alone. South's HTTP port is another.
fn document() -> (Mesh, Resolved) {
    let mesh: Mesh = serde_json::from_value(json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "m" },
        "spec": {
            "dns": { "suffix": "mesh.example.com" },
            "endpoints": "names",
            "clusters": [
                { "name": "north", "region": "r1", "zone": "a", "gateway": { "addresses": ["203.0.113.1"] } },
                { "name": "south", "region": "r2", "zone": "b", "gateway": { "addresses": ["203.0.113.2"], "port": 8080 } },
            ],
            "services": [
                { "name": "shop", "namespace": "s", "hostname": "buy", "routes": [{ "prefix": "/api" }], "ports": [
                    { "port": 81 }, { "port": 82, "protocol": "grpc" },
                    { "port": 83, "protocol": "tcp", "published": 5000 }, { "port": 84, "protocol": "tls" } ] },
                { "name": "archive", "namespace": "s", "hostname": "old", "port": 5432, "protocol": "tcp" },
                { "name": "stock", "namespace": "s", "port": 91, "protocol": "http2", "clusters": ["south"] },
            ],
        },
    }))
    .unwrap();
    let checked = check(&mesh, &Facts::default());
    let resolved = checked
        .resolved
        .unwrap_or_else(|| panic!("{:#?}", checked.findings));
    (mesh, resolved)
}

/// The spec of an object in a cluster.
fn spec(cluster: &str, kind: &str, name: &str) -> Option<Value> {
    let (mesh, resolved) = document();
    let bundle = Bundle::new(&mesh, &resolved);
    let mut objects = bundle.cluster(cluster).unwrap().objects();
    let object = objects.find(|object| object.kind.kind == kind && object.name == name)?;
    Some(object.body["spec"].clone())
}

const SHOP: &str = "shop.s.external.svc.mesh.example.com";
const ARCHIVE: &str = "archive.s.external.svc.mesh.example.com";

#[test]
fn a_gateway_has_a_server_for_each_published_port() {
    let servers = spec("south", "Gateway", "fedmesh-m").unwrap()["servers"].clone();
    let servers: Vec<(Value, usize, Value)> = servers
        .as_array()
        .unwrap()
        .iter()
        .map(|server| {
            let hosts = server["hosts"].as_array().unwrap().len();
            (server["port"].clone(), hosts, server["tls"].clone())
        })
        .collect();
    let port = |number: u16, name: &str, protocol: &str| json!({ "number": number, "name": name, "protocol": protocol });
    assert_eq!(
        servers,
        [
            // HTTP/1.1 and HTTP/2 share one; shop has a vanity name, stock none.
            (port(8080, "http", "HTTP"), 6 + 5, Value::Null),
            (port(82, "http-82", "HTTP"), 6, Value::Null),
            (port(443, "tls", "TLS"), 6, json!({ "mode": "PASSTHROUGH" })),
            (port(5000, "tcp-5000", "TCP"), 6, Value::Null),
            (port(5432, "tcp-5432", "TCP"), 6, Value::Null),
        ]
    );
}

#[test]
fn each_published_port_leads_to_its_own() {
    let service = spec("south", "VirtualService", "shop").unwrap();
    let to = |route: &Value| {
        (
            route["match"].clone(),
            route["route"][0]["destination"]["port"]["number"].clone(),
        )
    };
    assert_eq!(
        to(&service["http"][0]),
        (
            json!([{ "uri": { "prefix": "/api" }, "port": 8080 }]),
            json!(81)
        )
    );
    assert_eq!(
        to(&service["http"][1]),
        (
            json!([{ "uri": { "prefix": "/api" }, "port": 82 }]),
            json!(82)
        )
    );
    assert_eq!(
        to(&service["tcp"][0]),
        (json!([{ "port": 5000 }]), json!(83))
    );
    assert_eq!(
        to(&service["tls"][0]),
        (
            json!([{ "port": 443, "sniHosts": service["hosts"] }]),
            json!(84)
        )
    );
    for section in ["tcp", "tls"] {
        assert_eq!(
            service[section][0].get("headers"),
            None,
            "there is nothing to mark"
        );
    }
    let archive = spec("south", "VirtualService", "archive").unwrap();
    assert_eq!(archive.get("http"), None);
    // Alone on its port, a service needs no match.
    let stock = spec("south", "VirtualService", "stock").unwrap();
    assert_eq!(stock["http"][0].get("match"), None);
}

#[test]
fn plain_tcp_is_in_the_entry_of_the_global_name_alone() {
    let names = |entry: &Value| -> Vec<String> {
        let ports = entry["ports"].as_array().unwrap().iter();
        ports
            .map(|port| port["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let entry = |name: &str| spec("north", "ServiceEntry", name);
    let global = entry(SHOP).unwrap();
    assert_eq!(names(&global), ["http", "grpc-82", "tcp-5000", "tls"]);
    // Istio takes no second host beside it.
    assert_eq!(global["hosts"], json!([SHOP]));
    assert_eq!(
        global["endpoints"][1]["ports"],
        json!({ "http": 8080, "grpc-82": 82, "tcp-5000": 5000, "tls": 443 })
    );
    for name in [
        "buy.mesh.example.com",
        "shop.s.external.svc.r1.mesh.example.com",
        "any.zone.mesh.example.com",
    ] {
        assert_eq!(
            names(&entry(name).unwrap()),
            ["http", "grpc-82", "tls"],
            "{name}"
        );
    }
    assert_eq!(names(&entry(ARCHIVE).unwrap()), ["tcp-5432"]);
    for kind in ["ServiceEntry", "DestinationRule", "VirtualService"] {
        let others = [
            "old.mesh.example.com",
            "archive.s.external.svc.r1.mesh.example.com",
            "archive.s.zone",
            "archive.s.zones",
            "shop.s.zone",
        ];
        assert!(
            others
                .iter()
                .all(|name| spec("north", kind, name).is_none()),
            "{kind}"
        );
    }
}

#[test]
fn what_can_be_repeated_and_left_alone() {
    let http = spec("north", "VirtualService", SHOP).unwrap()["http"].clone();
    // With bytes and TLS beside requests, each name has an entry of its own.
    let buy = "buy.mesh.example.com";
    let of_buy = |port: u16| json!([{ "authority": { "prefix": buy }, "port": port }]);
    let of_others = |port: u16| json!([{ "port": port }]);
    let expected = [
        (of_buy(80), buy, 80),
        (of_others(80), SHOP, 80),
        (of_buy(82), buy, 82),
        (of_others(82), SHOP, 82),
    ];
    let http = http.as_array().unwrap();
    assert_eq!(http.len(), expected.len(), "{http:#?}");
    for (route, (matches, host, port)) in http.iter().zip(expected) {
        assert_eq!(route["match"], matches);
        let to = &route["route"][0]["destination"];
        assert_eq!(*to, json!({ "host": host, "port": { "number": port } }));
        assert!(route["retries"].is_object(), "{route}");
    }
    assert_eq!(spec("north", "VirtualService", ARCHIVE), None);
    // A vanity name has no ending that is that of published names alone.
    for (name, host) in [
        (
            "any.external.svc.mesh.example.com",
            "*.external.svc.mesh.example.com",
        ),
        (buy, buy),
    ] {
        let rule = spec("north", "DestinationRule", name).unwrap();
        assert_eq!(rule["host"], host);
        assert_eq!(
            rule["trafficPolicy"]["outlierDetection"]["maxEjectionPercent"],
            100
        );
    }
    for name in [ARCHIVE, SHOP, "any.example.com"] {
        assert_eq!(spec("north", "DestinationRule", name), None, "{name}");
    }
}

#[test]
fn a_sidecar_takes_plain_tcp_for_the_global_name_and_sees_connections_only() {
    let (_, resolved) = document();
    let answers = |service: usize, level: &str, outage: &[&str]| {
        let mut down = Outage::default();
        for word in outage {
            down.add(word, &resolved).unwrap();
        }
        let names = &resolved.services[service].names;
        let name = names
            .iter()
            .find(|name| name.host.as_str().contains(level))
            .unwrap();
        in_mesh(&resolved, 0, service, name, &down)
    };
    let south = ".b.r2.";
    assert_eq!(answers(0, south, &[]), Answers::By(vec![1]));
    assert_eq!(answers(1, south, &[]), Answers::By(vec![0]), "the nearest");
    assert_eq!(
        answers(1, ARCHIVE, &["north"]).by().len(),
        0,
        "the client is down"
    );
    assert_eq!(
        answers(1, ARCHIVE, &["gateway:north"]),
        Answers::By(vec![1])
    );
    assert_eq!(
        answers(0, SHOP, &["service:shop.s@north"]),
        Answers::By(vec![1])
    );
    let lost = answers(1, ARCHIVE, &["service:archive.s@north"]);
    assert_eq!(lost.by().len(), 0, "its gateway takes every connection");
}

#[test]
fn every_port_is_verified_as_its_protocol_can_be() {
    let (_, resolved) = document();
    let expectations = expect(&resolved);
    let calls: Vec<(&str, u16, Protocol, &[String])> = expectations
        .calls
        .iter()
        .filter(|call| call.client == "north" && call.service == "shop.s")
        .filter(|call| ["local", "zone"].contains(&call.level))
        .map(|call| {
            (
                call.level,
                call.port,
                call.protocol,
                call.answered_by.as_slice(),
            )
        })
        .collect();
    let (north, south) = (["north".to_owned()], ["south".to_owned()]);
    assert_eq!(
        calls,
        [
            ("local", 81, Protocol::Http, &[][..]),
            ("zone", 80, Protocol::Http, &north[..]),
            ("zone", 80, Protocol::Http, &south[..]),
            ("local", 82, Protocol::Grpc, &[]),
            ("zone", 82, Protocol::Grpc, &north[..]),
            ("zone", 82, Protocol::Grpc, &south[..]),
            ("local", 83, Protocol::Tcp, &[]),
            ("zone", 5000, Protocol::Tcp, &[]),
            ("zone", 5000, Protocol::Tcp, &[]),
            // Its certificates are for published names.
            ("local", 84, Protocol::Tcp, &[]),
            ("zone", 443, Protocol::Tls, &[]),
            ("zone", 443, Protocol::Tls, &[]),
        ]
    );
    let gateways = |port: u16| {
        let calls = expectations.gateways.iter();
        calls
            .filter(|call| call.port == port)
            .map(|call| call.published)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        gateways(5432),
        [5432, 5432],
        "a gateway is not asked for TCP by any name"
    );
    assert_eq!(gateways(443).len(), 12);
    assert_eq!(gateways(8080).len(), 6 + 5);
}

#[test]
fn a_port_is_to_be_named_after_its_protocol() {
    let expected = Expected {
        status: None,
        answered_by: &[],
    };
    for (protocol, name, is_right) in [
        (Protocol::Grpc, "grpc-api", true),
        (Protocol::Grpc, "http", false),
        (Protocol::Http2, "http2", true),
        (Protocol::Tcp, "postgres", true),
        (Protocol::Tcp, "http-odd", false),
        (Protocol::Tls, "https", true),
    ] {
        let around = Around {
            backends: vec![Backend {
                protocol,
                port: Some(PortSeen {
                    name: name.into(),
                    app_protocol: String::new(),
                }),
                ready: Some(1),
                ..Backend::default()
            }],
            ..Around::default()
        };
        let cause = judge_call(expected, &Reply::Failed(Failure::Reset), &around).unwrap_err();
        assert_eq!(!matches!(cause, Cause::PortName { .. }), is_right, "{name}");
        assert_eq!(judge_call(expected, &Reply::Connected, &around), Ok(()));
    }
    let empty = Around {
        backends: vec![Backend {
            ready: Some(0),
            ..Backend::default()
        }],
        ..Around::default()
    };
    let closed = Reply::Failed(Failure::Reset);
    let cause = judge_call(expected, &closed, &empty).unwrap_err();
    assert!(matches!(cause, Cause::NoEndpoints { .. }), "{cause:?}");
}
