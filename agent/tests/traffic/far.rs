//! Clusters that are far from each other.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testbed::Delay;

use crate::bed::{Bed, CLUSTERS, GLOBAL, eventually};
use crate::failover::{Failure, load, measure, result, row, with_once, without_once};
use crate::{mtls, tls};

/// Round trips: within a region, across a continent, and round half of the world.
const ROUND_TRIPS: [Duration; 3] = [
    Duration::from_millis(5),
    Duration::from_millis(80),
    Duration::from_millis(300),
];
/// The cluster that is far from the others, which are near each other.
const FAR: &str = "cluster3";
const OUTAGE: Duration = Duration::from_secs(12);
const HTTPBIN: (&str, &str) = ("default", "httpbin");

/// The shortest of some times in which the node of a cluster gets a TCP connection to another's gateway.
fn connects_in(bed: &Bed, from: &str, to: &str) -> Duration {
    let address = bed.mesh.gateway_address(to).unwrap();
    let times = (0..5).map(|_| {
        let output = bed
            .mesh
            .node_command(from, "curl")
            .unwrap()
            .args(["-s", "-o", "/dev/null", "-m", "5", "-w", "%{time_connect}"])
            .arg(format!("http://{address}/html"))
            .output()
            .unwrap();
        let seconds = String::from_utf8_lossy(&output.stdout).parse::<f64>();
        Duration::from_secs_f64(seconds.unwrap())
    });
    times.min().unwrap()
}

#[test]
fn a_connection_takes_the_round_trip_that_was_set() {
    /// For the thread's turn, on a machine that does something else as well.
    const MORE: Duration = Duration::from_millis(15);
    let bed = Bed::with_usual();
    let round_trip = Duration::from_millis(80);
    assert!(connects_in(&bed, FAR, "cluster1") < MORE);
    let delay = bed.mesh.delay(FAR, round_trip).unwrap();
    for (from, to) in [(FAR, "cluster1"), ("cluster2", FAR)] {
        let time = connects_in(&bed, from, to);
        let right = round_trip..round_trip + MORE;
        assert!(right.contains(&time), "{from} to {to}: {time:?}");
    }
    assert!(connects_in(&bed, "cluster1", "cluster2") < MORE);
    assert!(bed.mesh.delay(FAR, round_trip).is_err(), "it has one");
    assert!(connects_in(&bed, FAR, "cluster1") >= round_trip);
    drop(delay);
    assert!(connects_in(&bed, FAR, "cluster1") < MORE);
    let _again = bed.mesh.delay(FAR, round_trip).unwrap();
    assert!(connects_in(&bed, FAR, "cluster1") >= round_trip);
}

/// The pod that answers calls from the far cluster for the global name.
fn who(bed: &Bed) -> String {
    let url = format!("http://{GLOBAL}/hostname");
    bed.client(FAR, &["curl", "-s", "-m", "3", &url], "")
}

/// Calls for the global name from the far cluster go on to the others, which no call notices, when it loses these pods.
fn loses_no_call_without(bed: &Bed, workload: (&str, &str)) {
    let pod = bed.mesh.pod_name(FAR, ("default", "app=httpbin")).unwrap();
    let is_near = |near: bool| {
        eventually(&format!("its own pod answers: {near}"), || {
            let seen = who(bed);
            let answered = seen.contains("hostname");
            (answered && seen.contains(&pod) == near)
                .then_some(())
                .ok_or(seen)
        });
    };
    is_near(true);
    let calls = load(bed, FAR, GLOBAL, OUTAGE, Duration::from_millis(300));
    std::thread::sleep(Duration::from_secs(2));
    let start = Instant::now();
    bed.scale(FAR, workload, 0);
    is_near(false);
    println!("{workload:?}: others answer after {:?}", start.elapsed());
    let seen = result(calls);
    bed.scale(FAR, workload, 1);
    println!("{}", row(workload, &seen));
    assert_eq!(seen["failed"], 0, "{workload:?}: {seen}");
}

/// Everything connects, and goes on when the far cluster's own pods are gone.
fn works_from_afar(bed: &Bed, document: &Value, gateway: &str) {
    bed.apply(document);
    bed.verified(document);
    loses_no_call_without(bed, HTTPBIN);
    bed.verified(document);
    loses_no_call_without(bed, ("istio-system", gateway));
    bed.verified(document);
}

#[test]
#[ignore = "in the long run"]
fn every_transport_reaches_clusters_300_ms_away() {
    let bed = Bed::alone();
    let _delay = bed.mesh.delay(FAR, Duration::from_millis(300)).unwrap();
    works_from_afar(&bed, &bed.document(), "istio-ingressgateway");

    for (context, ..) in CLUSTERS {
        tls::put_certificate(&bed, context, bed.mesh.authority(), &tls::names());
        bed.open_gateway(context, tls::BYTES);
    }
    works_from_afar(&bed, &tls::document(&bed), "istio-ingressgateway");
    bed.apply(&bed.document());
    for (context, ..) in CLUSTERS {
        tls::take_certificate(&bed, context);
        bed.close_gateway(context, tls::BYTES);
    }

    works_from_afar(&bed, &mtls::document(&bed), "istio-eastwestgateway");
    bed.apply(&bed.document());
}

#[test]
#[ignore = "in the long run"]
fn a_shorter_connect_timeout_than_the_round_trip_reaches_nothing() {
    let bed = Bed::with_usual();
    let _delay = bed.mesh.delay(FAR, Duration::from_millis(300)).unwrap();
    let url = format!("http://{GLOBAL}/html");
    let answers = |timeout: Option<&str>, status: &str| {
        let mut document = bed.document();
        // Elsewhere than its caller: names of other regions go by DNS, with the mesh's own timeout.
        document["spec"]["services"][0]["clusters"] = json!(["cluster1", "cluster2"]);
        document["spec"]["services"][0]["failover"]["connectTimeout"] = json!(timeout);
        bed.apply(&document);
        eventually(&format!("{timeout:?} gives {status}"), || {
            let (seen, _) = bed.call(FAR, &url);
            (seen == status).then_some(()).ok_or(seen)
        });
    };
    answers(Some("250ms"), "503");
    answers(None, "200");
}

/// A measurement for docs/verify.md.
#[test]
#[ignore = "in the long run"]
fn failures_of_the_nearest_cluster_where_others_are_far() {
    let bed = Bed::alone();
    let other = with_once(&bed);
    let mut lost = Vec::new();
    for round_trip in ROUND_TRIPS {
        // Half of it at each end.
        let delays = CLUSTERS.map(|(context, ..)| bed.mesh.delay(context, round_trip / 2));
        let _delays: Vec<Delay<'_>> = delays.into_iter().map(Result::unwrap).collect();
        // In turns: each has forgotten the failure before when it is its turn again.
        for (failure, nearest) in Failure::ALL
            .into_iter()
            .zip(["cluster1", FAR].iter().cycle())
        {
            let seen = measure(&bed, failure, nearest, &[GLOBAL, &other], round_trip);
            if seen[0]["failed"] != 0 {
                lost.push(row((round_trip, failure), &seen[0]));
            }
        }
    }
    without_once(&bed);
    assert!(lost.is_empty(), "{lost:#?}");
}
