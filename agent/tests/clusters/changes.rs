//! Documents that change, and objects that others change.

use serde_json::{Value, json};
use shared::api::{Event, Outcome};
use shared::plan::{Action, Conflict};

use crate::fixture::{CLUSTERS, EAST, Fixture, WEST, counts, document, shared_bed, steps};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dropped_from_the_document_goes_and_what_is_not_ours_stays() {
    let mut fixture = Fixture::new(shared_bed(), "prune");
    fixture.mesh = document("prune", &["orders", "payments"]);
    fixture.apply().await;
    let foreign = r#"{"apiVersion":"networking.istio.io/v1","kind":"VirtualService",
        "metadata":{"name":"foreign","namespace":"prune","labels":{"app.kubernetes.io/managed-by":"fedmesh"}},
        "spec":{"hosts":["foreign.example.net"]}}"#;
    fixture
        .bed
        .kubectl_with_input(EAST, &["apply", "-f", "-"], foreign)
        .unwrap();

    fixture.mesh = document("prune", &["orders"]);
    let planned = fixture.plan().await;
    let deletes = steps(&planned.plan, "sunrise");
    assert!(
        deletes.contains(&"delete VirtualService prune/payments".to_owned()),
        "{deletes:?}"
    );
    assert!(
        !deletes.iter().any(|step| step.contains("foreign")),
        "{deletes:?}"
    );
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert!(
        report.clusters.iter().all(|cluster| cluster.deleted > 0),
        "{report:#?}"
    );
    let names = fixture.kubectl(EAST, &["get", "virtualservices", "-n=prune", "-o=name"]);
    assert_eq!(
        names.lines().collect::<Vec<_>>(),
        [
            "virtualservice.networking.istio.io/foreign",
            "virtualservice.networking.istio.io/orders"
        ]
    );

    // Without any service, the cluster without the records is left with nothing.
    fixture.mesh.spec.services.clear();
    fixture.apply().await;
    let kinds = fixture.kubectl(
        WEST,
        &[
            "get",
            "virtualservices,dnsendpoints,serviceentries",
            "-A",
            "-l=fedmesh.dev/mesh=prune",
            "-o=name",
        ],
    );
    assert_eq!(kinds, "");
    fixture.remove().await;
    assert_eq!(fixture.ours(WEST), [].into());
    fixture.kubectl(EAST, &["get", "virtualservice/foreign", "-n=prune"]);
}

