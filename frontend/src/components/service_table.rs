//! The table of shared services; details open below their row.

use shared::Mesh;
use shared::mesh::Service;

use super::cluster_table::{remove_cell, tool_column};
use super::field::{cell, errors, notes, text_field};
use crate::browser::dom::{El, button, el, el_in, icon, is_ticked, text};
use crate::browser::signals::*;
use crate::form::callers;
use crate::form::field::{Field, ServiceField};
use crate::form::rows;
use crate::form::texts::routes_beyond_paths;
use crate::state::{Half, Store, Tab};

pub(crate) fn service_table(store: Store) -> El {
    let count = memo(move || store.with(|mesh| mesh.spec.services.len()));
    let add = button("quiet", move || {
        let index = count.get_untracked();
        store.edit(|mesh| mesh.spec.services.push(Service::default()));
        store.go_to(&Field::Service(index, ServiceField::Name).path());
    });
    let heading = el_in("div", "heading")
        .add(text("h2", "Services").id("heading-services"))
        .add(
            add.id("spec.services")
                .add(icon("plus"))
                .text("Add service"),
        );
    let columns = ServiceField::COLUMNS
        .map(|field| text("th", Field::Service(0, field).label()).attr("scope", "col"));
    let table = el_in("table", "rows services")
        .add(el("thead").add(el("tr").all(columns).add(tool_column())))
        .add(el("tbody").rows(move || count.get(), move |index| row(store, index)));
    let empty = text("p", "No services yet. Add those that other clusters call.");
    el("section")
        .attr("aria-labelledby", "heading-services")
        .add(heading)
        .add(table)
        .add(empty.class("empty").flag("hidden", move || count.get() > 0))
}

fn row(store: Store, index: usize) -> Vec<El> {
    let field = |field| Field::Service(index, field);
    let remove = move || {
        store.edit(|mesh| {
            if index < mesh.spec.services.len() {
                mesh.spec.services.remove(index);
            }
        });
        store.forget_touched("spec.services[");
        store.go_to("spec.services");
    };
    let cells = el("tr")
        .all(ServiceField::COLUMNS.map(|name| el("td").add(cell(store, field(name)))))
        .add(remove_cell(
            &format!("Remove service {}", index + 1),
            remove,
        ));
    let below = el("td")
        .attr("colspan", "5")
        .all(ServiceField::COLUMNS.map(|name| errors(store, field(name), true)))
        .all(ServiceField::COLUMNS.map(|name| notes(store, field(name))))
        .add(derived(store, index))
        .add(details(store, index));
    vec![cells, el_in("tr", "below").add(below)]
}

fn is_open(store: Store, index: usize) -> bool {
    store.open_services.with(|open| open.contains(&index))
}

/// The names of the service, and the button that opens its details.
fn derived(store: Store, index: usize) -> El {
    let toggle = move || {
        store.open_services.update(|open| {
            if !open.remove(&index) {
                open.insert(index);
            }
        });
    };
    let more = button("quiet", toggle)
        .state("aria-expanded", move || is_open(store, index))
        .attr("aria-controls", &details_id(index))
        .attr(
            "aria-label",
            &format!("Clusters and paths of service {}", index + 1),
        )
        .show(move || store.with(|mesh| summary(mesh, index)))
        .add(icon("down"));
    let published = el_in("span", "published").one(move || {
        let published = store.published.with(|all| all.get(index).cloned());
        let Some((host, others)) = published else {
            return Some(text("span", "Fill in the fields above to see its names").class("muted"));
        };
        let show = move || {
            store.tab.set(Tab::Names);
            store.half.set(Half::Result);
        };
        let name = button("link", show).add(text("code", &host));
        Some(name.text(&format!(" and {others} more")))
    });
    el_in("div", "derived").add(published).add(more)
}

/// The summary of a service: `all clusters · 3 routes`.
fn summary(mesh: &Mesh, index: usize) -> String {
    let Some(service) = mesh.spec.services.get(index) else {
        return String::new();
    };
    let clusters = match service.clusters.as_deref() {
        None => "all clusters".to_owned(),
        Some([one]) => one.clone(),
        Some(some) => format!("{} clusters", some.len()),
    };
    let routes = match service.routes.len() {
        0 => "all paths".to_owned(),
        1 => "1 route".to_owned(),
        count => format!("{count} routes"),
    };
    format!("{clusters} · {routes}")
}

