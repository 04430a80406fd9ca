//! Messages about the page as a whole.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::icon::Icon;
use super::update::UpdateNotice;
use crate::browser;
use crate::state::{Action, Notice, Store, exchange, kept};

/// How long a message of success stays.
const STAY: Duration = Duration::from_secs(6);

/// The element that had the focus last, outside of the notice.
type Before = StoredValue<Option<Element>, LocalStorage>;

/// Messages above the page, which move nothing. Errors stay until they are dismissed or replaced.
#[component]
pub(crate) fn Notices() -> impl IntoView {
    let store = expect_context::<Store>();
    Effect::new(move || {
        if let Some(notice) = store.notice.get().filter(|notice| !notice.is_failure) {
            clear_later(store, notice);
        }
    });
    let before: Before = StoredValue::new_local(None);
    window_event_listener(ev::focusin, move |event| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        let is_outside =
            |target: &Element| target.closest("#notice").is_ok_and(|found| found.is_none());
        if let Some(target) = target.filter(is_outside) {
            before.set_value(Some(target));
        }
    });
    window_event_listener(ev::keydown, move |event| {
        // Escape closes a menu or a dialog first, and discards no text that only the notice has.
        let is_free = !event.default_prevented() && browser::find("dialog[open]").is_none();
        let is_simple = store
            .notice
            .with_untracked(|shown| shown.as_ref().is_some_and(|notice| !has_rescue(notice)));
        if event.key() == "Escape" && is_free && is_simple {
            dismiss(store, before);
        }
    });
    let shown = move |is_failure: bool| {
        let notice = store.notice.get();
        let notice = notice.filter(|notice| notice.is_failure == is_failure);
        notice.map(|notice| view! { <Shown notice before /> })
    };
    let is_elsewhere = Memo::new(move |_| store.elsewhere.with(Option::is_some));
    view! {
        <div class="all-notices">
            <div role="status">
                <Show when=move || is_elsewhere.get()><Elsewhere /></Show>
            </div>
            <div role="status"><UpdateNotice /></div>
            <div role="status">{move || shown(false)}</div>
            <div role="alert">{move || shown(true)}</div>
            <p class="unseen" aria-live="polite">{move || store.spoken.get()}</p>
        </div>
    }
}

/// Removes a message of success after a while, unless somebody is at it.
fn clear_later(store: Store, notice: Notice) {
    let clear = move || {
        let is_current = store
            .notice
            .with_untracked(|shown| shown.as_ref() == Some(&notice));
        if !is_current {
            return;
        }
        if browser::find("#notice:is(:hover, :focus-within)").is_some() {
            clear_later(store, notice);
        } else {
            store.notice.set(None);
        }
    };
    set_timeout(clear, STAY);
}

/// Removes the notice; its focus goes back to where it was before.
fn dismiss(store: Store, before: Before) {
    let had_focus = browser::find("#notice:focus-within").is_some();
    store.notice.set(None);
    if let Some(before) = before.get_value().filter(|_| had_focus) {
        browser::focus(&before);
    }
}

/// The choice between this document and that of another tab.
#[component]
fn Elsewhere() -> impl IntoView {
    let store = expect_context::<Store>();
    view! {
        <div class="notice elsewhere" id="elsewhere">
            <Icon name="warning" />
            <p>
                "The document was changed in another tab. "
                <span class="muted">"This tab still has its own version."</span>
            </p>
            <button type="button" id="take-other" on:click=move |_| kept::take_other(store)>
                "Load the other version"
            </button>
            <button type="button" class="quiet" id="keep-own" on:click=move |_| kept::keep_own(store)>
                "Keep this version"
            </button>
        </div>
    }
}

fn has_rescue(notice: &Notice) -> bool {
    matches!(notice.action, Some(Action::Rescue(_)))
}

#[component]
fn Shown(notice: Notice, before: Before) -> impl IntoView {
    let store = expect_context::<Store>();
    let has_rescue = has_rescue(&notice);
    let click = move |_| {
        if has_rescue {
            kept::drop_rescued();
        }
        dismiss(store, before);
    };
    let action = notice.action.map(|action| match action {
        Action::Rescue(text) => view! {
            <button type="button" on:click=move |_| exchange::download_rescued(store, &text)>
                <Icon name="download" />
                "Download"
            </button>
        }
        .into_any(),
        Action::ShowCommands => {
            let show = move |_| {
                dismiss(store, before);
                store.shows_commands.set(true);
            };
            view! { <button type="button" id="show-commands" on:click=show>"Show the commands"</button> }.into_any()
        }
    });
    let (class, picture) = if notice.is_failure {
        ("notice failure", "error")
    } else {
        ("notice", "good")
    };
    view! {
        <div class=class id="notice">
            <Icon name=picture />
            <p>
                {notice.text}
                " "
                <span class="muted">{notice.hint}</span>
            </p>
            {action}
            <button type="button" class="quiet" on:click=click>"Dismiss"</button>
        </div>
    }
}
