//! What the Gateway API says in the place of Istio's objects, and what it cannot say.

use std::collections::BTreeMap;

use documents::{bundle, examples};
use serde_json::{Value, json};
use shared::check::Severity;
use shared::facts::Facts;
use shared::render::render;
use shared::{Mesh, check};

/// A document with a service, to which `service` is added, and other fields of `spec`.
fn document(service: &Value, spec: &Value) -> Mesh {
    let mut document = json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "demo" },
        "spec": {
            "gatewayApi": true, "istio": "1.31",
            "dns": { "suffix": "mesh.example.com" },
            "clusters": [
                { "name": "north", "region": "r1", "zone": "z1" },
                { "name": "south", "region": "r2", "zone": "z2" },
            ],
            "services": [{ "name": "reviews", "namespace": "books", "failover": { "retry": true } }],
        },
    });
    let add = |to: &mut Value, fields: &Value| {
        let fields = fields.as_object().unwrap().clone();
        to.as_object_mut().unwrap().extend(fields);
    };
    add(&mut document["spec"]["services"][0], service);
    add(&mut document["spec"], spec);
    let service = document["spec"]["services"][0].as_object_mut().unwrap();
    if !service.contains_key("ports") {
        service.entry("port").or_insert(json!(9080));
    }
    serde_json::from_value(document).unwrap()
}

fn routes(routes: &Value) -> Mesh {
    document(&json!({ "routes": routes }), &json!({}))
}

/// Codes with their places, of the severities that stop or warn.
fn found(mesh: &Mesh) -> Vec<(String, String)> {
    let findings = check(mesh, &Facts::default()).findings.into_iter();
    findings
        .filter(|finding| finding.severity != Severity::Hint && finding.code != "FM0208")
        .map(|finding| (finding.code, finding.path))
        .collect()
}

