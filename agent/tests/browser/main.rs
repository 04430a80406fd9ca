//! The page in a real browser: from a static host, and from a running agent with two real API
//! servers behind it. Pictures of what was seen are kept in `target/pictures`.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod accessibility;
#[expect(dead_code, reason = "tests of its end wait for it")]
mod agent_process;
mod building;
mod connecting;
mod documents;
mod fields;
mod keyboard;
mod map;
mod offline;
mod page;
mod plans;
mod reading;
mod reviewing;
mod secure_site;
mod starting;
mod stub_agent;
mod stub_review;
mod texts;
mod verifying;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use page::Page;
use shared::mesh::Mesh;
use testbed::browser::ColourScheme;
use testbed::static_site::StaticSite;
use testbed::{Options, Testbed};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// What the command line gives for a document.
fn rendered(document: &Path, output: &str) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_fedmesh-agent"))
        .args(["render", "-f"])
        .arg(document)
        .args(["--to", output])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_typed_on_a_static_host_and_downloaded() {
    let site = StaticSite::serve(&repository("dist"), "/tools/fedmesh/").unwrap();
    let page = Page::open(&site.url()).await;
    let loaded = page.loaded().await;
    assert!(
        loaded.iter().any(|name| name.ends_with("_bg.wasm")),
        "{loaded:?}"
    );
    for name in &loaded {
        // The worker that checks is not waited for by the form, and is none of these.
        assert!(
            !name.contains("read-worker"),
            "{name} is loaded by every visit"
        );
    }

    page.click("spec.services").await;
    for (field, text) in [
        ("metadata.name", "demo"),
        ("spec.dns.suffix", "my.dns.zone.name"),
        ("spec.clusters[0].name", "cluster1"),
        ("spec.clusters[0].region", "us-west2"),
        ("spec.clusters[0].zone", "us-west2-a"),
        ("spec.clusters[1].name", "cluster2"),
        ("spec.clusters[1].region", "us-west2"),
        ("spec.clusters[1].zone", "us-west2-b"),
        ("spec.services[0].name", "httpbin"),
        ("spec.services[0].port", "8000"),
        ("spec.services[0].hostname", "httpbin"),
        ("spec.istio", "1.27"),
    ] {
        page.fill(field, text).await;
    }
    page.click("spec.dns.externalDns").await;
    page.fill("spec.dns.externalDns.provider", "google").await;
    page.fill("spec.dns.externalDns.ownerId", "demo").await;
    page.press_enter_at("[aria-label^='Settings of service 1:']")
        .await;
    page.fill("spec.services[0].routes", "/html, /status, /delay")
        .await;
    page.add_setting("service 1", "failover").await;
    page.choose("spec.services[0].failover.retry", "true").await;
    for sample in ["sample-httpbin", "sample-sleep"] {
        page.press_space(sample).await;
    }
    for cluster in ["cluster1", "cluster2"] {
        page.show_file(&format!("{cluster}/60-httpbin.default.yaml"))
            .await;
        for name in [
            "httpbin.my.dns.zone.name",
            "httpbin.default.external.svc.us-west2.my.dns.zone.name",
            "httpbin.default.external.svc.us-west2-a.us-west2.my.dns.zone.name",
            "httpbin.default.external.svc.us-west2-b.us-west2.my.dns.zone.name",
        ] {
            page.wait_for_text("manifest", name).await;
        }
    }
    let loaded = page.loaded().await;
    assert!(
        loaded.iter().any(|name| name.contains("render-worker")),
        "{loaded:?}"
    );
    page.picture(
        "edit",
        &[ColourScheme::Light, ColourScheme::Dark],
        &[(1280, 800), (390, 844)],
    )
    .await;

    page.click("tab-names").await;
    page.wait_for_text("panel-names", "us-west2-b").await;
    page.picture("names", &[ColourScheme::Light], &[(1280, 800)])
        .await;
    page.click("tab-findings").await;
    page.wait_for_text("panel-findings", "FM0208").await;
    page.picture("findings", &[ColourScheme::Light], &[(1280, 800)])
        .await;

    // Byte for byte what the command line gives, for the typed document and for the example, which
    // say the same.
    let typed = page.download("download-mesh", "demo.mesh.yaml").await;
    let stream = fs::read(page.download("download-yaml", "demo.yaml").await).unwrap();
    let zip = fs::read(page.download("download-zip", "demo.zip").await).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for document in [typed, repository("examples/walkthrough.yaml")] {
        assert!(
            stream == rendered(&document, "-"),
            "the stream differs for {}",
            document.display()
        );
        let file = folder.path().join("bundle.zip");
        rendered(&document, file.to_str().unwrap());
        assert!(
            zip == fs::read(&file).unwrap(),
            "the zip differs for {}",
            document.display()
        );
    }
    page.close().await;
}

