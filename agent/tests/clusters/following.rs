//! Records that follow the gateways.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use fedmesh_agent::follow::{FollowOptions, follow};
use fedmesh_agent::lock::LockOptions;
use fedmesh_agent::stop::Stop;
use serde_json::{Value, json};
use shared::gateways::last_known::LastKnown;
use shared::kubernetes::ownership::LAST_KNOWN_ANNOTATION;
use shared::mesh::{Endpoints, Gateway};

use crate::fixture::{CLUSTERS, EAST, Fixture, LoneBed, WEST, document, shared_bed};
use crate::guards::rewired;
use tokio::sync::mpsc::unbounded_channel;

/// For one event: a watch that has ended is begun again after 45 seconds at most.
const SOON: Duration = Duration::from_mins(1);

/// A mesh whose gateways are Services in its namespace, with an address each.
pub(crate) fn with_services(fixture: &mut Fixture<'_>, services: &[&str]) {
    fixture.mesh = document(fixture.name, services);
    for cluster in &mut fixture.mesh.spec.clusters {
        cluster.gateway = Some(Gateway {
            service: Some("gateway".into()),
            namespace: Some(fixture.name.into()),
            ..Gateway::default()
        });
    }
}

pub(crate) fn make_gateways(fixture: &Fixture<'_>) {
    for (index, (_, context)) in CLUSTERS.iter().enumerate() {
        let namespace = format!("--namespace={}", fixture.name);
        let create = ["create", "service", "loadbalancer", "gateway", "--tcp=80"];
        fixture.kubectl(context, &[&create[..], &[&namespace]].concat());
        move_gateway(fixture, context, &format!("203.0.113.{}", 10 + index));
    }
}

pub(crate) fn move_gateway(fixture: &Fixture<'_>, context: &str, address: &str) {
    set_addresses(fixture, context, &json!([{"ip": address}]));
}

/// Takes the gateway's load balancer away.
pub(crate) fn clear_gateway(fixture: &Fixture<'_>, context: &str) {
    set_addresses(fixture, context, &json!([]));
}

fn set_addresses(fixture: &Fixture<'_>, context: &str, ingress: &Value) {
    fixture.kubectl(
        context,
        &[
            "patch",
            "service/gateway",
            &format!("--namespace={}", fixture.name),
            "--subresource=status",
            "--type=merge",
            &format!(
                "--patch={}",
                json!({"status": {"loadBalancer": {"ingress": ingress}}})
            ),
        ],
    );
}

/// Says whether the gateway has a ready pod, as Kubernetes' controller would.
pub(crate) fn set_ready(fixture: &Fixture<'_>, context: &str, ready: bool) {
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "gateway-1",
            "namespace": fixture.name,
            "labels": {"kubernetes.io/service-name": "gateway"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.7"], "conditions": {"ready": ready}}],
        "ports": [{"name": "http", "port": 80}],
    });
    fixture
        .bed
        .kubectl_with_input(context, &["apply", "-f", "-"], &slice.to_string())
        .unwrap();
}

/// The targets of a service's records, `name type` → targets.
pub(crate) fn records(fixture: &Fixture<'_>, service: &str) -> Vec<(String, Vec<String>)> {
    let name = format!("dnsendpoint/{service}.{}", fixture.name);
    let object = fixture.get(WEST, &["-n=istio-system", &name]);
    object["spec"]["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| {
            let name = format!(
                "{} {}",
                endpoint["dnsName"].as_str().unwrap(),
                endpoint["recordType"].as_str().unwrap()
            );
            let targets = endpoint["targets"].as_array().unwrap().iter();
            (
                name,
                targets.map(|t| t.as_str().unwrap().to_owned()).collect(),
            )
        })
        .collect()
}

pub(crate) fn targets(fixture: &Fixture<'_>, name: &str) -> Vec<String> {
    let all = records(fixture, "orders");
    let found = all.iter().find(|(one, _)| one == name);
    found.unwrap_or_else(|| panic!("{name}: {all:?}")).1.clone()
}

