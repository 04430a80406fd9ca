//! Routes, subsets and policies: what is passed on to Istio, and what is refused.

use serde_json::{Value, json};
use shared::check::Severity;
use shared::facts::Facts;
use shared::render::render;
use shared::{Mesh, check};

const SUBSETS: &str =
    r#"[{"name":"v1","labels":{"version":"v1"}},{"name":"v3","labels":{"version":"v3"}}]"#;

fn document(service: &Value) -> Mesh {
    let mut document = json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": { "name": "demo" },
        "spec": {
            "dns": { "suffix": "mesh.example.com" },
            "clusters": [
                { "name": "north", "region": "r1", "zone": "z1", "labels": { "tier": "gold" } },
                { "name": "south", "region": "r2", "zone": "z2", "labels": { "tier": "tin" } },
            ],
            "services": [{
                "name": "reviews", "namespace": "books", "port": 9080, "failover": { "retry": true },
                "subsets": serde_json::from_str::<Value>(SUBSETS).unwrap(),
            }],
        },
    });
    let fields = document["spec"]["services"][0].as_object_mut().unwrap();
    fields.extend(service.as_object().unwrap().clone());
    serde_json::from_value(document).unwrap()
}

fn routes(routes: &Value) -> Mesh {
    document(&json!({ "routes": routes }))
}

/// Codes with their places, without hints.
fn found(mesh: &Mesh) -> Vec<(String, String)> {
    check(mesh, &Facts::default())
        .findings
        .into_iter()
        .filter(|finding| finding.severity != Severity::Hint && finding.code != "FM0208")
        .map(|finding| (finding.code, finding.path))
        .collect()
}

#[track_caller]
fn refused(mesh: &Mesh, code: &str, path: &str) {
    assert_eq!(
        found(mesh),
        [(code.to_owned(), format!("spec.services[0].{path}"))]
    );
}

/// The first object of a kind with a name, as the first cluster gets it.
#[track_caller]
fn object(mesh: &Mesh, kind: &str, name: &str) -> Value {
    let checked = check(mesh, &Facts::default());
    let resolved = checked
        .resolved
        .unwrap_or_else(|| panic!("{:#?}", checked.findings));
    let placed = render(&resolved);
    let one = placed
        .iter()
        .find(|one| one.template.kind.kind == kind && one.template.name == name)
        .unwrap_or_else(|| panic!("there is no {kind} {name}"));
    Value::Object(one.in_cluster(one.clusters[0]).unwrap().body)
}

fn http(mesh: &Mesh) -> Value {
    object(mesh, "VirtualService", "reviews")["spec"]["http"].clone()
}

fn destination(subset: Option<&str>) -> Value {
    let mut destination =
        json!({ "host": "reviews.books.svc.cluster.local", "port": { "number": 9080 } });
    if let Some(subset) = subset {
        destination["subset"] = subset.into();
    }
    destination
}

fn answer() -> Value {
    json!({ "response": { "set": { "x-fedmesh-cluster": "north" } } })
}

#[test]
fn paths_to_which_the_same_happens_are_one_route() {
    let mesh = routes(&json!([
        { "exact": "/a" }, { "prefix": "/b/" }, { "regex": "/c[0-9]+" },
        { "prefix": "/slow/", "timeout": "3s" },
        { "prefix": "/" },
    ]));
    let to = json!([{ "destination": destination(None) }]);
    assert_eq!(
        http(&mesh),
        json!([
            {
                "match": [{ "uri": { "exact": "/a" } }, { "uri": { "prefix": "/b/" } }, { "uri": { "regex": "/c[0-9]+" } }],
                "route": to, "headers": answer(),
            },
            { "match": [{ "uri": { "prefix": "/slow/" } }], "route": to, "timeout": "3s", "headers": answer() },
            { "match": [{ "uri": { "prefix": "/" } }], "route": to, "headers": answer() },
        ])
    );
}

