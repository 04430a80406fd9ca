//! The map: regions, zones and clusters, the clusters that answer the calls for a service, and what changes while something is
//! down.

use std::collections::BTreeSet;
use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::icon::Icon;
use super::map_details::Details;
use crate::browser;
use crate::result::map::{self, Area, Frame, Layout, Line, Place};
use crate::result::map_svg;
use crate::state::{Store, Tab, exchange};
use crate::workers::calls::Calls;

/// What the map shows; a handle that is cheap to copy.
#[derive(Clone, Copy)]
pub(super) struct MapState {
    pub(super) places: Memo<Vec<Place>>,
    pub(super) calls: Memo<Arc<Calls>>,
    layout: Memo<Layout>,
    lines: Memo<Vec<Line>>,
    /// The name of the chosen cluster.
    pub(super) chosen: RwSignal<Option<String>>,
}

#[component]
pub(crate) fn Map() -> impl IntoView {
    let store = expect_context::<Store>();
    let width = RwSignal::new(0);
    let places = Memo::new(move |_| store.with(map::places));
    let layout = Memo::new(move |_| places.with(|places| map::layout(places, width.get())));
    let calls = Memo::new(move |_| {
        let mapped = store.mapped.get();
        mapped.map_or_else(Arc::default, |mapped| mapped.calls.clone())
    });
    let chosen: RwSignal<Option<String>> = RwSignal::new(None);
    let lines = Memo::new(move |_| {
        let chosen = chosen.get();
        places.with(|places| map::lines(places, &calls.get(), chosen.as_deref()))
    });
    let state = MapState {
        places,
        calls,
        layout,
        lines,
        chosen,
    };
    let has_clusters = move || places.with(|places| !places.is_empty());
    view! {
        <div class="fill">
            <Show when=has_clusters fallback=|| view! { <Start /> }>
                <Bar state />
                <Picture state width />
                <Details state />
            </Show>
        </div>
    }
}

/// The empty state.
#[component]
fn Start() -> impl IntoView {
    view! {
        <div class="start">
            <h2>"No clusters yet"</h2>
            <p>"Add a cluster to see where it is, and who answers its calls."</p>
        </div>
    }
}

/// The choice of the service, the outcome, and the download.
#[component]
fn Bar(state: MapState) -> impl IntoView {
    let store = expect_context::<Store>();
    let services = Memo::new(move |_| store.service_ids());
    let chosen = move || store.map_service().unwrap_or_default();
    let option = move |id: String| {
        let own = id.clone();
        view! { <option value=id selected=move || chosen() == own>{id.clone()}</option> }
    };
    let summary = move || {
        if services.with(Vec::is_empty) {
            "The calls of a service appear here once the document has no errors.".to_owned()
        } else {
            map::summary(&state.calls.get())
        }
    };
    let save = move |_| {
        let svg = untrack(|| {
            state.layout.with(|layout| {
                state.places.with(|places| {
                    state
                        .lines
                        .with(|lines| map_svg::document(layout, places, lines, &state.calls.get()))
                })
            })
        });
        exchange::save(store, "map.svg", svg.as_bytes());
    };
    view! {
        <div class="names-bar changes-bar">
            <label class="filter">
                "Calls for"
                <select
                    id="map-service"
                    on:change:target=move |event| store.chosen_service.set(Some(event.target().value()))
                >
                    <For each=move || services.get() key=Clone::clone children=option />
                </select>
                <span class="muted">
                    {move || Some(state.calls.get().transport.clone()).filter(|one| !one.is_empty()).map(|one| format!("by {one}"))}
                </span>
            </label>
            <p class="summary" id="map-summary" aria-live="polite">{summary}</p>
            <span class="buttons">
                <button
                    type="button"
                    class="quiet"
                    id="map-nothing-down"
                    hidden=move || store.down.with(BTreeSet::is_empty)
                    on:click=move |_| store.down.set(BTreeSet::new())
                >
                    "Clear the outage"
                </button>
                <button type="button" id="save-map" on:click=save>
                    <Icon name="download" />
                    "SVG"
                </button>
            </span>
        </div>
        <p class="stale" hidden=move || store.is_good()>
            <Icon name="warning" />
            " The document has errors; the calls are of its last valid version. "
            <button type="button" class="link" on:click=move |_| store.tab.set(Tab::Findings)>
                "Show the errors"
            </button>
        </p>
    }
}

