//! The checks other than calls, one folded group for each family.

use std::sync::Arc;

use leptos::prelude::*;
use shared::verify::{Counts, Family, Report};
use web_sys::HtmlDetailsElement;

use super::causes::CauseIds;
use super::table::{CheckCell, CheckTable};
use super::verify::look;
use crate::components::icon::Icon;

const GROUPS: [(Family, &str, &str); 3] = [
    (Family::Objects, "Objects", "objects"),
    (Family::Record, "DNS records", "records"),
    (Family::Gateway, "Gateways", "gateways"),
];

#[component]
pub(crate) fn Families(report: Arc<Report>, ids: Arc<CauseIds>) -> impl IntoView {
    let groups = GROUPS.into_iter().map(|(family, label, id)| {
        let (report, ids) = (report.clone(), ids.clone());
        view! { <Group report ids family label id /> }
    });
    groups.collect_view()
}

/// The checks of a family; nothing without any.
#[component]
fn Group(
    report: Arc<Report>,
    ids: Arc<CauseIds>,
    family: Family,
    label: &'static str,
    id: &'static str,
) -> impl IntoView {
    let own = report.checks.iter().filter(|check| check.family == family);
    let counts = Counts::of(own);
    if counts == Counts::default() {
        return None;
    }
    let (class, picture) = look(counts.outcome());
    let summary = view! {
        <span class=class><Icon name=picture /></span>
        <strong>{label}</strong>
        <span class="muted">{counts.summary()}</span>
    };
    let inside = move || {
        let (report, ids) = (report.clone(), ids.clone());
        match family {
            Family::Objects => view! { <Objects report ids /> }.into_any(),
            _ => view! { <CheckTable report ids family caption=label /> }.into_any(),
        }
    };
    Some(view! {
        <section class="cluster-plan" id=id>
            <Fold class="fold group" summary=summary.into_any()>{inside()}</Fold>
        </section>
    })
}

/// The objects of a cluster that did not pass.
#[component]
fn Objects(report: Arc<Report>, ids: Arc<CauseIds>) -> impl IntoView {
    let own = report
        .checks
        .iter()
        .filter(|check| check.family == Family::Objects);
    let rows = own.map(|check| {
        let what = if check.host.is_empty() {
            &check.seen.text
        } else {
            &check.host
        };
        view! {
            <tr>
                <th scope="row">{check.cluster.clone()}</th>
                <td><code>{what.clone()}</code></td>
                <CheckCell cause=ids.of_check(check) check=check.clone() />
            </tr>
        }
    });
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label="Objects">
            <table class="checks">
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}

/// Folded content that is built when it is opened, because it may be large.
#[component]
pub(crate) fn Fold(
    #[prop(default = "fold")] class: &'static str,
    summary: AnyView,
    children: ChildrenFn,
) -> impl IntoView {
    let is_open = RwSignal::new(false);
    let toggled = move |event| is_open.set(event_target::<HtmlDetailsElement>(&event).open());
    view! {
        <details class=class on:toggle=toggled>
            <summary>{summary}</summary>
            <div>
                <Show when=move || is_open.get()>{children()}</Show>
            </div>
        </details>
    }
}
