//! The page with the document on the left and its result on the right.

use crate::agent::Agent;
use crate::browser::dom::{El, button, el_in};
use crate::components::cluster_table::cluster_table;
use crate::components::dns_form::dns_form;
use crate::components::more_form::more_form;
use crate::components::service_table::service_table;
use crate::components::tabs::tabs;
use crate::state::{Half, Store};

pub(crate) fn edit_page(store: Store, agent: Agent) -> El {
    let half = move |half: Half, id: &str, words: &str| {
        button("", move || store.half.set(half))
            .id(id)
            .state("aria-pressed", move || store.half.get() == half)
            .text(words)
    };
    let halves = el_in("div", "halves")
        .attr("role", "group")
        .attr("aria-label", "Show")
        .add(half(Half::Form, "half-form", "Edit"))
        .add(half(Half::Result, "half-result", "Result"));
    let form = el_in("form", "document")
        .attr("aria-label", "Mesh document")
        .add(dns_form(store))
        .add(cluster_table(store, agent))
        .add(service_table(store))
        .add(more_form(store))
        .on("submit", |event| event.prevent_default());
    el_in("div", "edit-page")
        .set("data-half", move || {
            Some(
                if store.half.get() == Half::Form {
                    "form"
                } else {
                    "result"
                }
                .to_owned(),
            )
        })
        .add(halves)
        .add(form)
        .add(tabs(store))
}
