//! The map, by the keyboard.

use std::fs;

use testbed::browser::ColourScheme;
use testbed::static_site::StaticSite;

use crate::page::Page;
use crate::repository;

const BOTH: &[ColourScheme] = &[ColourScheme::Light, ColourScheme::Dark];
const WIDE_AND_NARROW: &[(u32, u32)] = &[(1280, 800), (390, 844)];

#[tokio::test(flavor = "multi_thread")]
async fn the_map_shows_who_answers_and_what_an_outage_changes() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.choose_file(&repository("examples/three-clusters.yaml"))
        .await;
    page.wait_for_value("spec.dns.suffix", "mesh.example.com")
        .await;
    page.press_enter("tab-map").await;
    page.wait_for_text(
        "map-summary",
        "All calls of 3 clusters are answered as usual",
    )
    .await;
    // Orders runs in one cluster, and is called from all.
    page.wait_for_text("map-service", "orders.sales").await;
    page.wait_for_text("map-cluster-0", "→ munich").await;
    page.picture("map", BOTH, WIDE_AND_NARROW).await;

    page.choose("map-service", "stock.depot").await;
    page.wait_for_text("map-cluster-1", "answers itself").await;
    page.press_enter("map-cluster-1").await;
    page.wait_for_text("map-details", "munich").await;
    page.press_space("down-munich").await;
    page.wait_for_text("map-cluster-1", "is down").await;
    page.press_space("down-munich").await;
    page.press_space("down-service:stock.depot@munich").await;
    page.wait_for_text("map-cluster-1", "→ ").await;
    page.wait_for_text("map-summary", "by other clusters").await;
    page.wait_for_focus_in("down-service:stock.depot@munich")
        .await;
    page.picture("map-outage", BOTH, WIDE_AND_NARROW).await;

    page.press_enter("save-map").await;
    let svg = fs::read_to_string(page.wait_for_file("map.svg").await).unwrap();
    assert!(
        svg.starts_with("<svg ") && svg.contains(">munich<"),
        "{svg}"
    );

    page.press_enter("map-nothing-down").await;
    page.wait_for_text("map-cluster-1", "answers itself").await;
    page.press_enter("map-manifests").await;
    page.wait_for_value("cluster-filter", "munich").await;
    page.close().await;
}
