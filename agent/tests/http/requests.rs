//! Requests to the API: rejected, and handled.

use fedmesh_agent::operation::Operations;
use serde_json::{Value, json};
use shared::mesh::{Service, Transport};

use crate::support::{
    Change, HOST, TestServer, With, Without, dead_kubeconfig, mesh, plan_request,
};

#[tokio::test]
async fn invalid_bodies_are_rejected() {
    let server = TestServer::new();
    let good = plan_request(&mesh()).to_string();
    let with = |name: &str, value: Value| {
        let mut request = plan_request(&mesh());
        request[name] = value;
        request.to_string()
    };
    let mut unknown_deep = plan_request(&mesh());
    unknown_deep["mesh"]["spec"]["clusters"][0]["kubeconfig"] = json!("/etc/passwd");
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let deep_mesh = format!("{{\"mesh\":{deep}}}");
    let large = format!("{{\"mesh\": \"{}\"}}", "x".repeat(9 * 1024 * 1024));
    let twice = good.replacen('{', "{\"digest\": \"other\",", 1);
    let cases: &[(&str, &[Change], &str, u16)] = &[
        ("no JSON", &[], "apiVersion: fedmesh.dev/v1alpha1", 400),
        ("nothing", &[], "", 400),
        ("half of it", &[], &good[..good.len() / 2], 400),
        ("something after it", &[], &format!("{good}{good}"), 400),
        ("a field twice", &[], &twice, 400),
        (
            "an unknown field",
            &[],
            &with("kubeconfig", json!("/etc/passwd")),
            400,
        ),
        (
            "an unknown field in the document",
            &[],
            &unknown_deep.to_string(),
            400,
        ),
        ("another type", &[], &with("digest", json!(1)), 400),
        (
            "an unknown intent",
            &[],
            &with("intent", json!("destroy")),
            400,
        ),
        ("too deep", &[], &deep, 400),
        ("too deep inside", &[], &deep_mesh, 400),
        ("too large", &[], &large, 413),
        (
            "a form",
            &[With("content-type", "application/x-www-form-urlencoded")],
            &good,
            415,
        ),
        (
            "plain text, which needs no preflight",
            &[With("content-type", "text/plain")],
            &good,
            415,
        ),
        ("no type", &[Without("content-type")], &good, 415),
        (
            "nearly JSON",
            &[With("content-type", "application/jsonp")],
            &good,
            415,
        ),
        (
            "another rendering",
            &[],
            &with("digest", json!("sha256:00")),
            409,
        ),
    ];
    for path in [
        "/api/v1/plan",
        "/api/v1/status",
        "/api/v1/apply",
        "/api/v1/verify",
    ] {
        for (what, changes, body, status) in cases {
            let body = match (path, serde_json::from_str::<Value>(body)) {
                // All other fields are valid.
                ("/api/v1/apply", Ok(Value::Object(mut fields))) if *what != "a field twice" => {
                    fields.insert("planId".to_owned(), json!("sha256:00"));
                    Value::Object(fields).to_string()
                }
                _ => (*body).to_owned(),
            };
            let answer = server.send("POST", path, changes, body).await;
            assert_eq!(
                answer.status.as_u16(),
                *status,
                "{path} {what}: {}",
                answer.json()
            );
            answer.assert_error();
        }
    }
}

#[tokio::test]
async fn a_document_with_errors_comes_back_with_findings() {
    let server = TestServer::new();
    let mut bad = mesh();
    bad.spec.services[0].port = Some(80_000);
    let request = json!({"mesh": bad, "digest": "sha256:00"});
    let answer = server
        .send("POST", "/api/v1/plan", &[], request.to_string())
        .await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json()["findings"][0]["code"], "FM0401");
}

