//! From the objects of an earlier version to those of this one, under load.

use std::process::Child;
use std::time::Duration;

use shared::kubernetes::ownership::{PART_OF_LABEL, applyset_id, field_manager};

use crate::bed::{Bed, CLUSTERS, GLOBAL, ZONE, eventually};
use crate::failover::{load, result};

/// What was made in `istio-system` for the names of the usual document when each name had objects of its own.
const BEFORE: [&str; 3] = [
    include_str!("before/cluster1.yaml"),
    include_str!("before/cluster2.yaml"),
    include_str!("before/cluster3.yaml"),
];
/// Those that have objects of their own now, or none.
const KINDS: &str = "serviceentries,destinationrules,virtualservices";
const UNDER_LOAD: Duration = Duration::from_secs(25);

/// Gives the clusters the objects of the release before in place of today's.
fn go_back(bed: &Bed) {
    for ((context, ..), before) in CLUSTERS.into_iter().zip(BEFORE) {
        let own = format!(
            "    fedmesh.dev/mesh: demo\n    {PART_OF_LABEL}: {}\n",
            applyset_id("demo")
        );
        let before = before.replace("    fedmesh.dev/mesh: demo\n", &own);
        let manager = format!("--field-manager={}", field_manager("demo"));
        let apply = [
            "apply",
            "--server-side",
            "--force-conflicts",
            &manager,
            "-f",
            "-",
        ];
        let kubectl = bed.mesh.kubectl();
        kubectl.run_with_input(context, &apply, &before).unwrap();
        let names = [
            "-n=istio-system",
            "get",
            KINDS,
            "--output=name",
            "--selector=fedmesh.dev/mesh=demo",
        ];
        let live = bed.kubectl(context, &names);
        let is_new = |name: &&str| {
            let name = name.rsplit('/').next().unwrap_or_default();
            !before.contains(&format!("  name: {name}\n"))
        };
        let new: Vec<&str> = live.lines().filter(is_new).collect();
        bed.kubectl(
            context,
            &[&["-n=istio-system", "delete"][..], &new].concat(),
        );
    }
}

#[test]
#[ignore = "in the long run"]
fn an_upgrade_loses_no_call() {
    let bed = Bed::with_usual();
    let document = bed.document();
    go_back(&bed);
    let names = [
        GLOBAL.to_owned(),
        format!("httpbin.{ZONE}"),
        format!("httpbin.default.external.svc.us-west2.{ZONE}"),
        format!("httpbin.default.external.svc.us-west2-a.us-west2.{ZONE}"),
        format!("httpbin.default.external.svc.us-west2-b.us-west2.{ZONE}"),
        format!("httpbin.default.external.svc.us-east4.{ZONE}"),
    ];
    for name in &names {
        eventually(name, || {
            let seen = result(load(
                &bed,
                "cluster1",
                name,
                Duration::from_millis(500),
                Duration::ZERO,
            ));
            (seen["failed"] == 0)
                .then_some(())
                .ok_or_else(|| seen.to_string())
        });
    }
    let running: Vec<Child> = names
        .iter()
        .map(|name| load(&bed, "cluster1", name, UNDER_LOAD, Duration::ZERO))
        .collect();
    std::thread::sleep(Duration::from_secs(3));
    bed.apply(&document);
    for (child, name) in running.into_iter().zip(&names) {
        let seen = result(child);
        println!("{name}: {} of {} lost", seen["failed"], seen["n"]);
        assert_eq!(seen["failed"], 0, "{name}: {seen}");
    }
    bed.verified(&document);
}