/// The program, following.
struct Following {
    child: Child,
    events: Receiver<Value>,
    folder: tempfile::TempDir,
}

fn command(fixture: &Fixture<'_>, folder: &tempfile::TempDir, more: &[&str]) -> Command {
    let path: PathBuf = folder.path().join("mesh.yaml");
    std::fs::write(&path, fixture.mesh.to_yaml()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fedmesh-agent"));
    command
        .args(["follow", "-o", "json", "--debounce", "100ms", "-f"])
        .arg(path)
        .arg("--kubeconfig")
        .arg(fixture.bed.kubeconfig())
        .args(more);
    command
}

pub(crate) fn once(fixture: &Fixture<'_>) -> Output {
    let folder = tempfile::tempdir().unwrap();
    command(fixture, &folder, &["--once"]).output().unwrap()
}

impl Following {
    fn start(fixture: &Fixture<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = command(fixture, &folder, &[])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, events) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let event = serde_json::from_str(&line.unwrap()).unwrap();
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            events,
            folder,
        }
    }

    /// Waits for an event that has these fields; others may come before it.
    fn expect(&self, fields: &Value) -> Value {
        let start = Instant::now();
        let mut seen = Vec::new();
        while let Ok(event) = self
            .events
            .recv_timeout(SOON.saturating_sub(start.elapsed()))
        {
            let mut fields = fields.as_object().unwrap().iter();
            if fields.all(|(key, value)| event[key] == *value) {
                return event;
            }
            seen.push(event);
        }
        panic!("no {fields} among {seen:?}");
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(status.success());
    }

    /// Exit code and what it said.
    fn end(mut self) -> (Option<i32>, String) {
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < SOON, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        let Self { child, folder, .. } = self;
        let output = child.wait_with_output().unwrap();
        drop(folder);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_moves_is_followed_and_nothing_else_is_touched() {
    let mut fixture = Fixture::new(shared_bed(), "follow");
    with_services(&mut fixture, &["orders", "payments"]);
    make_gateways(&fixture);
    fixture.apply().await;
    // All of the mesh's record but the addresses and when it was written.
    let parent = |fixture: &Fixture<'_>| {
        let secret = fixture.get(WEST, &["-n=istio-system", "secret/fedmesh-follow"]);
        let mut metadata = secret["metadata"].clone();
        let mut annotations = metadata["annotations"].take();
        let addresses = annotations[LAST_KNOWN_ANNOTATION].take();
        let known = LastKnown::read(addresses.as_str().unwrap());
        (known, annotations, metadata["labels"].take())
    };
    let parent_before = parent(&fixture);
    assert_eq!(
        parent_before.0.gateways["sunrise"].addresses,
        ["203.0.113.11"]
    );
    let drifted = r#"{"spec":{"gateways":["elsewhere"]}}"#;
    fixture.kubectl(
        WEST,
        &[
            "patch",
            "virtualservice/orders",
            "-n=follow",
            "--type=merge",
            "--field-manager=other-tool",
            &format!("--patch={drifted}"),
        ],
    );

    let following = Following::start(&fixture);
    let start = following.expect(&json!({"event": "following", "cluster": "sunset"}));
    assert_eq!(
        start["gateways"],
        json!({"sunset": ["203.0.113.10"], "sunrise": ["203.0.113.11"]})
    );
    let zone = "orders.follow.external.svc.r1-1.r1.follow.example.net";
    let region = "orders.follow.external.svc.r1.follow.example.net";
    let a = format!("{zone} A");

    // A load balancer that is made anew.
    move_gateway(&fixture, EAST, "203.0.113.99");
    following.expect(&json!({
        "event": "gateway", "cluster": "sunrise",
        "before": ["203.0.113.11"], "after": ["203.0.113.99"],
    }));
    following.expect(&json!({
        "event": "record", "name": zone, "recordType": "A",
        "before": ["203.0.113.11"], "after": ["203.0.113.99"],
    }));
    assert_eq!(targets(&fixture, &a), ["203.0.113.99"]);
    assert_eq!(
        targets(&fixture, &format!("{region} A")),
        ["203.0.113.10", "203.0.113.99"]
    );

    // A gateway whose pods are gone, and back.
    set_ready(&fixture, EAST, false);
    following.expect(&json!({"event": "record", "name": zone, "recordType": "A", "after": []}));
    assert_eq!(targets(&fixture, &format!("{zone} CNAME")), [region]);
    assert_eq!(targets(&fixture, &format!("{region} A")), ["203.0.113.10"]);
    // With the last one, all stay: nothing is better than an address that may come back.
    set_ready(&fixture, WEST, false);
    following.expect(&json!({
        "event": "record", "name": zone, "recordType": "A", "after": ["203.0.113.99"],
    }));
    set_ready(&fixture, WEST, true);
    set_ready(&fixture, EAST, true);
    let findings = fixture.plan().await.findings;
    assert!(
        findings.iter().all(|finding| finding.code != "FM0805"),
        "{findings:?}"
    );

    // Records that somebody takes away.
    let payments = ["delete", "dnsendpoint/payments.follow", "-n=istio-system"];
    fixture.kubectl(WEST, &payments);
    following.expect(&json!({"event": "record", "name": zone.replace("orders", "payments")}));

    let live = fixture.get(WEST, &["-n=follow", "virtualservice/orders"]);
    assert_eq!(live["spec"]["gateways"], json!(["elsewhere"]));
    // Written by the pass that sees the gateways ready again, which no event tells of.
    let start = Instant::now();
    let parent_after = loop {
        let now = parent(&fixture);
        if now.0.gateways["sunrise"].addresses == ["203.0.113.99"] {
            break now;
        }
        assert!(start.elapsed() < SOON, "{:?}", now.0);
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(parent_after.1, parent_before.1);
    assert_eq!(parent_after.2, parent_before.2);

    following.signal("-TERM");
    let (code, said) = following.end();
    assert_eq!(code, Some(0), "{said}");

    fixture.kubectl(WEST, &["delete", "virtualservice/orders", "-n=follow"]);
    fixture.remove().await;
    assert_eq!(fixture.ours(WEST), [].into());
}

/// With addresses in the meshes: one object in each cluster moves with a gateway, and entries only where a gateway has
/// a host name in place of an address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_follow_in_all_clusters() {
    let mut fixture = Fixture::new(shared_bed(), "endpoints");
    with_services(&mut fixture, &["orders", "payments"]);
    fixture.mesh.spec.endpoints = Some(Endpoints::Addresses);
    make_gateways(&fixture);
    fixture.apply().await;
    let get = |context: &str, object: &str| fixture.get(context, &["-n=istio-system", object]);
    let address = |context: &str, of: &str| {
        get(context, &format!("workloadentry/fedmesh-endpoints.{of}"))["spec"]["address"].clone()
    };
    let inside = |context: &str| {
        let service = fixture.get(context, &["-n=endpoints", "service/gateway"]);
        service["spec"]["clusterIP"].clone()
    };
    let entry = |context: &str| {
        let entry = get(
            context,
            "serviceentry/orders.endpoints.external.svc.endpoints.example.net",
        );
        let version = entry["metadata"]["resourceVersion"]
            .as_str()
            .unwrap()
            .to_owned();
        (version, entry["spec"]["resolution"].clone())
    };
    assert_eq!(address(WEST, "sunset"), inside(WEST));
    assert_eq!(address(WEST, "sunrise"), "203.0.113.11");
    assert_eq!(address(EAST, "sunrise"), inside(EAST));
    assert_eq!(address(EAST, "sunset"), "203.0.113.10");
    let before = entry(WEST);
    assert_eq!(before.1, "STATIC");
    assert!(!fixture.plan().await.plan.has_changes());

    let following = Following::start(&fixture);
    following.expect(&json!({"event": "following"}));
    move_gateway(&fixture, EAST, "203.0.113.99");
    following.expect(&json!({"event": "gateway", "cluster": "sunrise"}));
    // Its own cluster goes by the address inside, which stays.
    following.expect(&json!({"event": "endpoints", "cluster": "sunset", "changed": 1}));
    assert_eq!(address(WEST, "sunrise"), "203.0.113.99");
    assert_eq!(address(EAST, "sunrise"), inside(EAST));

    // Somebody takes one away.
    fixture.kubectl(
        EAST,
        &[
            "delete",
            "workloadentry/fedmesh-endpoints.sunset",
            "-n=istio-system",
        ],
    );
    following.expect(&json!({"event": "endpoints", "cluster": "sunrise", "changed": 1}));
    assert_eq!(address(EAST, "sunset"), "203.0.113.10");
    assert_eq!(entry(WEST), before);

    // A gateway without a ready pod takes no calls.
    set_ready(&fixture, EAST, false);
    following.expect(&json!({"event": "endpoints", "cluster": "sunset", "changed": 1}));
    let entries = fixture.get(
        WEST,
        &[
            "-n=istio-system",
            "workloadentry",
            "-l=fedmesh.dev/mesh=endpoints",
        ],
    );
    assert_eq!(entries["items"].as_array().unwrap().len(), 1, "{entries:#}");
    set_ready(&fixture, EAST, true);
    following.expect(&json!({"event": "endpoints", "cluster": "sunset", "changed": 1}));
    assert_eq!(entry(WEST), before);

    // Sidecars have to resolve a load balancer with a name.
    let name = json!([{"hostname": "lb.example.org"}]);
    set_addresses(&fixture, EAST, &name);
    following.expect(&json!({"event": "endpoints", "cluster": "sunset"}));
    assert_eq!(address(WEST, "sunrise"), "lb.example.org");
    assert_eq!(entry(WEST).1, "DNS");
    assert!(!fixture.plan().await.plan.has_changes());
    move_gateway(&fixture, EAST, "203.0.113.11");
    following.expect(&json!({"event": "endpoints", "cluster": "sunset"}));
    assert_eq!(entry(WEST).1, "STATIC");

    following.signal("-TERM");
    let (code, said) = following.end();
    assert_eq!(code, Some(0), "{said}");
    fixture.remove().await;
    assert_eq!(fixture.ours(WEST), [].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_somebody_edits_stops_no_other() {
    let mut fixture = Fixture::new(shared_bed(), "edited");
    with_services(&mut fixture, &["orders", "payments"]);
    make_gateways(&fixture);
    fixture.apply().await;
    let by_hand = r#"{"spec":{"endpoints":[{"dnsName":"payments.example.net","recordType":"A","targets":["192.0.2.1"]}]}}"#;
    fixture.kubectl(
        WEST,
        &[
            "patch",
            "dnsendpoint/payments.edited",
            "-n=istio-system",
            "--type=merge",
            "--field-manager=by-hand",
            "-p",
            by_hand,
        ],
    );
    let following = Following::start(&fixture);
    following.expect(&json!({"event": "following"}));
    let failed = following.expect(&json!({"event": "failed"}));
    let error = failed["error"].as_str().unwrap();
    assert!(
        error.contains("DNSEndpoint istio-system/payments.edited")
            && error.contains(".spec.endpoints is managed by by-hand"),
        "{error}"
    );
    move_gateway(&fixture, EAST, "203.0.113.99");
    let zone = "orders.edited.external.svc.r1-1.r1.edited.example.net";
    following.expect(&json!({
        "event": "record", "name": zone, "recordType": "A", "after": ["203.0.113.99"],
    }));
    assert_eq!(
        records(&fixture, "payments"),
        [(
            "payments.example.net A".to_owned(),
            vec!["192.0.2.1".to_owned()]
        )]
    );
    following.signal("-TERM");
    let (code, said) = following.end();
    assert_eq!(code, Some(0), "{said}");
    // One pass cannot set it right, and says so.
    let output = once(&fixture);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    // An apply does the rest, too.
    let planned = fixture.plan().await;
    assert!(planned.plan.can_be_applied() && !planned.plan.is_complete());
    fixture.remove().await;
    assert_eq!(fixture.ours(WEST), [].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_away_keeps_its_addresses() {
    let lone = LoneBed::take().await;
    let bed = lone.bed();
    let mut fixture = Fixture::new(bed, "away");
    with_services(&mut fixture, &["orders"]);
    make_gateways(&fixture);
    fixture.apply().await;
    let before = records(&fixture, "orders");
    bed.stop_api_server(EAST).unwrap();

    // From the records, by one that never saw it answer.
    let output = once(&fixture);
    let said = String::from_utf8_lossy(&output.stdout);
    // Its endpoints cannot be written.
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let lost: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(lost["event"], "lost");
    assert_eq!(lost["cluster"], "sunrise");
    assert_eq!(lost["kept"], json!(["203.0.113.11"]));
    assert_eq!(records(&fixture, "orders"), before);

    let following = Following::start(&fixture);
    following.expect(&json!({"event": "following"}));
    move_gateway(&fixture, WEST, "203.0.113.98");
    let region = "orders.away.external.svc.r1.away.example.net";
    following.expect(&json!({
        "event": "record", "name": region, "after": ["203.0.113.11", "203.0.113.98"],
    }));
    bed.start_api_server(EAST).unwrap();
    following.expect(&json!({"event": "back", "cluster": "sunrise"}));
    following.signal("-INT");
    let (code, said) = following.end();
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_document_that_was_applied_is_followed() {
    let mut fixture = Fixture::new(shared_bed(), "other");
    with_services(&mut fixture, &["orders"]);
    make_gateways(&fixture);
    let refused = |fixture: &Fixture<'_>, why: &str| {
        let output = once(fixture);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(why), "{said}");
    };
    refused(&fixture, "mesh other is not applied in sunset");
    fixture.apply().await;
    assert!(once(&fixture).status.success());

    let following = Following::start(&fixture);
    following.expect(&json!({"event": "following"}));
    let applied = fixture.mesh.clone();
    with_services(&mut fixture, &["orders", "payments"]);
    refused(
        &fixture,
        "another document of mesh other is applied in sunset",
    );
    fixture.apply().await;
    let (code, said) = following.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("another document of mesh other"), "{said}");
    // What was applied last is untouched.
    assert_eq!(records(&fixture, "payments").len(), 4);
    assert!(once(&fixture).status.success());

    fixture.mesh = applied;
    refused(&fixture, "another document of mesh other");
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_of_other_clusters_are_not_followed() {
    let mut fixture = Fixture::new(shared_bed(), "strayed");
    with_services(&mut fixture, &["orders"]);
    make_gateways(&fixture);
    fixture.apply().await;
    let before = records(&fixture, "orders");
    move_gateway(&fixture, EAST, "203.0.113.99");
    for pairs in [&[(EAST, WEST), (WEST, EAST)][..], &[(EAST, WEST)]] {
        let (operations, _folder) = rewired(&fixture, pairs);
        let (events, _receiver) = unbounded_channel();
        let options = FollowOptions {
            debounce: Duration::ZERO,
            once: true,
            lock: LockOptions::default(),
        };
        let stop = Stop::never();
        let followed = follow(&operations, &fixture.mesh, options, &stop, &events).await;
        let error = followed.unwrap_err().to_string();
        let is_published = error.contains("leads to another cluster than at the last apply")
            || error.contains("lead to the same cluster");
        assert!(is_published, "{error}");
        assert_eq!(records(&fixture, "orders"), before);
    }
    fixture.remove().await;
}
