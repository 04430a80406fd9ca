//! The steps of a plan: the action on an object, its diff, and why it is skipped.

use leptos::prelude::*;
use shared::api::Intent;
use shared::plan::decisions::Decision;
use shared::plan::{Action, Conflict, Step};
use web_sys::HtmlDetailsElement;

use super::decided::DecisionButton;
use crate::components::explanation::with_code;
use crate::components::failure::Reason;
use crate::components::icon::Icon;
use crate::result::highlight;

/// The number of steps of each action.
pub(crate) fn chips(count: impl Fn(Action) -> usize) -> Vec<AnyView> {
    let counts = Action::AS_SHOWN.map(|action| (action, count(action)));
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    counts
        .map(|(action, count)| {
            let words = format!("{count} {}", action.as_str());
            view! { <Chip action words /> }.into_any()
        })
        .collect()
}

#[component]
fn Chip(action: Action, words: String) -> impl IntoView {
    let picture = match action {
        Action::Create => "plus",
        Action::Change => "change",
        Action::Unchanged => "same",
        Action::Delete => "delete",
        Action::Disown => "release",
        Action::Adopt => "adopt",
        Action::Conflict => "warning",
        Action::Rejected => "error",
        Action::Blocked => "blocked",
    };
    view! {
        <span class=format!("chip {}", action.as_str())>
            <Icon name=picture />
            {words}
        </span>
    }
}

/// The steps of a cluster; those that change nothing are folded.
#[component]
pub(crate) fn Steps(intent: Intent, steps: Vec<Step>) -> impl IntoView {
    let (unchanged, mut changing): (Vec<Step>, Vec<Step>) = steps
        .into_iter()
        .partition(|step| step.action == Action::Unchanged);
    changing.sort_by_key(|step| {
        Action::AS_SHOWN
            .iter()
            .position(|action| *action == step.action)
    });
    let changing = changing
        .into_iter()
        .map(|step| view! { <StepRow intent step /> });
    let unchanged = (!unchanged.is_empty()).then(|| {
        let words = format!("{} unchanged", unchanged.len());
        let names = unchanged.iter().map(|step| {
            let object = step.object.to_string();
            view! { <li class="plain"><code>{object}</code></li> }
        });
        view! {
            <details class="fold">
                <summary>{words}</summary>
                <ul class="step-list">{names.collect_view()}</ul>
            </details>
        }
    });
    view! {
        <ul class="step-list">{changing.collect_view()}</ul>
        {unchanged}
    }
}

#[component]
fn StepRow(intent: Intent, step: Step) -> impl IntoView {
    let why = why(&step).map(|(picture, words)| {
        let decision = step.decision.clone();
        let decide = decision.map(|decision| view! { <DecisionButton intent decision /> });
        view! {
            <Reason picture>
                <span>{words}</span>
                {decide}
            </Reason>
        }
    });
    let note = step
        .message
        .as_deref()
        .filter(|_| !step.action.is_skipped());
    let note = note.map(|message| view! { <span class="muted note">{with_code(message)}</span> });
    let head = view! {
        <Chip action=step.action words=step.action.as_str().to_owned() />
        <code>{step.object.to_string()}</code>
        <span class="muted kind">{step.object.group.clone()}</span>
        {note}
    };
    let body = if step.diff.is_empty() {
        view! { <div class="line">{head}</div> }.into_any()
    } else {
        // Diffs of changes are open.
        let is_open = matches!(step.action, Action::Change | Action::Adopt);
        view! { <Diff diff=step.diff is_open>{head}</Diff> }.into_any()
    };
    let conflicts = step
        .conflicts
        .into_iter()
        .map(|conflict| view! { <Conflicting conflict /> });
    view! {
        <li class=step.action.as_str()>
            {body}
            {conflicts.collect_view()}
            {why}
        </li>
    }
}

/// A field of another manager, because of which an object is skipped.
#[component]
fn Conflicting(conflict: Conflict) -> impl IntoView {
    view! {
        <Reason picture="warning">
            <span>
                <strong>{conflict.manager}</strong>
                " owns "
                <code>{conflict.field}</code>
                ". The object is skipped. Remove the field from the manifests of that manager, list it in spec.ignore, \
                 or use --take-over on the command line."
            </span>
        </Reason>
    }
}

/// Why a step is skipped, in words of the page if the user can decide here.
fn why(step: &Step) -> Option<(&'static str, AnyView)> {
    let message = step.message.as_deref()?;
    Some(match (&step.decision, step.action) {
        (Some(Decision::Adopt(_)), _) => (
            "error",
            "It exists and does not belong to this mesh. Adopt it in every cluster where it exists, or use \
             another name or namespace."
                .into_any(),
        ),
        (Some(Decision::RenamedFrom(mesh)), _) => (
            "error",
            view! {
                "It belongs to mesh "
                <code>{mesh.clone()}</code>
                ". Use another name or namespace in one of the two documents, unless this mesh was renamed."
            }
            .into_any(),
        ),
        (_, Action::Blocked) => ("error", with_code(message).into_any()),
        (_, Action::Rejected) => (
            "error",
            view! {
                <strong>"The API server rejects it: "</strong>
                {with_code(message)}
            }
            .into_any(),
        ),
        _ => return None,
    })
}

/// A step with its diff, which is built when it is opened, because it may be large.
#[component]
fn Diff(diff: String, is_open: bool, children: Children) -> impl IntoView {
    let (added, removed) = highlight::diff_count(&diff);
    let shown = RwSignal::new(is_open);
    let toggled = move |event| shown.set(event_target::<HtmlDetailsElement>(&event).open());
    view! {
        <details open=is_open on:toggle=toggled>
            <summary>
                {children()}
                <span class="space"></span>
                <span class="size">
                    <span class="added">{format!("+{added}")}</span>
                    " "
                    <span class="removed">{format!("−{removed}")}</span>
                </span>
            </summary>
            <div>
                <Show when=move || shown.get()>
                    <pre
                        class="diff"
                        tabindex="0"
                        role="region"
                        aria-label="Difference"
                        inner_html=highlight::diff(&diff)
                    ></pre>
                </Show>
            </div>
        </details>
    }
}
