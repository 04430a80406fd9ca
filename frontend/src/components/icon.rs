//! Pictures of the page's sprite.

use leptos::prelude::*;

/// A picture, hidden from screen readers.
#[component]
pub(crate) fn Icon(name: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" aria-hidden="true">
            <use_ href=format!("#i-{name}") />
        </svg>
    }
}
