//! The document as text beside the form.

use std::fs;

use shared::mesh::Mesh;
use testbed::browser::ColourScheme;
use testbed::static_site::StaticSite;
use thirtyfour::{Key, TypingData};

use crate::page::Page;
use crate::repository;

const LINES: &str = ".cm-line";
const SUFFIX: &str = "spec.dns.suffix";
const NAME: &str = "metadata.name";

/// The number of the line that contains a word, from 1.
fn line_of(text: &str, word: &str) -> usize {
    text.lines().position(|line| line.contains(word)).unwrap() + 1
}

/// Keys that lead to the end of the line that contains a word. Each time that keys are sent, the cursor is at the end of the
/// text first.
fn at_end_of(text: &str, word: &str) -> TypingData {
    let start = Key::Control + Key::Home + Key::Null;
    (1..line_of(text, word)).fold(start, |keys, _| keys + Key::Down) + Key::End
}

#[tokio::test(flavor = "multi_thread")]
async fn form_and_text_change_each_other_and_keep_comments() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    let file = repository("examples/walkthrough.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let comment = text.lines().find(|line| line.starts_with("# ")).unwrap();
    page.choose_file(&file).await;
    page.click("tab-text").await;
    page.wait_for_editor(LINES, comment).await;
    // The form changes the text.
    page.fill(SUFFIX, "other.zone").await;
    page.wait_for_editor(LINES, "suffix: other.zone").await;
    page.wait_for_editor(LINES, comment).await;
    // The text changes the form.
    page.type_text(at_end_of(&text, "  name: demo") + "x # typed")
        .await;
    page.wait_for_value(NAME, "demox").await;
    page.wait_for_text("document", "demox").await;
    page.picture(
        "text",
        &[ColourScheme::Light, ColourScheme::Dark],
        &[(1280, 800), (390, 844)],
    )
    .await;
    let downloaded =
        fs::read_to_string(page.download("download-mesh", "demox.mesh.yaml").await).unwrap();
    let expected = text
        .replace("  name: demo\n", "  name: demox # typed\n")
        .replace("suffix: my.dns.zone.name", "suffix: other.zone");
    assert_eq!(downloaded, expected);
    // One undo for both.
    page.type_text(Key::Control + "z").await;
    page.wait_for_value(NAME, "demo").await;
    page.type_text(Key::Control + "z").await;
    page.wait_for_value(SUFFIX, "my.dns.zone.name").await;
    page.wait_for_editor(LINES, "suffix: my.dns.zone.name")
        .await;
    page.type_text(Key::Control + "y").await;
    page.wait_for_value(SUFFIX, "other.zone").await;
    page.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_the_text_has_its_line_and_survives_a_reload() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    page.click("walkthrough").await;
    page.wait_for_value(NAME, "demo").await;
    page.click("tab-text").await;
    page.wait_for_editor(LINES, "suffix: my.dns.zone.name")
        .await;
    let example = fs::read_to_string(repository("examples/walkthrough.yaml")).unwrap();
    let mut mesh = Mesh::read(&example).unwrap();
    // On the page, the name of the mesh is the owner.
    mesh.spec.dns.external_dns.as_mut().unwrap().owner_id = None;
    let text = mesh.to_yaml();
    page.type_text(at_end_of(&text, "suffix") + ": x").await;
    let line = line_of(&text, "suffix");
    page.wait_for_text("text-error", &format!("Line {line}: "))
        .await;
    assert_eq!(page.count("form.document[inert]", "").await, 1);
    page.picture("text-error", &[ColourScheme::Light], &[(1280, 800)])
        .await;
    page.reload().await;
    page.click("tab-text").await;
    page.wait_for_editor(LINES, "suffix: my.dns.zone.name: x")
        .await;
    page.wait_for_text("text-error", &format!("Line {line}: "))
        .await;
    page.click("undo").await;
    page.wait_until_gone("text-error").await;
    page.wait_for_value(SUFFIX, "my.dns.zone.name").await;
    // Keys and values are suggested, and findings are at their lines.
    page.type_text(at_end_of(&text, "suffix") + Key::Enter + "tt")
        .await;
    page.wait_for_editor(".cm-tooltip-autocomplete li", "ttl")
        .await;
    page.take_suggestion().await;
    page.wait_for_editor(LINES, "ttl: ").await;
    page.type_text(at_end_of(&text, "externalDns") + "soon")
        .await;
    page.wait_for_value("spec.dns.ttl", "soon").await;
    page.wait_for_editor(".cm-lint-marker-error", "").await;
    page.close().await;
}
