//! From two empty clusters to a proof, as a person does it in the browser.

use serde_json::{Value, json};
use shared::verify::{Family, Outcome};
use testbed::browser::ColourScheme;

use crate::agent_process::AgentProcess;
use crate::bed::{Bed, ZONE, failed};
use crate::page::Page;

fn two_clusters(bed: &Bed) -> Value {
    let mut document = bed.document();
    document["spec"]["clusters"]
        .as_array_mut()
        .unwrap()
        .truncate(2);
    document["spec"]["services"][0]["routes"] =
        json!([{"exact": "/html"}, {"prefix": "/status"}, {"prefix": "/delay"}]);
    document
}

#[test]
fn two_empty_clusters_serve_each_other_after_one_click() {
    let bed = Bed::take();
    let document = two_clusters(&bed);
    // The browser, its driver and the agent are all in the bed's network, as are the threads that
    // talk to them.
    let file = bed.write("walkthrough", &document);
    bed.mesh.enter().unwrap();
    let report = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let agent = AgentProcess::serve(bed.mesh.kubeconfig());
            let page = Page::open(agent.link()).await;
            page.wait_for_attribute("agent", "data-connected", "true")
                .await;
            page.choose_file(&file).await;
            page.wait_for_value("spec.dns.suffix", ZONE).await;
            page.click("review").await;
            page.wait_for_text("plan-counts", "create").await;
            page.click("apply").await;
            page.wait_for_attribute("result", "data-success", "true")
                .await;
            // Names take a moment to be everywhere; then the page sees what the command line saw.
            let report = bed.verify(&document, &["--wait", "2m"]);
            assert_eq!(failed(&report), [] as [&str; 0]);
            page.click("verify").await;
            page.wait_for_attribute("verified", "data-outcome", "passed")
                .await;
            page.wait_for_text("calls", "by cluster2").await;
            let wide = &[(1280, 800)];
            page.picture("verified-between-meshes", &[ColourScheme::Light], wide)
                .await;
            page.close().await;
            report
        });

    let passed = |family| {
        let of_family = report.checks.iter().filter(|check| check.family == family);
        of_family
            .filter(|check| check.outcome == Outcome::Passed)
            .count()
    };
    // Names: vanity, global, the region, two zones.
    assert_eq!(
        passed(Family::Call),
        2 * (5 + 1),
        "each client: every name, and its own service"
    );
    assert_eq!(
        passed(Family::Gateway),
        2 * 5,
        "each gateway takes every name"
    );
    assert_eq!(
        passed(Family::Record),
        3 * 5,
        "at the name server and in each cluster"
    );

    // What the guide's readers type: within each mesh, at each gateway, and across by zone.
    for (here, there, zone) in [
        ("cluster1", "cluster2", "us-west2-b"),
        ("cluster2", "cluster1", "us-west2-a"),
    ] {
        for path in ["html", "status/200", "delay/0"] {
            let local = format!("http://httpbin.default:8000/{path}");
            assert_eq!(bed.call(here, &local).0, "200", "{local}");
            let across =
                format!("http://httpbin.default.external.svc.{zone}.us-west2.{ZONE}/{path}");
            let answer = bed.call(here, &across);
            assert_eq!(answer, ("200".to_owned(), there.to_owned()), "{across}");
        }
        // Paths that are not let through stay inside.
        let hidden = format!("http://httpbin.default.external.svc.{zone}.us-west2.{ZONE}/headers");
        assert_eq!(bed.call(here, &hidden).0, "404");
    }
    bed.remove(&document);
    let corefile = bed.kubectl(
        "cluster1",
        &[
            "-n",
            "kube-system",
            "get",
            "configmap",
            "coredns",
            "-o",
            "jsonpath={.data.Corefile}",
        ],
    );
    assert!(!corefile.contains("fedmesh"), "{corefile}");
}