#[track_caller]
fn refused(mesh: &Mesh, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> = expected
        .iter()
        .map(|(code, path)| ((*code).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(found(mesh), expected);
}

/// The objects of a cluster by kind and name, those of a group.
fn objects(mesh: &Mesh, group: &str, cluster: usize) -> BTreeMap<(String, String), Value> {
    let checked = check(mesh, &Facts::default());
    let resolved = checked
        .resolved
        .unwrap_or_else(|| panic!("{:#?}", checked.findings));
    render(&resolved)
        .iter()
        .filter_map(|one| one.in_cluster(cluster))
        .filter(|one| one.kind.group == group)
        .map(|one| ((one.kind.kind.to_string(), one.name.clone()), one.to_json()))
        .collect()
}

const GROUP: &str = "gateway.networking.k8s.io";

/// The rules of the only route of a kind, in the first cluster.
fn rules(mesh: &Mesh, kind: &str) -> Value {
    let objects = objects(mesh, GROUP, 0);
    objects[&(kind.to_owned(), "reviews".to_owned())]["spec"]["rules"].clone()
}

#[test]
fn the_example_as_rendered() {
    let mesh = examples().remove("gateway-api.yaml").unwrap();
    insta::assert_snapshot!(bundle(&mesh, &Facts::default()).to_stream());
}

#[test]
fn istios_gateways_and_their_routes_give_way_and_the_rest_stays() {
    let with = examples().remove("gateway-api.yaml").unwrap();
    let mut without = with.clone();
    without.spec.gateway_api = None;
    for cluster in 0..2 {
        let mut istios = objects(&without, "networking.istio.io", cluster);
        istios.retain(|(kind, name), _| {
            kind != "Gateway" && (kind != "VirtualService" || name.contains(".svc."))
        });
        assert_eq!(objects(&with, "networking.istio.io", cluster), istios);
        assert_eq!(objects(&without, GROUP, cluster), BTreeMap::new());
    }
}

#[test]
fn every_field_of_a_route_that_has_one_is_said() {
    let mesh = routes(&json!([{
        "match": [
            {
                "uri": { "prefix": "/a" }, "method": { "exact": "GET" },
                "headers": { "x-a": { "exact": "b" }, "x-c": { "regex": ".*" } }, "queryParams": { "q": { "exact": "1" } },
            },
            { "uri": { "exact": "/b" } },
        ],
        "rewrite": { "uri": "/new", "authority": "new.example.com" },
        "timeout": "90s",
        "headers": { "request": { "add": { "x-d": "e" }, "remove": ["x-f"] }, "response": { "set": { "x-g": "h" } } },
        "to": [
            { "weight": 75, "headers": { "request": { "set": { "x-i": "j" } } } },
            { "service": "reviews-v2", "weight": 25 },
        ],
        "mirrors": [
            { "destination": { "host": "trial.elsewhere.svc.cluster.local", "port": { "number": 2 } } },
            { "destination": { "host": "trial.books.svc.cluster.local", "port": { "number": 1 } }, "percentage": { "value": 50 } },
        ],
    }]));
    assert_eq!(found(&mesh), []);
    let filters = |path: Value| {
        json!([
            { "type": "RequestHeaderModifier", "requestHeaderModifier": { "add": [{ "name": "x-d", "value": "e" }], "remove": ["x-f"] } },
            { "type": "ResponseHeaderModifier", "responseHeaderModifier": { "set": [
                { "name": "x-g", "value": "h" }, { "name": "x-fedmesh-cluster", "value": "north" },
            ] } },
            { "type": "RequestMirror", "requestMirror": { "backendRef": {
                "group": "networking.istio.io", "kind": "Hostname", "name": "trial.elsewhere.svc.cluster.local", "port": 2,
            } } },
            { "type": "RequestMirror", "requestMirror": { "backendRef": { "name": "trial", "port": 1 }, "percent": 50 } },
            { "type": "URLRewrite", "urlRewrite": { "hostname": "new.example.com", "path": path } },
        ])
    };
    let backends = json!([
        { "name": "reviews", "port": 9080, "weight": 75, "filters": [
            { "type": "RequestHeaderModifier", "requestHeaderModifier": { "set": [{ "name": "x-i", "value": "j" }] } },
        ] },
        { "name": "reviews-v2", "port": 9080, "weight": 25 },
    ]);
    let rule = |matched: Value, path: Value| {
        json!({
            "matches": [matched], "filters": filters(path), "backendRefs": backends, "timeouts": { "request": "1m30s" },
        })
    };
    assert_eq!(
        rules(&mesh, "HTTPRoute"),
        json!([
            rule(
                json!({
                    "path": { "type": "PathPrefix", "value": "/a" }, "method": "GET",
                    "headers": [{ "name": "x-a", "value": "b" }, { "name": "x-c", "value": ".*", "type": "RegularExpression" }],
                    "queryParams": [{ "name": "q", "value": "1" }],
                }),
                json!({ "type": "ReplacePrefixMatch", "replacePrefixMatch": "/new" }),
            ),
            rule(
                json!({ "path": { "type": "Exact", "value": "/b" } }),
                json!({ "type": "ReplaceFullPath", "replaceFullPath": "/new" }),
            ),
        ])
    );
}

#[test]
fn a_redirect_moves_for_good_unless_it_says_otherwise() {
    let mesh = routes(&json!([{ "exact": "/a", "redirect": { "uri": "/b" } }]));
    let rules = rules(&mesh, "HTTPRoute");
    assert_eq!(
        rules[0]["filters"][1],
        json!({ "type": "RequestRedirect", "requestRedirect": {
            "path": { "type": "ReplaceFullPath", "replaceFullPath": "/b" }, "statusCode": 301,
        } })
    );
    assert_eq!(rules[0]["backendRefs"], Value::Null);
}

#[test]
fn what_has_no_field_is_told_where_it_stands() {
    let at = |path: &str| format!("spec.services[0].routes[0]{path}");
    for (route, path) in [
        (
            json!({ "exact": "/a", "fault": { "abort": { "httpStatus": 418 } } }),
            ".fault",
        ),
        (
            json!({ "exact": "/a", "retries": { "attempts": 2 } }),
            ".retries",
        ),
        (
            json!({ "exact": "/a", "directResponse": { "status": 204 } }),
            ".directResponse",
        ),
        (json!({ "to": [{ "subset": "v1" }] }), ".to[0].subset"),
        (
            json!({ "exact": "/a", "mirror": { "subset": "v1" } }),
            ".mirror.subset",
        ),
        (
            json!({ "exact": "/a", "mirror": { "host": "trial" } }),
            ".mirror",
        ),
        (
            json!({ "match": [{ "headers": { "x": { "prefix": "a" } } }] }),
            ".match[0].headers.x",
        ),
        (
            json!({ "match": [{ "headers": { "x": {} } }] }),
            ".match[0].headers.x",
        ),
        (
            json!({ "match": [{ "withoutHeaders": { "x": {} } }] }),
            ".match[0].withoutHeaders",
        ),
        (
            json!({ "match": [{ "authority": { "exact": "a" } }] }),
            ".match[0].authority",
        ),
        (
            json!({ "match": [{ "method": { "regex": "G.*" } }] }),
            ".match[0].method",
        ),
        (
            json!({ "match": [{ "uri": { "exact": "/a//b" } }] }),
            ".match[0].uri",
        ),
        (json!({ "exact": "/a?b" }), ".exact"),
        (
            json!({ "exact": "/a", "redirect": { "authority": "Shop.example.org" } }),
            ".redirect.authority",
        ),
        (
            json!({ "exact": "/a", "rewrite": { "authority": "my_shop" } }),
            ".rewrite.authority",
        ),
        (
            json!({ "exact": "/a", "redirect": { "uri": "/b", "redirectCode": 300 } }),
            ".redirect.redirectCode",
        ),
        (
            json!({ "exact": "/a", "redirect": { "uri": "/b", "derivePort": "FROM_REQUEST_PORT" } }),
            ".redirect.derivePort",
        ),
        (
            json!({ "exact": "/a", "rewrite": { "uriRegexRewrite": { "match": "a", "rewrite": "b" } } }),
            ".rewrite.uriRegexRewrite",
        ),
        (
            json!({ "exact": "/a", "corsPolicy": { "allowOrigins": [{ "regex": ".*" }] } }),
            ".corsPolicy.allowOrigins[0]",
        ),
    ] {
        let subsets = json!([{ "name": "v1", "labels": { "version": "v1" } }]);
        let mesh = document(
            &json!({ "routes": [route], "subsets": subsets }),
            &json!({}),
        );
        refused(&mesh, &[("FM1102", &at(path))]);
        let mut istio = mesh;
        istio.spec.gateway_api = None;
        assert_eq!(found(&istio), [], "Istio can");
    }
}

#[test]
fn the_more_specific_route_has_to_come_first() {
    let check = |routes: Value, overtaken: Option<usize>| {
        let mesh = self::routes(&routes);
        let place = overtaken.map(|index| format!("spec.services[0].routes[{index}]"));
        let expected: Vec<(&str, &str)> = place
            .iter()
            .map(|place| ("FM1103", place.as_str()))
            .collect();
        refused(&mesh, &expected);
    };
    let header = json!({ "x-version": { "exact": "two" } });
    let timeout = json!("1s");
    check(
        json!([{ "match": [{ "headers": header }], "timeout": timeout }, { "exact": "/a" }]),
        Some(1),
    );
    check(
        json!([{ "exact": "/a" }, { "match": [{ "headers": header }], "timeout": timeout }, { "prefix": "/" }]),
        None,
    );
    check(
        json!([{ "prefix": "/a", "timeout": timeout }, { "prefix": "/a/b" }]),
        Some(1),
    );
    check(
        json!([{ "prefix": "/a", "timeout": timeout }, { "prefix": "/ab" }, { "exact": "/c" }]),
        None,
    );
    check(
        json!([
            { "match": [{ "method": { "exact": "GET" } }], "timeout": timeout },
            { "match": [{ "uri": { "prefix": "/a" }, "method": { "exact": "POST" } }] },
        ]),
        None,
    );
    check(
        json!([{ "regex": "/a.*", "timeout": timeout }, { "prefix": "/" }]),
        Some(1),
    );
}

#[test]
fn grpc_is_told_by_service_and_method() {
    let grpc =
        |routes: Value| document(&json!({ "protocol": "grpc", "routes": routes }), &json!({}));
    let mesh = grpc(json!([
        { "exact": "/a.B/C" },
        { "match": [{ "uri": { "prefix": "/a.D/" }, "headers": { "x": { "exact": "y" } } }] },
    ]));
    assert_eq!(
        rules(&mesh, "GRPCRoute")[0]["matches"],
        json!([
            { "method": { "service": "a.B", "method": "C" } },
            { "method": { "service": "a.D" }, "headers": [{ "name": "x", "value": "y" }] },
        ])
    );
    let all = grpc(json!([{ "exact": "/a.B/C" }, { "prefix": "/" }]));
    assert_eq!(rules(&all, "GRPCRoute")[0]["matches"], Value::Null);
    for (route, path) in [
        (json!({ "exact": "/html" }), ".exact"),
        (json!({ "prefix": "/a.B/C" }), ".prefix"),
        (json!({ "regex": "/a.*" }), ".regex"),
        (
            json!({ "match": [{ "uri": { "regex": "/a.*" } }] }),
            ".match[0].uri",
        ),
        (json!({ "exact": "/a.B/C", "timeout": "1s" }), ".timeout"),
    ] {
        let mesh = grpc(json!([route]));
        refused(
            &mesh,
            &[("FM1102", &format!("spec.services[0].routes[0]{path}"))],
        );
        let as_http2 = document(
            &json!({ "protocol": "http2", "routes": [route] }),
            &json!({}),
        );
        assert_eq!(found(&as_http2), [], "the remedy helps");
    }
}

#[test]
fn what_is_newer_than_istio_is_told() {
    let ports =
        json!([{ "port": 1 }, { "port": 2, "protocol": "tls" }, { "port": 3, "protocol": "tcp" }]);
    let route = json!({ "exact": "/a", "corsPolicy": { "allowOrigins": [{ "exact": "https://a.example" }] } });
    let service = json!({ "ports": ports, "routes": [route] });
    let of = |istio: &str| document(&service, &json!({ "istio": istio }));
    let (api, tls, tcp, cors) = (
        ("FM1101", "spec.gatewayApi"),
        ("FM1101", "spec.services[0].ports[1].protocol"),
        ("FM1101", "spec.services[0].ports[2].protocol"),
        ("FM1101", "spec.services[0].routes[0].corsPolicy"),
    );
    refused(&of("1.31"), &[]);
    refused(&of("1.30"), &[tcp, cors]);
    refused(&of("1.29"), &[tls, tcp, cors]);
    refused(&of("1.25"), &[api, tls, tcp, cors]);
}

#[test]
fn mutual_tls_is_passed_on_by_istios_gateway_and_takes_no_newer_istio() {
    let service = json!({
        "ports": [{ "port": 1 }, { "port": 2, "protocol": "tls" }, { "port": 3, "protocol": "tcp" }],
        "transport": "mtls", "serviceAccount": "reviews",
    });
    let of = |more: &Value| {
        let mut mesh = document(&service, &json!({ "istio": "1.25" }));
        let more = more.as_array().unwrap().iter();
        let more = more.map(|one| serde_json::from_value(one.clone()).unwrap());
        mesh.spec.services.extend(more);
        mesh
    };
    let mutual = of(&json!([]));
    refused(&mutual, &[]);
    assert_eq!(objects(&mutual, GROUP, 0), BTreeMap::new());
    refused(
        &of(&json!([{ "name": "stock", "port": 9000, "protocol": "tcp" }])),
        &[
            ("FM1101", "spec.gatewayApi"),
            ("FM1101", "spec.services[1].protocol"),
        ],
    );
}

#[test]
fn a_route_has_no_more_names_and_rules_than_it_may() {
    let clusters: Vec<Value> = (0..12)
        .map(|n| json!({ "name": format!("c{n}"), "region": format!("r{n}"), "zone": "z" }))
        .collect();
    let paths: Vec<Value> = (0..150)
        .map(|n| json!({ "exact": format!("/{n}") }))
        .collect();
    let slow: Vec<Value> = (0..20)
        .map(|n| json!({ "exact": format!("/slow/{n}"), "timeout": format!("{}s", n + 1) }))
        .collect();
    let routes = [paths, slow].concat();
    let mesh = document(
        &json!({ "routes": routes }),
        &json!({ "clusters": clusters }),
    );
    let (mut hosts, mut matches) = (BTreeMap::new(), BTreeMap::new());
    let objects = objects(&mesh, GROUP, 3);
    for (id, object) in objects.iter().filter(|((kind, _), _)| kind == "HTTPRoute") {
        let spec = &object["spec"];
        let names = spec["hostnames"].as_array().unwrap();
        let rules = spec["rules"].as_array().unwrap();
        assert!(names.len() <= 16 && rules.len() <= 16, "{id:?}");
        let all = rules
            .iter()
            .flat_map(|rule| rule["matches"].as_array().unwrap());
        let all: Vec<&Value> = all.collect();
        assert!(all.len() <= 128, "{id:?}");
        for name in names {
            *hosts.entry(name.to_string()).or_insert(0) += 1;
            for one in &all {
                *matches
                    .entry((name.to_string(), one["path"].to_string()))
                    .or_insert(0) += 1;
            }
        }
    }
    // Global, 12 regions, 12 zones, each with every path once.
    assert_eq!(hosts.len(), 25);
    assert_eq!(matches.len(), 25 * 170);
    assert!(matches.values().all(|times| *times == 1));
}

#[test]
fn with_tls_the_listener_ends_it_and_plain_requests_are_led_on() {
    let tls = json!({ "transport": "tls", "tls": { "credentialName": "door" } });
    let mesh = document(&json!({}), &tls);
    let objects = objects(&mesh, GROUP, 0);
    let gateway = &objects[&("Gateway".to_owned(), "fedmesh-demo".to_owned())];
    let from = json!({ "namespaces": { "from": "Selector", "selector": { "matchExpressions": [
        { "key": "kubernetes.io/metadata.name", "operator": "In", "values": ["books"] },
    ] } } });
    assert_eq!(
        gateway["spec"],
        json!({
            "gatewayClassName": "istio",
            "addresses": [{ "type": "Hostname", "value": "istio-ingressgateway.istio-system.svc.cluster.local" }],
            "listeners": [
                { "name": "http", "port": 80, "protocol": "HTTP", "hostname": "*.mesh.example.com" },
                {
                    "name": "https", "port": 443, "protocol": "HTTPS", "hostname": "*.mesh.example.com",
                    "tls": { "mode": "Terminate", "certificateRefs": [{ "name": "door" }] }, "allowedRoutes": from,
                },
            ],
        })
    );
    let route = |name: &str| &objects[&("HTTPRoute".to_owned(), name.to_owned())]["spec"];
    assert_eq!(
        route("fedmesh-demo"),
        &json!({
            "parentRefs": [{ "name": "fedmesh-demo", "sectionName": "http" }],
            "rules": [{ "filters": [{ "type": "RequestRedirect", "requestRedirect": { "scheme": "https", "statusCode": 301 } }] }],
        })
    );
    assert_eq!(
        route("reviews")["parentRefs"],
        json!([{ "name": "fedmesh-demo", "namespace": "istio-system", "sectionName": "https" }])
    );
    let mut strict = tls;
    strict["tls"]["minVersion"] = json!("TLSV1_3");
    refused(
        &document(&json!({}), &strict),
        &[("FM1102", "spec.tls.minVersion")],
    );
}

#[test]
fn a_federation_has_one_kind_of_gateway() {
    let spec = json!({
        "target": "kubefed-v1beta1",
        "external": [{ "host": "a.example.org", "egressGateway": true }],
        "clusters": [{ "name": "north", "region": "r", "zone": "z", "egressGateway": {} }],
    });
    let mut mesh = document(&json!({}), &spec);
    assert!(found(&mesh).contains(&("FM1105".to_owned(), "spec.gatewayApi".to_owned())));
    mesh.spec.gateway_api = None;
    assert_eq!(
        found(&mesh)
            .iter()
            .filter(|(code, _)| code == "FM1105")
            .count(),
        0
    );
}

#[test]
fn services_are_exported_where_they_run_and_where_asked() {
    let spec = json!({
        "mcs": true,
        "services": [
            { "name": "a", "port": 1, "clusters": ["north"] },
            { "name": "b", "port": 1, "mcs": false },
        ],
    });
    let mesh = document(&json!({}), &spec);
    let exports = |cluster| {
        let objects = objects(&mesh, "multicluster.x-k8s.io", cluster);
        objects.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(exports(0), [("ServiceExport".to_owned(), "a".to_owned())]);
    assert_eq!(exports(1), []);
    let hints = check(&mesh, &Facts::default()).findings;
    assert!(
        hints
            .iter()
            .any(|one| one.code == "FM1121" && one.path == "spec.mcs")
    );
}
