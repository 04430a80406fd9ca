//! A button that opens a menu of actions.

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, FocusEvent, KeyboardEvent, Node};

use crate::browser;
use crate::browser::dom::{El, button, el, el_in, icon, text};
use crate::browser::signals::*;

/// An action in a menu.
pub(crate) struct Item {
    pub(crate) id: &'static str,
    pub(crate) words: &'static str,
    /// A note beside the label.
    pub(crate) note: &'static str,
    /// Whether the action is enabled.
    pub(crate) is_enabled: Box<dyn Fn() -> bool>,
    pub(crate) run: Box<dyn Fn()>,
}

impl Item {
    /// An action that is always enabled.
    pub(crate) fn new(
        id: &'static str,
        words: &'static str,
        note: &'static str,
        run: impl Fn() + 'static,
    ) -> Self {
        Self {
            id,
            words,
            note,
            is_enabled: Box::new(|| true),
            run: Box::new(run),
        }
    }

    pub(crate) fn enabled(mut self, is_enabled: impl Fn() -> bool + 'static) -> Self {
        self.is_enabled = Box::new(is_enabled);
        self
    }
}

/// A menu; `opener` is the button, with its label.
pub(crate) fn menu(id: &'static str, class: &str, opener: El, items: Vec<Item>) -> El {
    let open = RwSignal::new(false);
    let root = el_in("div", &format!("menu {class}"));
    let element = root.element().clone();
    let opener = opener
        .id(id)
        .attr("aria-haspopup", "menu")
        .state("aria-expanded", move || open.get())
        .add(icon("down"))
        .on("click", move |_| open.update(|open| *open = !*open));
    let backdrop = el_in("div", "backdrop")
        .flag("hidden", move || !open.get())
        .on("click", move |_| open.set(false));
    let list = el("div")
        .attr("role", "menu")
        .attr("aria-labelledby", id)
        .flag("hidden", move || !open.get())
        .all(items.into_iter().map(|item| entry(open, item)));
    let inside = element.clone();
    root.add(opener)
        .add(backdrop)
        .add(list)
        .on("keydown", move |event| keys(open, &element, &event))
        .on("focusout", move |event| leave(open, &inside, &event))
}

fn entry(open: RwSignal<bool>, item: Item) -> El {
    let Item {
        id,
        words,
        note,
        is_enabled,
        run,
    } = item;
    let is_enabled = std::rc::Rc::new(is_enabled);
    let is_shown = is_enabled.clone();
    let click = move || {
        if untrack(|| is_enabled()) {
            open.set(false);
            run();
        }
    };
    button("", click)
        .id(id)
        .attr("role", "menuitem")
        .set("aria-disabled", move || {
            (!is_shown()).then(|| "true".to_owned())
        })
        .add(text("span", words))
        .add(text("span", note).class("muted"))
}

fn keys(open: RwSignal<bool>, root: &Element, event: &Event) {
    let step = match event.unchecked_ref::<KeyboardEvent>().key().as_str() {
        "Escape" if open.get_untracked() => {
            open.set(false);
            if let Some(opener) = root.first_element_child() {
                browser::focus(&opener);
            }
            return;
        }
        "ArrowDown" => 1,
        "ArrowUp" => -1,
        _ => return,
    };
    event.prevent_default();
    open.set(true);
    let root = root.clone();
    // After the list has been drawn.
    browser::next_frame(move || move_focus(&root, step));
}

/// Closes the menu when the focus leaves it.
fn leave(open: RwSignal<bool>, root: &Element, event: &Event) {
    let to = event.unchecked_ref::<FocusEvent>().related_target();
    let to = to.and_then(|to| to.dyn_into::<Node>().ok());
    if to.is_some() && !root.contains(to.as_ref()) {
        open.set(false);
    }
}

/// Moves the focus among the items.
fn move_focus(root: &Element, step: i32) {
    let Ok(items) = root.query_selector_all("[role=menuitem]") else {
        return;
    };
    let items: Vec<Element> = (0..items.length())
        .filter_map(|index| items.get(index)?.dyn_into::<Element>().ok())
        .collect();
    let active = browser::document().active_element();
    let at = items.iter().position(|item| Some(item) == active.as_ref());
    let last = items.len().saturating_sub(1);
    let to = match (at, step > 0) {
        (None, true) => 0,
        (Some(at), true) if at == last => 0,
        (Some(at), true) => at + 1,
        (None | Some(0), false) => last,
        (Some(at), false) => at - 1,
    };
    if let Some(item) = items.get(to) {
        browser::focus(item);
    }
}
