//! Documents and their ways into the page: manifests that are opened, and tabs that are not alone.

use testbed::browser::ColourScheme;
use testbed::static_site::StaticSite;

use crate::page::Page;
use crate::repository;

const BOTH: &[ColourScheme] = &[ColourScheme::Light, ColourScheme::Dark];
const WIDE_AND_NARROW: &[(u32, u32)] = &[(1280, 800), (390, 844)];

#[tokio::test(flavor = "multi_thread")]
async fn manifests_become_a_document_and_what_is_lost_is_told() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.choose_file(&repository("shared/tests/manifests/federated-faults.yaml"))
        .await;
    for (field, value) in [
        ("spec.dns.suffix", "mesh.example.net"),
        ("spec.clusters[0].name", "east"),
        ("spec.clusters[1].name", "west"),
        ("spec.services[0].name", "web"),
        ("spec.services[0].port", "8000"),
    ] {
        page.wait_for_value(field, value).await;
    }
    page.press_enter_at("[aria-label^='Settings of service 1:']")
        .await;
    page.wait_for_value("spec.services[0].routes", "/front, /api/*")
        .await;
    page.wait_for_text("notice", "was imported in part").await;
    page.press_enter("state").await;
    for text in ["FM1001", "FM1006", "federated-faults.yaml: "] {
        page.wait_for_text("panel-findings", text).await;
    }
    // What is about the file leads to no field, and what is about the form does.
    assert_eq!(
        page.count("button.finding", "federated-faults.yaml").await,
        0
    );
    assert_ne!(page.count("div.finding", "federated-faults.yaml").await, 0);
    assert_ne!(page.count("button.finding", "spec.").await, 0);
    page.picture("imported", BOTH, WIDE_AND_NARROW).await;

    // A service that is reached by every name.
    let manifests = repository("shared/tests/manifests/any-name.yaml");
    // The suffix that is there is taken, and with none the form asks for one.
    page.fill("spec.dns.suffix", "example.org").await;
    page.choose_file(&manifests).await;
    page.wait_for_value("spec.services[0].namespace", "shop")
        .await;
    page.wait_for_value("spec.dns.suffix", "example.org").await;
    page.click("document").await;
    page.click("new").await;
    page.click("create-mesh").await;
    page.choose_file(&manifests).await;
    page.wait_for_value("spec.services[0].name", "web").await;
    page.wait_for_attribute("spec.dns.suffix", "aria-invalid", "true")
        .await;
    page.wait_for_text("panel-findings", "the manifests contain no DNS suffix")
        .await;
    page.picture(
        "imported-without-a-suffix",
        &[ColourScheme::Light],
        &[(1280, 800)],
    )
    .await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_lose_neither_document() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.fill("spec.dns.suffix", "one.example.org").await;
    let [first, second] = page.second_tab(&site.url()).await;
    page.wait_for_value("spec.dns.suffix", "one.example.org")
        .await;
    page.fill("spec.dns.suffix", "two.example.org").await;

    page.switch_to(&first).await;
    page.wait_for_text("elsewhere", "was changed in another tab")
        .await;
    page.picture("elsewhere", BOTH, WIDE_AND_NARROW).await;
    page.fill("metadata.name", "mine").await;
    page.reload().await;
    page.wait_for_value("metadata.name", "mine").await;
    page.wait_for_value("spec.dns.suffix", "one.example.org")
        .await;
    page.press_enter("take-other").await;
    page.wait_for_value("spec.dns.suffix", "two.example.org")
        .await;
    page.wait_until_gone("elsewhere").await;
    // The other tab says so anew only if it has seen this.
    page.switch_to(&second).await;
    page.wait_until_gone("elsewhere").await;
    page.switch_to(&first).await;
    page.press_enter("undo").await;
    page.wait_for_value("metadata.name", "mine").await;

    page.switch_to(&second).await;
    page.wait_for_text("elsewhere", "was changed in another tab")
        .await;
    page.press_enter("keep-own").await;
    page.wait_until_gone("elsewhere").await;
    page.wait_for_value("spec.dns.suffix", "two.example.org")
        .await;

    page.switch_to(&first).await;
    page.wait_for_text("elsewhere", "was changed in another tab")
        .await;
    page.wait_for_value("metadata.name", "mine").await;
    page.close().await;
}

/// The numbers are those that the command line gives for the same document.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_down_changes_the_answers_in_their_places() {
    const BOX: &str = "down-service:httpbin.default@cluster1";
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.click("walkthrough").await;
    page.press_enter_at(".published button").await;
    page.press_enter("ask-what-if").await;
    page.wait_for_text("what-if-summary", "0 of 15 answers change, 0 unanswered")
        .await;
    let height = page.height("what-if").await;
    page.press_space(BOX).await;
    page.wait_for_text("what-if-summary", "9 of 15 answers change, 3 unanswered")
        .await;
    for answer in [
        "cluster1,cluster2 → cluster2, not cluster1",
        "cluster1 → cluster2",
        "cluster1 → none",
    ] {
        page.wait_for_text("what-if", answer).await;
    }
    assert_eq!(page.height("what-if").await, height, "something jumped");
    page.wait_for_focus_in(BOX).await;
    page.picture("what-if", BOTH, WIDE_AND_NARROW).await;

    page.press_space("down-cluster2").await;
    page.wait_for_text("what-if", "is down").await;
    page.press_enter("nothing-down").await;
    page.wait_for_text("what-if-summary", "0 of 15 answers change")
        .await;
    page.press_enter("ask-what-if").await;
    page.wait_for_text("panel-names", "alias of the name below")
        .await;

    // Shares take numbers that a browser's own do not hold.
    page.choose_file(&repository("examples/locality.yaml"))
        .await;
    page.wait_for_value("metadata.name", "shop").await;
    page.press_enter("ask-what-if").await;
    page.wait_for_text("what-if", "frankfurt-1 20%,frankfurt-2 80%")
        .await;
    page.close().await;
}
