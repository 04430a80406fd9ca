//! The table of clusters.

use shared::mesh::Endpoints;
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, Element, Event, KeyboardEvent};

use super::field::{cell, errors, input, notes, option};
use crate::agent::Agent;
use crate::browser;
use crate::browser::dom::{El, button, el, el_in, icon, text};
use crate::browser::signals::*;
use crate::form::contexts;
use crate::form::field::{ClusterField, Field};
use crate::form::rows;
use crate::form::template;
use crate::state::Store;

pub(crate) fn cluster_table(store: Store, agent: Agent) -> El {
    let count = memo(move || store.with(|mesh| mesh.spec.clusters.len()));
    let add = button("quiet", move || {
        let index = count.get_untracked();
        store.edit(|mesh| mesh.spec.clusters.push(template::next_cluster(mesh)));
        store.go_to(&Field::Cluster(index, ClusterField::Name).path());
    });
    let heading = el_in("div", "heading")
        .add(text("h2", "Clusters").id("heading-clusters"))
        .add(
            add.id("spec.clusters")
                .add(icon("plus"))
                .text("Add cluster"),
        );
    let columns = ClusterField::COLUMNS
        .map(|field| text("th", Field::Cluster(0, field).label()).attr("scope", "col"));
    let table = el_in("table", "rows clusters")
        .add(el("thead").add(el("tr").all(columns).add(tool_column())))
        .add(el("tbody").rows(move || count.get(), move |index| row(store, agent, index)))
        .on("keydown", |event| move_in_column(&event))
        .on("paste", move |event| paste(store, &event));
    let empty = text(
        "p",
        "No clusters yet. Add one, or paste rows from a spreadsheet.",
    );
    el("section")
        .attr("aria-labelledby", "heading-clusters")
        .add(heading)
        .add(table)
        .add(empty.class("empty").flag("hidden", move || count.get() > 0))
        .add(context_list(agent))
        .add(el("div").one(move || offers(store, agent)))
}

/// The heading of the column of buttons, for screen readers.
pub(crate) fn tool_column() -> El {
    el_in("th", "tool").add(text("span", "Remove").class("unseen"))
}

/// The cell with the button that removes a row.
pub(crate) fn remove_cell(label: &str, run: impl FnMut() + 'static) -> El {
    let remove = button("quiet icon-only", run)
        .attr("aria-label", label)
        .attr("title", "Remove");
    el_in("td", "tool").add(remove.add(icon("remove")))
}

fn row(store: Store, agent: Agent, index: usize) -> Vec<El> {
    let field = |field| Field::Cluster(index, field);
    let found = memo(move || found_addresses(store, agent, index).unwrap_or_default());
    let addresses = field(ClusterField::Addresses);
    let placeholder = memo(move || {
        let found = found.get();
        if found.is_empty() {
            store.with(|mesh| addresses.placeholder(mesh))
        } else {
            found
        }
    });
    let gateway = el_in("td", "with-button")
        .add(input(store, addresses, Some(placeholder)).attr("aria-label", &addresses.long_label()))
        .add(el("span").one(move || {
            let found = found.get();
            if found.is_empty() {
                return None;
            }
            let label = format!("Use {found}, found in cluster {}", index + 1);
            let write = move || store.edit(|mesh| addresses.set(mesh, &found));
            Some(button("use", write).attr("aria-label", &label).text("Use"))
        }));
    let remove = move || {
        store.edit(|mesh| mesh.spec.remove_cluster(index));
        store.forget_touched("spec.clusters[");
        store.go_to("spec.clusters");
    };
    let names = [ClusterField::Name, ClusterField::Region, ClusterField::Zone];
    let cells = el("tr")
        .all(names.map(|name| el("td").add(cell(store, field(name)))))
        .add(el("td").add(cell(store, field(ClusterField::Context)).attr("list", "contexts")))
        .add(gateway)
        .add(remove_cell(
            &format!("Remove cluster {}", index + 1),
            remove,
        ));
    let reported = ClusterField::COLUMNS
        .into_iter()
        .chain([ClusterField::ClusterIp]);
    let below = el("td").attr("colspan", "6");
    let below = below
        .all(
            reported
                .clone()
                .map(|name| errors(store, field(name), true)),
        )
        .all(reported.map(|name| notes(store, field(name))));
    vec![
        cells,
        cluster_ip(store, index),
        el_in("tr", "below").add(below),
    ]
}

