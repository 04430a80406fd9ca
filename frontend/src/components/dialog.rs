//! A dialog with a title and a button that closes it.

use leptos::html;
use leptos::prelude::*;

use super::icon::Icon;

/// A modal dialog, open while `open` is true; Escape closes it too. Its content is drawn only then.
#[component]
pub(crate) fn Dialog(
    id: &'static str,
    #[prop(into)] title: Signal<String>,
    open: RwSignal<bool>,
    children: ChildrenFn,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let desired = open.get();
        let Some(dialog) = dialog.get() else { return };
        if desired && !dialog.open() {
            // The dialog is in the page and closed, so this does not fail.
            _ = dialog.show_modal();
        } else if !desired && dialog.open() {
            dialog.close();
        }
    });
    let heading = format!("{id}-title");
    view! {
        <dialog id=id aria-labelledby=heading node_ref=dialog on:close=move |_| open.set(false)>
            <div class="dialog-head">
                <h2 id=heading.clone()>{title}</h2>
                <button
                    type="button"
                    class="quiet icon-only"
                    aria-label="Close"
                    on:click=move |_| open.set(false)
                >
                    <Icon name="remove" />
                </button>
            </div>
            <Show when=move || open.get()>
                <div class="dialog-body">{children()}</div>
            </Show>
        </dialog>
    }
}
