//! A single finding.

use leptos::prelude::*;

use super::fix::FixPreview;
use super::{Located, severity};
use crate::components::explanation::Explanation;
use crate::components::icon::Icon;
use crate::state::Store;
use crate::state::findings::field_of;

#[component]
pub(super) fn FindingRow(
    located: Located,
    /// Whether the explanation of its rule is below it.
    is_explained: bool,
) -> impl IntoView {
    let store = expect_context::<Store>();
    let (class, picture, word) = severity(&located.finding);
    let Located { finding, place, .. } = located;
    let fix = finding.fix.map(|fix| view! { <FixPreview fix /> });
    let path = finding.path.clone();
    let row = view! {
        <span class="severity"><Icon name=picture />{word}</span>
        <span class="message">{finding.message}</span>
        <span class="code">{finding.code.clone()}</span>
        <span class="location">{place}</span>
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
    let is_explained = is_explained && !finding.code.is_empty();
    let explanation = is_explained.then(|| view! { <Explanation code=finding.code /> });
    view! { <li class=class>{row}{fix}{explanation}</li> }
}