#[test]
fn a_route_that_takes_all_requests_goes_on_taking_them() {
    let mesh = routes(&json!([{ "timeout": "1s" }, { "exact": "/a", "timeout": "1s" }]));
    let http = http(&mesh);
    assert!(http[0].get("match").is_none(), "{http}");
    assert_eq!(http[1]["match"], json!([{ "uri": { "exact": "/a" } }]));
}

#[test]
fn what_happens_to_requests_is_passed_on() {
    let action = json!({
        "match": [{
            "uri": { "prefix": "/" }, "headers": { "end-user": { "exact": "jason" }, "x-any": {} },
            "method": { "exact": "GET" }, "queryParams": { "v": { "regex": "[0-9]+" } },
        }],
        "rewrite": { "uri": "/new" },
        "timeout": "1.5s",
        "retries": { "attempts": 2, "perTryTimeout": "500ms", "retryOn": "5xx" },
        "fault": { "delay": { "percentage": { "value": 0.5 }, "fixedDelay": "2s" } },
        "corsPolicy": { "allowOrigins": [{ "exact": "https://a.example" }], "maxAge": "24h" },
        "headers": { "request": { "add": { "x-from": "gateway" } }, "response": { "set": { "x-a": "b" }, "remove": ["x-c"] } },
    });
    let mesh = routes(&json!([action]));
    assert_eq!(found(&mesh), []);
    let mut desired = action;
    desired["route"] = json!([{ "destination": destination(None) }]);
    desired["headers"]["response"]["set"]["x-fedmesh-cluster"] = "north".into();
    assert_eq!(http(&mesh), json!([desired]));
}

#[test]
fn subsets_share_requests() {
    let mesh = routes(&json!([
        { "match": [{ "headers": { "end-user": { "exact": "jason" } } }], "to": [{ "subset": "v3" }],
          "mirror": { "subset": "v1" }, "mirrorPercentage": { "value": 10 } },
        { "to": [{ "subset": "v1", "weight": 90 }, { "subset": "v3", "weight": 10 }] },
    ]));
    assert_eq!(found(&mesh), []);
    let http = http(&mesh);
    assert_eq!(
        http[0]["route"],
        json!([{ "destination": destination(Some("v3")) }])
    );
    assert_eq!(http[0]["mirror"], destination(Some("v1")));
    assert_eq!(
        http[1]["route"],
        json!([
            { "destination": destination(Some("v1")), "weight": 90 },
            { "destination": destination(Some("v3")), "weight": 10 },
        ])
    );
    let rule = object(&mesh, "DestinationRule", "reviews");
    assert_eq!(rule["spec"]["host"], "reviews.books.svc.cluster.local");
    assert_eq!(
        rule["spec"]["subsets"],
        serde_json::from_str::<Value>(SUBSETS).unwrap()
    );
}

#[test]
fn a_redirect_goes_nowhere_else() {
    let mesh = routes(&json!([
        { "exact": "/old", "redirect": { "uri": "/new", "redirectCode": 302 } },
        { "exact": "/down", "directResponse": { "status": 503, "body": { "string": "later" } } },
    ]));
    assert_eq!(found(&mesh), []);
    let http = http(&mesh);
    assert_eq!(
        http[0]["redirect"],
        json!({ "uri": "/new", "redirectCode": 302 })
    );
    assert!(
        http[0].get("route").is_none() && http[1].get("route").is_none(),
        "{http}"
    );
}

