//! Elements that follow signals.
//!
//! The page uses Leptos' signals, but not its `view!`: that macro gives every element a type of its own, and each
//! type its own code for building, updating and removing it, which made the page twice as large as it may be.
//! Here all elements have one type.
//!
//! A closure as a value is evaluated again whenever a signal in it changes.

use std::cell::RefCell;

use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, EventTarget, Node};

use super::signals::*;
use super::{document, window};

/// An element under construction. It follows its signals until its owner is dropped.
#[derive(Clone)]
pub(crate) struct El(Element);

/// A new HTML element.
pub(crate) fn el(tag: &str) -> El {
    El(document()
        .create_element(tag)
        .expect("the names of elements are ours"))
}

/// The element with an id, if it is in the document.
pub(crate) fn at(id: &str) -> Option<El> {
    document().get_element_by_id(id).map(El)
}

/// A new HTML element with a class.
pub(crate) fn el_in(tag: &str, class: &str) -> El {
    el(tag).class(class)
}

/// A new HTML element with a text in it.
pub(crate) fn text(tag: &str, text: &str) -> El {
    el(tag).text(text)
}

/// A button with a click handler.
pub(crate) fn button(class: &str, run: impl FnMut() + 'static) -> El {
    let mut run: Box<dyn FnMut()> = Box::new(run);
    el("button")
        .attr("type", "button")
        .class(class)
        .on("click", move |_| run())
}

/// A picture of the page's sprite, hidden from screen readers.
pub(crate) fn icon(name: &str) -> El {
    const SVG: Option<&str> = Some("http://www.w3.org/2000/svg");
    let make = |tag| {
        document()
            .create_element_ns(SVG, tag)
            .expect("the names of elements are ours")
    };
    let picture = El(make("use")).attr("href", &format!("#i-{name}"));
    El(make("svg"))
        .attr("class", "icon")
        .attr("aria-hidden", "true")
        .add(picture)
}

/// Evaluates the current closure again when a memo changes. Tracking alone is not enough: a memo that is not
/// read follows no signal.
pub(crate) fn depend<T: Send + Sync + 'static>(memo: Memo<T>) {
    memo.with(|_| ());
}

/// Runs a side effect, now and whenever a signal in it changes.
pub(crate) fn effect(run: impl FnMut() + 'static) {
    follow(Box::new(run));
}

fn follow(mut run: Box<dyn FnMut()>) {
    let effect = RenderEffect::new(move |_| run());
    on_cleanup(move || drop(effect));
}

impl El {
    pub(crate) fn element(&self) -> &Element {
        &self.0
    }

    pub(crate) fn class(self, class: &str) -> Self {
        if class.is_empty() {
            self
        } else {
            self.attr("class", class)
        }
    }

    pub(crate) fn id(self, id: &str) -> Self {
        self.attr("id", id)
    }

    pub(crate) fn attr(self, name: &str, value: &str) -> Self {
        set(&self.0, name, Some(value));
        self
    }

    /// An attribute that follows signals; omitted without a value.
    pub(crate) fn set(
        self,
        name: &'static str,
        value: impl Fn() -> Option<String> + 'static,
    ) -> Self {
        self.set_boxed(name, Box::new(value))
    }

    // Functions that take a box are compiled once, not for each closure; likewise below.
    fn set_boxed(self, name: &'static str, value: Box<dyn Fn() -> Option<String>>) -> Self {
        let element = self.0.clone();
        follow(Box::new(move || set(&element, name, value().as_deref())));
        self
    }

    /// A boolean attribute, such as `hidden`.
    pub(crate) fn flag(self, name: &'static str, value: impl Fn() -> bool + 'static) -> Self {
        self.set_if(name, Box::new(value), [None, Some("")])
    }

    /// An attribute that is `true` or `false`, such as `aria-selected`.
    pub(crate) fn state(self, name: &'static str, value: impl Fn() -> bool + 'static) -> Self {
        self.set_if(name, Box::new(value), [Some("false"), Some("true")])
    }

    fn set_if(
        self,
        name: &'static str,
        value: Box<dyn Fn() -> bool>,
        [no, yes]: [Option<&'static str>; 2],
    ) -> Self {
        let element = self.0.clone();
        follow(Box::new(move || {
            set(&element, name, if value() { yes } else { no });
        }));
        self
    }

    /// A class that is set or not.
    pub(crate) fn class_if(self, name: &'static str, value: impl Fn() -> bool + 'static) -> Self {
        let value: Box<dyn Fn() -> bool> = Box::new(value);
        self.toggle_boxed(name, value)
    }

    fn toggle_boxed(self, name: &'static str, value: Box<dyn Fn() -> bool>) -> Self {
        let classes = self.0.class_list();
        follow(Box::new(move || {
            // The names of classes are constants, so none is refused.
            _ = classes.toggle_with_force(name, value());
        }));
        self
    }

    /// A property of the element, such as `checked`.
    pub(crate) fn prop(self, name: &'static str, value: impl Fn() -> JsValue + 'static) -> Self {
        self.prop_boxed(name, Box::new(value))
    }

    fn prop_boxed(self, name: &'static str, value: Box<dyn Fn() -> JsValue>) -> Self {
        let element = self.0.clone();
        follow(Box::new(move || {
            // Setting a property of an element does not fail.
            _ = js_sys::Reflect::set(&element, &name.into(), &value());
        }));
        self
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.append(&document().create_text_node(text));
        self
    }

    /// A text that follows signals.
    pub(crate) fn show(self, text: impl Fn() -> String + 'static) -> Self {
        self.show_boxed(Box::new(text))
    }

    fn show_boxed(self, text: Box<dyn Fn() -> String>) -> Self {
        let node = document().create_text_node("");
        self.append(&node);
        follow(Box::new(move || node.set_data(&text())));
        self
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "an element is put in one place"
    )]
    pub(crate) fn add(self, child: Self) -> Self {
        self.append(&child.0);
        self
    }

