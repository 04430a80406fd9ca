//! Two writers of one mesh: one of them writes, the other one is told who does.

use std::time::{Duration, Instant};

use fedmesh_agent::lock::{LockError, LockOptions};
use fedmesh_agent::stop::Stop;
use serde_json::{Value, json};
use shared::Mesh;
use shared::api::Intent;
use shared::plan::Action;

use crate::fixture::{EAST, Fixture, WEST, counts, document, shared_bed, unguarded};
use crate::interrupted::Running;

/// So many that a run takes a second at least.
const SERVICES: usize = 40;

/// With services named for the prefix.
fn many(name: &str, prefix: &str) -> Mesh {
    let names: Vec<String> = (0..SERVICES)
        .map(|index| format!("{prefix}-{index}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    document(name, &names)
}

fn lease(fixture: &Fixture<'_>, context: &str) -> Option<Value> {
    let name = format!("fedmesh-{}", fixture.name);
    let found = fixture.kubectl(
        context,
        &[
            "get",
            "lease",
            "-n",
            "istio-system",
            &name,
            "--ignore-not-found",
            "-o",
            "json",
        ],
    );
    (!found.trim().is_empty()).then(|| serde_json::from_str(&found).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_applies_one_is_refused_and_nothing_is_mixed() {
    let mut fixture = Fixture::new(shared_bed(), "twice");
    fixture.mesh = many("twice", "orders");
    let first = Running::begin(&fixture, "apply").under_way();
    let holder = lease(&fixture, WEST).unwrap();
    let holder = holder["spec"]["holderIdentity"].as_str().unwrap();

    let other = Fixture {
        mesh: many("twice", "payments"),
        operations: fixture.operations.clone(),
        decisions: fixture.decisions.clone(),
        ..fixture
    };
    let (code, out, err) = Running::begin(&other, "apply").end();
    let (first_code, _, first_err) = first.end();
    assert_eq!(first_code, Some(0), "{first_err}");
    // The first may have ended while the second one waited to see whether it is alive.
    if code == Some(1) {
        assert!(out.is_empty(), "{out}");
        assert!(
            err.contains("mesh twice is being changed by another run") && err.contains(holder),
            "{err}"
        );
        assert!(!fixture.plan().await.plan.has_changes());
    } else {
        assert_eq!(code, Some(0), "{err}");
        assert!(err.contains(holder), "{err}");
        assert!(!other.plan().await.plan.has_changes());
    }
    assert!(holder.starts_with("apply ") && holder.contains(" pid "));
    assert_eq!(lease(&fixture, WEST), None, "it is disowned");
    assert_eq!(lease(&fixture, EAST), None, "it is disowned");

    // A removal beside an apply: nothing is left without a record.
    fixture.mesh = other.mesh;
    let apply = Running::begin(&fixture, "apply");
    let remove = Running::begin(&fixture, "remove");
    let ends = [apply.end(), remove.end()];
    assert!(ends.iter().any(|(code, ..)| *code == Some(0)), "{ends:#?}");
    let (code, _, err) = Running::begin(&fixture, "remove").end();
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(fixture.ours(WEST), [].into());
    assert_eq!(fixture.ours(EAST), [].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_living_writer_is_named_and_a_dead_one_is_taken_over() {
    let fixture = Fixture::new(shared_bed(), "writing");
    let options = LockOptions {
        lease: Duration::from_secs(3),
        ..LockOptions::default()
    };
    let lock = || {
        fixture
            .operations
            .lock(&fixture.mesh, &fixture.decisions, "apply", options)
    };
    let held = lock().await.unwrap();
    let Err(error) = lock().await else {
        panic!("both hold it")
    };
    let LockError::Held { mesh, holders } = &error else {
        panic!("{error}")
    };
    assert_eq!(mesh, "writing");
    // In the first cluster already: the others are not even tried.
    assert_eq!(holders.len(), 1, "{error}");
    for words in ["apply ", "@", " pid ", ", since 20"] {
        assert!(error.to_string().contains(words), "{error}");
    }
    held.release().await;
    let again = lock().await.unwrap();

    // A holder that dies renews no more.
    let live = lease(&fixture, WEST).unwrap();
    again.release().await;
    let mut dead = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "name": "fedmesh-writing", "namespace": "istio-system" },
        "spec": live["spec"],
    });
    dead["spec"]["holderIdentity"] = "apply somebody@elsewhere pid 1 run 00000000".into();
    let create = ["create", "-f", "-"];
    for context in [WEST, EAST] {
        fixture
            .bed
            .kubectl_with_input(context, &create, &dead.to_string())
            .unwrap();
    }
    let start = Instant::now();
    let taken = lock().await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(3));
    let live = lease(&fixture, WEST).unwrap();
    assert_eq!(live["spec"]["leaseTransitions"], 1);
    assert!(
        !live["spec"]["holderIdentity"]
            .as_str()
            .unwrap()
            .contains("somebody")
    );
    taken.release().await;
    assert_eq!(lease(&fixture, WEST), None);
    assert_eq!(lease(&fixture, EAST), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_taken_away_stops_the_run() {
    let mut fixture = Fixture::new(shared_bed(), "stolen");
    fixture.mesh = many("stolen", "orders");
    let options = LockOptions {
        lease: Duration::from_secs(3),
        ..LockOptions::default()
    };
    let planned = fixture.plan().await;
    let locked = fixture
        .operations
        .lock(&fixture.mesh, &fixture.decisions, "apply", options);
    let locked = locked.await.unwrap();
    for context in [WEST, EAST] {
        let theft = r#"{"spec":{"holderIdentity":"apply somebody@elsewhere"}}"#;
        fixture.kubectl(
            context,
            &[
                "patch",
                "lease",
                "-n",
                "istio-system",
                "fedmesh-stolen",
                "--type=merge",
                "-p",
                theft,
            ],
        );
    }
    // The holder hears of it with the next renewal.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (sender, _events) = tokio::sync::mpsc::unbounded_channel();
    let report = locked
        .apply(
            planned.approve(unguarded(false)).unwrap(),
            &Stop::never(),
            sender,
        )
        .await;
    for cluster in &report.clusters {
        let error = cluster.error.as_deref().unwrap();
        assert!(
            error.contains("the Lease was taken over by apply somebody@elsewhere"),
            "{error}"
        );
        assert_eq!(cluster.created, 0);
    }
    // What another writer holds is not disowned.
    assert!(lease(&fixture, WEST).is_some());
    for context in [WEST, EAST] {
        fixture.kubectl(
            context,
            &["delete", "lease", "-n", "istio-system", "fedmesh-stolen"],
        );
    }
    assert_eq!(fixture.ours(WEST), [].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_was_shown_is_told_from_the_one_that_would_be_carried_out() {
    let mut fixture = Fixture::new(shared_bed(), "shown");
    fixture.apply().await;
    let removal = fixture.plan_removal().await;
    // While the question is open, somebody applies a larger document.
    let small = std::mem::replace(&mut fixture.mesh, document("shown", &["orders", "billing"]));
    fixture.apply().await;
    fixture.mesh = small;
    let locked = fixture
        .operations
        .lock(
            &fixture.mesh,
            &fixture.decisions,
            "remove",
            LockOptions::default(),
        )
        .await
        .unwrap();
    let now = locked.plan(&fixture.mesh, Intent::Remove).await.unwrap();
    assert_ne!(now.plan.id, removal.plan.id);
    let gone = counts(&now.plan)[&Action::Delete];
    assert!(gone > counts(&removal.plan)[&Action::Delete]);
    // The one that is carried out takes everything.
    let (sender, _events) = tokio::sync::mpsc::unbounded_channel();
    let report = locked
        .apply(
            now.approve(unguarded(false)).unwrap(),
            &Stop::never(),
            sender,
        )
        .await;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(fixture.ours(WEST), [].into());
    assert_eq!(fixture.ours(EAST), [].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_somebody_else_writes_is_not_written_over() {
    let mut fixture = Fixture::new(shared_bed(), "recorded");
    fixture.apply().await;
    fixture.mesh = document("recorded", &["orders", "billing"]);
    let planned = fixture.plan().await;
    // A writer that knows of no Lease.
    let theirs = r#"{"metadata":{"annotations":{"fedmesh.dev/document":"sha256:other"}}}"#;
    let secret = [
        "patch",
        "secret",
        "fedmesh-recorded",
        "-n=istio-system",
        "--type=merge",
        "-p",
        theirs,
    ];
    fixture.kubectl(WEST, &secret);
    let (report, _) = fixture.carry_out(planned, false).await;
    let error = report.clusters[0].error.as_deref().unwrap();
    assert!(
        error.contains("another client changed the record"),
        "{error}"
    );
    assert_eq!(
        report.clusters[0].created, 0,
        "nothing is made that is not recorded"
    );
    assert!(report.clusters[1].error.is_none(), "{report:#?}");
    fixture.apply().await;
    assert!(!fixture.plan().await.plan.has_changes());
    fixture.remove().await;
    assert_eq!(fixture.ours(WEST), [].into());
}