#[test]
fn slips_are_found_where_they_are() {
    for (route, code, path) in [
        (json!({ "exat": "/a" }), "FM0409", "routes[0].exat"),
        (
            json!({ "exact": "/a", "timeout": 3 }),
            "FM0410",
            "routes[0].timeout",
        ),
        (
            json!({ "exact": "/a", "timeout": "3 s" }),
            "FM0410",
            "routes[0].timeout",
        ),
        (json!({ "exact": 7 }), "FM0410", "routes[0].exact"),
        (json!({ "exact": "a" }), "FM0403", "routes[0]"),
        (json!({ "regex": "(?!a)" }), "FM0411", "routes[0].regex"),
        (
            json!({ "exact": "/a", "prefix": "/b" }),
            "FM0412",
            "routes[0]",
        ),
        (json!({ "exact": "/a", "match": [] }), "FM0412", "routes[0]"),
        (json!({ "match": {} }), "FM0410", "routes[0].match"),
        (
            json!({ "match": [{ "uri": { "exact": "/a", "prefix": "/b" } }] }),
            "FM0410",
            "routes[0].match[0].uri",
        ),
        (
            json!({ "match": [{ "uri": { "regex": "*a" } }] }),
            "FM0411",
            "routes[0].match[0].uri.regex",
        ),
        (
            json!({ "match": [{ "uri": {} }] }),
            "FM0410",
            "routes[0].match[0].uri",
        ),
        (
            json!({ "match": [{ "port": 80 }] }),
            "FM0409",
            "routes[0].match[0].port",
        ),
        (
            json!({ "to": [{ "subset": "v2" }] }),
            "FM0414",
            "routes[0].to[0].subset",
        ),
        (
            json!({ "to": [{ "subset": "v1", "weight": 90 }, { "subset": "v3" }] }),
            "FM0413",
            "routes[0].to",
        ),
        (
            json!({ "to": [{ "subset": "v1" }], "redirect": { "uri": "/x" } }),
            "FM0412",
            "routes[0]",
        ),
        (
            json!({ "mirror": { "subset": "v9" } }),
            "FM0414",
            "routes[0].mirror.subset",
        ),
        (json!({ "mirror": {} }), "FM0412", "routes[0].mirror"),
        (
            json!({ "fault": { "delay": { "percentage": { "value": 101 } } } }),
            "FM0410",
            "routes[0].fault.delay.percentage.value",
        ),
        (
            json!({ "headers": { "request": { "set": { "x": 1 } } } }),
            "FM0410",
            "routes[0].headers.request.set.x",
        ),
        (
            json!({ "corsPolicy": { "unmatchedPreflights": "NO" } }),
            "FM0410",
            "routes[0].corsPolicy.unmatchedPreflights",
        ),
    ] {
        refused(&routes(&json!([route])), code, path);
    }
}

#[test]
fn what_istio_refuses_although_it_reads_each_value_is_found_before() {
    for (route, path) in [
        (
            json!({ "redirect": { "uri": "/x" }, "rewrite": { "uri": "/y" } }),
            "",
        ),
        (
            json!({ "directResponse": { "status": 200 }, "fault": { "abort": { "httpStatus": 500 } } }),
            "",
        ),
        (
            json!({ "mirror": { "subset": "v1" }, "mirrors": [{ "destination": { "subset": "v3" } }] }),
            "",
        ),
        (json!({ "redirect": { "redirectCode": 301 } }), ".redirect"),
        (
            json!({ "redirect": { "port": 80, "derivePort": "FROM_REQUEST_PORT" } }),
            ".redirect",
        ),
        (
            json!({ "directResponse": { "body": { "string": "a" } } }),
            ".directResponse",
        ),
        (
            json!({ "rewrite": { "uri": "/a", "uriRegexRewrite": { "match": "a", "rewrite": "b" } } }),
            ".rewrite",
        ),
        (
            json!({ "rewrite": { "uriRegexRewrite": { "match": "a" } } }),
            ".rewrite.uriRegexRewrite",
        ),
        (json!({ "fault": {} }), ".fault"),
        (
            json!({ "fault": { "abort": { "httpStatus": 500, "grpcStatus": "INTERNAL" } } }),
            ".fault.abort",
        ),
        (json!({ "retries": { "retryOn": "5xx" } }), ".retries"),
        (
            json!({ "match": [{ "headers": { "x user": {} } }] }),
            ".match[0].headers",
        ),
        (
            json!({ "headers": { "response": { "set": { "host": "a" } } } }),
            ".headers.response.set",
        ),
        (
            json!({ "headers": { "request": { "set": { ":path": "/" } } } }),
            ".headers.request.set",
        ),
        (
            json!({ "rewrite": { "authority": "a" }, "headers": { "request": { "set": { "Host": "b" } } } }),
            ".headers.request",
        ),
    ] {
        refused(
            &routes(&json!([route])),
            "FM0418",
            &format!("routes[0]{path}"),
        );
    }
    for (policy, path) in [
        (json!({}), ""),
        (json!({ "connectionPool": {} }), ".connectionPool"),
        (
            json!({ "connectionPool": { "http": { "useClientProtocol": true, "h2UpgradePolicy": "UPGRADE" } } }),
            ".connectionPool.http",
        ),
        (
            json!({ "loadBalancer": { "simple": "RANDOM", "consistentHash": { "useSourceIp": true } } }),
            ".loadBalancer",
        ),
        (
            json!({ "loadBalancer": { "consistentHash": { "httpCookie": { "ttl": "1s" } } } }),
            ".loadBalancer.consistentHash.httpCookie",
        ),
        (
            json!({ "loadBalancer": { "warmup": {} } }),
            ".loadBalancer.warmup",
        ),
        (
            json!({ "outlierDetection": { "consecutiveLocalOriginFailures": 3 } }),
            ".outlierDetection",
        ),
    ] {
        let mesh = document(&json!({ "trafficPolicy": policy }));
        refused(&mesh, "FM0418", &format!("trafficPolicy{path}"));
    }
}

