//! The dialog with the commands that apply the downloaded manifests.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::engine::{Commands, Step};

use super::dialog::Dialog;
use super::icon::Icon;
use crate::form::placeholder::plain;
use crate::state::exchange::{self, Download};
use crate::state::{Store, renderer};

#[component]
pub(crate) fn CommandsDialog() -> impl IntoView {
    let store = expect_context::<Store>();
    let title = move || {
        let name = store.with(|document| exchange::file_name(document, Download::Zip));
        format!("Apply {name}")
    };
    view! {
        <Dialog id="apply-commands" title=Signal::derive(title) open=store.shows_commands>
            <All />
        </Dialog>
    }
}

/// All commands, of the document as it was when the dialog was opened.
#[component]
fn All() -> impl IntoView {
    let store = expect_context::<Store>();
    let shown: RwSignal<Option<Result<Commands, String>>> = RwSignal::new(None);
    let document = store.now();
    spawn_local(async move {
        let name = exchange::file_name(&document, Download::Zip);
        let commands = renderer::commands(name, &document).await;
        // The dialog may have been closed meanwhile.
        _ = shown.try_set(Some(commands));
    });
    move || match shown.get() {
        None => view! { <p class="muted">"Rendering…"</p> }.into_any(),
        Some(Err(why)) => view! { <p class="warned"><Icon name="warning" />{why}</p> }.into_any(),
        Some(Ok(commands)) => {
            let steps = commands
                .steps
                .into_iter()
                .map(|step| view! { <One step /> });
            view! {
                {steps.collect_view()}
                <p class="muted">{plain(&commands.note)}</p>
            }
            .into_any()
        }
    }
}

#[component]
fn One(step: Step) -> impl IntoView {
    let store = expect_context::<Store>();
    let text = step.commands.join("\n");
    let copied = text.clone();
    view! {
        <section class="commands">
            <div class="path">
                <h3>{step.title.clone()}</h3>
                <button
                    type="button"
                    class="quiet"
                    aria-label=format!("Copy the commands: {}", step.title)
                    on:click=move |_| exchange::copy(store, copied.clone(), "Copied.")
                >
                    <Icon name="copy" />
                    "Copy"
                </button>
            </div>
            // It scrolls, so it has to be reachable by keyboard.
            <pre class="command" tabindex="0" role="region" aria-label=step.title>{text}</pre>
        </section>
    }
}
