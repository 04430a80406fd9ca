//! An agent that cannot help: without a cluster, of another origin, and one that ends.

use testbed::browser::ColourScheme;
use testbed::static_site::StaticSite;

use crate::agent_process::AgentProcess;
use crate::page::Page;
use crate::repository;

const BOTH: &[ColourScheme] = &[ColourScheme::Light, ColourScheme::Dark];
const WIDE_AND_NARROW: &[(u32, u32)] = &[(1280, 800), (390, 844)];

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_a_cluster_and_its_end_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let agent = AgentProcess::serve(&folder.path().join("none"));
    let page = Page::open(agent.link()).await;
    page.wait_for_attribute("agent", "data-connected", "true")
        .await;
    page.click("walkthrough").await;
    page.wait_for_text("manifest", "httpbin.my.dns.zone.name")
        .await;
    page.wait_for_text("agent", "no cluster").await;
    page.wait_for_script("return document.getElementById('review').disabled")
        .await;
    page.press_enter("agent").await;
    page.wait_for_script("return document.getElementById('verify-all').disabled")
        .await;
    page.picture("no-cluster", BOTH, WIDE_AND_NARROW).await;
    page.escape().await;

    drop(agent);
    page.wait_for_text("agent", "connection lost").await;
    page.wait_until_gone("review").await;
    page.press_enter("agent").await;
    page.wait_for_text("agent-dialog", "no agent answers at http://127.0.0.1:")
        .await;
    page.picture("agent-lost", BOTH, WIDE_AND_NARROW).await;
    page.press_enter("check-agent").await;
    page.wait_for_text("agent-dialog", "start `fedmesh-agent serve`")
        .await;
    page.close_after("127.0.0.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_refuses_the_page_is_told_from_one_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let agent = AgentProcess::serve(&folder.path().join("none"));
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.press_enter("agent").await;
    page.fill("agent-address", agent.link()).await;
    page.press_enter("agent-connect").await;
    page.wait_for_text("agent-dialog", "does not accept pages of")
        .await;
    page.wait_for_text("agent-dialog", "--allow-origin").await;
    page.picture("another-origin", BOTH, WIDE_AND_NARROW).await;
    drop(agent);
    page.press_enter("agent-connect").await;
    page.wait_for_text("agent-dialog", "no agent answers at")
        .await;
    page.close_after("127.0.0.1").await;
}
