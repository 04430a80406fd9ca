//! A walk from an empty page to a verified apply by the keyboard alone: keys go to whatever has the focus, and nothing is
//! reached in another way.

use testbed::{Options, Testbed};
use thirtyfour::Key;

use crate::agent_process::AgentProcess;
use crate::page::Page;

/// Tab stops after which something counts as unreachable.
const STOPS: usize = 80;

/// Keys that are pressed together.
fn typed(keys: &[Key]) -> String {
    keys.iter().map(Key::value).collect()
}

impl Page {
    /// Presses Tab until the element that a selector finds has the focus.
    async fn tab_to(&self, selector: &str) {
        self.step_to(&[Key::Tab], selector).await;
    }

    /// The same, backwards.
    async fn tab_back_to(&self, selector: &str) {
        self.step_to(&[Key::Shift, Key::Tab], selector).await;
    }

    async fn step_to(&self, keys: &[Key], selector: &str) {
        let is_there = format!("return document.activeElement?.matches({selector:?}) ?? false");
        for _ in 0..STOPS {
            if self.run(&is_there).await == true {
                return;
            }
            self.keys(typed(keys)).await;
        }
        panic!("{selector} is not reached by {STOPS} tab stops");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mesh_is_described_applied_and_verified_by_the_keyboard_alone() {
    let bed = tokio::task::spawn_blocking(|| Testbed::start(Options::with_clusters(2)).unwrap())
        .await
        .unwrap();
    bed.ingress_gateway("cluster1", &["203.0.113.11"]).unwrap();
    bed.ingress_gateway("cluster2", &["203.0.113.12"]).unwrap();
    let agent = AgentProcess::serve(bed.kubeconfig());
    let page = Page::open(agent.link()).await;
    page.wait_for_attribute("agent", "data-connected", "true")
        .await;

    page.tab_to("#document").await;
    page.keys(Key::Down + "").await;
    page.step_to(&[Key::Down], "#new").await;
    page.keys(Key::Enter + "").await;
    page.wait_for_focus_in("new-name").await;
    page.keys("walk").await;
    page.tab_to("#new-suffix").await;
    page.keys("walk.example.com").await;
    page.tab_to("#create-mesh").await;
    page.keys(Key::Enter + "").await;

    page.wait_for_focus_in("spec.clusters[0].name").await;
    for (index, zone) in ["a", "b"].into_iter().enumerate() {
        let cluster = format!("cluster{}", index + 1);
        for (field, text) in [
            ("name", cluster.as_str()),
            ("region", "north"),
            ("zone", zone),
        ] {
            page.tab_to(&format!("[id='spec.clusters[{index}].{field}']"))
                .await;
            page.keys(text).await;
        }
    }
    for (field, text) in [("name", "orders"), ("port", "8080")] {
        page.tab_to(&format!("[id='spec.services[0].{field}']"))
            .await;
        page.keys(text).await;
    }
    page.wait_for_text("manifest", "walk.example.com").await;

    page.wait_for_script("return document.getElementById('review')?.disabled === false")
        .await;
    page.tab_back_to("#review").await;
    page.keys(Key::Enter + "").await;
    page.wait_for_text("plan-counts", "create").await;
    page.wait_for_focus_in("review-title").await;
    page.tab_to("#apply").await;
    page.keys(Key::Enter + "").await;
    page.wait_for_attribute("result", "data-success", "true")
        .await;
    page.tab_to("#verify").await;
    page.keys(Key::Enter + "").await;
    page.wait_for_text("verify-progress", "checks made").await;
    page.tab_to("#stop").await;
    page.keys(Key::Enter + "").await;
    // The API servers have no pods that could answer.
    page.wait_for_attribute("verified", "data-outcome", "failed")
        .await;
    page.tab_to("#done").await;
    page.keys(Key::Enter + "").await;
    page.wait_for_script("return document.getElementById('review-page').hidden")
        .await;
    page.close().await;
}
