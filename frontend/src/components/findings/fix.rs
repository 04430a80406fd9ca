//! What a fix changes, and the button that applies it.

use leptos::prelude::*;
use shared::check::Fix;

use crate::browser;
use crate::document::value;
use crate::state::Store;

/// The change that a fix makes, before it is made.
#[component]
pub(super) fn FixPreview(fix: Fix) -> impl IntoView {
    let store = expect_context::<Store>();
    let path = fix.path.clone();
    let before = Memo::new(move |_| store.with(|document| value::text(document, &path).to_owned()));
    let (path, after) = (fix.path.clone(), fix.value.clone());
    let label = format!("Apply: change {path} to {after}");
    let change = move || {
        let (path, after) = (path.clone(), after.clone());
        let before = before.get();
        if before.is_empty() {
            view! { "Set " <code>{path}</code> " to " <code>{after}</code> }.into_any()
        } else {
            view! { "Change " <code>{path}</code> " from " <code>{before}</code> " to " <code>{after}</code> }
                .into_any()
        }
    };
    view! {
        <div class="fix">
            <p>{change}</p>
            <button type="button" aria-label=label on:click=move |_| apply(store, std::slice::from_ref(&fix))>
                "Apply"
            </button>
        </div>
    }
}

/// Applies fixes, as one step of undo.
pub(super) fn apply(store: Store, fixes: &[Fix]) {
    store.fix(fixes);
    store.spoken.set(match fixes {
        [fix] => format!("Changed {} to {}", fix.path, fix.value),
        fixes => format!("Changed {} fields", fixes.len()),
    });
    // The findings go away, with the button that has the focus.
    browser::focus_id("tab-findings");
}
