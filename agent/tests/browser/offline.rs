//! The page without a network, and its next version.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use testbed::browser::{ColourScheme, Options};
use testbed::static_site::StaticSite;

use crate::page::Page;
use crate::repository;
use crate::secure_site::SecureSite;

const IS_KEPT: &str = "return !!navigator.serviceWorker.controller";
const HAS_NEW_TITLE: &str = "return document.title === 'fedmesh, next'";

#[tokio::test(flavor = "multi_thread")]
async fn the_page_works_offline_and_offers_its_next_version() {
    let folder = tempfile::tempdir().unwrap();
    copy(&repository("dist"), folder.path());
    let mut site = SecureSite::serve(folder.path()).await;
    let options = Options {
        any_certificate: true,
        ..Options::default()
    };
    let page = Page::open_with(options, &site.url()).await;
    page.wait_for_script(IS_KEPT).await;

    // Rendering, reading and the text editor are programs of their own.
    site.stop().await;
    page.reload().await;
    page.click("walkthrough").await;
    page.wait_for_text("manifest", "httpbin.my.dns.zone.name")
        .await;
    page.choose_file(&repository("examples/three-clusters.yaml"))
        .await;
    page.wait_for_value("spec.dns.suffix", "mesh.example.com")
        .await;
    page.click("tab-text").await;
    page.wait_for_editor(".cm-content", "mesh.example.com")
        .await;

    // The next version is stored beside this one, which stays until it is asked for.
    next_version(folder.path());
    site.start().await;
    page.reload().await;
    page.wait_for_text("update", "A new version of the page is ready.")
        .await;
    page.picture(
        "update",
        &[ColourScheme::Light, ColourScheme::Dark],
        &[(1280, 800), (390, 844)],
    )
    .await;
    page.click("later").await;
    page.wait_until_gone("update").await;
    page.reload().await;
    page.wait_for_text("update", "A new version of the page is ready.")
        .await;
    assert_ne!(page.run(HAS_NEW_TITLE).await, true);
    page.fill("spec.dns.suffix", "mesh.example.org").await;
    page.click("take-update").await;
    page.wait_for_script(HAS_NEW_TITLE).await;
    page.wait_for_value("spec.dns.suffix", "mesh.example.org")
        .await;
    page.wait_until_gone("update").await;

    // Nothing of the earlier version is left.
    page.wait_for_script("return caches.keys().then((names) => names.length === 1)")
        .await;
    site.stop().await;
    page.reload().await;
    page.wait_for_script(HAS_NEW_TITLE).await;
    page.wait_for_value("spec.dns.suffix", "mesh.example.org")
        .await;
    page.close().await;
}

/// The agent's page, and any page on a port that another program may have later, has no service worker.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_on_http_keeps_nothing_behind() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.click("walkthrough").await;
    page.wait_for_text("manifest", "httpbin.my.dns.zone.name")
        .await;
    let kept = "return navigator.serviceWorker.getRegistrations().then((all) => all.length)";
    assert_eq!(page.run(kept).await, 0);
    assert_eq!(
        page.run("return caches.keys().then((names) => names.length)")
            .await,
        0
    );
    page.close().await;
}

/// Another title, in a file that is listed with its digest, as `cargo xtask dist` would write it.
fn next_version(folder: &Path) {
    let digest = |bytes: &[u8]| format!("sha256-{}", STANDARD.encode(Sha256::digest(bytes)));
    let [index, worker] = ["index.html", "sw.js"].map(|name| folder.join(name));
    let before = fs::read_to_string(&index).unwrap();
    let after = before.replace("<title>fedmesh</title>", "<title>fedmesh, next</title>");
    assert_ne!(before, after);
    let text = fs::read_to_string(&worker).unwrap();
    let next = text
        .replace(&digest(before.as_bytes()), &digest(after.as_bytes()))
        .replace("const VERSION = \"", "const VERSION = \"next-");
    assert!(next.contains(&digest(after.as_bytes())));
    fs::write(index, after).unwrap();
    fs::write(worker, next).unwrap();
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
