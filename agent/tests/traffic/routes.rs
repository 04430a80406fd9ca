//! What happens to requests on their way: routes, subsets and limits, as a service in two versions gets
//! them from a pod of another cluster.

use serde_json::{Value, json};

use crate::bed::{Bed, GLOBAL, ZONE, eventually, server, text};

/// Requests over which shares are measured, and how far from the mean they may be: more than three
/// standard deviations, 6.5 of 200 at a share of three tenths.
const REQUESTS: usize = 200;
const TOLERANCE: usize = 25;

/// The server in two versions under one Service; each tells its pod's name.
pub(crate) fn two_versions() -> Value {
    let mut all = server("stock");
    let items = all["items"].as_array_mut().unwrap();
    let one = items.pop().unwrap();
    for version in ["v1", "v2"] {
        let mut deployment = one.clone();
        deployment["metadata"]["name"] = format!("stock-{version}").into();
        deployment["spec"]["selector"]["matchLabels"]["version"] = version.into();
        let template = &mut deployment["spec"]["template"];
        template["metadata"]["labels"]["version"] = version.into();
        template["spec"]["containers"][0]["env"] =
            json!([{"name": "USE_REAL_HOSTNAME", "value": "true"}]);
        items.push(deployment);
    }
    all
}

fn document(bed: &Bed) -> Value {
    let all = |value| json!({"value": value});
    let one_connection = json!({"connectionPool": {
        "tcp": {"maxConnections": 1}, "http": {"http1MaxPendingRequests": 1, "maxRequestsPerConnection": 1},
    }});
    let mut document = bed.document();
    document["spec"]["services"].as_array_mut().unwrap().push(json!({
        "name": "stock", "port": 9000, "clusters": ["cluster1"],
        "probe": {"path": "/get", "status": 200},
        "subsets": [
            {"name": "v1", "labels": {"version": "v1"}},
            {"name": "v2", "labels": {"version": "v2"}},
            {"name": "narrow", "labels": {"version": "v2"}, "trafficPolicy": one_connection},
        ],
        "routes": [
            {"exact": "/old", "redirect": {"uri": "/new", "redirectCode": 308}},
            {"exact": "/gone", "directResponse": {"status": 410, "body": {"string": "moved on"}}},
            {"exact": "/slow", "rewrite": {"uri": "/delay/5"}, "timeout": "500ms"},
            {"exact": "/flaky", "rewrite": {"uri": "/unstable"},
             "retries": {"attempts": 6, "perTryTimeout": "1s", "retryOn": "5xx"}},
            {"exact": "/abort", "fault": {"abort": {"httpStatus": 418, "percentage": all(100)}}},
            {"exact": "/late", "rewrite": {"uri": "/get"}, "fault": {"delay": {"fixedDelay": "1s", "percentage": all(100)}}},
            {"exact": "/anything/copied", "to": [{"subset": "v1"}], "mirror": {"subset": "v2"}, "mirrorPercentage": all(100)},
            {"exact": "/delay/1", "to": [{"subset": "narrow"}]},
            {"exact": "/headers", "headers": {"request": {"set": {"x-from": "the gateway"}}}},
            {"exact": "/cors", "rewrite": {"uri": "/get"},
             "corsPolicy": {"allowOrigins": [{"exact": "https://shop.example.com"}], "allowMethods": ["GET"], "maxAge": "1h",
                            "unmatchedPreflights": "IGNORE"}},
            {"match": [{"headers": {"x-version": {"exact": "two"}}, "uri": {"exact": "/hostname"}}], "to": [{"subset": "v2"}]},
            {"prefix": "/", "to": [{"subset": "v1", "weight": 70}, {"subset": "v2", "weight": 30}]},
        ],
    }));
    document
}

