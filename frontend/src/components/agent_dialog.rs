//! The dialog that connects to an agent and shows its clusters.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{Context, Intent};

use super::dialog::Dialog;
use super::failure::FailureBox;
use super::icon::Icon;
use crate::agent::{Agent, Client, Link};
use crate::browser;
use crate::document::link::Fragment;
use crate::review::{Review, Task};

#[component]
pub(crate) fn AgentDialog() -> impl IntoView {
    let agent = expect_context::<Agent>();
    let is_connected = Memo::new(move |_| agent.is_connected());
    view! {
        <Dialog id="agent-dialog" title="Agent" open=agent.dialog>
            <Show when=move || is_connected.get() fallback=|| view! { <Connect /> }>
                <Connected />
            </Show>
        </Dialog>
    }
}

#[component]
fn Connect() -> impl IntoView {
    let agent = expect_context::<Agent>();
    let address = RwSignal::new(String::new());
    let token = RwSignal::new(String::new());
    let client = move || client_of(&address.get(), &token.get(), &browser::origin());
    let is_connecting = move || agent.link.with(|link| *link == Link::Connecting);
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        agent.connect(untrack(client));
    };
    view! {
        <p>
            "The agent runs where your kubeconfig is. It plans and applies changes, and sends no data anywhere else. \
             Start it, and paste the link that it prints:"
        </p>
        <pre class="command">"fedmesh-agent serve"</pre>
        <div>{move || agent.failure.get().map(|failure| view! { <FailureBox failure /> })}</div>
        <form class="fields" on:submit=submit>
            <div class="field w12">
                <label for="agent-address">"Link or address"</label>
                <input
                    class="text"
                    id="agent-address"
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    placeholder=browser::origin()
                    prop:value=move || address.get()
                    on:input:target=move |event| address.set(event.target().value())
                />
            </div>
            <div class="field w12">
                <label for="agent-token">"Token"</label>
                <input
                    class="text"
                    id="agent-token"
                    type="password"
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=move || token.get()
                    on:input:target=move |event| token.set(event.target().value())
                />
            </div>
            <div class="buttons w12">
                <Show when=move || agent.is_lost()>
                    <button type="button" id="check-agent" on:click=move |_| spawn_local(agent.check())>
                        "Try again"
                    </button>
                    <button type="button" on:click=move |_| agent.disconnect()>"Disconnect"</button>
                </Show>
                <button
                    type="submit"
                    class="primary"
                    id="agent-connect"
                    disabled=move || is_connecting() || client().token.is_empty()
                >
                    {move || if is_connecting() { "Connecting…" } else { "Connect" }}
                </button>
            </div>
        </form>
    }
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

#[component]
fn Connected() -> impl IntoView {
    let agent = expect_context::<Agent>();
    let review = expect_context::<Review>();
    let who = move || match agent.link.get() {
        Link::On { client, version } => format!("fedmesh-agent {version} at {}", client.address),
        Link::Off | Link::Connecting | Link::Lost { .. } => String::new(),
    };
    let order = move |task| {
        move |_| {
            agent.dialog.set(false);
            review.order(task);
        }
    };
    // One run at a time, so that the current one stays visible.
    let is_running = move || review.is_running.get();
    let is_disabled = move || is_running() || agent.problem().is_some();
    view! {
        <p class="muted">{who}</p>
        <div><Contexts /></div>
        <div class="buttons">
            <button
                type="button"
                id="verify-all"
                title="Prove by traffic that the applied mesh works"
                disabled=is_disabled
                on:click=order(Task::Verify { wait: 0 })
            >
                <Icon name="good" />
                "Verify"
            </button>
            <button type="button" on:click=move |_| spawn_local(agent.refresh())>"Refresh"</button>
            <button type="button" id="disconnect" on:click=move |_| review.disconnect()>"Disconnect"</button>
            <span class="space"></span>
            <button
                type="button"
                class="danger"
                id="remove-all"
                disabled=is_disabled
                on:click=order(Task::Plan(Intent::Remove))
            >
                <Icon name="delete" />
                "Remove from all clusters…"
            </button>
        </div>
    }
}

#[component]
fn Contexts() -> impl IntoView {
    let agent = expect_context::<Agent>();
    move || match agent.clusters.get() {
        None => view! { <p class="muted">"Listing the clusters…"</p> }.into_any(),
        Some(Err(failure)) => view! { <FailureBox failure /> }.into_any(),
        Some(Ok(clusters)) => {
            let error = clusters.error.clone().map(|error| {
                view! { <p class="warned"><Icon name="warning" />{error}</p> }
            });
            let is_empty = clusters.contexts.is_empty() && error.is_none();
            let empty = is_empty.then(|| view! { <p>"The kubeconfig has no context."</p> });
            let list = clusters.contexts.iter().map(context).collect_view();
            view! {
                {error}
                {empty}
                <ul class="contexts">{list}</ul>
            }
            .into_any()
        }
    }
}

fn context(context: &Context) -> AnyView {
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
    view! {
        <li class=class>
            <Icon name=picture />
            <code>{context.name.clone()}</code>
            <span class="muted">{context.error.clone().unwrap_or(facts)}</span>
        </li>
    }
    .into_any()
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
