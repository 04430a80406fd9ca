//! Every view for everybody: no defect that axe-core finds, in light and dark, and at every width no sideways scrolling
//! and no menu beyond the window.

use std::fs;

use serde_json::Value;
use testbed::browser::ColourScheme;
use testbed::static_site::StaticSite;
use testbed::tools::AXE;

use crate::page::Page;
use crate::plans::blocked;
use crate::repository;
use crate::stub_agent::{StubAgent, report_of};
use crate::stub_review::StubReview;
use crate::verifying::{connected, three_clusters};

/// The narrowest telephone, a common one, a common window, and a wide screen.
const WIDTHS: [u32; 4] = [320, 390, 1280, 2560];

/// The window's size while a view is opened.
const USUAL: (u32, u32) = (1280, 800);

/// Runs all rules that are about standards or good practice; the answer has a line for each element with a defect.
const CHECK: &str = "return axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
        resultTypes: ['violations'],
    }).then((result) => result.violations.flatMap((one) =>
        one.nodes.map((node) => `${one.id}: ${node.target.join(' ')}: ${node.failureSummary}`)))";

/// Elements that extend beyond the window: the page itself, its parts that scroll only down, menus and notices.
const BEYOND: &str = "const beyond = [];
    const page = document.documentElement;
    if (page.scrollWidth > innerWidth) beyond.push(`the page is ${page.scrollWidth} wide`);
    for (const part of document.querySelectorAll('header, .document, .panel, #review-page')) {
        if (part.scrollWidth > part.clientWidth) {
            const end = part.getBoundingClientRect().left + part.clientWidth;
            const wide = [...part.querySelectorAll('*')].filter((one) =>
                one.getBoundingClientRect().right > end || one.scrollWidth > one.clientWidth);
            const names = wide.map((one) => `${one.localName}#${one.id}.${one.getAttribute('class')}`);
            beyond.push(`${part.id || part.className} scrolls sideways: ${names.join(' ')}`);
        }
    }
    for (const part of document.querySelectorAll('[role=menu]:not([hidden]), .notice, dialog[open]')) {
        const { left, right, top, bottom } = part.getBoundingClientRect();
        if (left < 0 || right > innerWidth || top < 0 || bottom > innerHeight) {
            beyond.push(`${part.id || part.getAttribute('aria-labelledby')} is at ${left}, ${top}, ${right}, ${bottom}`);
        }
    }
    return beyond";

/// Loads axe-core into a page. The page's own policy forbids scripts of others, but not those of the driver.
async fn load_axe(page: &Page) {
    let axe = tokio::task::spawn_blocking(|| AXE.ensure().unwrap())
        .await
        .unwrap();
    let script = fs::read_to_string(axe).unwrap();
    page.run(&format!("{script}; return true")).await;
}

/// Adds the defects of a view, in each width and colour scheme.
async fn check(page: &Page, view: &str, defects: &mut Vec<String>) {
    for width in WIDTHS {
        for colours in [ColourScheme::Light, ColourScheme::Dark] {
            page.show_at(colours, (width, USUAL.1)).await;
            for script in [BEYOND, CHECK] {
                let Value::Array(found) = page.run(script).await else {
                    panic!("no list");
                };
                defects.extend(
                    found
                        .iter()
                        .map(|one| format!("{view}, {width} wide, {colours:?}: {one}")),
                );
            }
        }
    }
    page.show_at(ColourScheme::Light, USUAL).await;
}

