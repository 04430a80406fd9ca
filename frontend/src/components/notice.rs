//! Messages about the page as a whole.

use crate::browser;
use crate::browser::dom::{El, button, effect, el, el_in, icon, text};
use crate::browser::signals::*;
use crate::state::document;
use crate::state::kept;
use crate::state::{Notice, Store};

/// How long a message of success stays, in milliseconds.
const STAY: i32 = 6_000;

/// Errors stay until they are dismissed or replaced.
pub(crate) fn notice_bar(store: Store) -> El {
    effect(move || {
        if let Some(notice) = store.notice.get().filter(|notice| !notice.is_failure) {
            let clear = move || {
                if store.notice.get_untracked().as_ref() == Some(&notice) {
                    store.notice.set(None);
                }
            };
            browser::after(STAY, clear);
        }
    });
    let bar = el_in("div", "notices")
        .attr("aria-live", "polite")
        .one(move || store.notice.get().map(|notice| shown(store, notice)));
    let is_elsewhere = memo(move || store.elsewhere.with(Option::is_some));
    let other = el_in("div", "notices")
        .attr("aria-live", "polite")
        .one(move || is_elsewhere.get().then(|| elsewhere(store)));
    let spoken = el_in("p", "unseen").attr("aria-live", "polite");
    el("div")
        .add(other)
        .add(bar)
        .add(spoken.show(move || store.spoken.get()))
}

/// The choice between this document and that of another tab.
fn elsewhere(store: Store) -> El {
    let words = el("p")
        .text("The document was changed in another tab. ")
        .add(text("span", "This tab still has its own version.").class("muted"));
    let take = button("", move || kept::take_other(store)).id("take-other");
    let keep = button("quiet", move || kept::keep_own(store)).id("keep-own");
    el_in("div", "notice elsewhere")
        .id("elsewhere")
        .add(icon("warning"))
        .add(words)
        .add(take.text("Load the other version"))
        .add(keep.text("Keep this version"))
}

fn shown(store: Store, notice: Notice) -> El {
    let has_rescue = notice.rescue.is_some();
    let dismiss = move || {
        if has_rescue {
            kept::drop_rescued();
        }
        store.notice.set(None);
    };
    let rescue = notice.rescue.map(|text| {
        button("", move || document::download_rescued(store, &text))
            .add(icon("download"))
            .text("Download")
    });
    let words = el("p")
        .text(&notice.text)
        .text(" ")
        .add(text("span", &notice.hint).class("muted"));
    el_in(
        "div",
        if notice.is_failure {
            "notice failure"
        } else {
            "notice"
        },
    )
    .id("notice")
    .add(icon(if notice.is_failure { "error" } else { "good" }))
    .add(words)
    .maybe(rescue)
    .add(button("quiet", dismiss).text("Dismiss"))
}