#[tokio::test]
async fn valid_requests_are_handled() {
    let server = TestServer::new();
    for host in [HOST, "localhost:8642", "LocalHost:8642", "[::1]:8642"] {
        let own = format!("http://{}", host.to_lowercase());
        for changes in [
            &[With("host", host)][..],
            &[With("host", host), With("origin", &own)],
        ] {
            let answer = server.send("GET", "/api/v1/session", changes, "").await;
            assert_eq!(answer.status, 200, "{changes:?}");
            assert_eq!(answer.json(), json!({"version": env!("CARGO_PKG_VERSION")}));
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
    }
    let clusters = server.send("GET", "/api/v1/clusters", &[], "").await;
    assert_eq!(clusters.status, 200);
    assert_eq!(clusters.json()["contexts"], json!([]));
    assert!(
        clusters.json()["error"]
            .as_str()
            .unwrap()
            .contains("/nonexistent/kubeconfig")
    );

    // The document is accepted; only the kubeconfig is missing.
    for (path, changes) in [
        ("/api/v1/plan", &[][..]),
        (
            "/api/v1/status",
            &[With("content-type", "Application/JSON; charset=utf-8")],
        ),
        ("/api/v1/verify", &[]),
    ] {
        let answer = server
            .send("POST", path, changes, plan_request(&mesh()).to_string())
            .await;
        assert_eq!(answer.status, 503, "{path}");
        answer.assert_error();
    }
    let mut apply = plan_request(&mesh());
    apply["planId"] = json!("sha256:00");
    // Twice, since a rejected apply must not block the next one.
    for _ in 0..2 {
        assert_eq!(
            server
                .send("POST", "/api/v1/apply", &[], apply.to_string())
                .await
                .status,
            503
        );
    }
}

const OTHER_PLAN: &str = "nothing was changed: the clusters changed since";

#[tokio::test]
async fn an_apply_is_rejected_when_the_plan_changed_or_is_blocked() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::with(Operations::new(Some(dead_kubeconfig(folder.path()))));
    let request = plan_request(&mesh());
    let planned = server
        .send("POST", "/api/v1/plan", &[], request.to_string())
        .await;
    assert_eq!(planned.status, 200, "{}", planned.json());
    let plan = planned.json()["plan"].clone();
    assert!(plan["clusters"][1]["error"].is_string(), "{plan}");

    for (plan_id, partial, message) in [
        (json!("sha256:00"), false, OTHER_PLAN),
        (
            plan["id"].clone(),
            false,
            "nothing was changed: 2 of 2 clusters are blocked",
        ),
        (
            plan["id"].clone(),
            true,
            "nothing was changed: 2 of 2 clusters are blocked",
        ),
    ] {
        let mut apply = request.clone();
        apply["planId"] = plan_id;
        apply["partial"] = json!(partial);
        let answer = server
            .send("POST", "/api/v1/apply", &[], apply.to_string())
            .await;
        assert_eq!(answer.status, 409);
        assert!(
            answer.json()["message"]
                .as_str()
                .unwrap()
                .starts_with(message),
            "{}",
            answer.json()
        );
        let reason = &answer.json()["reason"];
        assert_eq!(*reason == "planChanged", message == OTHER_PLAN, "{reason}");
    }
    let status = server
        .send("POST", "/api/v1/status", &[], request.to_string())
        .await;
    assert_eq!(status.status, 200);
    assert!(status.json()["clusters"][0]["error"].is_string());
}

#[tokio::test]
async fn a_verification_rejects_unknown_options() {
    let server = TestServer::new();
    for (name, value, status) in [
        ("intent", json!("remove"), 422),
        ("wait", json!(3601), 422),
        ("wait", json!(-1), 400),
        ("wait", json!("10m"), 400),
        ("drill", json!(true), 400),
        // A pod to run commands in, chosen by the request.
        ("client", json!("kube-system/app=x"), 400),
        ("timeout", json!(1), 400),
    ] {
        let mut request = plan_request(&mesh());
        request[name] = value;
        let answer = server
            .send("POST", "/api/v1/verify", &[], request.to_string())
            .await;
        assert_eq!(answer.status, status, "{name}: {}", answer.json());
        answer.assert_error();
    }
}

