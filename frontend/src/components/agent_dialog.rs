//! The dialog that connects to an agent and shows its clusters.

use shared::api::{Context, Intent};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlDialogElement;

use super::failure::failure_box;
use super::findings::acts;
use crate::agent::api::Client;
use crate::agent::message::Task;
use crate::agent::{Agent, Link};
use crate::browser;
use crate::browser::dom::{El, button, effect, el, el_in, icon, text, value_of};
use crate::browser::signals::*;
use crate::state::Store;
use crate::state::saved::Fragment;

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
        let desired = agent.dialog.get();
        if desired && !element.open() && element.is_connected() {
            // The dialog is in the page and closed, so this does not fail.
            _ = element.show_modal();
        } else if !desired && element.open() {
            element.close();
        }
    });
    dialog
}

fn connect(store: Store, agent: Agent) -> Vec<El> {
    let address = RwSignal::new(String::new());
    let token = RwSignal::new(String::new());
    let field = move |id: &str, words: &str, kind: &str, signal: RwSignal<String>| {
        let input = el_in("input", "text")
            .id(id)
            .attr("type", kind)
            .attr("autocomplete", "off")
            .attr("spellcheck", "false")
            .prop("value", move || signal.get().into())
            .on("input", move |event| signal.set(value_of(&event)));
        let label = text("label", words).attr("for", id);
        (el_in("div", "field w12").add(label), input)
    };
    let (address_field, address_input) = field("agent-address", "Link or address", "text", address);
    let (token_field, token_input) = field("agent-token", "Token", "password", token);
    let client = move || client_of(&address.get(), &token.get(), &browser::origin());
    let is_connecting = move || agent.link.get() == Link::Connecting;
    let submit = el_in("button", "primary")
        .attr("type", "submit")
        .id("agent-connect")
        .flag("disabled", move || {
            is_connecting() || client().token.is_empty()
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
            agent.connect(untrack(client));
        });
    vec![
        text(
            "p",
            "The agent runs where your kubeconfig is. It plans and applies changes, and sends \
             no data anywhere else. Start it, and paste the link that it prints:",
        ),
        text("pre", "fedmesh-agent serve").class("command"),
        el("div").one(move || {
            agent
                .failure
                .get()
                .map(|failure| failure_box(failure, &acts(store)))
        }),
        form,
    ]
}

/// The agent that two texts identify. Either may be the link that the agent prints; without an address, the agent
/// is the one that served the page, at `origin`.
fn client_of(address: &str, token: &str, origin: &str) -> Client {
    for text in [address, token] {
        if let Some((link, fragment)) = text.trim().split_once('#')
            && let Some(token) = Fragment::read(fragment).token
        {
            let address = link.trim_end_matches('/').to_owned();
            return Client { address, token };
        }
    }
    let address = if address.trim().is_empty() {
        origin
    } else {
        address.trim()
    };
    Client {
        address: address.trim_end_matches('/').to_owned(),
        token: token.trim().to_owned(),
    }
}

fn connected(store: Store, agent: Agent) -> Vec<El> {
    let who = move || match agent.link.get() {
        Link::On { client, version } => format!("fedmesh-agent {version} at {}", client.address),
        Link::Off | Link::Connecting => String::new(),
    };
    let order = move |task| {
        move || {
            agent.dialog.set(false);
            agent.order(task);
        }
    };
    let look = button("", move || spawn_local(agent.look())).text("Refresh");
    let leave = button("", move || agent.disconnect())
        .id("disconnect")
        .text("Disconnect");
    // One run at a time, so that the current one stays visible.
    let is_running = move || agent.is_running.get();
    let verify = button("", order(Task::Verify { wait: 0 }))
        .id("verify-all")
        .flag("disabled", is_running)
        .attr("title", "Prove by traffic that the applied mesh works")
        .add(icon("good"))
        .text("Verify");
    let remove = button("danger", order(Task::Plan(Intent::Remove)))
        .id("remove-all")
        .flag("disabled", is_running)
        .add(icon("delete"))
        .text("Remove from all clusters…");
    vec![
        el_in("p", "muted").show(who),
        el("div").content(move || contexts(store, agent)),
        el_in("div", "buttons")
            .add(verify)
            .add(look)
            .add(leave)
            .add(el_in("span", "space"))
            .add(remove),
    ]
}

fn contexts(store: Store, agent: Agent) -> Vec<El> {
    match agent.clusters.get() {
        None => vec![text("p", "Listing the clusters…").class("muted")],
        Some(Err(failure)) => vec![failure_box(failure, &acts(store))],
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
    let zones = Some(context.zones.join(", ")).filter(|zones| !zones.is_empty());
    let place = match (&context.region, zones) {
        (Some(region), Some(zones)) => format!("{region}/{zones}"),
        (Some(region), None) => region.clone(),
        (None, Some(zones)) => zones,
        (None, None) => "unknown region and zone".to_owned(),
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

#[cfg(test)]
mod tests {
    use super::client_of;

    #[test]
    fn a_link_in_either_field_identifies_the_agent() {
        let link = " http://127.0.0.1:7777/#token=abc ";
        for (address, token, expected) in [
            (link, "", ("http://127.0.0.1:7777", "abc")),
            ("", link, ("http://127.0.0.1:7777", "abc")),
            (
                "http://localhost:1/",
                " abc ",
                ("http://localhost:1", "abc"),
            ),
            ("", "abc", ("http://here", "abc")),
        ] {
            let client = client_of(address, token, "http://here");
            assert_eq!((client.address.as_str(), client.token.as_str()), expected);
        }
    }
}