/// The picture; the cards of clusters are buttons, of which one is a tab stop.
#[component]
fn Picture(state: MapState, width: RwSignal<i32>) -> impl IntoView {
    let around = NodeRef::<html::Div>::new();
    let measure = move || {
        if let Some(around) = around.get_untracked() {
            width.set(around.client_width());
        }
    };
    Effect::new(move || {
        if around.get().is_some() {
            measure();
        }
    });
    let on_resize = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || on_resize.remove());
    let size = move || state.layout.with(|layout| (layout.width, layout.height));
    let areas = move || state.layout.with(|layout| layout.areas.clone());
    let count = Memo::new(move |_| state.places.with(Vec::len));
    let line = move |line: Line| {
        let path = state.layout.with(|layout| map::curve(layout, &line));
        view! { <path class=format!("line{}", map_svg::class(Some(line.look))) d=path marker-end="url(#map-arrow)" /> }
    };
    view! {
        <div class="map" node_ref=around>
            <svg
                role="group"
                aria-label="Map of the clusters"
                width=move || size().0.to_string()
                height=move || size().1.to_string()
                on:keydown=move |event| step(state, &event)
            >
                <defs>
                    <marker id="map-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                        <path class="arrow" d="M0 0 8 4 0 8z" />
                    </marker>
                </defs>
                {move || areas().into_iter().map(area).collect_view()}
                {move || state.lines.get().into_iter().map(line).collect_view()}
                {move || areas().into_iter().map(area_label).collect_view()}
                <For each=move || 0..count.get() key=|index| *index children=move |index| view! { <Card state index /> } />
            </svg>
        </div>
    }
}

fn area(area: Area) -> AnyView {
    let Frame {
        x,
        y,
        width,
        height,
    } = area.frame;
    let class = if area.is_region {
        "area region"
    } else {
        "area zone"
    };
    view! { <rect class=class x=x y=y width=width height=height rx="6" /> }.into_any()
}

/// The label of an area, above the lines that pass it.
fn area_label(area: Area) -> AnyView {
    let Frame { x, y, .. } = area.frame;
    view! { <text class="area-label" aria-hidden="true" x=x + 8 y=y + 15>{area.label}</text> }
        .into_any()
}

/// The id of the card of a cluster.
fn card_id(index: usize) -> String {
    format!("map-cluster-{index}")
}

#[component]
fn Card(state: MapState, index: usize) -> impl IntoView {
    let place = Memo::new(move |_| state.places.with(|places| places.get(index).cloned()));
    let name = Memo::new(move |_| place.get().map(|place| place.name).unwrap_or_default());
    let frame = Memo::new(move |_| state.layout.with(|layout| layout.cards.get(index).copied()));
    let at = move |of: fn(Frame) -> i32| move || frame.get().map(of).unwrap_or_default();
    let answer = Memo::new(move |_| name.with(|name| map::answer(&state.calls.get(), name)));
    let runs = Memo::new(move |_| name.with(|name| state.calls.get().runs_in.contains(name)));
    let is_chosen = Memo::new(move |_| {
        let name = name.get();
        state.chosen.with(|chosen| chosen.as_ref() == Some(&name))
    });
    let is_stop =
        Memo::new(move |_| is_chosen.get() || index == 0 && state.chosen.with(Option::is_none));
    let class = move || {
        let runs = if runs.get() { " runs" } else { "" };
        format!("card{runs}{}", map_svg::class(answer.get().0))
    };
    let label = move || {
        let place = place.get()?;
        let runs = if runs.get() { ", runs the service" } else { "" };
        // What is seen comes first, so that it can be said to choose the card.
        Some(format!(
            "{} {}, {}/{}{runs}",
            place.name,
            answer.get().1,
            place.region,
            place.zone
        ))
    };
    let choose = move || {
        let name = name.get_untracked();
        state.chosen.update(|chosen| {
            *chosen = (chosen.as_ref() != Some(&name)).then_some(name);
        });
    };
    let most = move || frame.get().map_or(0, |frame| map::room(&frame));
    view! {
        <g
            class=class
            id=card_id(index)
            role="button"
            aria-label=label
            aria-pressed=move || is_chosen.get().to_string()
            tabindex=move || if is_stop.get() { "0" } else { "-1" }
            on:click=move |_| choose()
            on:keydown=move |event| {
                if matches!(event.key().as_str(), "Enter" | " ") {
                    event.prevent_default();
                    choose();
                }
            }
        >
            <rect x=at(|f| f.x) y=at(|f| f.y) width=at(|f| f.width) height=at(|f| f.height) rx="6" />
            <text class="name" x=at(|f| f.x + 10) y=at(|f| f.y + 20)>{move || name.with(|name| map::cut(name, most()))}</text>
            " "
            <text x=at(|f| f.x + 10) y=at(|f| f.y + 37)>{move || answer.with(|(_, words)| map::cut(words, most()))}</text>
        </g>
    }
}

/// The arrow keys lead from card to card, in the order of the document.
fn step(state: MapState, event: &KeyboardEvent) {
    let by = match event.key().as_str() {
        "ArrowRight" | "ArrowDown" => 1,
        "ArrowLeft" | "ArrowUp" => -1,
        _ => return,
    };
    let count = state.places.with_untracked(Vec::len);
    let at =
        (0..count).find(|index| browser::find(&format!("#{}:focus", card_id(*index))).is_some());
    let to = at
        .and_then(|at| at.checked_add_signed(by))
        .filter(|to| *to < count);
    if let Some(to) = to {
        event.prevent_default();
        browser::focus_id(&card_id(to));
    }
}