/// What has become of DestinationRules since a version of the server: the kind of event, the name, and whether the
/// rule says more than its host.
fn events_of_rules(fixture: &Fixture<'_>, since: &str) -> Vec<(String, String, bool)> {
    let path = format!(
        "/apis/networking.istio.io/v1/namespaces/{}/destinationrules?watch=true&resourceVersion={since}&timeoutSeconds=1",
        fixture.name
    );
    let events = fixture.kubectl(EAST, &["get", "--raw", &path]);
    let events = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    events
        .map(|event: Value| {
            let of = |value: &Value| value.as_str().unwrap().to_owned();
            let says_more = event["object"]["spec"].as_object().unwrap().len() > 1;
            let name = of(&event["object"]["metadata"]["name"]);
            (of(&event["type"]), name, says_more)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_whose_host_stays_is_left_without_effect_before_it_is_deleted() {
    let mut fixture = Fixture::new(shared_bed(), "outlived");
    let policy = json!({ "connectionPool": { "http": { "http1MaxPendingRequests": 10 } } });
    fixture.mesh.spec.services[0].traffic_policy = policy.as_object().cloned();
    fixture.apply().await;
    let rule = ["destinationrule/orders", "-n=outlived"];
    let rule = fixture.get(EAST, &rule);
    let since = rule["metadata"]["resourceVersion"].as_str().unwrap();

    // The Service is the user's own, and other callers have no more use for the rule.
    fixture.mesh.spec.services[0].traffic_policy = None;
    let planned = fixture.plan().await;
    let steps = steps(&planned.plan, "sunrise");
    assert_eq!(steps, ["delete DestinationRule outlived/orders"]);
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    let name = || "orders".to_owned();
    assert_eq!(
        events_of_rules(&fixture, since),
        [
            ("MODIFIED".to_owned(), name(), false),
            ("DELETED".to_owned(), name(), false),
        ]
    );
    fixture.remove().await;
}

/// What has become of a mesh's routes and entries since a version of the server, in the order in which it happened.
fn events_of_names(fixture: &Fixture<'_>, since: &str) -> Vec<String> {
    let mut events = Vec::new();
    for kind in ["virtualservices", "serviceentries"] {
        let path = format!(
            "/apis/networking.istio.io/v1/namespaces/istio-system/{kind}?watch=true&resourceVersion={since}\
             &labelSelector=fedmesh.dev/mesh={}&timeoutSeconds=1",
            fixture.name
        );
        let watched = fixture.kubectl(WEST, &["get", "--raw", &path]);
        for line in watched.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            let metadata = &event["object"]["metadata"];
            let version = metadata["resourceVersion"].as_str().unwrap();
            let words = format!(
                "{} {} {}",
                event["type"].as_str().unwrap(),
                event["object"]["kind"].as_str().unwrap(),
                metadata["name"].as_str().unwrap()
            );
            events.push((version.parse::<u64>().unwrap(), words));
        }
    }
    events.sort();
    events.into_iter().map(|(_, words)| words).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_leave_an_entry_are_led_to_the_next_one_before_it_goes() {
    let mut fixture = Fixture::new(shared_bed(), "handover");
    // DNS tells no port, so names of the other zone have an entry with endpoints.
    let gateway = fixture.mesh.spec.clusters[1].gateway.as_mut().unwrap();
    gateway.port = Some(8080);
    fixture.apply().await;
    let entry = "orders.handover.external.svc.r1-1.r1.handover.example.net";
    let live = fixture.get(WEST, &["serviceentry", entry, "-n=istio-system"]);
    let since = live["metadata"]["resourceVersion"].as_str().unwrap();

    let gateway = fixture.mesh.spec.clusters[1].gateway.as_mut().unwrap();
    gateway.port = None;
    let planned = fixture.plan().await;
    let route = "fedmesh-handover-handover-0";
    let steps = steps(&planned.plan, "sunset");
    assert!(!steps.iter().any(|step| step.contains(route)), "{steps:?}");
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    let events = events_of_names(&fixture, since);
    // What comes before may still be of the first apply.
    let last = events.len().saturating_sub(3);
    assert_eq!(
        events[last..],
        [
            format!("ADDED VirtualService {route}"),
            format!("DELETED ServiceEntry {entry}"),
            format!("DELETED VirtualService {route}"),
        ]
    );
    assert!(!fixture.plan().await.plan.has_changes());
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_another_manager_took_is_a_conflict_and_stops_nothing_else() {
    let mut fixture = Fixture::new(shared_bed(), "conflict");
    fixture.apply().await;
    fixture.kubectl(
        EAST,
        &[
            "patch",
            "virtualservice/orders",
            "-n=conflict",
            "--type=merge",
            "--field-manager=other-tool",
            r#"--patch={"spec":{"hosts":["mine.example.net"]}}"#,
        ],
    );
    // Something to do elsewhere too.
    fixture.mesh.spec.dns.ttl = Some(77);
    let before = [fixture.ours(WEST), fixture.ours(EAST)];
    let planned = fixture.plan().await;
    assert_eq!(counts(&planned.plan)[&Action::Conflict], 1);
    assert!(
        counts(&planned.plan)[&Action::Change] >= 1,
        "{:?}",
        counts(&planned.plan)
    );
    let (cluster, step) = planned
        .plan
        .steps()
        .find(|(_, step)| step.action == Action::Conflict)
        .unwrap();
    assert_eq!(cluster, "sunrise");
    let [conflict] = &step.conflicts[..] else {
        panic!("{step:#?}")
    };
    assert_eq!(
        *conflict,
        Conflict {
            manager: "other-tool".into(),
            field: ".spec.hosts".into(),
            operation: Some("Update".into()),
            time: conflict.time.clone(),
            subresource: None,
        }
    );
    // As the live object has it.
    let live = fixture.get(EAST, &["-n", "conflict", "virtualservice", "orders"]);
    let managed = live["metadata"]["managedFields"].as_array().unwrap();
    let other = managed.iter().find(|one| one["manager"] == "other-tool");
    assert_eq!(conflict.time.as_deref(), other.unwrap()["time"].as_str());
    assert!(step.diff.contains("-  - mine.example.net"), "{}", step.diff);

    // Everything else is applied, in both clusters, and it is said what was not.
    let (report, events) = fixture.carry_out(planned, false).await;
    assert!(!report.is_success());
    assert_eq!(
        (report.clusters[1].failed, report.clusters[1].skipped),
        (1, 0)
    );
    assert!(report.clusters[0].changed >= 1, "{report:#?}");
    assert!(
        report.clusters.iter().all(|one| one.error.is_none()),
        "{report:#?}"
    );
    let conflict = events.iter().any(|event| {
        matches!(event, Event::Object { outcome: Outcome::Conflict { conflicts }, .. }
            if conflicts[0].manager == "other-tool")
    });
    assert!(conflict, "{events:#?}");
    let after = [fixture.ours(WEST), fixture.ours(EAST)];
    assert_ne!(before[0], after[0]);
    let orders = "VirtualService conflict/orders";
    assert_eq!(before[1][orders], after[1][orders], "it was not written to");
    let again = fixture.plan().await.plan;
    assert_eq!(steps(&again, "sunset"), [""; 0]);
    assert_eq!(
        steps(&again, "sunrise"),
        ["conflict VirtualService conflict/orders"]
    );
    assert!(again.has_changes() && !again.has_work() && !again.is_complete());
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_was_taken_away_is_put_back() {
    let fixture = Fixture::new(shared_bed(), "drift");
    fixture.apply().await;
    fixture.kubectl(
        WEST,
        &[
            "patch",
            "virtualservice/orders",
            "-n=drift",
            "--type=json",
            r#"--patch=[{"op":"remove","path":"/spec/hosts"}]"#,
        ],
    );
    // One that lost our label is still the same object.
    fixture.kubectl(
        EAST,
        &[
            "label",
            "virtualservice/orders",
            "-n=drift",
            "applyset.kubernetes.io/part-of-",
        ],
    );
    // A field that we say nothing of is nobody's business.
    fixture.kubectl(
        EAST,
        &["annotate", "virtualservice/orders", "-n=drift", "note=mine"],
    );
    let planned = fixture.plan().await;
    assert_eq!(
        steps(&planned.plan, "sunset"),
        ["change VirtualService drift/orders"]
    );
    assert_eq!(
        steps(&planned.plan, "sunrise"),
        ["change VirtualService drift/orders"]
    );
    let (_, step) = planned
        .plan
        .steps()
        .find(|(_, step)| step.action == Action::Change)
        .unwrap();
    assert!(step.diff.contains("+  hosts:"), "{}", step.diff);
    assert!(!step.diff.contains("managedFields"), "{}", step.diff);
    let (report, _) = fixture.carry_out(planned, false).await;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(report.clusters[0].changed, 1);
    for (_, context) in CLUSTERS {
        let object = fixture.get(context, &["virtualservice/orders", "-n=drift"]);
        assert!(
            object["spec"]["hosts"]
                .to_string()
                .contains("shop.drift.example.net"),
            "{object:#}"
        );
    }
    assert!(!fixture.plan().await.plan.has_changes());
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_objects_of_others_do_not_hide_ours() {
    let mut fixture = Fixture::new(shared_bed(), "many");
    let services = ["a", "b", "c", "d", "e", "f"];
    fixture.mesh = document("many", &services);
    // Two of the six are there already, made by hand: one that agrees and one that does not. Neither is ours.
    for (name, host) in [
        ("c", "c.many.external.svc.many.example.net"),
        ("d", "elsewhere.example.net"),
    ] {
        let object = format!(
            r#"{{"apiVersion":"networking.istio.io/v1","kind":"VirtualService",
                 "metadata":{{"name":"{name}","namespace":"many"}},"spec":{{"exportTo":["."],"hosts":["{host}"]}}}}"#
        );
        fixture
            .bed
            .kubectl_with_input(WEST, &["create", "-f", "-"], &object)
            .unwrap();
    }
    let planned = fixture.plan().await;
    let steps = steps(&planned.plan, "sunset");
    for expected in [
        "create VirtualService many/a",
        "create VirtualService many/f",
        "blocked VirtualService many/c",
        "blocked VirtualService many/d",
    ] {
        assert!(
            steps.contains(&expected.to_owned()),
            "{expected}: {steps:#?}"
        );
    }
    assert!(
        !steps.contains(&"create VirtualService many/c".to_owned()),
        "{steps:#?}"
    );
}
