//! Lists of findings; each leads to its field.

use leptos::prelude::*;
use shared::check::{Finding, Severity};

use super::explanation::Explanation;
use super::icon::Icon;
use crate::result::counts::is_gap;
use crate::state::Store;
use crate::state::findings::field_of;

/// Findings of one rule that are shown at first, and with each click on the button below them.
const SHOWN: usize = 3;
const MORE: usize = 100;

/// The panel with all findings of the document.
#[component]
pub(crate) fn FindingsPanel() -> impl IntoView {
    let store = expect_context::<Store>();
    let list = move || {
        let findings = store.findings();
        if findings.is_empty() {
            view! {
                <div class="start">
                    <h2>"No findings"</h2>
                    <p>"The document has no errors, warnings or hints."</p>
                </div>
            }
            .into_any()
        } else {
            view! { <FindingList findings /> }.into_any()
        }
    };
    view! { <div class="fill">{list}</div> }
}

/// A list of findings; many of one rule are folded.
#[component]
pub(crate) fn FindingList(findings: Vec<Finding>) -> impl IntoView {
    let is_alike =
        |one: &Finding, next: &Finding| (one.severity, &one.code) == (next.severity, &next.code);
    let groups: Vec<Vec<Finding>> = findings
        .chunk_by(is_alike)
        .map(<[Finding]>::to_vec)
        .collect();
    let groups = groups
        .into_iter()
        .map(|findings| view! { <Group findings /> });
    view! { <ul class="findings">{groups.collect_view()}</ul> }
}

/// Findings of one rule.
#[component]
fn Group(findings: Vec<Finding>) -> impl IntoView {
    let count = findings.len();
    let shown = RwSignal::new(if count <= SHOWN + 1 { count } else { SHOWN });
    let findings = StoredValue::new(findings);
    let rest = move || count.saturating_sub(shown.get());
    let each = move || {
        let shown = shown.get();
        findings.with_value(|findings| {
            findings
                .iter()
                .take(shown)
                .cloned()
                .enumerate()
                .collect::<Vec<_>>()
        })
    };
    view! {
        <For each=each key=|(index, _)| *index children=|(_, finding)| view! { <One finding /> } />
        <Show when={move || rest() > 0}>
            <li class="more-findings">
                <button type="button" class="link" on:click=move |_| shown.update(|shown| *shown += MORE)>
                    {move || format!("Show {} of {} more like this", rest().min(MORE), rest())}
                </button>
            </li>
        </Show>
    }
}

#[component]
fn One(finding: Finding) -> impl IntoView {
    let store = expect_context::<Store>();
    let (class, picture, word) = match finding.severity {
        Severity::Error if is_gap(&finding) => ("gap", "gap", "to fill in"),
        Severity::Error => ("error", "error", "error"),
        Severity::Warning => ("warning", "warning", "warning"),
        Severity::Hint => ("hint", "hint", "hint"),
    };
    let fix = finding.fix.map(|fix| {
        let words = format!("Change to {}", fix.value);
        view! { <button type="button" class="fix" on:click=move |_| store.fix(&fix)>{words}</button> }
    });
    let path = finding.path.clone();
    let row = view! {
        <span class="severity"><Icon name=picture />{word}</span>
        <span class="message">{finding.message}</span>
        <span class="code">{finding.code.clone()}</span>
        <span class="advice">{finding.hint}</span>
        <code class="where">{finding.path}</code>
    };
    // A finding about an imported file is no link.
    let row = if field_of(&path).is_some() {
        view! { <button type="button" class="finding" on:click=move |_| store.go_to(&path)>{row}</button> }.into_any()
    } else {
        view! { <div class="finding">{row}</div> }.into_any()
    };
    // An error about a value of another type has no rule.
    let explanation =
        (!finding.code.is_empty()).then(|| view! { <Explanation code=finding.code /> });
    view! { <li class=class>{row}{fix}{explanation}</li> }
}
