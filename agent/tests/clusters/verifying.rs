//! What a verification sees of API servers without pods: objects, gateways that are played by this
//! test, and what it makes and takes back.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use fedmesh_agent::operation::ObservedMesh;
use fedmesh_agent::stop::Stop;
use fedmesh_agent::verify::{VerifyOptions, left_behind, restore, verify};
use serde_json::Value;
use shared::verify::{Check, Family, Outcome, Report};
use tokio::sync::mpsc::unbounded_channel;

use crate::fixture::{CLUSTERS, EAST, Fixture, WEST, shared_bed};

/// A gateway on loopback that marks its answers, or knows no host; gives its port.
pub(crate) fn gateway(cluster: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            _ = stream.read(&mut [0; 4096]);
            let (status, mark) = match cluster {
                Some(cluster) => ("200 OK", format!("x-fedmesh-cluster: {cluster}\r\n")),
                None => ("404 Not Found", String::new()),
            };
            _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nserver: istio-envoy\r\n{mark}content-length: 0\r\n\
                 connection: close\r\n\r\n"
            );
        }
    });
    port
}

/// The document's gateways on loopback.
pub(crate) fn with_gateways(fixture: &mut Fixture<'_>, ports: [u16; 2]) {
    for (cluster, port) in fixture.mesh.spec.clusters.iter_mut().zip(ports) {
        let gateway = cluster.gateway.as_mut().unwrap();
        gateway.addresses = vec!["127.0.0.1".to_owned()];
        gateway.port = Some(port.into());
    }
}

pub(crate) fn options() -> VerifyOptions {
    VerifyOptions {
        no_job: true,
        timeout: Duration::from_secs(1),
        ..VerifyOptions::default()
    }
}

async fn observe(fixture: &Fixture<'_>) -> ObservedMesh {
    fixture.operations.observe(&fixture.mesh).await.unwrap()
}

pub(crate) async fn run(fixture: &Fixture<'_>, options: &VerifyOptions) -> Report {
    let (_stopper, stop) = Stop::new();
    let (sender, _events) = unbounded_channel();
    let observed = observe(fixture).await;
    verify(
        &fixture.operations,
        &fixture.mesh,
        observed,
        options,
        &stop,
        &sender,
    )
    .await
    .unwrap()
}