#[test]
fn values_that_istio_does_not_read_are_found_before() {
    for (route, path) in [
        (
            json!({ "redirect": { "uri": "/x", "redirectCode": 200 } }),
            "redirect.redirectCode",
        ),
        (
            json!({ "redirect": { "scheme": "ftp" } }),
            "redirect.scheme",
        ),
        (
            json!({ "retries": { "attempts": 1, "retryOn": "5xx, reset" } }),
            "retries.retryOn",
        ),
        (
            json!({ "fault": { "abort": { "grpcStatus": "14" } } }),
            "fault.abort.grpcStatus",
        ),
        (
            json!({ "corsPolicy": { "maxAge": "500ms" } }),
            "corsPolicy.maxAge",
        ),
        (
            json!({ "corsPolicy": { "allowMethods": ["get"] } }),
            "corsPolicy.allowMethods[0]",
        ),
        (
            json!({ "headers": { "request": { "remove": ["x user"] } } }),
            "headers.request.remove[0]",
        ),
        (
            json!({ "headers": { "response": { "set": { "x": "100%" } } } }),
            "headers.response.set.x",
        ),
        (json!({ "mirror": { "host": "a b" } }), "mirror.host"),
        (
            json!({ "directResponse": { "status": 200, "body": { "bytes": "%" } } }),
            "directResponse.body.bytes",
        ),
        (
            json!({ "mirror": { "subset": "v1" }, "mirrorPercentage": { "value": 0.00001 } }),
            "mirrorPercentage.value",
        ),
    ] {
        let found = found(&routes(&json!([route])));
        let path = format!("spec.services[0].routes[0].{path}");
        assert!(
            found.contains(&("FM0410".to_owned(), path.clone())),
            "{path}: {found:?}"
        );
    }
    for (policy, path) in [
        (
            json!({ "loadBalancer": { "consistentHash": { "useSourceIp": true, "maglev": { "tableSize": 100 } } } }),
            "loadBalancer.consistentHash.maglev.tableSize",
        ),
        (
            json!({ "outlierDetection": { "maxEjectionPercent": 12.5 } }),
            "outlierDetection.maxEjectionPercent",
        ),
    ] {
        let mesh = document(&json!({ "trafficPolicy": policy }));
        refused(&mesh, "FM0410", &format!("trafficPolicy.{path}"));
    }
    refused(
        &document(&json!({ "exportTo": ["books", "books"] })),
        "FM0103",
        "exportTo[1]",
    );
}