/// The browser's renderer is the page's own build; that of the command line is this machine's.
#[tokio::test(flavor = "multi_thread")]
async fn every_example_gives_the_same_bytes_in_the_browser() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    let mut examples = 0;
    for entry in fs::read_dir(repository("examples")).unwrap() {
        let document = entry.unwrap().path();
        if document.extension().is_none_or(|end| end != "yaml") {
            continue;
        }
        let mesh = Mesh::read(&fs::read_to_string(&document).unwrap()).unwrap();
        let question = serde_json::to_string(&("Stream", mesh)).unwrap();
        let stream = page.rendered(&question).await;
        assert!(
            stream.as_bytes() == rendered(&document, "-"),
            "the stream differs for {}",
            document.display()
        );
        examples += 1;
    }
    assert!(examples >= 7, "{examples}");
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_opened_and_the_document_outlives_the_page() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.choose_file(&repository("examples/three-clusters.yaml"))
        .await;
    page.wait_for_value("spec.dns.suffix", "mesh.example.com")
        .await;
    page.wait_for_value("spec.clusters[2].name", "vienna").await;

    // The list of files follows the document.
    page.show_file("munich/60-orders.sales.yaml").await;
    page.choose_file(&repository("examples/walkthrough.yaml"))
        .await;
    page.show_file("cluster2/60-httpbin.default.yaml").await;
    page.choose_file(&repository("examples/three-clusters.yaml"))
        .await;
    page.show_file("vienna/60-stock.depot.yaml").await;

    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.yaml");
    fs::write(&broken, "apiVersion: fedmesh.dev/v1alpha1\nkind: Mesh\nmetadata: {name: x}\nspec:\n  dns: {sufix: a.b}\n  clusters: []\n").unwrap();
    page.choose_file(&broken).await;
    page.wait_for_text("notice", "line 5").await;
    page.wait_for_text("notice", "did you mean `suffix`?").await;

    page.fill("spec.dns.suffix", "mesh.example.org").await;
    page.reload().await;
    page.wait_for_value("spec.dns.suffix", "mesh.example.org")
        .await;
    page.wait_for_value("spec.clusters[2].name", "vienna").await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_does_not_load_is_told_of_and_tried_again() {
    const PROGRAM: &str = "render-worker_bg.wasm";
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(repository("dist")).unwrap() {
        let file = file.unwrap();
        // Explanations, in a folder, are not loaded here.
        if file.file_type().unwrap().is_file() {
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
    }
    fs::remove_file(folder.path().join(PROGRAM)).unwrap();
    let site = StaticSite::serve(folder.path(), "/").unwrap();
    let page = Page::open(&site.url()).await;
    // Nothing is changed until it is there: a change would have it tried again too.
    page.wait_for_text("panel-manifests", "cannot render the manifests")
        .await;
    fs::copy(
        repository("dist").join(PROGRAM),
        folder.path().join(PROGRAM),
    )
    .unwrap();
    page.click("render-again").await;
    page.wait_until_gone("render-again").await;
    page.click("walkthrough").await;
    page.wait_for_text("manifest", "httpbin.my.dns.zone.name")
        .await;
    page.close_after("404").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_stands_at_its_field_once_the_field_is_left() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.type_into("spec.dns.suffix", "Mesh.").await;
    assert_eq!(
        page.attribute("spec.dns.suffix", "aria-invalid")
            .await
            .as_deref()
            .unwrap_or("false"),
        "false"
    );
    page.press_tab("spec.dns.suffix").await;
    page.wait_for_attribute("spec.dns.suffix", "aria-invalid", "true")
        .await;
    let described_by = page
        .attribute("spec.dns.suffix", "aria-describedby")
        .await
        .unwrap();
    let described: Vec<&str> = described_by.split_whitespace().collect();
    page.wait_for_text(described[0], "lower case").await;
    page.picture("error", &[ColourScheme::Light], &[(1280, 800)])
        .await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_planned_applied_and_removed_through_the_agent() {
    let bed = tokio::task::spawn_blocking(|| Testbed::start(Options::with_clusters(2)).unwrap())
        .await
        .unwrap();
    bed.ingress_gateway("cluster1", &["203.0.113.11"]).unwrap();
    bed.ingress_gateway("cluster2", &["203.0.113.12"]).unwrap();
    let agent = agent_process::AgentProcess::serve(bed.kubeconfig());
    let page = Page::open(agent.link()).await;

    page.wait_for_attribute("agent", "data-connected", "true")
        .await;
    page.click("document").await;
    page.click("new-walkthrough").await;
    page.wait_for_value("spec.dns.suffix", "my.dns.zone.name")
        .await;
    reviewing::an_object_to_adopt(&bed);
    page.click("review").await;
    reviewing::adopted(&page).await;
    page.picture(
        "review",
        &[ColourScheme::Light, ColourScheme::Dark],
        &[(1280, 800), (390, 844)],
    )
    .await;
    reviewing::refused_while_another_writes(&page, &bed).await;
    page.wait_for_attribute("result", "data-success", "true")
        .await;
    page.picture(
        "applied",
        &[ColourScheme::Light, ColourScheme::Dark],
        &[(1280, 800)],
    )
    .await;

    // kubectl finds every object, and the records carry the addresses that the agent found.
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("bundle");
    rendered(
        &repository("examples/walkthrough.yaml"),
        target.to_str().unwrap(),
    );
    for cluster in ["cluster1", "cluster2"] {
        let files = target.join(cluster);
        let listed = bed
            .kubectl(
                cluster,
                &["get", "-o", "name", "-f", files.to_str().unwrap()],
            )
            .unwrap();
        assert_eq!(
            listed.lines().count(),
            objects_in(&files),
            "{cluster}: {listed}"
        );
    }
    let records = bed
        .kubectl(
            "cluster1",
            &["get", "dnsendpoints", "-n", "external-dns", "-o", "yaml"],
        )
        .unwrap();
    assert!(
        records.contains("203.0.113.11") && records.contains("203.0.113.12"),
        "{records}"
    );

    verifying::after_an_apply(&page, &bed).await;

    page.click("plan-again").await;
    page.wait_for_text("up-to-date", "up to date with the document")
        .await;

    page.click("agent").await;
    page.click("remove-all").await;
    page.wait_for_text("plan-counts", "delete").await;
    assert_eq!(
        page.attribute("apply", "disabled").await.as_deref(),
        Some("true")
    );
    page.type_into("confirm-remove", "demo").await;
    page.click("apply").await;
    page.wait_for_attribute("result", "data-success", "true")
        .await;
    for cluster in ["cluster1", "cluster2"] {
        for kinds in [
            "gateways.networking.istio.io,virtualservices,serviceentries,destinationrules",
            "dnsendpoints,deployments,services,serviceaccounts,secrets,roles,rolebindings,namespaces",
        ] {
            let left = bed
                .kubectl(
                    cluster,
                    &[
                        "get",
                        kinds,
                        "-A",
                        "-l",
                        "fedmesh.dev/mesh=demo",
                        "-o",
                        "name",
                    ],
                )
                .unwrap();
            assert_eq!(left.trim(), "", "{cluster}");
        }
    }
    reviewing::given_back(&bed);
    page.close_after("409").await;
}

/// How many objects the manifests in a folder are.
fn objects_in(folder: &std::path::Path) -> usize {
    let files = std::fs::read_dir(folder).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let kinds = texts.map(|text| {
        text.lines()
            .filter(|line| line.starts_with("kind: "))
            .count()
    });
    kinds.sum()
}
