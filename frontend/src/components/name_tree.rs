//! All published names: global, regions, zones, each with the clusters that answer.

use super::what_if::what_if;
use crate::browser::dom::{El, button, el, el_in, icon, text};
use crate::browser::signals::*;
use crate::result::outline::{self, Node, ServiceNames};
use crate::state::{Store, Tab};

pub(crate) fn name_tree(store: Store) -> El {
    let has_names = memo(move || store.names().is_some_and(|names| !names.is_empty()));
    let switch = button("", move || store.asks_what_if.update(|asks| *asks = !*asks))
        .id("ask-what-if")
        .state("aria-pressed", move || store.asks_what_if.get())
        .text("Simulate an outage");
    let shown = move || {
        Some(match store.names() {
            None => missing(store),
            Some(names) if names.is_empty() => el_in("div", "start")
                .add(text("h2", "No services yet"))
                .add(text("p", "Add a service to see its published names.")),
            Some(names) if store.asks_what_if.get() => what_if(store, &names),
            Some(names) => {
                let trees = outline::trees(&names).into_iter();
                el_in("div", "names").all(trees.map(service))
            }
        })
    };
    let bar = el_in("div", "names-bar").flag("hidden", move || !has_names.get());
    el_in("div", "fill")
        .add(bar.add(switch))
        .add(el_in("div", "fill").one(shown))
}

fn missing(store: Store) -> El {
    let show = button("", move || store.tab.set(Tab::Findings)).text("Show the errors");
    el_in("div", "start")
        .add(text("h2", "No names yet"))
        .add(text(
            "p",
            "Published names appear once the document has no errors.",
        ))
        .add(el_in("div", "buttons").add(show))
}

fn service(names: ServiceNames) -> El {
    let short = names.vanity.map(|row| {
        let answer = text("span", "alias of the name below").class("answer muted");
        name("short name", &row.host, answer)
    });
    let callers = names.global.row.caller_words();
    let callers =
        callers.map(|words| text("p", &format!("Called by {}", words.join(", "))).class("callers"));
    el_in("section", "service")
        .add(text("h3", &names.service))
        .maybe(callers)
        .maybe(short)
        .add(el_in("ul", "tree").add(node(names.global)))
}

fn node(node: Node) -> El {
    let name = name(&node.place(), &node.row.host, answer(&node));
    let below =
        (!node.below.is_empty()).then(|| el("ul").all(node.below.into_iter().map(self::node)));
    el("li").add(name).maybe(below)
}

fn name(place: &str, host: &str, answer: El) -> El {
    el_in("p", "name")
        .add(text("span", place).class("place"))
        .text(" ")
        .add(text("code", host))
        .text(" ")
        .add(answer)
}

/// The clusters that answer a name.
fn answer(node: &Node) -> El {
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
    el_in("span", class).add(icon(picture)).text(&words)
}