#[test]
fn slips_beside_routes_are_found_where_they_are() {
    for (service, code, path) in [
        (
            json!({ "subsets": [{ "name": "v1", "labels": {} }] }),
            "FM0104",
            "subsets[0].labels",
        ),
        (
            json!({ "subsets": [{ "labels": { "a": "b" } }] }),
            "FM0104",
            "subsets[0].name",
        ),
        (
            json!({ "subsets": [{ "name": "v1", "labels": { "a": "1" } }, { "name": "v1", "labels": { "a": "2" } }] }),
            "FM0103",
            "subsets[1].name",
        ),
        (
            json!({ "trafficPolicy": { "tls": { "mode": "SIMPLE" } } }),
            "FM0409",
            "trafficPolicy.tls",
        ),
        (
            json!({ "trafficPolicy": { "connectionPool": 3 } }),
            "FM0410",
            "trafficPolicy.connectionPool",
        ),
        (json!({ "exportTo": ["Books"] }), "FM0101", "exportTo[0]"),
        (
            json!({ "clusterSelector": { "tier": "lead" } }),
            "FM0402",
            "clusterSelector",
        ),
        (
            json!({ "clusterSelector": { "tier": "tin" }, "clusters": ["north"] }),
            "FM0416",
            "clusterSelector",
        ),
        (
            json!({ "failover": { "retry": true, "outlierDetection": { "interval": "x" } } }),
            "FM0410",
            "failover.outlierDetection.interval",
        ),
        (
            json!({ "failover": { "retry": true, "outlierDetection": { "maxEjectionPercent": 50 } } }),
            "FM0417",
            "failover.outlierDetection.maxEjectionPercent",
        ),
        (
            json!({ "failover": { "retry": true, "outlierDetection": { "consecutiveGatewayErrors": 0 } } }),
            "FM0417",
            "failover.outlierDetection.consecutiveGatewayErrors",
        ),
    ] {
        refused(&document(&service), code, path);
    }
}

#[test]
fn routes_that_no_request_gets_to_are_told() {
    for (given, index) in [
        (json!([{ "prefix": "/" }, { "exact": "/a" }]), 1),
        (json!([{ "timeout": "1s" }, { "exact": "/a" }]), 1),
        (
            json!([{ "exact": "/a", "timeout": "1s" }, { "exact": "/b" }, { "exact": "/a" }]),
            2,
        ),
    ] {
        let path = format!("spec.services[0].routes[{index}]");
        assert_eq!(found(&routes(&given)), [("FM0415".to_owned(), path)]);
    }
}

#[test]
fn policies_are_passed_on() {
    let pool = json!({ "connectionPool": { "http": { "http1MaxPendingRequests": 1, "maxRequestsPerConnection": 1 } } });
    let mesh = document(&json!({
        "trafficPolicy": pool,
        "exportTo": ["shop", "books"],
        "failover": { "retry": false, "connectTimeout": "700ms", "outlierDetection": { "baseEjectionTime": "30s", "consecutive5xxErrors": 5 } },
    }));
    assert_eq!(found(&mesh), []);
    assert_eq!(
        object(&mesh, "DestinationRule", "reviews")["spec"]["trafficPolicy"],
        pool
    );
    let global = "reviews.books.external.svc.mesh.example.com";
    let rule = object(&mesh, "DestinationRule", global);
    let pool = &rule["spec"]["trafficPolicy"]["connectionPool"];
    assert_eq!(*pool, json!({ "tcp": { "connectTimeout": "700ms" } }));
    let detection = &rule["spec"]["trafficPolicy"]["outlierDetection"];
    assert_eq!(detection["baseEjectionTime"], "30s");
    assert_eq!(detection["consecutive5xxErrors"], 5);
    assert_eq!(
        detection["maxEjectionPercent"], 100,
        "what is not changed stays"
    );
    for kind in ["DestinationRule", "ServiceEntry", "VirtualService"] {
        assert_eq!(
            object(&mesh, kind, global)["spec"]["exportTo"],
            json!(["shop", "books"])
        );
    }
    assert!(
        object(&mesh, "VirtualService", "reviews")["spec"]
            .get("exportTo")
            .is_none()
    );
}

#[test]
fn clusters_are_selected_by_labels() {
    let mesh = document(&json!({ "clusterSelector": { "tier": "tin" } }));
    let resolved = check(&mesh, &Facts::default()).resolved.unwrap();
    assert_eq!(resolved.services[0].clusters, [1]);
}
