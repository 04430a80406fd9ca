//! Errors, with their hints.

use leptos::prelude::*;

use super::findings::FindingList;
use super::icon::Icon;
use crate::agent::Failure;

#[component]
pub(crate) fn FailureBox(failure: Failure) -> impl IntoView {
    let Failure {
        message,
        hint,
        findings,
        ..
    } = failure;
    let findings = (!findings.is_empty()).then(|| view! { <FindingList findings /> });
    view! {
        <div class="failure-box" role="alert">
            <Icon name="error" />
            <div>
                <p><strong>{message}</strong></p>
                <p class="muted">{hint}</p>
                {findings}
            </div>
        </div>
    }
}

/// A line with a reason; the picture is `error`, `warning` or `skip`.
#[component]
pub(crate) fn Reason(
    picture: &'static str,
    /// Whether it is not part of a list.
    #[prop(optional)]
    alone: bool,
    children: Children,
) -> impl IntoView {
    let class = if alone { " alone" } else { "" };
    view! {
        <div class=format!("reason {picture}{class}")>
            <Icon name=picture />
            {children()}
        </div>
    }
}
