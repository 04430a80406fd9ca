//! Lists of findings; those that are alike are one line, and each leads to its field.

mod finding;
mod fix;
mod group;

use std::collections::BTreeMap;

use leptos::prelude::*;
use shared::check::{Finding, Severity};

use crate::form::place;
use crate::result::counts::is_gap;
use crate::result::groups::{Group, groups};
use crate::state::Store;
use finding::FindingRow;
use group::GroupRow;

/// Rows that are shown at first, and with each click on the button below them: a row has up to twenty elements.
const SHOWN: usize = 30;

/// The panel with all findings of the document.
#[component]
pub(crate) fn FindingsPanel() -> impl IntoView {
    let store = expect_context::<Store>();
    let is_empty = Memo::new(move |_| store.finding_count() == 0);
    let findings = Signal::derive(move || store.findings());
    let none = || {
        view! {
            <div class="start">
                <h2>"No findings"</h2>
                <p>"The document has no errors, warnings or hints."</p>
            </div>
        }
    };
    view! {
        <div class="fill">
            <Show when=move || !is_empty.get() fallback=none>
                <FindingList findings />
            </Show>
        </div>
    }
}

/// A list of findings.
#[component]
pub(crate) fn FindingList(#[prop(into)] findings: Signal<Vec<Finding>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let groups = Memo::new(move |_| findings.with(|findings| groups(findings)));
    let limit = RwSignal::new(SHOWN);
    let rows = Memo::new(move |_| groups.with(|groups| rows(store, groups)));
    let shown =
        move || rows.with(|rows| rows.iter().take(limit.get()).cloned().collect::<Vec<_>>());
    let rest = Memo::new(move |_| rows.with(Vec::len).saturating_sub(limit.get()));
    let row = move |row: Row| match row {
        Row::Finding(located) => view! { <FindingRow located is_explained=true /> }.into_any(),
        Row::Group(key) => view! { <GroupRow key groups /> }.into_any(),
    };
    view! {
        <ul class="findings">
            <For each=shown key=Row::key children=row />
            <More rest limit each=SHOWN />
        </ul>
    }
}

/// The button that shows more rows.
#[component]
fn More(rest: Memo<usize>, limit: RwSignal<usize>, each: usize) -> impl IntoView {
    view! {
        <Show when={move || rest.get() > 0}>
            <li class="more-findings">
                <button type="button" class="link" on:click=move |_| limit.update(|limit| *limit += each)>
                    {move || format!("Show {} of {} more", rest.get().min(each), rest.get())}
                </button>
            </li>
        </Show>
    }
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq)]
enum Row {
    Finding(Located),
    /// A group that is one line, by its key.
    Group(String),
}

impl Row {
    fn key(&self) -> String {
        match self {
            Self::Finding(located) => located.key(),
            Self::Group(key) => key.clone(),
        }
    }
}

/// A finding, and its place in words.
#[derive(Debug, Clone, PartialEq)]
struct Located {
    finding: Finding,
    place: String,
    /// The number of equal ones before it.
    nth: usize,
}

impl Located {
    /// Rows with one key look the same.
    fn key(&self) -> String {
        format!("{} {} {:?}", self.nth, self.place, self.finding)
    }
}

fn rows(store: Store, groups: &[Group]) -> Vec<Row> {
    let rows = groups.iter().flat_map(|group| {
        if group.is_large() {
            return vec![Row::Group(group.key())];
        }
        let located = located(store, &group.findings);
        located.into_iter().map(Row::Finding).collect()
    });
    rows.collect()
}

/// Findings with their places in the document as it is.
fn located(store: Store, findings: &[Finding]) -> Vec<Located> {
    let document = store.now();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let findings = findings.iter().cloned();
    findings
        .map(|finding| {
            let mut one = Located {
                place: place::words(&document, &finding.path),
                finding,
                nth: 0,
            };
            let count = known.entry(one.key()).or_default();
            one.nth = *count;
            *count += 1;
            one
        })
        .collect()
}

/// The class of a row, its picture and the severity in words.
fn severity(finding: &Finding) -> (&'static str, &'static str, &'static str) {
    match finding.severity {
        Severity::Error if is_gap(finding) => ("gap", "gap", "to fill in"),
        Severity::Error => ("error", "error", "error"),
        Severity::Warning => ("warning", "warning", "warning"),
        Severity::Hint => ("hint", "hint", "hint"),
    }
}