fn assert_none(defects: &[String]) {
    assert!(
        defects.is_empty(),
        "{} defects:\n{}",
        defects.len(),
        defects.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_view_of_a_document_is_accessible() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    load_axe(&page).await;
    let mut defects = Vec::new();
    check(&page, "an empty document", &mut defects).await;

    page.click("walkthrough").await;
    page.wait_for_text("manifest", "httpbin.my.dns.zone.name")
        .await;
    check(&page, "the walk-through", &mut defects).await;
    // A narrow window shows one half at a time; a finding leads to the other one.
    page.press_enter("skip-to-result").await;
    page.wait_for_focus_in("result-tabs").await;
    check(&page, "manifests", &mut defects).await;
    page.fill("manifest-search", "gateway").await;
    page.wait_for_text("search-count", " matches in ").await;
    page.press_enter("manifest-search").await;
    page.wait_for_text("search-count", " of ").await;
    page.press_enter_at("#manifest .object .fold").await;
    check(&page, "a search in the manifests", &mut defects).await;
    page.press_escape("manifest-search").await;
    page.click("tab-findings").await;
    page.wait_for_text("panel-findings", "FM0208").await;
    check(&page, "findings", &mut defects).await;
    page.click("tab-names").await;
    page.wait_for_text("panel-names", "us-west2-b").await;
    check(&page, "names", &mut defects).await;
    page.press_enter("ask-what-if").await;
    page.wait_for_text("what-if-summary", "0 of 15 answers change")
        .await;
    check(&page, "a simulated outage", &mut defects).await;

    page.click("tab-map").await;
    page.wait_for_text("map-summary", "answered as usual").await;
    page.press_enter("map-cluster-0").await;
    check(&page, "the map", &mut defects).await;

    page.click("tab-text").await;
    page.wait_for_editor(".cm-line", "suffix:").await;
    check(&page, "the document as text", &mut defects).await;

    page.press_enter("skip-to-document").await;
    page.wait_for_focus_in("form").await;
    for row in [
        "[aria-label='Settings of cluster 1']",
        "[aria-label^='Settings of service 1:']",
    ] {
        page.press_enter_at(row).await;
    }
    check(&page, "open details", &mut defects).await;
    page.fill("spec.services[0].port", "x").await;
    page.press_tab("spec.services[0].port").await;
    page.wait_for_attribute("spec.services[0].port", "aria-invalid", "true")
        .await;
    check(&page, "an invalid field", &mut defects).await;

    for menu in ["document", "download"] {
        page.press_enter(menu).await;
        page.wait_for_attribute(menu, "aria-expanded", "true").await;
        check(&page, &format!("the menu {menu}"), &mut defects).await;
        page.press_escape(menu).await;
        page.wait_for_attribute(menu, "aria-expanded", "false")
            .await;
    }
    page.press_enter("agent").await;
    page.wait_for_focus_in("agent-dialog").await;
    check(&page, "the dialog of the agent", &mut defects).await;
    page.escape().await;

    page.press_enter("undo").await;
    page.press_enter("document").await;
    page.press_enter("new").await;
    page.wait_for_focus_in("new-name").await;
    check(&page, "the dialog for a new mesh", &mut defects).await;
    page.escape().await;
    page.press_enter("skip-to-result").await;
    page.press_enter("tab-changes").await;
    check(&page, "no changes to show", &mut defects).await;
    page.download("download-yaml", "demo.yaml").await;
    page.press_enter("download").await;
    page.press_enter("commands").await;
    page.wait_for_text("apply-commands", "kubectl --context cluster1")
        .await;
    check(&page, "the commands", &mut defects).await;
    page.escape().await;
    page.press_enter("skip-to-document").await;
    page.fill("spec.dns.suffix", "other.example.com").await;
    page.press_enter("skip-to-result").await;
    page.wait_for_text("change", "other.example.com").await;
    check(&page, "changes", &mut defects).await;
    assert_none(&defects);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_moves_nothing_and_closes_by_the_keyboard() {
    const PLACE: &str =
        "return Math.round(document.querySelector('main').getBoundingClientRect().top)";
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    load_axe(&page).await;
    let before = page.run(PLACE).await;
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.yaml");
    fs::write(
        &broken,
        "apiVersion: fedmesh.dev/v1alpha1\nkind: Mesh\nmetadata: {name: x}\nspec: {dns: {sufix: a.b}}\n",
    )
    .unwrap();
    page.choose_file(&broken).await;
    page.wait_for_text("notice", "Dismiss").await;
    assert_eq!(page.run(PLACE).await, before);
    let mut defects = Vec::new();
    check(&page, "a notice", &mut defects).await;
    assert_none(&defects);

    // By its button, the focus goes back to where it was before.
    page.click("metadata.name").await;
    page.press_enter_at("#notice button").await;
    page.wait_until_gone("notice").await;
    page.wait_for_focus_in("metadata.name").await;
    // By Escape, from anywhere.
    page.choose_file(&broken).await;
    page.wait_for_text("notice", "Dismiss").await;
    page.press_escape("metadata.name").await;
    page.wait_until_gone("notice").await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_accessible() {
    let review = StubReview::new(blocked, [], Vec::new());
    let report = report_of(&three_clusters());
    let agent = StubAgent::serve_with(repository("dist"), report, Some(review)).await;
    let page = connected(&agent).await;
    load_axe(&page).await;
    let mut defects = Vec::new();
    check(&page, "a connected agent", &mut defects).await;
    page.press_enter("review").await;
    page.wait_for_text("plan-counts", "3 blocked").await;
    check(&page, "a review", &mut defects).await;
    assert_none(&defects);
    page.close().await;
}
