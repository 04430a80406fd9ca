//! Started beds, seen from outside.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testbed::process::ProcessIdentity;
use testbed::{BedError, Options, Testbed};

const WEST: &str = "west-context";
const EAST: &str = "east-context";

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "not within 20 s: {what}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn runs(pid: u32) -> bool {
    ProcessIdentity::of(pid)
        .expect("this system has /proc")
        .is_some()
}

#[test]
fn two_clusters_have_their_own_objects_and_all_kinds() {
    let start = Instant::now();
    let bed = Testbed::start(Options::with_contexts([WEST, EAST])).expect("a bed");
    println!(
        "two clusters ready after {:.1} s",
        start.elapsed().as_secs_f32()
    );
    let kubectl = |context: &str, arguments: &[&str]| bed.kubectl(context, arguments);

    // Each cluster has its own objects.
    kubectl(WEST, &["create", "configmap", "only-west"]).expect("created");
    kubectl(WEST, &["get", "configmap", "only-west"]).expect("there");
    let error = kubectl(EAST, &["get", "configmap", "only-west"]).expect_err("not there");
    assert!(error.to_string().contains("NotFound"), "{error}");

    // All the kinds are served, and their schemas are real.
    for (kind, why) in [
        ("virtualservices.v1.networking.istio.io", "Istio's"),
        (
            "virtualservices.v1alpha3.networking.istio.io",
            "Istio's of old",
        ),
        ("dnsendpoints.v1alpha1.externaldns.k8s.io", "ExternalDNS's"),
        (
            "federatedtypeconfigs.core.federation.k8s.io",
            "federation-v2's",
        ),
        (
            "servicednsrecords.multiclusterdns.federation.k8s.io",
            "federation-v2's",
        ),
    ] {
        kubectl(EAST, &["get", kind, "-A"]).unwrap_or_else(|error| panic!("{why}: {error}"));
    }
    let domain = |fields: &str| {
        let object = format!(
            r#"{{"apiVersion":"multiclusterdns.federation.k8s.io/v1alpha1","kind":"Domain",
                 "metadata":{{"name":"external","namespace":"default"}},{fields}}}"#
        );
        bed.kubectl_with_input(
            EAST,
            &["apply", "--server-side", "--validate=strict", "-f", "-"],
            &object,
        )
    };
    domain(r#""domain":"my.dns.zone.name""#).expect("a right one");
    let error = domain(r#""domain":"a.b","spec":{"domain":"a.b"}"#).expect_err("a wrong one");
    assert!(
        error
            .to_string()
            .contains(".spec: field not declared in schema"),
        "{error}"
    );

    // A deleted namespace goes, with what is in it.
    kubectl(EAST, &["create", "namespace", "short-lived"]).expect("a namespace");
    kubectl(
        EAST,
        &["create", "configmap", "inside", "--namespace=short-lived"],
    )
    .expect("created");
    kubectl(
        EAST,
        &["delete", "namespace", "short-lived", "--timeout=30s"],
    )
    .expect("gone");

    // A gateway with addresses, as a load balancer would give it.
    bed.ingress_gateway(EAST, &["203.0.113.7", "lb.example.com"])
        .expect("a gateway");
    let addresses = kubectl(
        EAST,
        &[
            "get",
            "service/istio-ingressgateway",
            "--namespace=istio-system",
            "-o=jsonpath={.status.loadBalancer.ingress[*]}",
        ],
    )
    .expect("a service");
    assert_eq!(
        addresses,
        r#"{"ip":"203.0.113.7","ipMode":"VIP"} {"hostname":"lb.example.com"}"#
    );
}

#[test]
fn one_cluster_can_be_taken_away_and_all_of_them_in_the_end() {
    let bed = Testbed::start(Options {
        crds: Vec::new(),
        ..Options::with_contexts([WEST, EAST])
    })
    .expect("a bed");
    let kubectl = |context: &str, arguments: &[&str]| bed.kubectl(context, arguments);
    kubectl(WEST, &["create", "configmap", "only-west"]).expect("created");

    // A wrong context is an error that names the right ones.
    let error = bed
        .stop_api_server("south-context")
        .expect_err("no such context");
    assert!(matches!(&error, BedError::NoSuchContext { .. }), "{error}");
    assert!(
        error.to_string().contains("west-context, east-context"),
        "{error}"
    );

    // One API server away, the other isn't touched; back again, all is there.
    let get = &["get", "configmap", "only-west", "--request-timeout=2s"];
    bed.stop_api_server(WEST).expect("stopped");
    let error = kubectl(WEST, get).expect_err("it is stopped");
    assert!(error.to_string().contains("refused"), "{error}");
    kubectl(EAST, &["get", "namespace", "default"]).expect("the other is there");
    bed.start_api_server(WEST).expect("started");
    kubectl(WEST, get).expect("there again");

    // One that hangs.
    bed.pause_api_server(WEST).expect("paused");
    let error = kubectl(WEST, get).expect_err("it is paused");
    assert!(
        error.to_string().to_lowercase().contains("timeout"),
        "{error}"
    );
    bed.resume_api_server(WEST).expect("goes on");
    kubectl(WEST, get).expect("there again");

    let (folder, daemons) = (bed.folder().to_owned(), bed.process_ids());
    assert_eq!(
        daemons.len(),
        4,
        "etcd, namespace controller and two API servers"
    );
    drop(bed);
    assert!(!folder.exists(), "{} is left", folder.display());
    eventually("all daemons are gone", || {
        !daemons.iter().any(|pid| runs(*pid))
    });
}

/// So that a failed expectation leaves no bed behind.
struct KilledWhenDropped(Child);

impl Drop for KilledWhenDropped {
    fn drop(&mut self) {
        self.0.kill().expect("killed with -9");
        self.0.wait().expect("gone");
    }
}

#[test]
fn daemons_and_folder_are_gone_after_the_owner_was_killed() {
    let owner = Command::new(env!("CARGO_BIN_EXE_hold-a-testbed"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut owner = KilledWhenDropped(owner);
    let output = BufReader::new(owner.0.stdout.take().expect("a pipe"));
    let lines = output
        .lines()
        .map(|line| line.expect("text"))
        .take_while(|line| line != "ready")
        .collect::<Vec<_>>();
    let (folder, daemons) = lines.split_first().expect("the folder's path");
    let daemons = daemons
        .iter()
        .map(|pid| pid.parse().expect("an id"))
        .collect::<Vec<u32>>();
    assert_eq!(daemons.len(), 3, "{lines:?}");
    assert!(daemons.iter().all(|pid| runs(*pid)) && Path::new(folder).is_dir());

    drop(owner);
    eventually("all daemons are gone", || {
        !daemons.iter().any(|pid| runs(*pid))
    });
    eventually("the folder is gone", || !Path::new(folder).exists());
}
