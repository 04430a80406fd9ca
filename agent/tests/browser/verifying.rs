//! Verifying from the page.

use std::fs;

use testbed::Testbed;
use testbed::browser::ColourScheme;

use crate::page::Page;
use crate::repository;
use crate::stub_agent::{StubAgent, report_of};

const BOTH: &[ColourScheme] = &[ColourScheme::Light, ColourScheme::Dark];
const WIDE_AND_NARROW: &[(u32, u32)] = &[(1280, 800), (390, 844)];

/// After an apply to API servers without pods, of which one has lost an object since: begun, found
/// again after a reload, stopped, and what could not work stands there with its causes.
pub(crate) async fn after_an_apply(page: &Page, bed: &Testbed) {
    bed.kubectl(
        "cluster2",
        &[
            "delete",
            "virtualservices.networking.istio.io",
            "--all",
            "-A",
        ],
    )
    .unwrap();
    page.press_enter("verify").await;
    page.wait_for_text("verify-progress", "checks made").await;
    page.picture("verifying", &[ColourScheme::Light], WIDE_AND_NARROW)
        .await;
    page.reload().await;
    page.wait_for_text("verify-progress", "checks made").await;
    page.press_enter("stop").await;
    page.wait_for_attribute("verified", "data-outcome", "failed")
        .await;
    for text in [
        "object-missing",
        "VirtualService default/httpbin is not in cluster cluster2",
        "Fix: run fedmesh-agent apply to create it",
        "no-client",
    ] {
        page.wait_for_text("causes", text).await;
    }
    for text in ["httpbin.default", "cluster1", "cluster2", "no-client"] {
        page.wait_for_text("calls", text).await;
    }
    page.wait_for_text("objects", "failed").await;
    page.picture(
        "verified-without-a-mesh",
        &[ColourScheme::Light],
        WIDE_AND_NARROW,
    )
    .await;
    // What is read is done with: the next visit does not bring it back.
    page.press_enter("done").await;
    page.reload().await;
    // The cause's remedy.
    page.click("review").await;
    page.press_enter("apply").await;
    page.wait_for_attribute("result", "data-success", "true")
        .await;
}

const DOCUMENT: &str = "examples/three-clusters.yaml";

pub(crate) fn three_clusters() -> String {
    fs::read_to_string(repository(DOCUMENT)).unwrap()
}

