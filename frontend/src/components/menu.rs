//! A button that opens a menu of actions.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusEvent, HtmlElement, KeyboardEvent, Node};

use super::icon::Icon;
use crate::browser;

/// An action in a menu.
#[derive(Clone)]
pub(crate) struct Item {
    id: &'static str,
    words: &'static str,
    /// A note beside the label.
    note: &'static str,
    /// Whether the action is enabled.
    is_enabled: Signal<bool>,
    run: Callback<()>,
}

impl Item {
    /// An action that is always enabled.
    pub(crate) fn new(
        id: &'static str,
        words: &'static str,
        note: &'static str,
        run: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            id,
            words,
            note,
            is_enabled: Signal::stored(true),
            run: Callback::new(move |()| run()),
        }
    }

    pub(crate) fn enabled(self, is_enabled: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self {
            is_enabled: Signal::derive(is_enabled),
            ..self
        }
    }
}

/// A menu; `children` are the label of the button that opens it.
#[component]
pub(crate) fn Menu(
    id: &'static str,
    /// Whether it is at the right edge of its button.
    #[prop(optional)]
    is_right: bool,
    /// Whether its button is the primary action.
    #[prop(optional, into)]
    is_primary: Signal<bool>,
    items: Vec<Item>,
    children: Children,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let root = NodeRef::<html::Div>::new();
    let keys = move |event: KeyboardEvent| {
        if let Some(root) = root.get_untracked() {
            handle_key(open, &root, &event);
        }
    };
    // The menu closes when the focus leaves it.
    let leave = move |event: FocusEvent| {
        let to = event
            .related_target()
            .and_then(|to| to.dyn_into::<Node>().ok());
        let is_inside = root
            .get_untracked()
            .is_some_and(|root| root.contains(to.as_ref()));
        if to.is_some() && !is_inside {
            open.set(false);
        }
    };
    let entries = items.into_iter().map(|item| view! { <Entry open item /> });
    view! {
        <div
            class=if is_right { "menu right" } else { "menu" }
            node_ref=root
            on:keydown=keys
            on:focusout=leave
        >
            <button
                type="button"
                id=id
                class:primary=is_primary
                aria-haspopup="menu"
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {children()}
                <Icon name="down" />
            </button>
            <div class="backdrop" hidden=move || !open.get() on:click=move |_| open.set(false)></div>
            <div role="menu" aria-labelledby=id hidden=move || !open.get()>
                {entries.collect_view()}
            </div>
        </div>
    }
}

#[component]
fn Entry(open: RwSignal<bool>, item: Item) -> impl IntoView {
    let Item {
        id,
        words,
        note,
        is_enabled,
        run,
    } = item;
    let click = move |_| {
        if is_enabled.get_untracked() {
            open.set(false);
            run.run(());
        }
    };
    view! {
        <button
            type="button"
            id=id
            role="menuitem"
            tabindex="-1"
            aria-disabled=move || (!is_enabled.get()).then_some("true")
            on:click=click
        >
            <span>{words}</span>
            <span class="muted">{note}</span>
        </button>
    }
}

fn handle_key(open: RwSignal<bool>, root: &Element, event: &KeyboardEvent) {
    let key = event.key();
    let to = match key.as_str() {
        "Escape" if open.get_untracked() => {
            // It closes nothing else.
            event.prevent_default();
            open.set(false);
            if let Some(opener) = root.first_element_child() {
                browser::focus(&opener);
            }
            return;
        }
        "ArrowDown" => Move::Next,
        "ArrowUp" => Move::Previous,
        "Home" if open.get_untracked() => Move::First,
        "End" if open.get_untracked() => Move::Last,
        letter if open.get_untracked() && letter.chars().count() == 1 && letter != " " => {
            Move::Letter(letter.to_lowercase())
        }
        _ => return,
    };
    event.prevent_default();
    open.set(true);
    let root = root.clone();
    // After the list has been drawn.
    request_animation_frame(move || move_focus(&root, &to));
}

/// Where the focus goes among the items.
enum Move {
    Next,
    Previous,
    First,
    Last,
    /// The next item that begins with a letter.
    Letter(String),
}

fn move_focus(root: &Element, to: &Move) {
    let items: Vec<HtmlElement> = browser::find_all(root, "[role=menuitem]");
    let count = items.len();
    if count == 0 {
        return;
    }
    let active = document().active_element();
    let at = items
        .iter()
        .position(|item| Some(item.unchecked_ref::<Element>()) == active.as_ref());
    let next = match (to, at) {
        (Move::First, _) | (Move::Next, None) => Some(0),
        (Move::Last, _) | (Move::Previous, None) => Some(count - 1),
        (Move::Next, Some(at)) => Some((at + 1) % count),
        (Move::Previous, Some(at)) => Some((at + count - 1) % count),
        (Move::Letter(letter), at) => {
            let from = at.map_or(0, |at| at + 1);
            let mut order = (0..count).map(|step| (from + step) % count);
            order.find(|index| {
                items[*index]
                    .inner_text()
                    .to_lowercase()
                    .starts_with(letter)
            })
        }
    };
    if let Some(item) = next.and_then(|index| items.get(index)) {
        browser::focus(item);
    }
}
