//! Buttons that are one tab stop.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use crate::browser;

/// A group of buttons of which one is in the tab order, and the others have the tab index -1. The arrow keys left and
/// right lead from one to the next.
#[component]
pub(crate) fn Toolbar(label: String, class: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class=class role="toolbar" aria-label=label on:keydown=step>
            {children()}
        </div>
    }
}

fn step(event: KeyboardEvent) {
    let key = event.key();
    if !matches!(key.as_str(), "ArrowRight" | "ArrowLeft" | "Home" | "End") {
        return;
    }
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    let Some(button) = target.and_then(|target| target.closest("button").ok().flatten()) else {
        return;
    };
    let Some(toolbar) = button.closest("[role=toolbar]").ok().flatten() else {
        return;
    };
    let buttons: Vec<Element> = browser::find_all(&toolbar, "button:not(:disabled)");
    let Some(at) = buttons.iter().position(|one| *one == button) else {
        return;
    };
    let to = match key.as_str() {
        "ArrowRight" => at + 1,
        "ArrowLeft" => at.wrapping_sub(1),
        "Home" => 0,
        _ => buttons.len() - 1,
    };
    if let Some(to) = buttons.get(to) {
        event.prevent_default();
        browser::focus(to);
    }
}