/// A page with the document, connected to an agent.
pub(crate) async fn connected(agent: &StubAgent) -> Page {
    let page = Page::open(&agent.link()).await;
    page.wait_for_attribute("agent", "data-connected", "true")
        .await;
    page.choose_file(&repository(DOCUMENT)).await;
    page.wait_for_value("spec.dns.suffix", "mesh.example.com")
        .await;
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_is_a_table_with_causes() {
    let report = report_of(&three_clusters());
    let calls = report.checks.len();
    let agent = StubAgent::serve(repository("dist"), report).await;
    let page = connected(&agent).await;

    page.press_enter_at("#notice button").await;

    // A refusal stands where the result would be, with what to do.
    page.click("agent").await;
    page.press_enter("verify-all").await;
    page.wait_for_text("review-page", "is being verified already")
        .await;
    page.wait_for_text("review-page", "wait until that run has ended")
        .await;
    page.press_enter("verify-again").await;
    page.wait_for_text("verify-progress", "checks made").await;
    page.press_enter("stop").await;
    // What had the focus is gone; it is at the result.
    page.wait_for_focus_in("review-title").await;

    page.wait_for_attribute("verified", "data-outcome", "failed")
        .await;
    page.wait_for_text("verified", &format!("{calls} checks"))
        .await;
    for text in [
        "hamburg",
        "munich",
        "vienna",
        "orders.sales",
        "zone muc-1.eu-south",
        "ms",
        "by munich",
        "no-host",
    ] {
        page.wait_for_text("calls", text).await;
    }
    page.wait_for_text("causes", "Fix: ").await;
    page.wait_for_text("records", "for information").await;
    page.picture("verified", BOTH, WIDE_AND_NARROW).await;
    // A cell leads to its cause.
    page.press_enter_at("#calls td button").await;
    page.wait_for_focus_in("causes").await;
    page.picture("verified-cause", &[ColourScheme::Light], &[(1280, 800)])
        .await;
    // A cause is explained beside it.
    page.press_enter_at("#causes summary[aria-label='Explain no-host']")
        .await;
    let entry = shared::explain::entry("no-host").unwrap();
    let paragraph = entry.text.split("\n\n").next().unwrap();
    page.wait_for_text("causes", &paragraph.replace('`', ""))
        .await;
    page.press_enter_at("#gateways summary").await;
    page.wait_for_text("gateways", "munich 203.0.113.20:8080")
        .await;
    page.press_enter_at("#records summary").await;
    page.wait_for_text("records", "10.0.0.53:53").await;
    page.picture_of_all("verified-all", BOTH, &[1280, 390])
        .await;
    // At no width does the page itself scroll sideways.
    page.assert_no_sideways_scrolling().await;
    // The played agent was stopped, so this one ends at once.
    page.press_enter("verify-until").await;
    page.wait_for_text("review-title", "Result").await;
    assert_eq!(agent.waits(), [0, 0, 600]);
    page.wait_for_focus_in("review-page").await;
    page.press_enter("done").await;
    page.close_after("409").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_is_asked_for_watched_and_shown() {
    let agent = StubAgent::serve(repository("dist"), report_of(&three_clusters())).await;
    let page = connected(&agent).await;
    page.click("agent").await;
    page.press_enter("verify-all").await;
    page.press_enter("verify-again").await;
    page.press_enter("stop").await;
    page.wait_for_attribute("verified", "data-outcome", "failed")
        .await;

    // Orders runs in one cluster, so traffic has nowhere to go.
    page.wait_until_gone("drill-orders.sales").await;
    let (way, clusters) = ("drill-stock.depot", "drill-cluster-stock.depot");
    page.press_enter(way).await;
    page.wait_for_focus_in(clusters).await;
    page.wait_for_attribute(way, "aria-expanded", "true").await;
    // Whoever thinks better of it is where they were.
    page.press_escape(clusters).await;
    page.wait_for_focus_in(way).await;
    page.wait_until_gone(clusters).await;
    page.press_enter(way).await;
    page.wait_for_value(clusters, "hamburg").await;
    page.choose(clusters, "munich").await;
    page.wait_for_text(
        "drill-question-stock.depot",
        "Then the replicas are restored",
    )
    .await;
    page.picture_of_all("drill-question", BOTH, &[1280, 390])
        .await;
    page.press_enter("drill-begin-stock.depot").await;

    let away = "stock.depot is scaled down in munich; waiting for traffic to move";
    page.wait_for_text("verify-progress", away).await;
    page.wait_for_focus_in("review-title").await;
    page.wait_for_text("verifying", "drill: running").await;
    page.picture("drill-running", BOTH, WIDE_AND_NARROW).await;
    page.reload().await;
    page.wait_for_text("verify-progress", away).await;
    assert_eq!(agent.drills(), ["stock.depot@munich"]);
    page.press_enter("stop").await;

    page.wait_for_text("drilled", "Drill: stock.depot out of service in munich")
        .await;
    for text in ["1 of 181", "1.4 s", "7.3 s", "not-returned", "hamburg"] {
        page.wait_for_text("drilled", text).await;
    }
    page.wait_for_text("review-title", "Result of the drill")
        .await;
    page.picture("drilled", BOTH, WIDE_AND_NARROW).await;
    page.assert_no_sideways_scrolling().await;
    // The next one begins where this one is shown.
    page.press_enter(way).await;
    page.wait_for_value(clusters, "hamburg").await;
    page.press_enter("done").await;
    page.close_after("409").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_the_agent_is_back_at_the_document() {
    let agent = StubAgent::serve(repository("dist"), report_of(&three_clusters())).await;
    let page = connected(&agent).await;
    page.click("agent").await;
    page.press_enter("verify-all").await;
    // The agent refuses the first.
    page.wait_for_text("review-page", "is being verified already")
        .await;
    page.click("agent").await;
    page.press_enter("disconnect").await;
    page.wait_for_attribute("agent", "data-connected", "false")
        .await;
    page.wait_for_value("spec.dns.suffix", "mesh.example.com")
        .await;
    page.close_after("the server responded with a status of 4")
        .await;
}
