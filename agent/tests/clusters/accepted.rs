//! What a verification makes of the status of Gateways and routes, which this test writes in Istio's place.

use serde_json::{Value, json};
use shared::verify::{Check, Family, Report};
use testbed::CrdSet;

use crate::fixture::{CLUSTERS, EAST, Fixture, WEST, shared_bed};
use crate::verifying::{causes, gateway, options, run, with_gateways};

const GATEWAY: &str = "gateways.gateway.networking.k8s.io/fedmesh-accepted";
const ROUTE: &str = "httproutes.gateway.networking.k8s.io/orders";

/// Conditions that are True but for those named, of the first generation or another.
fn conditions(kinds: &[&str], but: &[&str], generation: u64) -> Value {
    let conditions = kinds.iter().map(|kind| {
        let bad = but.contains(kind);
        json!({
            "type": kind, "status": if bad { "False" } else { "True" },
            "reason": if bad { "BackendNotFound" } else { "Good" },
            "message": if bad { "there is no Service of this name" } else { "" },
            "observedGeneration": generation, "lastTransitionTime": "2026-01-02T03:04:05Z",
        })
    });
    conditions.collect()
}

fn of_gateway() -> Value {
    let listener = conditions(&["Accepted", "ResolvedRefs", "Programmed"], &[], 1);
    json!({
        "conditions": conditions(&["Accepted", "Programmed"], &[], 1),
        "listeners": [{ "name": "http", "attachedRoutes": 1, "supportedKinds": [], "conditions": listener }],
    })
}

fn of_route(but: &[&str], generation: u64) -> Value {
    json!({ "parents": [{
        "controllerName": "istio.io/gateway-controller",
        "parentRef": {
            "group": "gateway.networking.k8s.io", "kind": "Gateway",
            "name": "fedmesh-accepted", "namespace": "istio-system", "sectionName": "http",
        },
        "conditions": conditions(&["Accepted", "ResolvedRefs"], but, generation),
    }] })
}

fn say(fixture: &Fixture<'_>, context: &str, object: &str, status: &Value) {
    let namespace = if object == GATEWAY {
        "istio-system"
    } else {
        fixture.name
    };
    let namespace = format!("--namespace={namespace}");
    let patch = format!("--patch={}", json!({ "status": status }));
    let patched = ["--subresource=status", "--type=merge", &patch];
    fixture.kubectl(
        context,
        &[&["patch", object, &namespace], &patched[..]].concat(),
    );
}

/// Clusters and causes of the objects, as `sunset ok`.
fn objects(report: &Report) -> Vec<String> {
    let causes = causes(report, Family::Objects).into_iter();
    causes
        .map(|(cluster, cause)| format!("{cluster} {cause}"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_and_routes_have_to_be_accepted() {
    let mut fixture = Fixture::new(shared_bed(), "accepted");
    let files = CrdSet::GatewayApi.files().unwrap();
    let files: Vec<String> = files
        .iter()
        .map(|file| format!("--filename={}", file.display()))
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    for (_, context) in CLUSTERS {
        let apply = ["apply", "--server-side"];
        fixture.kubectl(context, &[&apply[..], &files].concat());
        let wait = ["wait", "crd", "--all", "--for=condition=Established"];
        fixture.kubectl(context, &wait);
    }
    with_gateways(&mut fixture, [gateway(Some("sunset")), gateway(None)]);
    fixture.mesh.spec.gateway_api = Some(true);
    fixture.mesh.spec.istio = Some("1.31".into());
    fixture.apply().await;

    // Nobody has said anything; it may still come.
    let report = run(&fixture, &options()).await;
    let silent = [
        "sunset ok",
        "sunset no-status",
        "sunrise ok",
        "sunrise no-status",
    ];
    let mut seen = objects(&report);
    seen.sort_by_key(|one| !one.starts_with("sunset"));
    assert_eq!(seen, silent);
    let waited_for = report
        .checks
        .iter()
        .filter(|check| check.seen.text == "no status");
    assert!(waited_for.clone().count() == 4 && waited_for.clone().all(Check::is_worth_another_try));

    for (_, context) in CLUSTERS {
        say(&fixture, context, GATEWAY, &of_gateway());
    }
    say(&fixture, WEST, ROUTE, &of_route(&[], 1));
    say(&fixture, EAST, ROUTE, &of_route(&["ResolvedRefs"], 1));
    let report = run(&fixture, &options()).await;
    assert_eq!(
        objects(&report),
        ["sunset ok", "sunrise ok", "sunrise not-accepted"]
    );
    let mut checks = report.checks.iter();
    let cause = checks.find_map(|check| {
        check
            .cause
            .as_ref()
            .filter(|one| one.code == "not-accepted")
    });
    let cause = cause.unwrap();
    assert_eq!(
        cause.message,
        "Istio does not accept HTTPRoute accepted/orders in cluster sunrise: listener http: ResolvedRefs"
    );
    assert!(
        cause
            .hint
            .starts_with("BackendNotFound: there is no Service of this name; "),
        "{cause:?}"
    );
    // A gateway that does not know the name has its reason there.
    let gateways = causes(&report, Family::Gateway);
    assert!(
        gateways.contains(&("sunrise".to_owned(), "not-accepted".to_owned())),
        "{gateways:?}"
    );

    // What was said of the route as it was is nothing.
    say(&fixture, EAST, ROUTE, &of_route(&[], 0));
    let report = run(&fixture, &options()).await;
    assert_eq!(
        objects(&report),
        ["sunset ok", "sunrise ok", "sunrise no-status"]
    );
    say(&fixture, EAST, ROUTE, &of_route(&[], 1));
    let report = run(&fixture, &options()).await;
    assert_eq!(objects(&report), ["sunset ok", "sunrise ok"]);
    fixture.remove().await;
}
