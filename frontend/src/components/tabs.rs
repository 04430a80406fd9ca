//! The right half: map, manifests, changes, names, findings and the document as text.

use leptos::ev;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::changes::Changes;
use super::findings::FindingsPanel;
use super::manifests::Manifests;
use super::map::Map;
use super::name_tree::NameTree;
use super::text_panel::TextPanel;
use crate::browser;
use crate::state::{Store, Tab};

const ALL: [(Tab, &str, &str); 6] = [
    (Tab::Map, "map", "Map"),
    (Tab::Manifests, "manifests", "Manifests"),
    (Tab::Changes, "changes", "Changes"),
    (Tab::Names, "names", "Names"),
    (Tab::Findings, "findings", "Findings"),
    (Tab::Text, "text", "Document"),
];

#[component]
pub(crate) fn Tabs() -> impl IntoView {
    let store = expect_context::<Store>();
    let heads = ALL.map(|(tab, id, words)| view! { <Head tab id words /> });
    let is_printing = printing();
    let panels = ALL.map(|(tab, id, _)| {
        let is_on = move || store.tab.get() == tab;
        let is_drawn = move || is_on() || (tab == Tab::Names && is_printing.get());
        view! {
            <div
                class="panel"
                id=format!("panel-{id}")
                role="tabpanel"
                aria-labelledby=format!("tab-{id}")
                hidden=move || !is_on()
            >
                // What is not seen is not drawn.
                <Show when=is_drawn>
                    {match tab {
                        Tab::Manifests => view! { <Manifests /> }.into_any(),
                        Tab::Map => view! { <Map /> }.into_any(),
                        Tab::Changes => view! { <Changes /> }.into_any(),
                        Tab::Names => view! { <NameTree /> }.into_any(),
                        Tab::Findings => view! { <FindingsPanel /> }.into_any(),
                        Tab::Text => view! { <TextPanel /> }.into_any(),
                    }}
                </Show>
            </div>
        }
    });
    view! {
        <div class="result">
            <h2 class="unseen">"Result"</h2>
            <div class="tabs">
                <div role="tablist" id="result-tabs" aria-label="Result" on:keydown=move |event| step(store, &event)>
                    {heads.collect_view()}
                </div>
                <ClusterFilter />
            </div>
            {panels.collect_view()}
        </div>
    }
}

/// Whether the page is being printed: the names are printed too, whichever tab is selected.
fn printing() -> RwSignal<bool> {
    let is_printing = RwSignal::new(false);
    for (event, value) in [("beforeprint", true), ("afterprint", false)] {
        let event = ev::Custom::<web_sys::Event>::new(event);
        let handle = window_event_listener(event, move |_| is_printing.set(value));
        on_cleanup(move || handle.remove());
    }
    is_printing
}

#[component]
fn Head(tab: Tab, id: &'static str, words: &'static str) -> impl IntoView {
    let store = expect_context::<Store>();
    let is_on = move || store.tab.get() == tab;
    let count = (tab == Tab::Findings).then(|| {
        let count = Memo::new(move |_| store.finding_count());
        view! { <span class="count">{move || count.get()}</span> }
    });
    view! {
        <button
            type="button"
            id=format!("tab-{id}")
            role="tab"
            aria-controls=format!("panel-{id}")
            aria-selected=move || is_on().to_string()
            tabindex=move || if is_on() { "0" } else { "-1" }
            on:click=move |_| store.tab.set(tab)
        >
            {words}
            {count}
        </button>
    }
}

/// Only the selected tab is in the tab order; arrow keys select another.
fn step(store: Store, event: &KeyboardEvent) {
    let at = ALL
        .iter()
        .position(|(tab, ..)| *tab == store.tab.get_untracked())
        .unwrap_or(0);
    let to = match event.key().as_str() {
        "ArrowRight" => (at + 1) % ALL.len(),
        "ArrowLeft" => (at + ALL.len() - 1) % ALL.len(),
        "Home" => 0,
        "End" => ALL.len() - 1,
        _ => return,
    };
    event.prevent_default();
    store.tab.set(ALL[to].0);
    browser::focus_id(&format!("tab-{}", ALL[to].1));
}

/// Filters the files by cluster.
#[component]
fn ClusterFilter() -> impl IntoView {
    let store = expect_context::<Store>();
    let clusters = Memo::new(move |_| {
        let rendered = store.rendered.get();
        let all = rendered.iter().flat_map(|all| &all.manifests.clusters);
        all.map(|cluster| cluster.name.clone()).collect::<Vec<_>>()
    });
    let option = |name: String| view! { <option value=name.clone()>{name.clone()}</option> };
    view! {
        <label class="filter" hidden=move || store.tab.get() != Tab::Manifests>
            "Cluster"
            <select
                id="cluster-filter"
                prop:value=move || store.only_cluster.get().unwrap_or_default()
                on:change:target=move |event| {
                    let name = event.target().value();
                    store.only_cluster.set((!name.is_empty()).then_some(name));
                    store.file.set(None);
                }
            >
                <option value="">"all"</option>
                <For each=move || clusters.get() key=Clone::clone children=option />
            </select>
        </label>
    }
}