fn details_id(index: usize) -> String {
    format!("details-service-{index}")
}

fn details(store: Store, index: usize) -> El {
    let note = el_in("p", "note")
        .text("A path ends with ")
        .add(text("code", "*"))
        .text(" to allow all paths below it.");
    let beyond = el("span").show(move || {
        let service = store.with(|mesh| mesh.spec.services.get(index).map(routes_beyond_paths));
        match service.unwrap_or_default() {
            0 => String::new(),
            1 => " One more route is not shown here; edit it in the document.".to_owned(),
            more => format!(" {more} more routes are not shown here; edit them in the document."),
        }
    });
    el_in("div", "details")
        .id(&details_id(index))
        .flag("hidden", move || !is_open(store, index))
        .add(runs_in(store, index))
        .all(text_field(
            store,
            Field::Service(index, ServiceField::Routes),
            "",
            "",
        ))
        .add(note.add(beyond))
        .all(text_field(
            store,
            Field::Service(index, ServiceField::Callers),
            "",
            "",
        ))
        .add(callers_note(store, index))
        .all(text_field(
            store,
            Field::Service(index, ServiceField::Selector),
            "",
            "",
        ))
}

/// The format of callers, and the number of those that are not shown.
fn callers_note(store: Store, index: usize) -> El {
    let beyond = el("span").show(move || {
        let service = store.with(|mesh| mesh.spec.services.get(index).map(callers::beyond_words));
        match service.unwrap_or_default() {
            0 => String::new(),
            1 => " One more caller is not shown here; edit it in the document.".to_owned(),
            more => {
                format!(" {more} more callers are not shown here; edit them in the document.")
            }
        }
    });
    el_in("p", "note")
        .text("A caller is a namespace, with a service account as ")
        .add(text("code", "shop/web"))
        .text(", in one cluster as ")
        .add(text("code", "shop@cluster1"))
        .text(". With mutual TLS, pods with these labels refuse all other clients.")
        .add(beyond)
}

/// Checkboxes for the clusters that run the service.
fn runs_in(store: Store, index: usize) -> El {
    let path = format!("spec.services[{index}].clusters");
    let clusters = memo(move || store.with(|mesh| cluster_names(mesh, index).join("\n")));
    let ticks = el("div").content(move || {
        clusters
            .get()
            .lines()
            .map(|name| tick(store, index, name.to_owned()))
            .collect()
    });
    let fieldset = el("fieldset").id(&path).attr("tabindex", "-1");
    let errors = el("div").content(move || {
        let errors = store.errors_at(&path);
        let words = |error: shared::check::Finding| format!("{}. {}", error.message, error.hint);
        errors
            .into_iter()
            .map(|error| text("p", &words(error)).class("errors"))
            .collect()
    });
    fieldset
        .add(text("legend", "Runs in"))
        .add(ticks)
        .add(errors)
}

/// Clusters of the document, and unknown clusters that the service names.
fn cluster_names(mesh: &Mesh, index: usize) -> Vec<String> {
    let known = mesh.spec.clusters.iter().map(|cluster| &cluster.name);
    let named = mesh
        .spec
        .services
        .get(index)
        .and_then(|service| service.clusters.as_ref());
    let mut all: Vec<String> = Vec::new();
    for name in known.chain(named.into_iter().flatten()) {
        if !name.is_empty() && !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

fn tick(store: Store, index: usize, name: String) -> El {
    let (shown, ticked) = (name.clone(), name.clone());
    let tick = el("input")
        .attr("type", "checkbox")
        .prop("checked", move || {
            store
                .with(|mesh| rows::runs_in(mesh, index, &ticked))
                .into()
        })
        .on("change", move |event| {
            store.edit(|mesh| rows::set_runs_in(mesh, index, &name, is_ticked(&event)));
        });
    el_in("label", "tick").add(tick).text(&shown)
}
