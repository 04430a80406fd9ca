//! What is known about the cluster that is chosen on the map, and what can be taken down there.

use std::collections::BTreeSet;

use leptos::prelude::*;

use super::map::MapState;
use super::what_if::DownTick;
use crate::document::clusters::{self, CLUSTERS};
use crate::document::path::{item, key};
use crate::document::value;
use crate::result::map;
use crate::state::Store;
use crate::workers::calls::Calls;
use crate::workers::simulated::Look;

/// The details of the chosen cluster; what to do, if none is.
#[component]
pub(super) fn Details(state: MapState) -> impl IntoView {
    let index = Memo::new(move |_| {
        let chosen = state.chosen.get()?;
        state
            .places
            .with(|places| places.iter().position(|place| place.name == chosen))
    });
    view! {
        <section class="map-details" id="map-details" aria-label="The chosen cluster">
            {move || match index.get() {
                Some(index) => view! { <Chosen state index /> }.into_any(),
                None => view! {
                    <p class="muted">"Choose a cluster to see its calls, and what happens while it is down."</p>
                }
                .into_any(),
            }}
        </section>
    }
}

#[component]
fn Chosen(state: MapState, index: usize) -> impl IntoView {
    let store = expect_context::<Store>();
    let place = state
        .places
        .with_untracked(|places| places.get(index).cloned())?;
    let name = place.name.clone();
    let words = move || {
        let calls = state.calls.get();
        let client = calls.of(&name);
        let host = &calls.host;
        client.map_or_else(
            || "It does not call the service.".to_owned(),
            |client| match client.look {
                Look::Gone => "It is down, so it calls nothing.".to_owned(),
                _ => format!("Calls for {host}: {}", client.words),
            },
        )
    };
    let marks = marks(store, &place.name, index, &state.calls.get_untracked());
    let ticks = marks
        .into_iter()
        .map(|(words, what)| view! { <DownTick words what /> });
    let path = item(CLUSTERS, index);
    let show = move |_| store.show_manifests_of(&path);
    Some(view! {
        <h3>{place.name.clone()} " " <span class="muted">{format!("{}/{}", place.region, place.zone)}</span></h3>
        <p>{words}</p>
        <fieldset class="marks">
            <legend>"Down"</legend>
            <div class="ticks">{ticks.collect_view()}</div>
        </fieldset>
        <div class="buttons">
            <button
                type="button"
                on:click=move |_| store.go_to(&key(&item(CLUSTERS, index), "name"))
            >
                "Edit the cluster"
            </button>
            <button type="button" id="map-manifests" on:click=show>"Show its manifests"</button>
        </div>
    })
}

/// What can be down at a cluster: a label, and the value for the simulation.
fn marks(store: Store, name: &str, index: usize, calls: &Calls) -> Vec<(String, String)> {
    let document = store.now();
    let region = value::text(&document, &key(&item(CLUSTERS, index), "region")).to_owned();
    let mut marks = vec![
        ("the cluster".to_owned(), name.to_owned()),
        ("its gateway".to_owned(), format!("gateway:{name}")),
    ];
    let zones: BTreeSet<String> = clusters::zones(&document, index).into_iter().collect();
    marks.extend(
        zones
            .into_iter()
            .map(|zone| (format!("the zone {zone}"), format!("zone:{region}/{zone}"))),
    );
    if calls.runs_in.iter().any(|one| one == name) {
        let words = format!("{} here", map::cut(&calls.service, 40));
        marks.push((words, format!("service:{}@{name}", calls.service)));
    }
    marks
}