/// The gateway's `clusterIP`, below its addresses: shown if endpoints are addresses and the gateway's are written by
/// hand, or if the document has it.
fn cluster_ip(store: Store, index: usize) -> El {
    let field = Field::Cluster(index, ClusterField::ClusterIp);
    let addresses = Field::Cluster(index, ClusterField::Addresses);
    let is_used = memo(move || {
        store.with(|mesh| {
            let is_by_hand = !addresses.get(mesh).is_empty();
            mesh.spec.endpoints() == Endpoints::Addresses && is_by_hand
                || !field.get(mesh).is_empty()
        })
    });
    // It stays visible while it is emptied.
    let is_entered = RwSignal::new(false);
    let label = text("label", field.label()).attr("for", &field.path());
    let input = cell(store, field).on("focus", move |_| is_entered.set(true));
    el_in("tr", "cluster-ip")
        .flag("hidden", move || !is_used.get() && !is_entered.get())
        .add(el("td").attr("colspan", "4").add(label))
        .add(el("td").add(input))
        .add(el_in("td", "tool"))
}

/// Addresses that the agent found, if the document has none.
fn found_addresses(store: Store, agent: Agent, index: usize) -> Option<String> {
    let clusters = agent.found()?;
    let found = store.with(|mesh| {
        mesh.spec
            .clusters
            .get(index)
            .map(|cluster| contexts::found_addresses(&clusters, cluster))
    })?;
    (!found.is_empty()).then(|| found.join(", "))
}

fn context_list(agent: Agent) -> El {
    el("datalist").id("contexts").content(move || {
        let found = agent.found();
        let contexts = found.iter().flat_map(|clusters| &clusters.contexts);
        contexts
            .map(|context| option(&context.name, "", false))
            .collect()
    })
}

/// Buttons that add to the table what the agent found.
fn offers(store: Store, agent: Agent) -> Option<El> {
    let clusters = agent.found()?;
    let can_fill = store.with(|mesh| contexts::can_fill(mesh, &clusters));
    let unused: Vec<_> = store.with(|mesh| {
        contexts::unused(&clusters, mesh)
            .into_iter()
            .cloned()
            .collect()
    });
    if !can_fill && unused.is_empty() {
        return None;
    }
    let known = clusters.clone();
    let fill = button("", move || store.edit(|mesh| contexts::fill(mesh, &known)))
        .id("fill-from-contexts")
        .text("Fill in regions and zones");
    let add = unused.into_iter().map(|context| {
        let (name, known) = (context.name.clone(), clusters.clone());
        button("", move || {
            store.edit(|mesh| contexts::add(mesh, &context, &known));
        })
        .add(icon("plus"))
        .text(&name)
    });
    let offers = el_in("div", "offers").text("From the agent:");
    Some(offers.maybe(can_fill.then_some(fill)).all(add))
}

/// The arrow keys up and down move to the same column of the next row.
fn move_in_column(event: &Event) {
    let step: isize = match event.unchecked_ref::<KeyboardEvent>().key().as_str() {
        "ArrowUp" => -1,
        "ArrowDown" => 1,
        _ => return,
    };
    let Some((row, field)) = cell_of(event) else {
        return;
    };
    if let Some(row) = row.checked_add_signed(step)
        && let Some(element) =
            browser::document().get_element_by_id(&Field::Cluster(row, field).path())
    {
        event.prevent_default();
        browser::focus(&element);
    }
}

/// Pastes several cells as rows; the browser pastes a single cell.
fn paste(store: Store, event: &Event) {
    let Some((row, field)) = cell_of(event) else {
        return;
    };
    if let Some(cells) = rows::cells(&pasted_text(event)) {
        event.prevent_default();
        store.edit(|mesh| rows::paste_clusters(mesh, row, field, &cells));
    }
}

/// The text that is being pasted.
pub(crate) fn pasted_text(event: &Event) -> String {
    event
        .dyn_ref::<ClipboardEvent>()
        .and_then(ClipboardEvent::clipboard_data)
        .and_then(|data| data.get_data("text/plain").ok())
        .unwrap_or_default()
}

/// The cell of an event.
fn cell_of(event: &Event) -> Option<(usize, ClusterField)> {
    let id = event.target()?.dyn_into::<Element>().ok()?.id();
    let (row, _) = id.strip_prefix("spec.clusters[")?.split_once(']')?;
    let row = row.parse().ok()?;
    let field = ClusterField::COLUMNS
        .into_iter()
        .find(|f| Field::Cluster(row, *f).path() == id)?;
    Some((row, field))
}
