//! Clusters that cannot be planned for or applied to.

use std::time::{Duration, Instant};

use fedmesh_agent::operation::Blocked;
use shared::api::{Event, Intent, WaitReason};
use shared::mesh::Gateway;
use shared::plan::Action;

use crate::fixture::{EAST, Fixture, LoneBed, WEST, blocked, shared_bed, steps};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_cluster_down() {
    let lone = LoneBed::take().await;
    let bed = lone.bed();
    let fixture = Fixture::new(bed, "down");
    bed.stop_api_server(EAST).unwrap();
    let start = Instant::now();
    let planned = fixture.plan().await;
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    let error = planned.plan.clusters[1].error.clone().unwrap();
    assert!(
        error.starts_with("context east-context: the cluster cannot be reached"),
        "{error}"
    );
    let reasons = [("sunrise".to_owned(), error.clone())].into();
    let clusters = 2;
    assert_eq!(blocked(planned), Blocked::Clusters { reasons, clusters });

    let (report, _) = fixture.carry_out(fixture.plan().await, true).await;
    assert!(!report.is_success());
    assert!(
        report.clusters[0].error.is_none() && report.clusters[0].created > 0,
        "{report:#?}"
    );

    bed.start_api_server(EAST).unwrap();
    fixture.apply().await;
    fixture.remove().await;
    assert_eq!(fixture.ours(EAST), [].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_comes_back_during_an_apply_costs_nothing() {
    let lone = LoneBed::take().await;
    let bed = lone.bed();
    let fixture = Fixture::new(bed, "again");
    let planned = fixture.plan().await;
    let locked = fixture.lock().await;
    bed.stop_api_server(EAST).unwrap();
    let (applied, started) = tokio::join!(fixture.carry_out_with(locked, planned, false), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::task::block_in_place(|| bed.start_api_server(EAST))
    });
    started.unwrap();
    let (report, events) = applied;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(waits(&events, "sunset"), Vec::<WaitReason>::new());
    let reasons = waits(&events, "sunrise");
    assert!(
        reasons.iter().all(|reason| *reason == WaitReason::Retry) && !reasons.is_empty(),
        "{reasons:?}"
    );
    assert!(!fixture.plan().await.plan.has_changes());
}

fn waits(events: &[Event], of: &str) -> Vec<WaitReason> {
    let events = events.iter();
    events
        .filter_map(|event| match event {
            Event::Waiting {
                cluster, reason, ..
            } if cluster == of => Some(*reason),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finalizer_that_holds_a_deleted_object_is_named_while_it_does() {
    let fixture = Fixture::new(shared_bed(), "held");
    fixture.apply().await;
    let patch = |patch: &str| {
        let patch = format!("--patch={{\"metadata\":{{\"finalizers\":{patch}}}}}");
        let object = ["patch", "virtualservice/orders", "-n=held", "--type=merge"];
        fixture.kubectl(EAST, &[&object[..], &[&patch]].concat());
    };
    patch(r#"["example.com/slow"]"#);
    let planned = fixture.plan_removal().await;
    let (removed, ()) = tokio::join!(fixture.carry_out(planned, false), async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        tokio::task::block_in_place(|| patch("null"));
    });
    let (report, events) = removed;
    assert!(report.is_success(), "{report:#?}");
    assert_eq!(waits(&events, "sunset"), Vec::<WaitReason>::new());
    let named = |event: &Event| {
        matches!(event, Event::Waiting { cluster, message, limit: Some(60), .. }
            if cluster == "sunrise"
                && message == "VirtualService held/orders was deleted, but is blocked by example.com/slow")
    };
    assert!(events.iter().any(named), "{events:#?}");
    assert!(report.duration_ms >= 2000, "{report:#?}");
    assert_eq!(fixture.ours(EAST), [].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_without_istio_and_a_namespace_that_is_missing() {
    let lone = LoneBed::take().await;
    let mut fixture = Fixture::new(lone.bed(), "missing");
    // The plan says so already. What does not need it is applied, and no name is published that no gateway takes.
    fixture.mesh.spec.services[0].namespace = Some("nowhere".into());
    let planned = fixture.plan().await;
    assert!(!planned.plan.is_complete());
    let rejected = planned
        .plan
        .steps()
        .find(|(_, step)| step.action == Action::Rejected);
    let rejected = rejected.unwrap().1;
    assert_eq!(rejected.object.to_string(), "VirtualService nowhere/orders");
    let message = rejected.message.as_deref().unwrap();
    assert!(
        message.contains("namespace `nowhere` does not exist"),
        "{message}"
    );
    let (report, _) = fixture.carry_out(planned, false).await;
    let west = &report.clusters[0];
    assert_eq!((west.failed, west.skipped), (1, 1), "{report:#?}");
    assert!(west.created > 0 && west.error.is_none(), "{report:#?}");
    assert!(
        !fixture
            .ours(WEST)
            .keys()
            .any(|one| one.starts_with("DNSEndpoint "))
    );
    fixture.remove().await;
    assert_eq!(fixture.ours(WEST), [].into());

    fixture.mesh.spec.services[0].namespace = Some("missing".into());
    fixture.kubectl(EAST, &["delete", "namespace", "istio-system"]);
    let planned = fixture.plan().await;
    let error = planned.plan.clusters[1].error.clone().unwrap();
    assert!(
        error.contains("install Istio in this cluster first"),
        "{error}"
    );
    // To remove nothing is possible everywhere.
    assert!(!fixture.plan_removal().await.plan.has_changes());
    fixture.kubectl(EAST, &["create", "namespace", "istio-system"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_refuses_is_said() {
    let mut fixture = Fixture::new(shared_bed(), "refused");
    // A gateway's selector that no server takes, past our own checks.
    fixture.apply().await;
    fixture.kubectl(
        EAST,
        &[
            "patch",
            "virtualservice/orders",
            "-n=refused",
            "--type=merge",
            r#"--patch={"metadata":{"finalizers":["example.net/hold"]}}"#,
        ],
    );
    fixture.kubectl(
        EAST,
        &[
            "delete",
            "virtualservice/orders",
            "-n=refused",
            "--wait=false",
        ],
    );
    let planned = fixture.plan().await;
    assert_eq!(
        steps(&planned.plan, "sunrise"),
        ["rejected VirtualService refused/orders"]
    );
    let (_, step) = planned
        .plan
        .steps()
        .find(|(_, step)| step.message.is_some())
        .unwrap();
    assert!(
        step.message
            .as_deref()
            .unwrap()
            .contains("it is being deleted"),
        "{step:#?}"
    );
    fixture.kubectl(
        EAST,
        &[
            "patch",
            "virtualservice/orders",
            "-n=refused",
            "--type=merge",
            r#"--patch={"metadata":{"finalizers":null}}"#,
        ],
    );
    assert_eq!(
        steps(&fixture.plan().await.plan, "sunrise"),
        ["create VirtualService refused/orders"]
    );

    // A context that is not in the kubeconfig.
    fixture.mesh.spec.clusters[1].context = Some("sunrise-typo".into());
    let plan = fixture.plan().await.plan;
    let error = plan.clusters[1].error.clone().unwrap();
    assert!(
        error.contains("has no context sunrise-typo; it has west-context, east-context"),
        "{error}"
    );
    fixture.mesh.spec.clusters[1].context = Some(EAST.into());

    // Names that would lead elsewhere never become a path.
    fixture.mesh.spec.clusters[0].gateway = Some(Gateway {
        service: Some("../../../secrets".into()),
        ..Gateway::default()
    });
    fixture
        .operations
        .plan(&fixture.mesh, Intent::Apply)
        .await
        .unwrap_err();
    fixture.mesh.metadata.name = "../x".into();
    fixture
        .operations
        .plan(&fixture.mesh, Intent::Remove)
        .await
        .unwrap_err();
    fixture.mesh.metadata.name = "refused".into();
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_allowed_is_told_what() {
    let fixture = Fixture::new(shared_bed(), "forbidden");
    let config = std::fs::read_to_string(fixture.bed.kubeconfig()).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
    // In one cluster a user without any role, in the other one that nobody knows.
    let token = config["users"][0]["user"]["token"].take();
    config["users"][0]["user"] =
        serde_json::json!({ "token": token, "as": "nobody-in-particular" });
    config["users"][1]["user"]["token"] = "wrong".into();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, config.to_string()).unwrap();
    let operations = fedmesh_agent::operation::Operations::new(Some(file.clone()));
    let plan = operations
        .plan(&fixture.mesh, Intent::Apply)
        .await
        .unwrap()
        .plan;
    let error = |index: usize| plan.clusters[index].error.clone().unwrap();
    // Everything at once.
    for words in [
        "context west-context: cannot ",
        "get, patch secrets \"fedmesh-forbidden\" in namespace istio-system",
        "create, delete, get, patch virtualservices.networking.istio.io in namespaces forbidden, istio-system",
        "cannot list virtualservices.networking.istio.io;",
        "`fedmesh-agent access -f MESH --cluster sunset`",
    ] {
        assert!(error(0).contains(words), "{words}: {}", error(0));
    }
    assert!(
        error(1).contains("does not accept the credentials"),
        "{}",
        error(1)
    );
    let contexts = operations.clusters().await.contexts;
    assert_eq!(contexts[0].name, WEST);
    assert!(
        contexts[0].version.is_some() && contexts[0].gateway.is_none(),
        "{contexts:#?}"
    );
    assert!(
        contexts[1]
            .error
            .as_deref()
            .unwrap()
            .contains("credentials"),
        "{contexts:#?}"
    );

    // Another cluster's authority.
    config["clusters"][1]["cluster"]["certificate-authority"] =
        config["clusters"][0]["cluster"]["certificate-authority"].clone();
    std::fs::write(&file, config.to_string()).unwrap();
    let plan = operations
        .plan(&fixture.mesh, Intent::Apply)
        .await
        .unwrap()
        .plan;
    let error = plan.clusters[1].error.clone().unwrap();
    assert!(error.contains("certificate is not trusted"), "{error}");
}
