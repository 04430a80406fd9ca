//! Findings that are alike: one line, which opens to the single ones.

use leptos::prelude::*;

use super::finding::FindingRow;
use super::fix::apply;
use super::{Located, More, located, severity};
use crate::components::explanation::Explanation;
use crate::components::icon::Icon;
use crate::result::groups::Group;
use crate::state::Store;

/// Findings of a group that are shown at first, and with each click on the button below them.
const SHOWN: usize = 20;

#[component]
pub(super) fn GroupRow(key: String, groups: Memo<Vec<Group>>) -> impl IntoView {
    let group = Memo::new(move |_| {
        groups.with(|groups| groups.iter().find(|one| one.key() == key).cloned())
    });
    let first = group.with_untracked(|group| group.as_ref()?.findings.first().cloned())?;
    let (class, picture, word) = severity(&first);
    let is_open = RwSignal::new(false);
    let read =
        move |read: fn(&Group) -> String| move || group.with(|group| group.as_ref().map(read));
    let code = first.code.clone();
    let explanation = (!code.is_empty()).then(|| view! { <Explanation code=code.clone() /> });
    Some(view! {
        <li class=class>
            <button
                type="button"
                class="finding-group"
                aria-expanded=move || is_open.get().to_string()
                on:click=move |_| is_open.update(|is_open| *is_open = !*is_open)
            >
                <span class="severity"><Icon name=picture />{word}</span>
                <span class="message">{read(Group::title)}</span>
                <span class="code">{code}</span>
                <span class="advice"><Icon name="down" />{read(Group::count_words)}</span>
            </button>
            <ApplyToAll group />
            {explanation}
            <Show when=move || is_open.get()>
                <Single group />
            </Show>
        </li>
    })
}

/// The button that applies the fixes of all findings, if each has one.
#[component]
fn ApplyToAll(group: Memo<Option<Group>>) -> impl IntoView {
    let store = expect_context::<Store>();
    move || {
        let fixes = group.with(|group| group.as_ref()?.fixes())?;
        let words = format!("Apply to all {}", fixes.len());
        Some(view! {
            <div class="fix">
                <button type="button" on:click=move |_| apply(store, &fixes)>{words}</button>
            </div>
        })
    }
}

/// The single findings.
#[component]
fn Single(group: Memo<Option<Group>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let limit = RwSignal::new(SHOWN);
    let shown = move || {
        group.with(|group| {
            let findings = group.as_ref().map_or(&[][..], |group| &group.findings);
            let end = findings.len().min(limit.get());
            located(store, &findings[..end])
        })
    };
    let rest = Memo::new(move |_| {
        let count = group.with(|group| group.as_ref().map_or(0, |group| group.findings.len()));
        count.saturating_sub(limit.get())
    });
    let row = |located: Located| view! { <FindingRow located is_explained=false /> };
    view! {
        <ul class="findings-of-group">
            <For each=shown key=Located::key children=row />
            <More rest limit each=SHOWN />
        </ul>
    }
}