    pub(crate) fn maybe(self, child: Option<Self>) -> Self {
        match child {
            Some(child) => self.add(child),
            None => self,
        }
    }

    pub(crate) fn all(self, children: impl IntoIterator<Item = Self>) -> Self {
        children.into_iter().for_each(|child| self.append(&child.0));
        self
    }

    /// Children that follow signals: all are built again when a signal changes.
    pub(crate) fn content(self, children: impl Fn() -> Vec<Self> + 'static) -> Self {
        self.content_boxed(Box::new(children))
    }

    fn content_boxed(self, children: Box<dyn Fn() -> Vec<Self>>) -> Self {
        let element = self.0.clone();
        follow(Box::new(move || {
            let nodes = js_sys::Array::new();
            for child in children() {
                nodes.push(&child.0);
            }
            element.replace_children_with_node(&nodes);
        }));
        self
    }

    /// Like [`El::content`], for at most one child.
    pub(crate) fn one(self, child: impl Fn() -> Option<Self> + 'static) -> Self {
        self.content(move || child().into_iter().collect())
    }

    /// Numbered rows: those that stay are kept when rows are added or removed.
    pub(crate) fn rows(
        self,
        count: impl Fn() -> usize + 'static,
        row: impl Fn(usize) -> Vec<Self> + 'static,
    ) -> Self {
        self.rows_boxed(Box::new(count), Box::new(row))
    }

    fn rows_boxed(
        self,
        count: Box<dyn Fn() -> usize>,
        row: Box<dyn Fn(usize) -> Vec<Self>>,
    ) -> Self {
        let parent = self.0.clone();
        let owner = Owner::current().unwrap_or_default();
        let made: RefCell<Vec<(Owner, Vec<Self>)>> = RefCell::default();
        follow(Box::new(move || {
            let count = count();
            let mut made = made.borrow_mut();
            while made.len() > count {
                let Some((owner, elements)) = made.pop() else {
                    break;
                };
                owner.cleanup();
                for element in &elements {
                    element.0.remove();
                }
            }
            while made.len() < count {
                let owner = owner.child();
                let index = made.len();
                let elements = untrack(|| owner.with(|| row(index)));
                for element in &elements {
                    // Inserting a new node does not fail.
                    _ = parent.append_child(&element.0);
                }
                made.push((owner, elements));
            }
        }));
        self
    }

    /// HTML that follows signals. The caller has to escape it.
    pub(crate) fn html(self, html: impl Fn() -> String + 'static) -> Self {
        self.html_boxed(Box::new(html))
    }

    fn html_boxed(self, html: Box<dyn Fn() -> String>) -> Self {
        let element = self.0.clone();
        follow(Box::new(move || element.set_inner_html(&html())));
        self
    }

    pub(crate) fn on(self, event: &str, handler: impl FnMut(Event) + 'static) -> Self {
        listen(&self.0, event, Box::new(handler));
        self
    }

    fn append(&self, node: &Node) {
        // Inserting a new node does not fail.
        _ = self.0.append_child(node);
    }
}

fn set(element: &Element, name: &str, value: Option<&str>) {
    // The names of attributes are constants, so none is refused.
    _ = match value {
        Some(value) => element.set_attribute(name, value),
        None => element.remove_attribute(name),
    };
}

/// A handler for an event of the window.
pub(crate) fn on_window(event: &str, handler: impl FnMut(Event) + 'static) {
    listen(&window(), event, Box::new(handler));
}

fn listen(target: &EventTarget, event: &str, handler: Box<dyn FnMut(Event)>) {
    // The browser drops the handler together with its target.
    let handler = Closure::wrap(handler).into_js_value();
    // The names of events are constants, so this does not fail.
    _ = target.add_event_listener_with_callback(event, handler.unchecked_ref());
}

/// Puts an element into the page.
pub(crate) fn mount(element: &El) {
    if let Some(body) = document().body() {
        // Inserting a new node does not fail.
        _ = body.append_child(&element.0);
    }
}

/// The text of the input that an event is about.
pub(crate) fn value_of(event: &Event) -> String {
    event
        .target()
        .and_then(|target| js_sys::Reflect::get(&target, &"value".into()).ok())
        .and_then(|value| value.as_string())
        .unwrap_or_default()
}

/// Whether the checkbox that an event is about is checked.
pub(crate) fn is_ticked(event: &Event) -> bool {
    event
        .target()
        .and_then(|target| js_sys::Reflect::get(&target, &"checked".into()).ok())
        .is_some_and(|checked| checked.is_truthy())
}
