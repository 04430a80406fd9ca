//! Fields that are there when they are used, and what is told at them.

use testbed::browser::ColourScheme;
use testbed::static_site::StaticSite;

use crate::page::Page;
use crate::repository;

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_listed_and_a_finding_leads_to_their_field() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.choose_file(&repository("examples/callers.yaml")).await;
    page.click("tab-names").await;
    page.wait_for_text("panel-names", "Called by shop/web, sales")
        .await;
    page.wait_for_text("panel-names", "Called by shop@lyon")
        .await;
    page.picture("callers", &[ColourScheme::Light], &[(1280, 800)])
        .await;
    page.click("tab-findings").await;
    page.wait_for_text("panel-findings", "FM0533").await;
    page.press_enter_at("#panel-findings button.finding").await;
    let field = "spec.services[1].callers";
    page.wait_for_focus_in(field).await;
    let noted = format!("notes:{field} field-help");
    page.wait_for_attribute(field, "aria-describedby", &noted)
        .await;
    page.picture("details", &[ColourScheme::Dark], &[(1280, 1100)])
        .await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_is_explained_beside_it() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.click("tab-findings").await;
    page.wait_for_text("panel-findings", "FM0104").await;
    page.press_enter_at("#panel-findings .explanation summary")
        .await;
    let [paragraph, ..] = shared::explain::entry("FM0104")
        .unwrap()
        .text
        .split("\n\n")
        .collect::<Vec<_>>()[..]
    else {
        panic!("no paragraph");
    };
    page.wait_for_text("panel-findings", &paragraph.replace('`', ""))
        .await;
    page.wait_for_text(
        "panel-findings",
        "Set the value, or remove the field or entry:",
    )
    .await;
    assert_eq!(page.count("#panel-findings .wrong", "spec:").await, 1);
    page.picture(
        "explanation",
        &[ColourScheme::Light, ColourScheme::Dark],
        &[(1280, 900), (390, 900)],
    )
    .await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_are_addresses_and_findings_stand_at_their_fields() {
    const CLUSTER_IP: &str = "spec.clusters[1].gateway.clusterIP";
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.click("document").await;
    page.click("new-walkthrough").await;
    page.wait_for_value("spec.dns.suffix", "my.dns.zone.name")
        .await;
    page.wait_for_text("spec.endpoints", "default: addresses")
        .await;
    page.fill("spec.clusters[1].gateway.addresses", "203.0.113.12")
        .await;
    page.press_enter_at("[aria-label='Settings of cluster 2']")
        .await;
    page.fill(CLUSTER_IP, "10.96.0.10").await;
    page.show_file("cluster2/40-gateways.yaml").await;
    page.wait_for_text("manifest", "10.96.0.10").await;

    page.choose("spec.target", "karmada").await;
    page.wait_for_text("spec.endpoints", "default: names").await;
    page.choose("spec.endpoints", "addresses").await;
    page.wait_for_text("notes:spec.endpoints", "`fedmesh-agent follow`")
        .await;
    page.picture("endpoints", &[ColourScheme::Light], &[(1280, 1000)])
        .await;
    page.choose("spec.endpoints", "names").await;
    let told = format!("notes:{CLUSTER_IP}");
    page.wait_for_text(&told, "`clusterIP` has no effect").await;
    let described_by = format!("{told} field-help");
    page.wait_for_attribute(CLUSTER_IP, "aria-describedby", &described_by)
        .await;
    page.picture(
        "fields",
        &[ColourScheme::Light, ColourScheme::Dark],
        &[(1280, 1000), (390, 1700)],
    )
    .await;

    // A field that is being emptied stays.
    page.fill(CLUSTER_IP, "").await;
    page.fill(CLUSTER_IP, "10.96").await;
    page.wait_for_attribute(CLUSTER_IP, "aria-invalid", "true")
        .await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_has_several_zones_in_one_field() {
    const ZONE: &str = "spec.clusters[0].zone";
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.choose_file(&repository("examples/regional.yaml"))
        .await;
    page.wait_for_value(ZONE, "us-west2-a, us-west2-b, us-west2-c")
        .await;
    page.click("tab-names").await;
    page.wait_for_text(
        "panel-names",
        "orders.sales.external.svc.us-west2-c.us-west2",
    )
    .await;
    page.picture(
        "zones",
        &[ColourScheme::Light, ColourScheme::Dark],
        &[(1280, 800), (390, 900)],
    )
    .await;
    page.assert_no_sideways_scrolling().await;

    // A finding about one of them stands at the field.
    page.fill(ZONE, "us-west2-a, us-west2-a").await;
    page.press_tab(ZONE).await;
    page.wait_for_text(&format!("error:{ZONE}"), "already in the list")
        .await;
    page.fill(ZONE, "us-west2-d").await;
    page.wait_for_text(
        "panel-names",
        "orders.sales.external.svc.us-west2-d.us-west2",
    )
    .await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_is_found_by_its_label_and_the_name_of_its_row() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.click("walkthrough").await;
    page.wait_for_value("spec.services[0].name", "httpbin")
        .await;
    page.type_into("find-field", "httpbin timeout").await;
    page.wait_for_text("found-fields", "service httpbin, failover")
        .await;
    page.picture(
        "find-field",
        &[ColourScheme::Light, ColourScheme::Dark],
        &[(1280, 800), (390, 844)],
    )
    .await;
    // What nobody has set yet is shown, in the details of its row.
    page.fill("find-field", "httpbin connect timeout").await;
    page.wait_for_text("found-field-0", "service httpbin, failover")
        .await;
    page.keys(thirtyfour::Key::Enter + "").await;
    page.wait_for_focus_in("spec.services[0].failover.connectTimeout")
        .await;
    page.type_into("find-field", "no such words").await;
    page.wait_for_text("form", "DNS").await;
    page.escape().await;
    page.wait_for_value("find-field", "").await;
    page.close().await;
}
