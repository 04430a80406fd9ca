//! The right half: manifests, names and findings.

use wasm_bindgen::JsCast;
use web_sys::{Event, KeyboardEvent};

use super::field::option;
use super::{findings, manifests, name_tree};
use crate::browser;
use crate::browser::dom::{El, button, el, el_in, value_of};
use crate::browser::signals::*;
use crate::state::{Store, Tab};

const ALL: [(Tab, &str, &str); 3] = [
    (Tab::Manifests, "manifests", "Manifests"),
    (Tab::Names, "names", "Names"),
    (Tab::Findings, "findings", "Findings"),
];

pub(crate) fn tabs(store: Store) -> El {
    let list = el("div")
        .attr("role", "tablist")
        .attr("aria-label", "Result")
        .all(ALL.map(|tab| head(store, tab)))
        .on("keydown", move |event| step(store, &event));
    let panels = ALL.map(|(tab, id, _)| {
        el_in("div", "panel")
            .id(&format!("panel-{id}"))
            .attr("role", "tabpanel")
            .attr("aria-labelledby", &format!("tab-{id}"))
            .flag("hidden", move || store.tab.get() != tab)
            .add(match tab {
                Tab::Manifests => manifests::manifests(store),
                Tab::Names => name_tree::name_tree(store),
                Tab::Findings => findings::findings(store),
            })
    });
    el_in("div", "result")
        .add(el_in("div", "tabs").add(list).add(cluster_filter(store)))
        .all(panels)
}

fn head(store: Store, (tab, id, words): (Tab, &'static str, &'static str)) -> El {
    let is_on = move || store.tab.get() == tab;
    let count = el_in("span", "count").show(move || store.findings().len().to_string());
    button("", move || store.tab.set(tab))
        .id(&format!("tab-{id}"))
        .attr("role", "tab")
        .attr("aria-controls", &format!("panel-{id}"))
        .state("aria-selected", is_on)
        .set("tabindex", move || {
            Some(if is_on() { "0" } else { "-1" }.to_owned())
        })
        .text(words)
        .maybe((tab == Tab::Findings).then_some(count))
}

/// Only the selected tab is in the tab order; arrow keys select another.
fn step(store: Store, event: &Event) {
    let at = ALL
        .iter()
        .position(|(tab, ..)| *tab == store.tab.get_untracked())
        .unwrap_or(0);
    let to = match event.unchecked_ref::<KeyboardEvent>().key().as_str() {
        "ArrowRight" => (at + 1) % ALL.len(),
        "ArrowLeft" => (at + ALL.len() - 1) % ALL.len(),
        "Home" => 0,
        "End" => ALL.len() - 1,
        _ => return,
    };
    event.prevent_default();
    store.tab.set(ALL[to].0);
    if let Some(tab) = browser::document().get_element_by_id(&format!("tab-{}", ALL[to].1)) {
        browser::focus(&tab);
    }
}

/// Filters the files by cluster.
fn cluster_filter(store: Store) -> El {
    let clusters = memo(move || {
        let rendered = store.rendered.get();
        let all = rendered.iter().flat_map(|all| &all.manifests.clusters);
        all.map(|cluster| cluster.name.clone() + "\n")
            .collect::<String>()
    });
    let select = el("select")
        .id("cluster-filter")
        .content(move || {
            let chosen = store.only_cluster.get();
            let mut options = vec![option("", "all", chosen.is_none())];
            for name in clusters.get().lines() {
                options.push(option(name, name, chosen.as_deref() == Some(name)));
            }
            options
        })
        .on("change", move |event| {
            let name = value_of(&event);
            store.only_cluster.set((!name.is_empty()).then_some(name));
            store.file.set(None);
        });
    el_in("label", "filter")
        .flag("hidden", move || store.tab.get() != Tab::Manifests)
        .text("Cluster")
        .add(select)
}
