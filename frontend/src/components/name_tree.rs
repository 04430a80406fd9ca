//! All published names: global, regions, zones, each with the clusters that answer.

use leptos::prelude::*;

use super::icon::Icon;
use super::what_if::WhatIf;
use crate::result::outline::{self, Node, ServiceNames};
use crate::state::{Store, Tab};

/// Services whose names are shown at first, and with each click on the button below them.
const SHOWN: usize = 20;

#[component]
pub(crate) fn NameTree() -> impl IntoView {
    let store = expect_context::<Store>();
    let is_good = Memo::new(move |_| store.is_good());
    let names = Memo::new(move |_| {
        let known = || {
            store
                .named
                .with(|named| Some(named.as_ref()?.names.clone()))
        };
        is_good.get().then(known).flatten()
    });
    let has_names =
        move || names.with(|names| names.as_ref().is_some_and(|names| !names.is_empty()));
    let limit = RwSignal::new(SHOWN);
    let body = move || {
        names.with(|names| match names {
            None if is_good.get() => view! {
                <div class="start"><p class="late muted" role="status">"Deriving the names…"</p></div>
            }
            .into_any(),
            None => view! { <Missing /> }.into_any(),
            Some(names) if names.is_empty() => view! {
                <div class="start">
                    <h2>"No services yet"</h2>
                    <p>"Add a service to see its published names."</p>
                </div>
            }
            .into_any(),
            Some(names) if store.asks_what_if.get() => {
                let of_service = names.chunk_by(|one, next| one.service == next.service);
                let names = of_service
                    .map(<[_]>::to_vec)
                    .take(limit.get())
                    .collect::<Vec<_>>();
                view! { <WhatIf names /> }.into_any()
            }
            Some(names) => {
                let trees = outline::trees(names).into_iter().take(limit.get());
                view! { <div class="names">{trees.map(service).collect_view()}</div> }.into_any()
            }
        })
    };
    let count = Memo::new(move |_| {
        names.with(|names| {
            let names = names.as_deref().unwrap_or_default();
            names
                .chunk_by(|one, next| one.service == next.service)
                .count()
        })
    });
    view! {
        <div class="fill">
            <div class="names-bar" hidden=move || !has_names()>
                <button
                    type="button"
                    id="ask-what-if"
                    aria-pressed=move || store.asks_what_if.get().to_string()
                    on:click=move |_| store.asks_what_if.update(|asks| *asks = !*asks)
                >
                    "Simulate an outage"
                </button>
            </div>
            <div class="fill">
                {body}
                <p class="more-names" hidden={move || count.get() <= limit.get()}>
                    <button type="button" on:click=move |_| limit.update(|limit| *limit += SHOWN)>
                        {move || format!("Show more of {} services", count.get())}
                    </button>
                </p>
            </div>
        </div>
    }
}

#[component]
fn Missing() -> impl IntoView {
    let store = expect_context::<Store>();
    view! {
        <div class="start">
            <h2>"No names yet"</h2>
            <p>"Published names appear once the document has no errors."</p>
            <div class="buttons">
                <button type="button" on:click=move |_| store.tab.set(Tab::Findings)>"Show the errors"</button>
            </div>
        </div>
    }
}

fn service(names: ServiceNames) -> AnyView {
    let short = names.vanity.map(|row| {
        let answer =
            view! { <span class="answer muted">"alias of the name below"</span> }.into_any();
        name("vanity".to_owned(), row.host, answer)
    });
    let callers = names.global.row.caller_words();
    let callers = callers
        .map(|words| view! { <p class="callers">{format!("Called by {}", words.join(", "))}</p> });
    view! {
        <section class="service">
            <h3>{names.service}</h3>
            {callers}
            {short}
            <ul class="tree">{node(names.global)}</ul>
        </section>
    }
    .into_any()
}

fn node(node: Node) -> AnyView {
    let name = name(node.place(), node.row.host.clone(), answer(&node));
    let below = (!node.below.is_empty()).then(|| {
        let below = node.below.into_iter().map(self::node);
        view! { <ul>{below.collect_view()}</ul> }
    });
    view! { <li>{name}{below}</li> }.into_any()
}

fn name(place: String, host: String, answer: AnyView) -> AnyView {
    view! {
        <p class="name">
            <span class="place">{place}</span>
            " "
            <code>{host}</code>
            " "
            {answer}
        </p>
    }
    .into_any()
}

/// The clusters that answer a name.
fn answer(node: &Node) -> AnyView {
    let clusters = node.row.answered_by.join(", ");
    let (class, picture, words) = if clusters.is_empty() {
        ("answer warned", "warning", "no cluster answers".to_owned())
    } else if node.falls_back() {
        (
            "answer fallback",
            "fallback",
            format!("falls back to {clusters}"),
        )
    } else {
        ("answer", "cluster", clusters)
    };
    view! { <span class=class><Icon name=picture />{words}</span> }.into_any()
}
