//! Reading the result: a search in the manifests, their objects and what they derive from, findings in groups.

use std::fs;

use shared::bundle::{Bundle, document};
use shared::facts::Facts;
use shared::mesh::Mesh;
use testbed::browser::ColourScheme;
use testbed::static_site::StaticSite;

use crate::page::Page;
use crate::repository;

const BOTH: &[ColourScheme] = &[ColourScheme::Light, ColourScheme::Dark];
const WIDE_AND_NARROW: &[(u32, u32)] = &[(1280, 800), (390, 844)];
const SEARCH: &str = "manifest-search";
const COUNT: &str = "search-count";
const PATH: &str = "manifest-path";
const FILE: &str = "cluster1/60-httpbin.default.yaml";
/// The arrow key, as WebDriver has it.
const DOWN: &str = "\u{e015}";

/// What is marked in the line that the search is at.
const MARKED: &str = "[...document.querySelectorAll('#manifest .here mark')]
    .map((mark) => mark.textContent).join('')";

async fn walkthrough() -> (StaticSite, Page) {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.click("walkthrough").await;
    page.wait_for_text("manifest", "httpbin.my.dns.zone.name")
        .await;
    page.show_file(FILE).await;
    (site, page)
}

/// What the core renders for the walk-through.
fn bundle() -> Bundle {
    let text = fs::read_to_string(repository("examples/walkthrough.yaml")).unwrap();
    let mesh = Mesh::read(&text).unwrap();
    let resolved = shared::check(&mesh, &Facts::default()).resolved.unwrap();
    Bundle::new(&mesh, &resolved)
}

