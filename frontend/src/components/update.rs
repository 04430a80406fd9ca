//! The notice about a new version of the page.

use leptos::prelude::*;

use super::icon::Icon;
use crate::browser::update;
use crate::state::Store;

/// Keeps the page for use offline, and offers its new version as soon as it is stored. The user decides when to load it.
#[component]
pub(crate) fn UpdateNotice() -> impl IntoView {
    let store = expect_context::<Store>();
    let is_ready = RwSignal::new(false);
    // The page is usable once its document is checked. Loading all of it earlier would delay that.
    Effect::new(move |is_kept: Option<bool>| {
        let is_usable = store.checked.with(Option::is_some);
        let is_kept = is_kept.unwrap_or_default();
        if is_usable && !is_kept {
            update::keep_offline(move || is_ready.set(true));
        }
        is_usable || is_kept
    });
    view! {
        <Show when=move || is_ready.get()>
            <div class="notice" id="update">
                <Icon name="good" />
                <p>
                    "A new version of the page is ready. "
                    <span class="muted">"The document and its history stay."</span>
                </p>
                <button type="button" id="take-update" on:click=move |_| update::take_update()>"Reload"</button>
                <button type="button" class="quiet" id="later" on:click=move |_| is_ready.set(false)>"Later"</button>
            </div>
        </Show>
    }
}
