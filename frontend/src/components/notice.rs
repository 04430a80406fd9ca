//! Messages about the page as a whole.

use std::time::Duration;

use leptos::prelude::*;

use super::icon::Icon;
use crate::state::{Notice, Store, exchange, kept};

/// How long a message of success stays.
const STAY: Duration = Duration::from_secs(6);

/// Errors stay until they are dismissed or replaced.
#[component]
pub(crate) fn Notices() -> impl IntoView {
    let store = expect_context::<Store>();
    Effect::new(move || {
        if let Some(notice) = store.notice.get().filter(|notice| !notice.is_failure) {
            let clear = move || {
                if store
                    .notice
                    .with_untracked(|shown| shown.as_ref() == Some(&notice))
                {
                    store.notice.set(None);
                }
            };
            set_timeout(clear, STAY);
        }
    });
    let is_elsewhere = Memo::new(move |_| store.elsewhere.with(Option::is_some));
    view! {
        <div class="all-notices">
            <div class="notices" aria-live="polite">
                <Show when=move || is_elsewhere.get()><Elsewhere /></Show>
            </div>
            <div class="notices" aria-live="polite">
                {move || store.notice.get().map(|notice| view! { <Shown notice /> })}
            </div>
            <p class="unseen" aria-live="polite">{move || store.spoken.get()}</p>
        </div>
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

#[component]
fn Shown(notice: Notice) -> impl IntoView {
    let store = expect_context::<Store>();
    let has_rescue = notice.rescue.is_some();
    let dismiss = move |_| {
        if has_rescue {
            kept::drop_rescued();
        }
        store.notice.set(None);
    };
    let rescue = notice.rescue.map(|text| {
        view! {
            <button type="button" on:click=move |_| exchange::download_rescued(store, &text)>
                <Icon name="download" />
                "Download"
            </button>
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
            {rescue}
            <button type="button" class="quiet" on:click=dismiss>"Dismiss"</button>
        </div>
    }
}
