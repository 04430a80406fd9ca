//! Who takes the calls of whom, where the document says otherwise than the nearest.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::bed::{Bed, GLOBAL, eventually};

/// Requests over which shares are measured, and how far from the mean they may be: more than three
/// standard deviations, 8 of 400 at a share of a fifth.
const REQUESTS: usize = 400;
const TOLERANCE: usize = 30;

/// How many calls of the global name each cluster answers; `lost` for those that nobody does.
fn answers(bed: &Bed, client: &str, requests: usize) -> BTreeMap<String, usize> {
    let urls = vec![format!("http://{GLOBAL}/get"); requests];
    let mut answers = BTreeMap::new();
    for (status, by) in bed.calls(client, &urls) {
        let by = if status == "200" { by } else { "lost".into() };
        *answers.entry(by).or_default() += 1;
    }
    answers
}

fn all_by(bed: &Bed, client: &str, cluster: &str) {
    let desired = BTreeMap::from([(cluster.to_owned(), 100)]);
    eventually(&format!("{cluster} answers {client}"), || {
        let seen = answers(bed, client, 100);
        if seen == desired {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    });
}

fn with_locality(bed: &Bed, locality: Value) -> Value {
    let mut document = bed.document();
    document["spec"]["services"][0]["locality"] = locality;
    document
}

#[test]
#[ignore = "in the long run"]
fn calls_are_spread_by_shares_and_leave_a_place_that_fails() {
    let bed = Bed::take();
    let document = with_locality(
        &bed,
        json!({ "distribute": [
            { "from": "us-west2/us-west2-a", "to": { "us-west2/us-west2-a": 80, "us-east4": 20 } },
        ] }),
    );
    bed.apply(&document);
    bed.verified(&document);

    let seen = answers(&bed, "cluster1", REQUESTS);
    println!("shares of {REQUESTS}: {seen:?}");
    let count = |cluster: &str| seen.get(cluster).copied().unwrap_or_default();
    assert_eq!(count("cluster1") + count("cluster3"), REQUESTS, "{seen:?}");
    let desired = REQUESTS / 5;
    assert!(
        count("cluster3").abs_diff(desired) <= TOLERANCE,
        "{seen:?}, expected about {desired} by cluster3"
    );
    // Callers elsewhere go to the nearest.
    all_by(&bed, "cluster2", "cluster2");
    all_by(&bed, "cluster3", "cluster3");

    bed.scale("cluster1", ("default", "httpbin"), 0);
    all_by(&bed, "cluster1", "cluster3");
    bed.scale("cluster1", ("default", "httpbin"), 1);
    bed.verified(&document);
    bed.remove(&document);
}

/// The document takes cluster2 to another region than its nodes do, so that there are three: who calls
/// from cluster1 cannot tell.
#[test]
#[ignore = "in the long run"]
fn the_region_that_is_named_comes_before_the_rest() {
    let bed = Bed::take();
    let usual = bed.document();
    bed.apply(&usual);
    bed.verified(&usual);
    for (next, cluster) in [("eu", "cluster2"), ("us-east4", "cluster3")] {
        let locality = json!({ "failover": [{ "from": "us-west2", "to": next }] });
        let mut document = with_locality(&bed, locality);
        document["spec"]["clusters"][1]["region"] = "eu".into();
        document["spec"]["clusters"][1]["zone"] = "eu-a".into();
        bed.apply(&document);
        all_by(&bed, "cluster1", "cluster1");
        bed.scale("cluster1", ("default", "httpbin"), 0);
        all_by(&bed, "cluster1", cluster);
        bed.scale("cluster1", ("default", "httpbin"), 1);
        all_by(&bed, "cluster1", "cluster1");
    }
    bed.remove(&usual);
}