async fn wait_for_files(page: &Page, count: usize) {
    let script = format!("return document.querySelectorAll('#files .file').length === {count}");
    page.wait_for_script(&script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifests_are_searched_by_the_keyboard() {
    let (_site, page) = walkthrough().await;
    page.fill(SEARCH, "exact: /HTML").await;
    page.wait_for_text(COUNT, "3 matches in 3 files").await;
    wait_for_files(&page, 3).await;
    // From the file that is shown to the next one, and around.
    page.press_enter(SEARCH).await;
    page.wait_for_text(COUNT, "2 of 3 in 3 files").await;
    page.wait_for_script(&format!("return {MARKED} === 'exact: /html'"))
        .await;
    page.wait_for_focus_in(SEARCH).await;
    page.picture("search", BOTH, WIDE_AND_NARROW).await;
    page.type_into(SEARCH, DOWN).await;
    page.wait_for_text(PATH, "cluster2/60-httpbin.default.yaml")
        .await;
    page.press_enter(SEARCH).await;
    page.wait_for_text(COUNT, "1 of 3 in 3 files").await;
    page.wait_for_text(PATH, "mesh.yaml").await;

    // A path, without a line that has it.
    page.fill(SEARCH, "40-gateways").await;
    page.wait_for_text(COUNT, "2 matches in 2 files").await;
    page.press_enter(SEARCH).await;
    page.wait_for_text(PATH, "cluster1/40-gateways.yaml").await;
    page.fill(SEARCH, "no such text").await;
    page.wait_for_text(COUNT, "No match").await;
    page.wait_for_text("files", "No file matches.").await;

    page.press_escape(SEARCH).await;
    page.wait_for_value(SEARCH, "").await;
    page.wait_for_script("return document.querySelectorAll('#files .file').length > 10")
        .await;
    // What is found follows the document.
    page.fill(SEARCH, "other.zone").await;
    page.wait_for_text(COUNT, "No match").await;
    page.fill("spec.dns.suffix", "other.zone").await;
    page.wait_for_text(COUNT, " matches in ").await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_folded_is_found() {
    let (_site, page) = walkthrough().await;
    page.press_enter_at("#manifest .object:nth-of-type(2) .fold")
        .await;
    page.fill(SEARCH, "exact: /delay").await;
    page.wait_for_text(COUNT, "3 matches").await;
    page.press_enter(SEARCH).await;
    page.wait_for_script(&format!("return {MARKED} === 'exact: /delay'"))
        .await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_folded_and_copied() {
    const SECOND: &str = "#manifest .object:nth-of-type(2)";
    let (_site, page) = walkthrough().await;
    page.run(
        "navigator.clipboard.writeText = (text) => {
            window.copied = text;
            return Promise.resolve();
        };
        return true",
    )
    .await;
    assert_eq!(page.count("#manifest .object", "").await, 3);
    assert_eq!(page.count(SECOND, "exact: /html").await, 1);
    page.press_enter_at(&format!("{SECOND} .fold")).await;
    page.wait_for_script(&format!(
        "const one = document.querySelector('{SECOND}');
        return one.querySelector('.fold').getAttribute('aria-expanded') === 'false'
            && !one.textContent.includes('exact: /html')"
    ))
    .await;
    page.picture("folded", BOTH, WIDE_AND_NARROW).await;
    // The others are copied as they are, and so is the folded one.
    let bundle = bundle();
    let cluster = bundle.cluster("cluster1").unwrap();
    let route = cluster
        .objects()
        .find(|one| one.kind.kind == "VirtualService" && one.name == "httpbin");
    page.press_enter_at("[aria-label='Copy VirtualService default/httpbin']")
        .await;
    page.wait_for_text("notice", "Copied the object.").await;
    let copied = page.run("return window.copied").await;
    assert_eq!(copied.as_str(), Some(document(route.unwrap()).as_str()));
    page.press_enter_at("[aria-label='Copy the file']").await;
    page.wait_for_text("notice", "Copied the file.").await;
    let copied = page.run("return window.copied").await;
    let file = cluster.files.iter().find(|file| file.path == FILE);
    assert_eq!(copied.as_str(), Some(file.unwrap().text.as_str()));

    page.press_enter_at(&format!("{SECOND} .fold")).await;
    page.wait_for_script(&format!(
        "return document.querySelector('{SECOND}').textContent.includes('exact: /html')"
    ))
    .await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_leads_to_its_field_and_a_row_to_its_manifests() {
    let (_site, page) = walkthrough().await;
    let from = page.count("#manifest .object-origin", "from service httpbin");
    assert_eq!(from.await, 3);
    page.press_enter_at("#manifest .object-origin button").await;
    page.wait_for_focus_in("spec.services[0].name").await;

    page.press_enter_at("[aria-label^='Settings of service 1:']")
        .await;
    page.press_enter_at("#details-service-0 .show-manifests")
        .await;
    page.wait_for_focus_in("tab-manifests").await;
    page.wait_for_text("files-of", "Only service httpbin").await;
    page.wait_for_script(
        "const files = [...document.querySelectorAll('#files .file')];
        return files.length > 1 && files.every((file) => file.ariaLabel.includes('httpbin.default'))",
    )
    .await;
    page.picture("manifests-of-a-service", BOTH, WIDE_AND_NARROW)
        .await;
    // The search is one in these files.
    page.fill(SEARCH, "cluster2/").await;
    page.wait_for_text(COUNT, "1 match in 1 file").await;
    page.press_escape(SEARCH).await;
    page.press_enter("all-files").await;
    page.wait_until_gone("files-of").await;

    page.press_enter_at("[aria-label='Settings of cluster 2']")
        .await;
    page.press_enter_at("#details-cluster-1 .show-manifests")
        .await;
    page.wait_for_value("cluster-filter", "cluster2").await;
    page.show_file("cluster2/60-gateway.yaml").await;
    page.wait_for_text("manifest", "from cluster cluster2")
        .await;
    page.close().await;
}

/// A document with names that have a fix each.
fn faulty() -> String {
    let services: String = (0..40)
        .map(|index| {
            format!("  - {{name: Shop_{index}, port: 8080, failover: {{retry: false}}}}\n")
        })
        .collect();
    format!(
        "apiVersion: fedmesh.dev/v1alpha1
kind: Mesh
metadata: {{name: shop}}
spec:
  dns: {{suffix: My.Zone, externalDns: {{provider: aws}}}}
  clusters:
  - {{name: west, region: r1, zone: z1}}
  services:
{services}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_alike_are_one_line_and_are_fixed_together() {
    const FIRST: &str = "spec.services[0].name";
    const GROUP: &str = "#panel-findings .finding-group";
    const SINGLE: &str = "#panel-findings .findings-of-group > li .finding";
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.yaml");
    fs::write(&file, faulty()).unwrap();
    page.choose_file(&file).await;
    page.wait_for_value(FIRST, "Shop_0").await;
    page.click("tab-findings").await;
    page.wait_for_text("panel-findings", "40 services").await;
    assert_eq!(page.count(SINGLE, "").await, 0);
    let elements = page
        .run("return document.querySelectorAll('#panel-findings *').length")
        .await;
    assert!(elements.as_u64().unwrap() < 1000, "{elements}");
    page.picture("grouped", BOTH, WIDE_AND_NARROW).await;

    // Opened by the keyboard, some at a time.
    page.press_enter_at(GROUP).await;
    page.wait_for_text("panel-findings", "service Shop_0, name")
        .await;
    assert_eq!(page.count(SINGLE, "").await, 20);
    page.picture("group-opened", BOTH, WIDE_AND_NARROW).await;
    page.press_enter_at("#panel-findings .findings-of-group .more-findings button")
        .await;
    page.wait_for_script(&format!(
        "return document.querySelectorAll('{SINGLE}').length === 40"
    ))
    .await;
    page.press_enter_at(SINGLE).await;
    page.wait_for_focus_in(FIRST).await;

    // A fix says what it changes.
    page.wait_for_text(
        "panel-findings",
        "Change spec.dns.suffix from My.Zone to my.zone",
    )
    .await;
    page.press_enter_at("[aria-label='Apply: change spec.dns.suffix to my.zone']")
        .await;
    page.wait_for_value("spec.dns.suffix", "my.zone").await;
    page.wait_for_focus_in("result-tabs").await;

    // All of a group are one step of undo.
    page.press_enter_at("#panel-findings .finding-group + .fix button")
        .await;
    page.wait_for_value(FIRST, "shop-0").await;
    page.wait_for_script(
        "return !document.getElementById('panel-findings').textContent.includes('Invalid DNS label')",
    )
    .await;
    page.click("undo").await;
    page.wait_for_value(FIRST, "Shop_0").await;
    page.wait_for_value("spec.dns.suffix", "my.zone").await;
    page.wait_for_text("panel-findings", "Invalid DNS label: name")
        .await;
    page.close().await;
}
