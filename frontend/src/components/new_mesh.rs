//! The dialog for a new document: what is known from the start, and the choices that decide which fields it needs.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::dialog::Dialog;
use super::field::{Tick, label_of};
use crate::browser;
use crate::document::start::{Choices, NAME, SUFFIX, TARGET, TRANSPORT};
use crate::form::label;
use crate::schema::{self, Kind};
use crate::state::Store;

/// The id of the first input.
const FIRST: &str = "new-name";
/// Clusters and services of the dialog; more rows are added in their tables.
const CLUSTERS: std::ops::RangeInclusive<usize> = 2..=12;
const SERVICES: std::ops::RangeInclusive<usize> = 0..=12;

#[component]
pub(crate) fn NewMeshDialog() -> impl IntoView {
    let store = expect_context::<Store>();
    view! {
        <Dialog id="new-mesh" title="New mesh" open=store.is_starting>
            <NewMesh />
        </Dialog>
    }
}

#[component]
fn NewMesh() -> impl IntoView {
    let store = expect_context::<Store>();
    let name = RwSignal::new(String::new());
    let suffix = RwSignal::new(String::new());
    let clusters = RwSignal::new(*CLUSTERS.start());
    let services = RwSignal::new(1);
    let transport = RwSignal::new(String::new());
    let target = RwSignal::new(String::new());
    let has_external_dns = RwSignal::new(false);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let choices = Choices {
            name: name.get_untracked(),
            suffix: suffix.get_untracked(),
            clusters: clusters.get_untracked(),
            services: services.get_untracked(),
            transport: transport.get_untracked(),
            target: target.get_untracked(),
            has_external_dns: has_external_dns.get_untracked(),
        };
        store.is_starting.set(false);
        store.open(choices.document());
        store.go_to(first_gap(&choices));
    };
    // The dialog has given the focus to its first button.
    request_animation_frame(|| browser::focus_id(FIRST));
    view! {
        <form class="fields" on:submit=submit>
            <TextInput id=FIRST path=NAME text=name />
            <TextInput id="new-suffix" path=SUFFIX text=suffix />
            <CountSelect id="new-clusters" words="Clusters" counts=CLUSTERS count=clusters />
            <CountSelect id="new-services" words="Services" counts=SERVICES count=services />
            <ChoiceSelect id="new-transport" path=TRANSPORT value=transport />
            <ChoiceSelect id="new-target" path=TARGET value=target />
            <div class="ticks w12">
                <Tick
                    id="new-external-dns"
                    words="fedmesh runs ExternalDNS, which publishes the records".to_owned()
                    is_ticked=has_external_dns.into()
                    set=Callback::new(move |is_ticked| has_external_dns.set(is_ticked))
                />
            </div>
            <p class="muted w12">
                "All other settings keep their defaults. The new document replaces the current one; undo restores it."
            </p>
            <div class="buttons w12">
                <button type="submit" class="primary" id="create-mesh">"Create"</button>
            </div>
        </form>
    }
}

/// The first field that the dialog has left empty.
fn first_gap(choices: &Choices) -> &'static str {
    if choices.suffix.trim().is_empty() {
        SUFFIX
    } else if choices.name.trim().is_empty() {
        NAME
    } else {
        "spec.clusters[0].name"
    }
}

#[component]
fn TextInput(id: &'static str, path: &'static str, text: RwSignal<String>) -> impl IntoView {
    view! {
        <div class="field w6">
            <label for=id>{label::of(path)}</label>
            <input
                class="text"
                id=id
                type="text"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                prop:value=move || text.get()
                on:input:target=move |event| text.set(event.target().value())
            />
        </div>
    }
}

#[component]
fn CountSelect(
    id: &'static str,
    words: &'static str,
    counts: std::ops::RangeInclusive<usize>,
    count: RwSignal<usize>,
) -> impl IntoView {
    let options = counts.map(|number| view! { <option value=number.to_string()>{number}</option> });
    view! {
        <div class="field w6">
            <label for=id>{words}</label>
            <select
                id=id
                prop:value=move || count.get().to_string()
                on:change:target=move |event| {
                    // Its options are numbers.
                    if let Ok(number) = event.target().value().parse() {
                        count.set(number);
                    }
                }
            >
                {options.collect_view()}
            </select>
        </div>
    }
}

/// The values of a field, with their descriptions; the default is chosen first.
#[component]
fn ChoiceSelect(id: &'static str, path: &'static str, value: RwSignal<String>) -> impl IntoView {
    let schema = schema::at(path)?;
    let Kind::Choice(choices) = &schema.kind else {
        return None;
    };
    let default = schema.default.as_deref().unwrap_or_default();
    let options = choices.iter().map(|choice| {
        let is_default = choice.value == default;
        // The default is not written into the document.
        let value = if is_default {
            ""
        } else {
            choice.value.as_str()
        };
        view! { <option value=value selected=is_default>{label_of(choice)}</option> }
    });
    Some(view! {
        <div class="field w12">
            <label for=id>{label::of(path)}</label>
            <select id=id on:change:target=move |event| value.set(event.target().value())>
                {options.collect_view()}
            </select>
        </div>
    })
}
