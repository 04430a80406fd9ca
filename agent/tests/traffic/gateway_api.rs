//! Gateways that are told by the Gateway API: the same names, the same clusters, and routes in its words.

use serde_json::{Value, json};
use shared::verify::{Family, Outcome};
use testbed::CrdSet;

use crate::bed::{Bed, CLUSTERS, GLOBAL, ZONE, eventually, failed};
use crate::routes::{curl, other_origins, shares_and_copies, status, two_versions, url};
use crate::{protocols, tls};

/// The API's own definitions, which every cluster has from here on.
fn define(bed: &Bed) {
    let files = CrdSet::GatewayApi.files().unwrap();
    let files: Vec<String> = files
        .iter()
        .map(|file| format!("--filename={}", file.display()))
        .collect();
    let mut arguments = vec!["apply", "--server-side"];
    arguments.extend(files.iter().map(String::as_str));
    for (context, ..) in CLUSTERS {
        bed.kubectl(context, &arguments);
        let wait = ["wait", "crd", "--all", "--for=condition=Established"];
        bed.kubectl(context, &wait);
    }
}

/// Two versions, each behind a Service of its own.
fn stock() -> Value {
    let mut all = two_versions();
    let items = all["items"].as_array_mut().unwrap();
    let whole = items[0].clone();
    for version in ["v1", "v2"] {
        let mut service = whole.clone();
        service["metadata"]["name"] = format!("stock-{version}").into();
        service["spec"]["selector"]["version"] = version.into();
        items.push(service);
    }
    all
}

fn with_gateway_api(mut document: Value) -> Value {
    document["spec"]["gatewayApi"] = json!(true);
    document["spec"]["istio"] = json!("1.31");
    document
}

fn document(bed: &Bed) -> Value {
    let mut document = with_gateway_api(bed.document());
    document["spec"]["services"].as_array_mut().unwrap().push(json!({
        "name": "stock", "port": 9000, "clusters": ["cluster1"],
        "probe": {"path": "/get", "status": 200},
        "routes": [
            {"exact": "/old", "redirect": {"uri": "/new", "redirectCode": 308}},
            {"exact": "/slow", "rewrite": {"uri": "/delay/5"}, "timeout": "500ms"},
            {"exact": "/anything/copied", "to": [{"service": "stock-v1"}],
             "mirror": {"host": "stock-v2", "port": {"number": 9000}}},
            {"exact": "/cors", "rewrite": {"uri": "/get"},
             "corsPolicy": {"allowOrigins": [{"exact": "https://shop.example.com"}], "allowMethods": ["GET"], "maxAge": "1h"}},
            {"exact": "/headers", "headers": {"request": {"set": {"x-from": "the gateway"}}}},
            {"match": [{"headers": {"x-version": {"exact": "two"}}, "uri": {"exact": "/hostname"}}],
             "to": [{"service": "stock-v2"}]},
            {"prefix": "/baskets", "rewrite": {"uri": "/anything/cart"}},
            {"prefix": "/", "to": [{"service": "stock-v1", "weight": 70}, {"service": "stock-v2", "weight": 30}]},
        ],
    }));
    let mut rpc = protocols::service("rpc");
    rpc["routes"] = json!([{"exact": protocols::METHOD}]);
    let services = document["spec"]["services"].as_array_mut().unwrap();
    services.extend([rpc, protocols::service("vault")]);
    document
}

