//! Simulates an outage: the clusters that answer each name, for callers in each cluster.

use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;
use serde_json::Value;
use shared::resolved::published::{LevelKind, NameRow};

use super::field::Tick;
use super::icon::Icon;
use crate::document::clusters::{self, CLUSTERS};
use crate::document::path::{item, key};
use crate::document::value;
use crate::state::Store;
use crate::workers::simulated::{Cell, Look};

/// Something that can be down: its label, and the value for the simulation.
type Mark = (String, String);

/// The checkboxes, and a table for each service.
#[component]
pub(crate) fn WhatIf(
    /// The names of each service.
    names: Vec<Vec<NameRow>>,
) -> impl IntoView {
    let services = names.into_iter().map(|names| view! { <Service names /> });
    view! {
        <div class="names what-if" id="what-if">
            <Bar />
            {services.collect_view()}
        </div>
    }
}

/// Checkboxes for clusters, zones and gateways, and the summary.
#[component]
fn Bar() -> impl IntoView {
    let store = expect_context::<Store>();
    let summary = move || match (store.unrenderable.get(), store.simulated.get()) {
        (Some(why), _) => format!("Simulation failed: {why}"),
        (None, Some(last)) => last.answers.summary.clone(),
        (None, None) => "Simulating…".to_owned(),
    };
    let document = store.now();
    let names = clusters::names(&document);
    let own = names
        .iter()
        .map(|name| (name.clone(), name.clone()))
        .collect();
    let gateways = names
        .iter()
        .map(|name| (name.clone(), format!("gateway:{name}")))
        .collect();
    view! {
        <div class="downs">
            <Marks legend="Clusters down" marks=own />
            <Marks legend="Zones down" marks=zones(&document) />
            <Marks legend="Gateways down" marks=gateways />
            <div class="outcome">
                <p class="summary" id="what-if-summary" aria-live="polite">{summary}</p>
                <button
                    type="button"
                    class="quiet"
                    id="nothing-down"
                    disabled=move || store.down.with(BTreeSet::is_empty)
                    on:click=move |_| store.down.set(BTreeSet::new())
                >
                    "Clear"
                </button>
            </div>
        </div>
    }
}

/// Zones that are not the same as a cluster: with several clusters, or of a cluster with several zones.
fn zones(document: &Value) -> Vec<Mark> {
    let mut zones: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for index in 0..value::count(document, CLUSTERS) {
        let region = value::text(document, &key(&item(CLUSTERS, index), "region"));
        for zone in clusters::zones(document, index) {
            zones
                .entry((region.to_owned(), zone))
                .or_default()
                .push(index);
        }
    }
    let is_cluster = |clusters: &[usize]| matches!(clusters, [one] if value::count(document, &key(&item(CLUSTERS, *one), "zones")) == 0);
    let zones = zones
        .into_iter()
        .filter(|(_, clusters)| !is_cluster(clusters));
    zones
        .map(|((region, zone), _)| (zone.clone(), format!("zone:{region}/{zone}")))
        .collect()
}

/// The clusters in which a service can be down.
fn places(document: &Value, names: &[NameRow]) -> Vec<Mark> {
    let Some(first) = names.first() else {
        return Vec::new();
    };
    // The clusters that answer the global name run the service.
    let global = names
        .iter()
        .find(|name| name.level == LevelKind::Global)
        .unwrap_or(first);
    let running = clusters::names(document)
        .into_iter()
        .filter(|name| global.clusters.contains(name));
    running
        .map(|name| {
            let what = format!("service:{}@{name}", first.service);
            (name, what)
        })
        .collect()
}

/// Checkboxes under a legend.
#[component]
fn Marks(
    legend: &'static str,
    marks: Vec<Mark>,
    #[prop(optional)] label: Option<String>,
) -> impl IntoView {
    if marks.is_empty() {
        return None;
    }
    let ticks = marks
        .into_iter()
        .map(|(words, what)| view! { <DownTick words what /> });
    Some(view! {
        <fieldset class="marks" aria-label=label>
            <legend>{legend}</legend>
            <div class="ticks">{ticks.collect_view()}</div>
        </fieldset>
    })
}

/// A checkbox for something that can be down: its label, and the value for the simulation.
#[component]
pub(super) fn DownTick(words: String, what: String) -> impl IntoView {
    let store = expect_context::<Store>();
    let of = what.clone();
    let id = format!("down-{what}");
    let set = move |is_down: bool| {
        store.down.update(|down| {
            if is_down {
                down.insert(what.clone());
            } else {
                down.remove(&what);
            }
        });
    };
    view! {
        <Tick
            words
            id
            is_ticked=Signal::derive(move || store.down.with(|down| down.contains(&of)))
            set=Callback::new(set)
        />
    }
}

#[component]
fn Service(names: Vec<NameRow>) -> impl IntoView {
    let store = expect_context::<Store>();
    let id = names
        .first()
        .map(|name| name.service.clone())
        .unwrap_or_default();
    let marks = places(&store.now(), &names);
    let caption = format!("Answers for the names of {id}");
    let heads = move || {
        let last = store.simulated.get();
        let clients = last.iter().flat_map(|last| &last.answers.clients);
        let heads = clients
            .map(|client| format!("from {client}"))
            .chain(["by DNS".to_owned()]);
        heads
            .map(|words| view! { <th scope="col">{words}</th> })
            .collect_view()
    };
    let rows = names.into_iter().map(|name| view! { <Answers name /> });
    view! {
        <section class="service">
            <h3>{id.clone()}</h3>
            <Marks legend="Down in" marks label=format!("{id} is down in") />
            // It scrolls, so it has to be reachable by keyboard.
            <div class="answers-box" tabindex="0" role="region" aria-label=caption.clone()>
                <table class="answers">
                    <caption class="unseen">{caption.clone()}</caption>
                    <thead>
                        <tr>{heads}</tr>
                    </thead>
                    {rows.collect_view()}
                </table>
            </div>
        </section>
    }
}

/// A name, with its answers below.
#[component]
fn Answers(name: NameRow) -> impl IntoView {
    let store = expect_context::<Store>();
    let place = match (&name.region, &name.zone) {
        _ if name.level == LevelKind::Vanity => "vanity",
        _ if name.cluster.is_some() => name.cluster.as_deref().unwrap_or_default(),
        (_, Some(zone)) => zone,
        (Some(region), None) => region,
        _ => "global",
    };
    let place = place.to_owned();
    let columns = move || {
        store
            .simulated
            .get()
            .map_or(1, |last| last.answers.clients.len() + 1)
            .to_string()
    };
    let host = name.host.clone();
    let cells = Memo::new(move |_| {
        store
            .simulated
            .get()
            .map_or_else(Vec::new, |last| last.answers.cells(&host).to_vec())
    });
    view! {
        <tbody>
            <tr>
                <th scope="rowgroup" colspan=columns>
                    <span class="place">{place}</span>
                    " "
                    <code>{name.host}</code>
                </th>
            </tr>
            <tr>{move || cells.get().into_iter().map(cell).collect_view()}</tr>
        </tbody>
    }
}

fn cell(cell: Cell) -> AnyView {
    let (class, picture) = match cell.look {
        Look::Same => ("same", "cluster"),
        Look::Changed => ("changed", "fallback"),
        Look::Unanswered => ("unanswered", "error"),
        Look::Gone => return view! { <td class="gone">"is down"</td> }.into_any(),
    };
    view! { <td class=class><Icon name=picture />{cell.words}</td> }.into_any()
}
