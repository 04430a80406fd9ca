//! Connects to an agent; shows what it is connected to.

use shared::api::{Context, Intent};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlDialogElement;

use super::failure::failure_box;
use crate::agent::{Agent, Link};
use crate::api::Client;
use crate::browser;
use crate::dom::{El, button, effect, el, el_in, icon, memo, text, value_of};
use crate::saved::Fragment;
use crate::signals::*;
use crate::state::Store;

pub(crate) fn agent_dialog(store: Store, agent: Agent) -> El {
    let is_connected = memo(move || agent.is_connected());
    let close = button("quiet icon-only", move || agent.dialog.set(false))
        .attr("aria-label", "Close")
        .add(icon("remove"));
    let head = el_in("div", "dialog-head")
        .add(text("h2", "Agent").id("agent-title"))
        .add(close);
    let body = el_in("div", "dialog-body").content(move || {
        if is_connected.get() {
            connected(store, agent)
        } else {
            connect(store, agent)
        }
    });
    let dialog = el("dialog")
        .id("agent-dialog")
        .attr("aria-labelledby", "agent-title")
        .add(head)
        .add(body)
        .on("close", move |_| agent.dialog.set(false));
    let element: HtmlDialogElement = dialog.element().clone().unchecked_into();
    effect(move || {
        let wanted = agent.dialog.get();
        if wanted && !element.open() && element.is_connected() {
            // It is on the page and closed, so it opens.
            _ = element.show_modal();
        } else if !wanted && element.open() {
            element.close();
        }
    });
    dialog
}

fn connect(store: Store, agent: Agent) -> Vec<El> {
    let address = RwSignal::new(String::new());
    let token = RwSignal::new(String::new());
    // The whole link that the agent prints may be pasted into the one field or the other.
    let take = move |text: String, into: RwSignal<String>| match text.split_once('#') {
        Some((link, fragment)) if fragment.contains("token=") => {
            address.set(link.trim().trim_end_matches('/').to_owned());
            token.set(Fragment::read(fragment.trim()).token.unwrap_or_default());
        }
        _ => into.set(text.trim().to_owned()),
    };
    let field = move |id: &str, words: &str, kind: &str, signal: RwSignal<String>| {
        let input = el_in("input", "text")
            .id(id)
            .attr("type", kind)
            .attr("autocomplete", "off")
            .attr("spellcheck", "false")
            .prop("value", move || signal.get().into())
            .on("input", move |event| take(value_of(&event), signal));
        let label = text("label", words).attr("for", id);
        (el_in("div", "field w12").add(label), input)
    };
    let (address_field, address_input) = field("agent-address", "Link or address", "text", address);
    let (token_field, token_input) = field("agent-token", "Token", "password", token);
    let is_connecting = move || agent.link.get() == Link::Connecting;
    let submit = el_in("button", "primary")
        .attr("type", "submit")
        .id("agent-connect")
        .flag("disabled", move || {
            is_connecting() || token.with(String::is_empty)
        })
        .show(move || {
            if is_connecting() {
                "Connecting…"
            } else {
                "Connect"
            }
            .to_owned()
        });
    let form = el_in("form", "fields")
        .add(address_field.add(address_input.attr("placeholder", &browser::origin())))
        .add(token_field.add(token_input))
        .add(el_in("div", "buttons w12").add(submit))
        .on("submit", move |event| {
            event.prevent_default();
            let address = address.get_untracked();
            let address = if address.is_empty() {
                browser::origin()
            } else {
                address
            };
            agent.connect(Client {
                address,
                token: token.get_untracked(),
            });
        });
    vec![
        text(
            "p",
            "The agent runs beside your kubeconfig. It shows what would change, applies it, and \
             sends nothing anywhere else. Start it and paste the link that it prints:",
        ),
        text("pre", "fedmesh-agent serve").class("command"),
        el("div").one(move || {
            agent
                .failure
                .get()
                .map(|failure| failure_box(store, failure))
        }),
        form,
    ]
}

fn connected(store: Store, agent: Agent) -> Vec<El> {
    let who = move || match agent.link.get() {
        Link::On { client, version } => format!("fedmesh-agent {version} at {}", client.address),
        Link::Off | Link::Connecting => String::new(),
    };
    let remove = move || {
        agent.dialog.set(false);
        agent.plan(Intent::Remove);
    };
    let look = button("", move || spawn_local(agent.look())).text("Look again");
    let leave = button("", move || agent.disconnect()).text("Disconnect");
    let remove = button("danger", remove)
        .id("remove-all")
        .add(icon("delete"))
        .text("Take it all back…");
    vec![
        el_in("p", "muted").show(who),
        el("div").content(move || contexts(store, agent)),
        el_in("div", "buttons")
            .add(look)
            .add(leave)
            .add(el_in("span", "space"))
            .add(remove),
    ]
}

fn contexts(store: Store, agent: Agent) -> Vec<El> {
    match agent.clusters.get() {
        None => vec![text("p", "Looking at the clusters…").class("muted")],
        Some(Err(failure)) => vec![failure_box(store, failure)],
        Some(Ok(clusters)) => {
            let error = clusters.error.as_ref();
            let error = error.map(|e| el_in("p", "warned").add(icon("warning")).text(e));
            let is_empty = clusters.contexts.is_empty() && error.is_none();
            let empty = is_empty.then(|| text("p", "The kubeconfig has no context."));
            let list = el_in("ul", "contexts").all(clusters.contexts.iter().map(context));
            error.into_iter().chain(empty).chain([list]).collect()
        }
    }
}

fn context(context: &Context) -> El {
    let gateway = match context.gateway.as_deref() {
        None => "no gateway found".to_owned(),
        Some([]) => "gateway without address".to_owned(),
        Some(addresses) => format!("gateway {}", addresses.join(", ")),
    };
    let place = match (&context.region, &context.zone) {
        (Some(region), Some(zone)) => format!("{region}/{zone}"),
        (Some(place), None) | (None, Some(place)) => place.clone(),
        (None, None) => "region and zone not known".to_owned(),
    };
    let version = context
        .version
        .clone()
        .map(|version| format!("{version} · "));
    let facts = format!("{}{place} · {gateway}", version.unwrap_or_default());
    let (class, picture) = if context.error.is_some() {
        ("bad", "error")
    } else {
        ("", "good")
    };
    el_in("li", class)
        .add(icon(picture))
        .add(text("code", &context.name))
        .add(text("span", context.error.as_ref().unwrap_or(&facts)).class("muted"))
}
