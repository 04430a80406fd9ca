//! Simulates an outage: the clusters that answer each name, for callers in each cluster.

use std::collections::{BTreeMap, BTreeSet};

use shared::Mesh;
use shared::mesh::Cluster;
use shared::resolved::published::{LevelKind, NameRow};

use crate::browser::dom::{El, button, el, el_in, icon, is_ticked, text};
use crate::browser::signals::*;
use crate::state::Store;
use crate::workers::simulated::{Cell, Look};

/// Something that can be down: its label, and the value for the simulation.
type Mark = (String, String);

/// The checkboxes, and a table for each service; only tables that change are built again.
pub(crate) fn what_if(store: Store, names: &[NameRow]) -> El {
    let of_service = |one: &NameRow, next: &NameRow| one.service == next.service;
    el_in("div", "names what-if")
        .id("what-if")
        .add(bar(store))
        .all(
            names
                .chunk_by(of_service)
                .map(|names| service(store, names)),
        )
}

/// Checkboxes for clusters, zones and gateways, and the summary.
fn bar(store: Store) -> El {
    let of_mesh = |marks: fn(&[Cluster]) -> Vec<Mark>| {
        untrack(|| store.with(|mesh| marks(&mesh.spec.clusters)))
    };
    let clear = button("quiet", move || store.down.set(BTreeSet::new()))
        .id("nothing-down")
        .flag("disabled", move || store.down.with(BTreeSet::is_empty))
        .text("Clear");
    let summary = el_in("p", "summary")
        .id("what-if-summary")
        .attr("aria-live", "polite")
        .show(
            move || match (store.unrenderable.get(), store.simulated.get()) {
                (Some(why), _) => format!("Simulation failed: {why}"),
                (None, Some(last)) => last.answers.summary.clone(),
                (None, None) => "Simulating…".to_owned(),
            },
        );
    el_in("div", "downs")
        .maybe(marks(store, "Clusters down", of_mesh(clusters)))
        .maybe(marks(store, "Zones down", of_mesh(zones)))
        .maybe(marks(store, "Gateways down", of_mesh(gateways)))
        .add(el_in("div", "outcome").add(summary).add(clear))
}

fn clusters(all: &[Cluster]) -> Vec<Mark> {
    let names = all.iter().map(|cluster| &cluster.name);
    names.map(|name| (name.clone(), name.clone())).collect()
}

/// Zones that are not the same as a cluster: with several clusters, or of a cluster with several zones.
fn zones(all: &[Cluster]) -> Vec<Mark> {
    let mut zones: BTreeMap<(&str, &str), Vec<&Cluster>> = BTreeMap::new();
    for cluster in all {
        for zone in cluster.all_zones() {
            let clusters = zones.entry((&cluster.region, zone)).or_default();
            clusters.push(cluster);
        }
    }
    let is_cluster = |clusters: &[&Cluster]| matches!(clusters, [one] if one.zones.is_empty());
    let zones = zones
        .into_iter()
        .filter(|(_, clusters)| !is_cluster(clusters));
    let mark = |region: &str, zone: &str| (zone.to_owned(), format!("zone:{region}/{zone}"));
    zones
        .map(|((region, zone), _)| mark(region, zone))
        .collect()
}

fn gateways(all: &[Cluster]) -> Vec<Mark> {
    let names = all.iter().map(|cluster| &cluster.name);
    names
        .map(|name| (name.clone(), format!("gateway:{name}")))
        .collect()
}

/// The clusters in which a service can be down.
fn places(mesh: &Mesh, names: &[NameRow]) -> Vec<Mark> {
    let Some(first) = names.first() else {
        return Vec::new();
    };
    // The clusters that answer the global name run the service.
    let global = names
        .iter()
        .find(|name| name.level == LevelKind::Global)
        .unwrap_or(first);
    let clusters = mesh.spec.clusters.iter().map(|cluster| &cluster.name);
    let running = clusters.filter(|name| global.clusters.contains(name));
    let what = |name: &String| format!("service:{}@{name}", first.service);
    running.map(|name| (name.clone(), what(name))).collect()
}

