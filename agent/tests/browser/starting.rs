//! A mesh from its first choices to the commands that apply it, and what the next change means for the clusters.

use testbed::browser::ColourScheme;
use testbed::static_site::StaticSite;

use crate::page::Page;
use crate::repository;

const BOTH: &[ColourScheme] = &[ColourScheme::Light, ColourScheme::Dark];
const WIDE_AND_NARROW: &[(u32, u32)] = &[(1280, 800), (390, 844)];

/// Three clusters in two regions, two services and mutual TLS.
async fn described(page: &Page) {
    page.press_enter("document").await;
    page.press_enter("new").await;
    page.wait_for_focus_in("new-name").await;
    page.fill("new-name", "shop").await;
    page.fill("new-suffix", "mesh.example.com").await;
    page.choose("new-clusters", "3").await;
    page.choose("new-services", "2").await;
    page.choose("new-transport", "mtls").await;
    page.picture("tour-new-mesh", BOTH, WIDE_AND_NARROW).await;
    page.press_enter("create-mesh").await;
    page.wait_for_focus_in("spec.clusters[0].name").await;
    for (index, [name, region, zone]) in [
        ["oslo", "north", "north-1"],
        ["bergen", "north", "north-2"],
        ["porto", "south", "south-1"],
    ]
    .into_iter()
    .enumerate()
    {
        for (field, text) in [("name", name), ("region", region), ("zone", zone)] {
            page.fill(&format!("spec.clusters[{index}].{field}"), text)
                .await;
        }
    }
    for (index, name) in ["orders", "stock"].into_iter().enumerate() {
        page.fill(&format!("spec.services[{index}].name"), name)
            .await;
        page.fill(&format!("spec.services[{index}].port"), "8080")
            .await;
    }
    page.wait_for_text("manifest", "mesh.example.com").await;
    page.picture("tour-filled-in", BOTH, WIDE_AND_NARROW).await;
    page.press_enter("tab-map").await;
    page.wait_for_text("map-summary", "All calls of 3 clusters are answered")
        .await;
    page.picture("tour-map", BOTH, WIDE_AND_NARROW).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_mesh_is_downloaded_applied_by_commands_and_changed() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    // Nothing of another document stays in the new one.
    page.click("walkthrough").await;
    page.wait_for_value("metadata.name", "demo").await;
    described(&page).await;
    page.press_enter("tab-text").await;
    page.wait_for_editor(".cm-content", "name: shop").await;
    for other in ["httpbin", "demo", "google", "my.dns.zone.name"] {
        let count = "return document.getElementById('document-text').shadowRoot.textContent.split(arguments[0]).length";
        let script = count.replace("arguments[0]", &format!("'{other}'"));
        assert_eq!(page.run(&script).await, 1, "{other} is in the new document");
    }

    page.press_enter("tab-changes").await;
    page.wait_for_text("panel-changes", "No version to compare with")
        .await;
    page.download("download-zip", "shop.zip").await;
    page.press_enter("show-commands").await;
    for command in [
        "fedmesh-agent apply -f shop.zip",
        "unzip shop.zip -d shop-",
        "kubectl --context porto apply --server-side -f shop-",
    ] {
        page.wait_for_text("apply-commands", command).await;
    }
    page.picture("tour-commands", BOTH, WIDE_AND_NARROW).await;
    page.escape().await;

    page.wait_for_text("changes-since", "Since the download of")
        .await;
    page.wait_for_text("panel-changes", "No changes").await;
    page.fill("spec.services[1].name", "stocks").await;
    for text in ["Document", "oslo", "+1 ~1 −1"] {
        page.wait_for_text("panel-changes", text).await;
    }
    page.press_enter_at("[aria-label='oslo/60-stocks.default.yaml, added']")
        .await;
    page.wait_for_text("change", "+  name: stocks").await;
    page.picture("tour-changes", BOTH, WIDE_AND_NARROW).await;
    // A reload keeps the version.
    page.reload().await;
    page.press_enter("tab-changes").await;
    page.wait_for_text("panel-changes", "oslo").await;
    page.press_enter("undo").await;
    page.wait_for_text("panel-changes", "No changes").await;
    page.close().await;
}