/// Clusters and causes of a family's checks, each pair once; `ok` for those that passed.
pub(crate) fn causes(report: &Report, family: Family) -> Vec<(String, String)> {
    let code = |check: &Check| match (&check.cause, check.outcome) {
        (_, Outcome::Passed) => "ok".to_owned(),
        (Some(cause), _) => cause.code.clone(),
        (None, outcome) => outcome.as_str().to_owned(),
    };
    let mut causes = Vec::new();
    for check in report.checks.iter().filter(|check| check.family == family) {
        let cause = (check.cluster.clone(), code(check));
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    causes
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    list.iter().map(owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_and_gateways() {
    let mut fixture = Fixture::new(shared_bed(), "verified");
    with_gateways(&mut fixture, [gateway(Some("sunset")), gateway(None)]);

    // Before anything is applied, that is the cause of everything.
    let report = run(&fixture, &options()).await;
    let missing = [("sunset", "object-missing"), ("sunrise", "object-missing")];
    assert_eq!(causes(&report, Family::Objects), pairs(&missing));
    assert_eq!(
        causes(&report, Family::Gateway),
        pairs(&[("sunset", "ok"), ("sunrise", "object-missing")])
    );
    assert_eq!(report.outcome(), Outcome::Failed);

    fixture.apply().await;
    let report = run(&fixture, &options()).await;
    let unchanged = [("sunset", "ok"), ("sunrise", "ok")];
    assert_eq!(causes(&report, Family::Objects), pairs(&unchanged));
    assert_eq!(
        causes(&report, Family::Gateway),
        pairs(&[("sunset", "ok"), ("sunrise", "no-host")])
    );
    // There is no pod, and none may be made.
    let no_client = [("sunset", "no-client"), ("sunrise", "no-client")];
    assert_eq!(causes(&report, Family::Call), pairs(&no_client));
    let call = report
        .checks
        .iter()
        .find(|check| check.family == Family::Call)
        .unwrap();
    assert_eq!(call.outcome, Outcome::CouldNotCheck);
    let message = &call.cause.as_ref().unwrap().message;
    assert!(
        message.contains("no pod of default/app=sleep is ready"),
        "{message}"
    );

    // Another gateway answers in the place of one; an object is edited, then gone.
    with_gateways(&mut fixture, [gateway(Some("sunrise")), gateway(None)]);
    fixture.apply().await;
    fixture.kubectl(
        EAST,
        &[
            "patch",
            "virtualservice/orders",
            "-n=verified",
            "--type=merge",
            "--patch={\"spec\":{\"hosts\":[\"other.example.net\"]}}",
        ],
    );
    let report = run(&fixture, &options()).await;
    assert_eq!(
        causes(&report, Family::Gateway),
        pairs(&[("sunset", "wrong-cluster"), ("sunrise", "object-changed")])
    );
    fixture.kubectl(EAST, &["delete", "virtualservice/orders", "-n=verified"]);
    let report = run(&fixture, &options()).await;
    assert_eq!(
        causes(&report, Family::Gateway),
        pairs(&[("sunset", "wrong-cluster"), ("sunrise", "object-missing")])
    );
    let off = report
        .checks
        .iter()
        .find(|check| check.family == Family::Objects && check.outcome == Outcome::Failed)
        .unwrap();
    assert_eq!(off.host, "VirtualService verified/orders");
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_sees_what_comes() {
    let mut fixture = Fixture::new(shared_bed(), "awaited");
    with_gateways(
        &mut fixture,
        [gateway(Some("sunset")), gateway(Some("sunrise"))],
    );
    let options = VerifyOptions {
        wait: Duration::from_secs(8),
        ..options()
    };
    let (report, _) = tokio::join!(run(&fixture, &options), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        fixture.apply().await
    });
    let unchanged = [("sunset", "ok"), ("sunrise", "ok")];
    assert_eq!(causes(&report, Family::Objects), pairs(&unchanged));
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_stands_in_for_a_client_and_is_taken_back() {
    let mut fixture = Fixture::new(shared_bed(), "stand-in");
    with_gateways(
        &mut fixture,
        [gateway(Some("sunset")), gateway(Some("sunrise"))],
    );
    fixture.apply().await;
    let selector = "--selector=fedmesh.dev/mesh=stand-in";
    let jobs = |context: &str| -> Vec<Value> {
        let list = fixture.get(context, &["jobs", "-n=default", selector]);
        list["items"].as_array().unwrap().clone()
    };
    let options = VerifyOptions {
        no_job: false,
        wait: Duration::from_mins(1),
        ..options()
    };
    let (stopper, stop) = Stop::new();
    let (sender, _events) = unbounded_channel();
    let observed = observe(&fixture).await;
    let running = verify(
        &fixture.operations,
        &fixture.mesh,
        observed,
        &options,
        &stop,
        &sender,
    );
    let (report, seen) = tokio::join!(running, async {
        let start = Instant::now();
        let mut seen = Vec::new();
        while seen.len() < 2 && start.elapsed() < Duration::from_secs(30) {
            tokio::time::sleep(Duration::from_millis(200)).await;
            seen = CLUSTERS
                .iter()
                .flat_map(|(_, context)| tokio::task::block_in_place(|| jobs(context)))
                .collect();
        }
        // As Ctrl-C does.
        stopper.stop();
        seen
    });
    assert_eq!(seen.len(), 2);
    for job in &seen {
        let pod = &job["spec"]["template"];
        assert_eq!(pod["metadata"]["labels"]["sidecar.istio.io/inject"], "true");
        let script = pod["spec"]["containers"][0]["command"][2].as_str().unwrap();
        assert!(
            script.contains("http://shop.stand-in.example.net"),
            "{script}"
        );
    }
    for (_, context) in CLUSTERS {
        assert!(jobs(context).is_empty(), "left behind in {context}");
    }
    let no_client = [("sunset", "no-client"), ("sunrise", "no-client")];
    assert_eq!(causes(&report.unwrap(), Family::Call), pairs(&no_client));
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_that_was_broken_off_is_seen_and_taken_back() {
    let fixture = Fixture::new(shared_bed(), "broken-off");
    fixture.apply().await;
    let deployment = |name: &str, replicas: u32| {
        serde_json::json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": name, "namespace": "broken-off" },
            "spec": {
                "replicas": replicas,
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name } },
                    "spec": { "containers": [{ "name": "c", "image": "i" }] },
                },
            },
        })
    };
    let create = ["apply", "--server-side", "-f", "-"];
    for object in [deployment("orders", 0), deployment("idle", 0)] {
        fixture
            .bed
            .kubectl_with_input(WEST, &create, &object.to_string())
            .unwrap();
    }
    assert!(
        left_behind(&observe(&fixture).await, &fixture.mesh)
            .await
            .is_empty()
    );
    // What a drill leaves when it is killed.
    fixture.kubectl(
        WEST,
        &[
            "patch",
            "deployment/orders",
            "-n=broken-off",
            "--type=merge",
            "--field-manager=fedmesh-drill",
            "--patch={\"metadata\":{\"labels\":{\"fedmesh.dev/drill\":\"broken-off\"},\
             \"annotations\":{\"fedmesh.dev/replicas-before-drill\":\"3\"}},\"spec\":{\"replicas\":0}}",
        ],
    );
    let observed = observe(&fixture).await;
    let report = run(&fixture, &options()).await;
    let objects = [
        ("sunset", "ok"),
        ("sunset", "drill-left"),
        ("sunrise", "ok"),
    ];
    let mut seen = causes(&report, Family::Objects);
    seen.sort_by_key(|(cluster, _)| cluster == "sunrise");
    assert_eq!(seen, pairs(&objects));
    let left = left_behind(&observed, &fixture.mesh).await;
    let [left] = left.as_slice() else {
        panic!("{left:?}")
    };
    assert_eq!(
        left.to_string(),
        "Deployment broken-off/orders in cluster sunset (3 replicas before the drill)"
    );
    restore(&observed, left).await.unwrap();
    let after = fixture.get(WEST, &["deployment/orders", "-n=broken-off"]);
    assert_eq!(after["spec"]["replicas"], 3);
    let metadata = &after["metadata"];
    assert_eq!(
        metadata["annotations"]["fedmesh.dev/replicas-before-drill"],
        Value::Null
    );
    assert_eq!(metadata["labels"]["fedmesh.dev/drill"], Value::Null);
    // The next one who sets the replicas has no conflict with a drill that is over.
    let managers: Vec<&str> = metadata["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["manager"].as_str().unwrap())
        .collect();
    assert!(!managers.contains(&"fedmesh-drill"), "{managers:?}");
    fixture
        .bed
        .kubectl_with_input(WEST, &create, &deployment("orders", 5).to_string())
        .unwrap();
    assert!(left_behind(&observed, &fixture.mesh).await.is_empty());
    fixture.remove().await;
}
