//! Old versions of Istio: what is rendered for them, and what they lack.

use crate::support::{assert_is_complete, findings};
use crate::support::{bundle, mesh, specs};
use serde_json::{Value, json};
use shared::check::{Finding, Severity};

/// A service that runs in two clusters, with more fields.
fn document(istio: &str, fields: &Value) -> Value {
    let mut service = json!({ "name": "web", "port": 80, "failover": { "retry": true } });
    for (name, value) in fields.as_object().unwrap() {
        service[name] = value.clone();
    }
    json!({
        "apiVersion": "fedmesh.dev/v1alpha1", "kind": "Mesh", "metadata": { "name": "m" },
        "spec": {
            "istio": istio,
            "dns": { "suffix": "a.example" },
            "clusters": [
                { "name": "red", "region": "r1", "zone": "z1" },
                { "name": "blue", "region": "r2", "zone": "z2" },
            ],
            "services": [service],
        },
    })
}

const GLOBAL: &str = "web.default.external.svc.a.example";
/// What the global names of all services end in.
const ENDING: &str = "external.svc.a.example";

fn errors(document: &Value) -> Vec<Finding> {
    let mut found = findings(&mesh(document));
    found.retain(|finding| finding.severity == Severity::Error);
    found
}

#[test]
fn no_value_that_istio_allows_is_refused() {
    let simple = |value: &str| json!({ "trafficPolicy": { "loadBalancer": { "simple": value } } });
    for (istio, value) in [
        ("1.0", "LEAST_CONN"),
        ("1.31", "LEAST_CONN"),
        ("1.6", "LEAST_REQUEST"),
        ("1.31", "UNSPECIFIED"),
    ] {
        let found = errors(&document(istio, &simple(value)));
        assert!(found.is_empty(), "{value} with {istio}: {found:?}");
    }
    let found = errors(&document("1.5", &simple("LEAST_REQUEST")));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn fields_of_new_versions_are_refused_before_them() {
    let policy = |policy: Value| json!({ "trafficPolicy": policy });
    let hash =
        |cookie: Value| json!({ "loadBalancer": { "consistentHash": { "httpCookie": cookie } } });
    let attribute = json!({ "name": "SameSite", "value": "Strict" });
    for (before, since, fields) in [
        (
            "1.26",
            "1.27",
            policy(json!({ "retryBudget": { "percent": 20 } })),
        ),
        (
            "1.26",
            "1.27",
            policy(hash(json!({ "name": "c", "attributes": [attribute] }))),
        ),
        (
            "1.30",
            "1.31",
            policy(json!({ "connectionPool": { "http": { "http2KeepAlive":
                { "interval": "10s", "timeout": "5s" } } } })),
        ),
        (
            "1.30",
            "1.31",
            json!({ "failover": { "outlierDetection": { "outlierDetectionHttpErrorCodes": [429] } } }),
        ),
        (
            "1.30",
            "1.31",
            json!({ "routes": [{ "prefix": "/a/", "redirect": { "prefixRewrite": "/b/" } }] }),
        ),
    ] {
        let found = errors(&document(before, &fields));
        assert_eq!(found.len(), 1, "{fields}: {found:?}");
        let found = errors(&document(since, &fields));
        assert!(found.is_empty(), "{fields}: {found:?}");
    }
}

#[test]
fn conflicts_of_new_fields_are_found() {
    let attribute = json!({ "name": "SameSite" });
    let cookie = json!({ "name": "c", "attributes": [attribute, attribute] });
    for fields in [
        json!({ "routes": [{ "exact": "/a", "redirect": { "prefixRewrite": "/b" } }] }),
        json!({ "routes": [{ "match": [{ "uri": { "prefix": "/a" } }, { "uri": { "regex": "/c" } }],
            "redirect": { "prefixRewrite": "/b" } }] }),
        json!({ "routes": [{ "prefix": "/a", "redirect": { "uri": "/c", "prefixRewrite": "/b" } }] }),
        json!({ "trafficPolicy": { "loadBalancer": { "consistentHash": { "httpCookie": cookie } } } }),
        json!({ "trafficPolicy": { "connectionPool": { "http": { "http2KeepAlive": { "interval": "1s" } } } } }),
    ] {
        let found = errors(&document("1.31", &fields));
        assert_eq!(found.len(), 1, "{fields}: {found:?}");
    }
}

#[test]
fn a_rule_says_what_its_istio_reads() {
    let of_1_0 = json!({
        "connectionPool": { "tcp": { "connectTimeout": "2s" } },
        "outlierDetection": {
            "consecutiveErrors": 1, "interval": "1s", "baseEjectionTime": "10s", "maxEjectionPercent": 100,
        },
    });
    let before_1_5 = json!({
        "connectionPool": { "tcp": { "connectTimeout": "2s" } },
        "outlierDetection": {
            "consecutiveErrors": 1, "interval": "1s", "baseEjectionTime": "10s",
            "maxEjectionPercent": 100, "minHealthPercent": 1,
        },
    });
    let since_1_5 = json!({
        "connectionPool": { "tcp": { "connectTimeout": "2s" } },
        "loadBalancer": { "localityLbSetting": { "enabled": true } },
        "outlierDetection": {
            "consecutive5xxErrors": 0, "consecutiveGatewayErrors": 1, "interval": "1s",
            "baseEjectionTime": "10s", "maxEjectionPercent": 100, "minHealthPercent": 1,
        },
    });
    for (istio, api, policy, leaves) in [
        ("1.0", "v1alpha3", &of_1_0, Value::Null),
        ("1.1", "v1alpha3", &before_1_5, Value::Null),
        ("1.4", "v1alpha3", &before_1_5, Value::Null),
        ("1.5", "v1beta1", &since_1_5, true.into()),
        ("1.21", "v1beta1", &since_1_5, true.into()),
        ("1.22", "v1", &since_1_5, true.into()),
    ] {
        let document = document(istio, &json!({}));
        let bundle = bundle(&document);
        let mut objects = bundle.cluster("red").unwrap().objects();
        let rule = objects.find(|one| one.kind.kind == "DestinationRule");
        assert_eq!(rule.unwrap().kind.version, api, "{istio}");
        let rules = specs(&document, "red", "DestinationRule");
        assert_eq!(
            rules,
            [(
                format!("any.{ENDING}"),
                json!({ "host": format!("*.{ENDING}"), "trafficPolicy": policy })
            )]
            .into(),
            "{istio}"
        );
        let routes = &specs(&document, "red", "VirtualService")[GLOBAL];
        let retries = &routes["http"][0]["retries"];
        assert_eq!(retries["attempts"], 3, "{istio}");
        assert_eq!(retries["retryRemoteLocalities"], leaves, "{istio}");
    }
}

/// What is found in a document with a code.
fn with_code(document: &Value, code: &str) -> Vec<Finding> {
    let mut found = findings(&mesh(document));
    found.retain(|one| one.code == code);
    found
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
#[test]
fn a_field_is_refused_as_long_as_istio_lacks_it() {
    let route = |fields: Value| json!({ "routes": [fields] });
    let matches = |fields: Value| json!({ "routes": [{ "match": [{ "method": { "exact": "GET" } }, fields] }] });
    let policy = |fields: Value| json!({ "trafficPolicy": fields });
    let hash = |fields: Value| policy(json!({ "loadBalancer": { "consistentHash": fields } }));
    let detection =
        |fields: Value| json!({ "failover": { "retry": true, "outlierDetection": fields } });
    for (last_without, fields, path) in [
        (
            4,
            json!({ "locality": { "failover": [{ "to": "r2" }] } }),
            "locality",
        ),
        (6, json!({ "exportTo": ["shop"] }), "exportTo"),
        (
            0,
            route(json!({ "headers": { "request": { "set": { "y": "2" } } } })),
            "routes[0].headers",
        ),
        (
            0,
            route(json!({ "to": [{ "headers": { "response": { "remove": ["y"] } } }] })),
            "routes[0].to[0].headers",
        ),
        (
            0,
            route(
                json!({ "fault": { "delay": { "fixedDelay": "1s", "percentage": { "value": 1 } } } }),
            ),
            "routes[0].fault.delay.percentage",
        ),
        (
            0,
            route(
                json!({ "fault": { "abort": { "httpStatus": 503, "percentage": { "value": 1 } } } }),
            ),
            "routes[0].fault.abort.percentage",
        ),
        (
            0,
            route(json!({ "retries": { "attempts": 1, "retryOn": "reset" } })),
            "routes[0].retries.retryOn",
        ),
        (
            0,
            route(json!({ "retries": { "attempts": 0 } })),
            "routes[0].retries",
        ),
        (
            0,
            policy(json!({ "connectionPool": { "tcp": { "tcpKeepalive": { "probes": 9 } } } })),
            "trafficPolicy.connectionPool.tcp.tcpKeepalive",
        ),
        (
            0,
            policy(json!({ "connectionPool": { "http": { "idleTimeout": "9s" } } })),
            "trafficPolicy.connectionPool.http.idleTimeout",
        ),
        (
            0,
            detection(json!({ "minHealthPercent": 50 })),
            "failover.outlierDetection.minHealthPercent",
        ),
        (
            1,
            matches(json!({ "queryParams": { "q": { "exact": "1" } } })),
            "routes[0].match[1].queryParams",
        ),
        (
            2,
            matches(json!({ "uri": { "prefix": "/a" }, "ignoreUriCase": true })),
            "routes[0].match[1].ignoreUriCase",
        ),
        (
            4,
            matches(json!({ "withoutHeaders": { "x": {} } })),
            "routes[0].match[1].withoutHeaders",
        ),
        (
            2,
            route(json!({ "redirect": { "uri": "/", "redirectCode": 302 } })),
            "routes[0].redirect.redirectCode",
        ),
        (
            5,
            route(json!({ "redirect": { "port": 81 } })),
            "routes[0].redirect.port",
        ),
        (
            5,
            route(json!({ "redirect": { "derivePort": "FROM_REQUEST_PORT" } })),
            "routes[0].redirect.derivePort",
        ),
        (
            5,
            route(json!({ "redirect": { "scheme": "https" } })),
            "routes[0].redirect.scheme",
        ),
        (
            5,
            route(json!({ "directResponse": { "status": 204 } })),
            "routes[0].directResponse",
        ),
        (
            14,
            route(json!({ "fault": { "abort": { "grpcStatus": "UNAVAILABLE" } } })),
            "routes[0].fault.abort.grpcStatus",
        ),
        (
            5,
            route(json!({ "rewrite": { "uriRegexRewrite": { "match": "a", "rewrite": "b" } } })),
            "routes[0].rewrite.uriRegexRewrite",
        ),
        (
            4,
            route(json!({ "retries": { "attempts": 1, "retryRemoteLocalities": true } })),
            "routes[0].retries.retryRemoteLocalities",
        ),
        (
            25,
            route(json!({ "retries": { "attempts": 1, "backoff": "1s" } })),
            "routes[0].retries.backoff",
        ),
        (
            25,
            route(json!({ "retries": { "attempts": 1, "retryIgnorePreviousHosts": true } })),
            "routes[0].retries.retryIgnorePreviousHosts",
        ),
        (
            4,
            route(json!({ "mirror": { "host": "b.example" }, "mirrorPercentage": { "value": 1 } })),
            "routes[0].mirrorPercentage",
        ),
        (
            5,
            route(json!({ "mirrors": [{ "destination": { "host": "b.example" } }] })),
            "routes[0].mirrors",
        ),
        (
            4,
            route(json!({ "corsPolicy": { "allowOrigins": [{ "exact": "https://b.example" }] } })),
            "routes[0].corsPolicy.allowOrigins",
        ),
        (
            5,
            route(json!({ "corsPolicy": { "unmatchedPreflights": "IGNORE" } })),
            "routes[0].corsPolicy.unmatchedPreflights",
        ),
        (
            5,
            policy(json!({ "connectionPool": { "tcp": { "idleTimeout": "1s" } } })),
            "trafficPolicy.connectionPool.tcp.idleTimeout",
        ),
        (
            5,
            policy(json!({ "connectionPool": { "tcp": { "maxConnectionDuration": "1s" } } })),
            "trafficPolicy.connectionPool.tcp.maxConnectionDuration",
        ),
        (
            2,
            policy(json!({ "connectionPool": { "http": { "h2UpgradePolicy": "UPGRADE" } } })),
            "trafficPolicy.connectionPool.http.h2UpgradePolicy",
        ),
        (
            5,
            policy(json!({ "connectionPool": { "http": { "maxConcurrentStreams": 9 } } })),
            "trafficPolicy.connectionPool.http.maxConcurrentStreams",
        ),
        (
            5,
            policy(json!({ "connectionPool": { "http": { "useClientProtocol": true } } })),
            "trafficPolicy.connectionPool.http.useClientProtocol",
        ),
        (
            5,
            policy(json!({ "loadBalancer": { "simple": "LEAST_REQUEST" } })),
            "trafficPolicy.loadBalancer.simple",
        ),
        (
            4,
            hash(json!({ "httpQueryParameterName": "q" })),
            "trafficPolicy.loadBalancer.consistentHash.httpQueryParameterName",
        ),
        (
            5,
            hash(json!({ "useSourceIp": true, "ringHash": { "minimumRingSize": 9 } })),
            "trafficPolicy.loadBalancer.consistentHash.ringHash",
        ),
        (
            5,
            hash(json!({ "useSourceIp": true, "maglev": { "tableSize": 7 } })),
            "trafficPolicy.loadBalancer.consistentHash.maglev",
        ),
        (
            5,
            policy(
                json!({ "loadBalancer": { "simple": "ROUND_ROBIN", "warmup": { "duration": "1s" } } }),
            ),
            "trafficPolicy.loadBalancer.warmup",
        ),
        (
            4,
            json!({ "subsets": [{ "name": "v1", "labels": { "version": "v1" },
                "trafficPolicy": { "outlierDetection": { "consecutiveGatewayErrors": 5 } } }] }),
            "subsets[0].trafficPolicy.outlierDetection.consecutiveGatewayErrors",
        ),
        (
            4,
            detection(json!({ "consecutive5xxErrors": 5 })),
            "failover.outlierDetection.consecutive5xxErrors",
        ),
        (
            5,
            detection(
                json!({ "splitExternalLocalOriginErrors": true, "consecutiveLocalOriginFailures": 5 }),
            ),
            "failover.outlierDetection.consecutiveLocalOriginFailures",
        ),
        (
            5,
            detection(json!({ "splitExternalLocalOriginErrors": true })),
            "failover.outlierDetection.splitExternalLocalOriginErrors",
        ),
    ] {
        let path = format!("spec.services[0].{path}");
        let told = |minor: u16| {
            let found = with_code(&document(&format!("1.{minor}"), &fields), "FM0502");
            found.into_iter().find(|one| one.path == path)
        };
        let error = told(last_without).unwrap_or_else(|| panic!("{path} of 1.{last_without}"));
        assert_eq!(error.severity, Severity::Error);
        assert_is_complete(&error);
        assert!(told(0).is_some(), "{path}");
        assert_eq!(told(last_without + 1), None, "{path}");
    }
}

#[test]
fn what_older_versions_have_is_taken() {
    let fields = json!({
        "routes": [{
            "match": [{ "uri": { "prefix": "/a" }, "headers": { "x": { "exact": "1" } } }],
            "to": [{ "subset": "v1", "weight": 60 }, { "subset": "v2", "weight": 40 }],
            "rewrite": { "uri": "/b" }, "timeout": "3s", "headers": { "request": { "set": { "y": "2" } } },
            "fault": { "delay": { "fixedDelay": "1s", "percentage": { "value": 1 } } },
        }],
        "subsets": [
            { "name": "v1", "labels": { "version": "v1" } },
            { "name": "v2", "labels": { "version": "v2" } },
        ],
        "trafficPolicy": {
            "connectionPool": { "http": { "http1MaxPendingRequests": 9, "idleTimeout": "9s" } },
            "loadBalancer": { "simple": "ROUND_ROBIN" },
            "outlierDetection": { "interval": "9s" },
        },
        "failover": { "retry": true, "outlierDetection": { "baseEjectionTime": "30s" } },
    });
    let document = document("1.1", &fields);
    assert_eq!(with_code(&document, "FM0502"), []);
    let rule = &specs(&document, "red", "DestinationRule")[GLOBAL];
    let detection = &rule["trafficPolicy"]["outlierDetection"];
    assert_eq!(detection["baseEjectionTime"], "30s");
    assert_eq!(detection["consecutiveErrors"], 1);
}

#[test]
fn whether_near_clusters_come_first_is_then_a_setting_of_the_mesh() {
    for (istio, clusters, expected) in [
        ("1.4", json!(["red", "blue"]), 1),
        ("1.4", json!(["red"]), 0),
        ("1.5", json!(["red", "blue"]), 0),
    ] {
        let document = document(istio, &json!({ "clusters": clusters }));
        let told = with_code(&document, "FM0427");
        assert_eq!(told.len(), expected, "{istio}");
        for one in told {
            assert_eq!(
                (one.severity, one.path.as_str()),
                (Severity::Warning, "spec.istio")
            );
            assert_is_complete(&one);
        }
    }
    let locality = json!({ "failover": [{ "to": "r2" }] });
    let mut document = document("1.4", &json!({}));
    document["spec"]["locality"] = locality;
    let told = with_code(&document, "FM0502");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].path, "spec.locality");
}

#[test]
fn versions_before_the_oldest_are_refused() {
    for istio in ["0.8", "0.8.1"] {
        let told = with_code(&document(istio, &json!({})), "FM0502");
        assert_eq!(told.len(), 1, "{istio}");
        assert_eq!(told[0].path, "spec.istio");
        assert_is_complete(&told[0]);
    }
    for istio in ["1.0", "1.0.9"] {
        assert_eq!(with_code(&document(istio, &json!({})), "FM0502"), []);
    }
}
