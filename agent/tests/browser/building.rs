//! Whole documents by the form alone: whatever an example has, the form can say.

use std::fs;

use serde_json::Value;
use shared::kubernetes::diff;
use shared::mesh::Mesh;
use testbed::static_site::StaticSite;

use crate::page::Page;
use crate::{rendered, repository};

/// Sets the fields of a document, which is given as JSON; returns what went wrong.
const BUILD: &str = include_str!("building.js");

/// What the page stores, as a text: a driver sorts the fields of objects.
const STORED: &str = "return localStorage.getItem('fedmesh.mesh')";

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_built_by_the_form_alone() {
    let site = StaticSite::serve(&repository("dist"), "/").unwrap();
    let page = Page::open(&site.url()).await;
    let mut defects = Vec::new();
    let mut examples = 0;
    for entry in fs::read_dir(repository("examples")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|end| end != "yaml") {
            continue;
        }
        examples += 1;
        let mesh = Mesh::read(&fs::read_to_string(&file).unwrap()).unwrap();
        let document = serde_json::to_string(&mesh).unwrap();
        // A mesh with one cluster and one service, which have no values yet.
        page.press_enter("document").await;
        page.press_enter("new").await;
        page.wait_for_focus_in("new-name").await;
        page.press_enter("create-mesh").await;
        page.wait_until_gone("create-mesh").await;
        let wrong = page.run_with(BUILD, vec![document.into()]).await;
        if wrong != "" {
            defects.push(format!("{}: {wrong}", file.display()));
            continue;
        }
        if let Some(difference) = difference(&page, &mesh).await {
            defects.push(format!("{}: {difference}", file.display()));
            continue;
        }
        let question = serde_json::to_string(&("Stream", stored(&page).await)).unwrap();
        let built = page.rendered(&question).await;
        let expected = String::from_utf8(rendered(&file, "-")).unwrap();
        if built != expected {
            let difference = diff::of_texts(&expected, &built);
            defects.push(format!("{}: {difference}", file.display()));
        }
    }
    assert!(defects.is_empty(), "{}", defects.join("\n"));
    assert!(examples >= 7, "{examples}");
    page.close().await;
}

/// The document as the page stores it.
async fn stored(page: &Page) -> Value {
    let text = page.run(STORED).await;
    let mut stored: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    stored["document"].take()
}

/// What differs between the page's document and another one, once the page has stored it.
async fn difference(page: &Page, mesh: &Mesh) -> Option<String> {
    let mut difference = None;
    for _ in 0..50 {
        let stored = stored(page).await;
        let (built, errors) = Mesh::from_value(&stored);
        if errors.is_empty() && built == *mesh {
            return None;
        }
        difference = Some(diff::of_texts(&mesh.to_yaml(), &Mesh::yaml_of(&stored)));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    difference
}