/// What curl prints in the client of another cluster than the service's.
pub(crate) fn curl(bed: &Bed, arguments: &[&str]) -> String {
    let curl = ["curl", "-s", "-m", "20"];
    let output = bed.run_in_client("cluster2", &[&curl[..], arguments].concat(), "");
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn url(path: &str) -> String {
    format!("http://stock.default.external.svc.{ZONE}{path}")
}

/// The status of an answer and how long it took, in seconds.
pub(crate) fn status(bed: &Bed, path: &str) -> (String, f64) {
    let format = "%{http_code} %{time_total}";
    let seen = curl(bed, &["-o", "/dev/null", "-w", format, &url(path)]);
    let (status, time) = seen.trim().split_once(' ').unwrap();
    (status.to_owned(), time.parse().unwrap())
}

#[test]
fn requests_fare_as_the_routes_say() {
    let bed = Bed::with_usual();
    let stock = two_versions();
    bed.kubectl_apply("cluster1", &stock);
    let document = document(&bed);
    bed.apply(&document);
    bed.verified(&document);

    let moved = curl(
        &bed,
        &[
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{redirect_url}",
            &url("/old"),
        ],
    );
    assert_eq!(moved, format!("308 {}", url("/new")));
    let gone = curl(&bed, &["-w", " %{http_code}", &url("/gone")]);
    assert_eq!(gone, "moved on 410");

    let (slow, time) = status(&bed, "/slow");
    assert!(
        slow == "504" && (0.4..4.0).contains(&time),
        "{slow} after {time} s"
    );
    let (late, time) = status(&bed, "/late");
    assert!(late == "200" && time >= 1.0, "{late} after {time} s");
    assert_eq!(status(&bed, "/abort").0, "418");

    // Half of the tries fail: without retries, all of twenty calls succeed once in a million runs.
    let flaky = vec![url("/flaky?failure_rate=0.5"); 20];
    let seen = statuses(&bed, &flaky, &[]);
    let good = seen.iter().filter(|status| *status == "200").count();
    assert!(good >= 18, "{seen:?}");

    let headers: Value = serde_json::from_str(&curl(&bed, &[&url("/headers")])).unwrap();
    assert_eq!(headers["headers"]["X-From"][0], "the gateway", "{headers}");
    other_origins(&bed);
    shares_and_copies(&bed);

    // The limit holds for calls that come at once: one connection, one call that waits.
    let at_once = vec![url("/delay/1"); 8];
    let seen = statuses(&bed, &at_once, &["--parallel", "--parallel-immediate"]);
    let count = |status: &str| seen.iter().filter(|seen| *seen == status).count();
    assert!(
        count("200") >= 1 && count("503") >= 3 && count("200") + count("503") == 8,
        "{seen:?}"
    );

    assert_eq!(
        bed.call("cluster2", &format!("http://{GLOBAL}/get")).0,
        "200",
        "others are as before"
    );
    bed.apply(&bed.document());
    bed.mesh
        .kubectl()
        .run_with_input("cluster1", &["delete", "-f", "-"], &stock.to_string())
        .unwrap();
}

/// Browsers ask whether pages from elsewhere may call: the gateway says so to the origin that may, and to no
/// other.
pub(crate) fn other_origins(bed: &Bed) {
    let asked = |origin: &str| {
        let origin = format!("Origin: {origin}");
        let method = "Access-Control-Request-Method: GET";
        let preflight = ["-X", "OPTIONS", "-H", &origin, "-H", method];
        let headers_only = ["-o", "/dev/null", "-D", "-", &url("/cors")];
        curl(bed, &[&preflight[..], &headers_only].concat()).to_lowercase()
    };
    let answer = asked("https://shop.example.com");
    for header in [
        "access-control-allow-origin: https://shop.example.com",
        "access-control-allow-methods: get",
        "access-control-max-age: 3600",
    ] {
        assert!(answer.contains(header), "{answer}");
    }
    let answer = asked("https://elsewhere.example.com");
    assert!(!answer.contains("access-control-allow-origin"), "{answer}");
}

/// Which pods answer, in the shares that the weights say, and who gets copies.
pub(crate) fn shares_and_copies(bed: &Bed) {
    let pods = |arguments: &[&str], count: usize| {
        let urls = vec![url("/hostname"); count];
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let seen = curl(bed, &[arguments, &urls].concat());
        assert_eq!(seen.matches("stock-v").count(), count, "{seen}");
        seen.matches("stock-v2").count()
    };
    assert_eq!(pods(&["-H", "x-version: two"], 20), 20);
    let second = pods(&[], REQUESTS);
    let desired = REQUESTS * 30 / 100;
    assert!(
        second.abs_diff(desired) <= TOLERANCE,
        "{second} of {REQUESTS}, expected about {desired}"
    );

    let logs = || {
        bed.kubectl(
            "cluster1",
            &["logs", "deployment/stock-v2", "-c", "server", "--tail=500"],
        )
    };
    assert!(!logs().contains("/anything/copied"));
    let origin = curl(bed, &[&url("/anything/copied")]);
    assert!(origin.contains("/anything/copied"), "{origin}");
    eventually("the copy arrives at the other version", || {
        let logs = logs();
        logs.contains("/anything/copied").then_some(()).ok_or(logs)
    });
}

/// The status of each answer.
fn statuses(bed: &Bed, urls: &[String], more: &[&str]) -> Vec<String> {
    let mut arguments = more.to_vec();
    arguments.extend(["-w", "%{http_code}\n"]);
    for url in urls {
        arguments.extend(["-o", "/dev/null", url]);
    }
    curl(bed, &arguments).lines().map(str::to_owned).collect()
}