/// Checkboxes under a legend.
fn marks(store: Store, legend: &str, marks: Vec<Mark>) -> Option<El> {
    let tick = move |(words, what): Mark| {
        let of = what.clone();
        let input = el("input")
            .attr("type", "checkbox")
            .id(&format!("down-{what}"))
            .prop("checked", move || {
                store.down.with(|down| down.contains(&of)).into()
            })
            .on("change", move |event| {
                let is_down = is_ticked(&event);
                store.down.update(|down| {
                    if is_down {
                        down.insert(what.clone());
                    } else {
                        down.remove(&what);
                    }
                });
            });
        el_in("label", "tick").add(input).text(&words)
    };
    (!marks.is_empty()).then(|| {
        el_in("fieldset", "marks")
            .add(text("legend", legend))
            .add(el_in("div", "ticks").all(marks.into_iter().map(tick)))
    })
}

fn service(store: Store, names: &[NameRow]) -> El {
    let id = names
        .first()
        .map(|name| name.service.clone())
        .unwrap_or_default();
    let places = untrack(|| store.with(|mesh| places(mesh, names)));
    let table = el_in("table", "answers")
        .add(text("caption", &format!("Answers for the names of {id}")).class("unseen"))
        .add(el("thead").content(move || vec![heads(store)]))
        .all(names.iter().map(|name| answers(store, name)));
    el_in("section", "service")
        .add(text("h3", &id))
        .maybe(
            marks(store, "Down in", places)
                .map(|marks| marks.attr("aria-label", &format!("{id} is down in"))),
        )
        // It scrolls, so it has to be reachable by keyboard.
        .add(
            el_in("div", "answers-box")
                .attr("tabindex", "0")
                .attr("role", "region")
                .attr("aria-label", &format!("Answers for the names of {id}"))
                .add(table),
        )
}

/// The heading of the columns: the caller's cluster.
fn heads(store: Store) -> El {
    let last = store.simulated.get();
    let clients = last.iter().flat_map(|last| &last.answers.clients);
    let head = |words: &str| text("th", words).attr("scope", "col");
    el("tr")
        .all(clients.map(|client| head(&format!("from {client}"))))
        .add(head("by DNS"))
}

/// The number of columns.
fn columns(store: Store) -> usize {
    let last = store.simulated.get();
    last.map_or(1, |last| last.answers.clients.len() + 1)
}

/// A name, with its answers below.
fn answers(store: Store, name: &NameRow) -> El {
    let place = match (&name.region, &name.zone) {
        _ if name.level == LevelKind::Vanity => "short name",
        _ if name.cluster.is_some() => name.cluster.as_deref().unwrap_or_default(),
        (_, Some(zone)) => zone,
        (Some(region), None) => region,
        _ => "everywhere",
    };
    let head = el("th")
        .attr("scope", "rowgroup")
        .set("colspan", move || Some(columns(store).to_string()))
        .add(text("span", place).class("place"))
        .text(" ")
        .add(text("code", &name.host));
    let host = name.host.clone();
    let cells = memo(move || {
        let last = store.simulated.get();
        last.map_or_else(Vec::new, |last| last.answers.cells(&host).to_vec())
    });
    let row = el("tr").content(move || cells.get().iter().map(cell).collect());
    el("tbody").add(el("tr").add(head)).add(row)
}

fn cell(cell: &Cell) -> El {
    let (class, picture) = match cell.look {
        Look::Same => ("same", "cluster"),
        Look::Changed => ("changed", "fallback"),
        Look::Unanswered => ("unanswered", "error"),
        Look::Gone => return el_in("td", "gone").text("is down"),
    };
    el_in("td", class).add(icon(picture)).text(&cell.words)
}
