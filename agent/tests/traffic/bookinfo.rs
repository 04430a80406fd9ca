//! The sample bookinfo and its route rules, as its page shows them to another cluster. What answers stands
//! in for Istio's programs, which see: `testbed/go/services/bookinfo.go`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::bed::{Bed, ZONE, eventually};

/// Pages over which halves are measured, and how far from the mean they may be: four standard deviations.
const PAGES: usize = 100;
const TOLERANCE: usize = 20;

fn document(bed: &Bed, routes: Option<&str>) -> Value {
    let mut document = bed.document();
    let spec = &mut document["spec"];
    spec["services"].as_array_mut().unwrap().push(json!({
        "name": "productpage", "port": 9080, "hostname": "bookinfo", "clusters": ["cluster1"],
        "failover": {"retry": true}, "routes": [{"exact": "/productpage"}],
        "probe": {"path": "/productpage", "status": 200},
    }));
    spec["samples"]
        .as_array_mut()
        .unwrap()
        .push(json!("bookinfo"));
    if let Some(routes) = routes {
        spec["bookinfo"] = json!({ "routes": routes });
    }
    document
}

/// How many pages have reviews of which version and in which colour, seen from another cluster.
fn seen(bed: &Bed, pages: usize) -> BTreeMap<(String, String), usize> {
    let url = format!("http://bookinfo.{ZONE}/productpage");
    let mut command = vec!["curl", "-s", "-m", "20"];
    command.extend(std::iter::repeat_n(url.as_str(), pages));
    let text = bed.client("cluster2", &command, "");
    let mut seen = BTreeMap::new();
    for line in text.lines() {
        let Some(reviews) = line.strip_prefix("reviews: ") else {
            continue;
        };
        let reviews: Value = serde_json::from_str(reviews).unwrap_or_else(|_| panic!("{line}"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let colour = text(&reviews["reviews"][0]["rating"]["color"]);
        *seen.entry((text(&reviews["podname"]), colour)).or_default() += 1;
    }
    assert_eq!(seen.values().sum::<usize>(), pages, "{text}");
    seen
}

#[test]
#[ignore = "in the long run"]
fn each_route_rule_of_bookinfo_shows_its_reviews() {
    let bed = Bed::with_usual();
    let (first, second, third) = (
        ("reviews-v1".to_owned(), String::new()),
        ("reviews-v2".to_owned(), "black".to_owned()),
        ("reviews-v3".to_owned(), "red".to_owned()),
    );
    for (routes, versions) in [
        (None, &[&first, &second, &third][..]),
        (Some("all-v1"), &[&first]),
        (Some("reviews-v2-v3"), &[&second, &third]),
        (Some("reviews-v3"), &[&third]),
    ] {
        let document = document(&bed, routes);
        bed.apply(&document);
        bed.verified(&document);
        // A rule takes a moment to be everywhere.
        let what = routes.unwrap_or("no rule");
        let few = eventually(what, || {
            let seen = seen(&bed, 20);
            let are_those = seen.keys().eq(versions.iter().copied());
            are_those.then_some(()).ok_or_else(|| format!("{seen:?}"))?;
            Ok(seen)
        });
        println!("{what}: {few:?}");
        if routes == Some("reviews-v2-v3") {
            let seen = seen(&bed, PAGES);
            println!("{what}: {seen:?}");
            let halves = seen
                .values()
                .all(|count| count.abs_diff(PAGES / 2) <= TOLERANCE);
            assert!(halves && seen.keys().eq(few.keys()), "{seen:?}");
        }
    }
    bed.apply(&bed.document());
}