#[test]
#[ignore = "in the long run"]
fn every_name_answers_and_requests_fare_as_the_routes_say() {
    let bed = Bed::take();
    define(&bed);
    let stock = stock();
    bed.kubectl_apply("cluster1", &stock);
    let document = document(&bed);
    bed.apply(&document);
    protocols::start(&bed);
    protocols::wait(&bed);
    let report = bed.verified(&document);
    let accepted = report.checks.iter();
    let accepted = accepted.filter(|check| check.expected == "accepted by Istio");
    assert_eq!(accepted.count(), CLUSTERS.len());

    let gateways = ["get", "deployments", "--all-namespaces", "-o=name"];
    let deployments = bed.kubectl("cluster1", &gateways);
    assert!(
        !deployments.contains("fedmesh"),
        "no second gateway: {deployments}"
    );
    as_the_routes_say(&bed);
    protocols::agree(&bed, &document);
    only_the_method_of_the_route(&bed);
    calls_leave_a_cluster_that_fails(&bed);

    let authority = bed.mesh.authority();
    for (context, ..) in CLUSTERS {
        bed.open_gateway(context, tls::BYTES);
        if context != "cluster2" {
            tls::put_certificate(&bed, context, authority, &tls::names());
        }
    }
    let in_tls = with_gateway_api(tls::document(&bed));
    bed.apply(&in_tls);
    protocols::stop(&bed);
    named(&bed, &in_tls, "cluster2");
    tls::put_certificate(&bed, "cluster2", authority, &tls::names());
    bed.verified(&in_tls);
    tls::bytes_pass_and_plain_requests_are_led_on(&bed);

    bed.remove(&in_tls);
    for (context, ..) in CLUSTERS {
        tls::take_certificate(&bed, context);
        bed.close_gateway(context, tls::BYTES);
    }
    bed.mesh
        .kubectl()
        .run_with_input("cluster1", &["delete", "-f", "-"], &stock.to_string())
        .unwrap();
}

/// Waits until a verification says that a cluster's Gateway is not accepted, and why in Istio's words.
fn named(bed: &Bed, document: &Value, cluster: &str) {
    eventually("a Gateway without its Secret", || {
        let report = bed.verify(document, &["--timeout", "3s"]);
        let found = report.checks.iter().any(|check| {
            let cause = check.cause.as_ref();
            check.family == Family::Objects
                && check.cluster == cluster
                && check.outcome == Outcome::Failed
                && cause.is_some_and(|cause| {
                    cause.code == "not-accepted"
                        && cause.message.contains("listener https: ResolvedRefs")
                        && cause.hint.starts_with("InvalidCertificateRef: ")
                })
        });
        found
            .then_some(())
            .ok_or_else(|| failed(&report).join("\n"))
    });
}

/// The gateway marks what it lets through, and answers other methods itself.
fn only_the_method_of_the_route(bed: &Bed) {
    let is_let_through = |method: &str| {
        let url = format!("http://rpc.default.external.svc.{ZONE}{method}");
        let headers = ["-H", "te: trailers", "-H", "content-type: application/grpc"];
        let call = [
            "--http2-prior-knowledge",
            "--data-binary",
            "",
            "-o",
            "/dev/null",
            "-D",
            "-",
            &url,
        ];
        let answer = curl(bed, &[&headers[..], &call].concat());
        assert!(answer.starts_with("HTTP/2 200"), "{answer}");
        answer.contains("x-fedmesh-cluster: ")
    };
    assert!(is_let_through(protocols::METHOD));
    assert!(!is_let_through("/grpc.health.v1.Health/List"));
}

fn as_the_routes_say(bed: &Bed) {
    let format = "%{http_code} %{redirect_url}";
    let moved = curl(bed, &["-o", "/dev/null", "-w", format, &url("/old")]);
    assert_eq!(moved, format!("308 {}", url("/new")));

    let (slow, time) = status(bed, "/slow");
    assert!(
        slow == "504" && (0.4..4.0).contains(&time),
        "{slow} after {time} s"
    );

    let asked: Value = serde_json::from_str(&curl(bed, &[&url("/baskets/7")])).unwrap();
    let seen = asked["url"].as_str().unwrap();
    assert!(seen.ends_with("/anything/cart/7"), "{asked}");
    let headers: Value = serde_json::from_str(&curl(bed, &[&url("/headers")])).unwrap();
    assert_eq!(headers["headers"]["X-From"][0], "the gateway", "{headers}");
    other_origins(bed);
    shares_and_copies(bed);
}

fn calls_leave_a_cluster_that_fails(bed: &Bed) {
    let call = || bed.call("cluster1", &format!("http://{GLOBAL}/get"));
    assert_eq!(call(), ("200".to_owned(), "cluster1".to_owned()));
    bed.scale("cluster1", ("default", "httpbin"), 0);
    eventually("another cluster answers", || {
        let seen = call();
        let good = seen.0 == "200" && seen.1 == "cluster2";
        good.then_some(()).ok_or_else(|| format!("{seen:?}"))
    });
    bed.scale("cluster1", ("default", "httpbin"), 1);
}