#[tokio::test]
async fn invalid_drills_are_rejected_before_the_verification_starts() {
    let server = TestServer::new();
    let mut several = mesh();
    let with = |name: &str, namespace: &str, clusters: &[&str], transport| Service {
        name: name.to_owned(),
        namespace: Some(namespace.to_owned()),
        port: Some(8000),
        clusters: Some(clusters.iter().map(ToString::to_string).collect()),
        transport,
        ..Service::default()
    };
    let both = ["cluster1", "cluster2"];
    several.spec.services.extend([
        with("twin", "one", &both, None),
        with("twin", "two", &both, None),
        with("alone", "one", &["cluster2"], None),
        with("sealed", "one", &both, Some(Transport::Mtls)),
    ]);
    let mut unmarked = mesh();
    unmarked.spec.answer_header = Some(false);
    for (mesh, drill, message) in [
        (&several, "", "is not of the form SERVICE[@CLUSTER]"),
        (
            &several,
            "@cluster1",
            "is not of the form SERVICE[@CLUSTER]",
        ),
        (&several, "orders", "the document has no service orders"),
        (
            &several,
            "httpbin@west",
            "httpbin.default does not run in cluster west",
        ),
        (&several, "twin", "several services are named twin"),
        (&several, "alone", "alone.one runs in one cluster only"),
        (
            &several,
            "alone@cluster1",
            "alone.one does not run in cluster cluster1",
        ),
        (
            &several,
            "sealed.one@cluster1",
            "calls of sealed.one use mutual TLS",
        ),
        (
            &unmarked,
            "httpbin",
            "answers do not identify their cluster",
        ),
    ] {
        let mut request = plan_request(mesh);
        request["drill"] = json!(drill);
        let answer = server
            .send("POST", "/api/v1/verify", &[], request.to_string())
            .await;
        assert_eq!(answer.status, 422, "{drill}: {}", answer.json());
        answer.assert_error();
        let said = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(said.contains(message), "{drill}: {said}");
    }
    // Valid drills and options fail only because of the kubeconfig.
    for drill in ["httpbin", "httpbin.default@cluster2", "twin.two"] {
        let mut request = plan_request(&several);
        request["drill"] = json!(drill);
        request["wait"] = json!(60);
        request["noJob"] = json!(true);
        let answer = server
            .send("POST", "/api/v1/verify", &[], request.to_string())
            .await;
        assert_eq!(answer.status, 503, "{drill}: {}", answer.json());
    }
}

#[tokio::test]
async fn a_verification_ends_with_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::with(Operations::new(Some(dead_kubeconfig(folder.path()))));
    let mut request = plan_request(&mesh());
    request["drill"] = json!("httpbin@cluster1");
    let request = request.to_string();
    let begun = server.send("POST", "/api/v1/verify", &[], request).await;
    assert_eq!(begun.status, 202, "{}", begun.json());
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    // Its id is not that of an apply.
    let elsewhere = format!("/api/v1/applies/{id}");
    assert_eq!(server.send("GET", &elsewhere, &[], "").await.status, 404);
    let path = format!("/api/v1/verifications/{id}");
    let events = server.send("GET", &path, &[], "").await;
    assert_eq!(events.status, 200);
    let text = String::from_utf8(events.body).unwrap();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let families: Vec<&str> = events.iter().filter_map(|e| e["family"].as_str()).collect();
    assert_eq!(families.first(), Some(&"objects"), "{text}");
    assert_eq!(families[families.len() - 2..], ["call", "drill"], "{text}");
    // Stopping an ended run is not an error, since it may have ended during the request.
    let stop = format!("{path}/stop");
    assert_eq!(server.send("POST", &stop, &[], "").await.status, 202);
    let last = events.last().unwrap();
    assert_eq!(last["event"], "finished", "{text}");
    let checks = last["report"]["checks"].as_array().unwrap();
    let objects: Vec<&Value> = checks
        .iter()
        .filter(|check| check["family"] == "objects")
        .collect();
    assert_eq!(objects.len(), 2, "{text}");
    for check in objects {
        assert_eq!(check["outcome"], "couldNotCheck", "{check}");
        assert_eq!(check["cause"]["code"], "not-asked", "{check}");
        assert!(!check["cause"]["hint"].as_str().unwrap().is_empty());
    } // There is no probe client, so no drill was made; the report lists where one is possible.
    let drill = checks
        .iter()
        .find(|check| check["family"] == "drill")
        .unwrap();
    assert_eq!(drill["outcome"], "couldNotCheck", "{drill}");
    assert_eq!(drill["cause"]["code"], "no-drill", "{drill}");
    assert!(last["report"]["drill"].is_null(), "{last}");
    assert_eq!(
        last["report"]["drillable"],
        json!([{"service": "httpbin.default", "clusters": ["cluster1", "cluster2"]}])
    );
}
