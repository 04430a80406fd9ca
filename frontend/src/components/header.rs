//! The header: menu of the document, status, agent, and actions.

use shared::api::Intent;

use super::menu::{Item, menu};
use crate::agent::message::Task;
use crate::agent::{Agent, Link};
use crate::browser;
use crate::browser::dom::{El, button, el, el_in, icon, text};
use crate::browser::signals::*;
use crate::form::template;
use crate::result::counts::Counts;
use crate::state::document::{self, Download};
use crate::state::{Half, Page, Store, Tab};

pub(crate) fn header(store: Store, agent: Agent) -> El {
    el("header")
        .add(el_in("span", "brand").add(icon("brand")).text("fedmesh"))
        .add(document_menu(store))
        .add(steps(store))
        .add(el_in("span", "space"))
        .add(state(store))
        .add(agent_button(agent))
        .add(download_menu(store, agent))
        .add(el("span").one(move || review_button(store, agent)))
}

fn document_menu(store: Store) -> El {
    let name = memo(move || store.with(|mesh| mesh.metadata.name.clone()));
    let opener = el("button").attr("type", "button").show(move || {
        let name = name.get();
        if name.is_empty() {
            "unnamed".to_owned()
        } else {
            name
        }
    });
    let items = vec![
        Item::new("new", "New document", "", move || {
            store.open(template::start());
        }),
        Item::new("new-walkthrough", "Open the walk-through", "", move || {
            store.open(template::walkthrough());
        }),
        Item::new(
            "open",
            "Open document or manifests…",
            "or drop files anywhere",
            browser::choose_file,
        ),
        Item::new(
            "copy-link",
            "Copy link to document",
            "the link contains the document",
            move || {
                document::copy_link(store);
            },
        ),
    ];
    menu("document", "", opener, items)
}

/// Undo and redo.
fn steps(store: Store) -> El {
    let undo = button("quiet icon-only", move || store.undo())
        .id("undo")
        .attr("title", "Undo (Ctrl+Z)")
        .attr("aria-label", "Undo")
        .flag("disabled", move || !store.can_undo())
        .add(icon("undo"));
    let redo = button("quiet icon-only", move || store.redo())
        .id("redo")
        .attr("title", "Redo (Ctrl+Shift+Z)")
        .attr("aria-label", "Redo")
        .flag("disabled", move || !store.can_redo())
        .add(icon("redo"));
    el_in("span", "steps").add(undo).add(redo)
}

/// The status of the document; a click shows the findings.
fn state(store: Store) -> El {
    let counts = store.counts;
    let number = move |of: fn(Counts) -> usize| move || Some(of(counts.get()?).to_string());
    let show = move || {
        store.page.set(Page::Edit);
        store.tab.set(Tab::Findings);
        store.half.set(Half::Result);
    };
    let words = el_in("span", "words").content(move || {
        let counts = counts.get();
        let failed = store.unrenderable.with(Option::is_some);
        let unknown = if failed { "not checked" } else { "checking" };
        let words = counts.map_or_else(|| unknown.to_owned(), Counts::words);
        let look = icon(look(counts));
        vec![look, text("span", &words)]
    });
    button("state", show)
        .id("state")
        .set("class", move || {
            Some(format!("state {}", look(counts.get())))
        })
        .attr("aria-live", "polite")
        .attr("title", "Show the findings")
        .set("data-errors", number(|counts| counts.errors + counts.gaps))
        .set("data-warnings", number(|counts| counts.warnings))
        .set("data-hints", number(|counts| counts.hints))
        .add(words)
}

/// The picture of a status; before the first checks it is not `good`.
fn look(counts: Option<Counts>) -> &'static str {
    match counts {
        Some(Counts { errors: 1.., .. }) => "error",
        None | Some(Counts { gaps: 1.., .. }) => "gap",
        Some(Counts { warnings: 1.., .. }) => "warning",
        Some(_) => "good",
    }
}

fn agent_button(agent: Agent) -> El {
    let words = move || match agent.link.get() {
        Link::Off => "not connected".to_owned(),
        Link::Connecting => "connecting…".to_owned(),
        Link::On { .. } => match agent.found() {
            Some(clusters) if clusters.contexts.len() == 1 => "1 context".to_owned(),
            Some(clusters) => format!("{} contexts", clusters.contexts.len()),
            None => "connected".to_owned(),
        },
    };
    button("quiet", move || agent.dialog.set(true))
        .id("agent")
        .class_if("on", move || agent.is_connected())
        .attr("aria-haspopup", "dialog")
        .state("data-connected", move || agent.is_connected())
        .add(el_in("span", "lamp").attr("aria-hidden", "true"))
        .add(text("span", "Agent: ").class("wide"))
        .show(words)
}

fn download_menu(store: Store, agent: Agent) -> El {
    let opener = el("button")
        .attr("type", "button")
        .class_if("primary", move || !agent.is_connected())
        .text("Download");
    let run = move |download| move || document::download(store, download);
    let items = vec![
        Item::new(
            "download-yaml",
            "YAML",
            "all manifests in one file",
            run(Download::Yaml),
        )
        .enabled(move || store.is_good()),
        Item::new(
            "download-zip",
            "ZIP",
            "a folder for each cluster",
            run(Download::Zip),
        )
        .enabled(move || store.is_good()),
        Item::new(
            "download-mesh",
            "Mesh document",
            "to open it here again",
            run(Download::Mesh),
        ),
    ];
    menu("download", "right", opener, items)
}

/// The primary action if an agent is connected; not shown on the page that it leads to.
fn review_button(store: Store, agent: Agent) -> Option<El> {
    if !agent.is_connected() || store.page.get() == Page::Review {
        return None;
    }
    let is_running = agent.is_running.get();
    let review = move || {
        if is_running {
            store.page.set(Page::Review);
        } else {
            agent.order(Task::Plan(Intent::Apply));
        }
    };
    let words = if is_running {
        "Show the run"
    } else {
        "Review & apply"
    };
    let button = button("primary", review).id("review").text(words);
    Some(button.flag("disabled", move || !is_running && !store.is_good()))
}
