//! A drill: its button, its confirmation, and its result.

use std::sync::Arc;

use leptos::prelude::*;
use shared::verify::{Check, Drill, DrillClient, Drillable, Family, Report};
use web_sys::KeyboardEvent;

use super::causes::CauseIds;
use super::state::Review;
use super::table::CheckCell;
use super::verify::look;
use crate::browser;
use crate::components::icon::Icon;

/// The ids of the elements of a drill begin with these, followed by the service.
const BUTTON: &str = "drill";
const QUESTION: &str = "drill-question";
const CLUSTER: &str = "drill-cluster";
const BEGIN: &str = "drill-begin";

fn id(element: &str, service: &str) -> String {
    format!("{element}-{service}")
}

/// The button that opens the confirmation.
#[component]
pub(crate) fn DrillButton(service: String, is_open: RwSignal<bool>) -> impl IntoView {
    let button_id = id(BUTTON, &service);
    let question_id = id(QUESTION, &service);
    let spoken = format!(" {service}");
    let controls = question_id.clone();
    let toggle = move |_| {
        is_open.update(|is_open| *is_open = !*is_open);
        if is_open.get_untracked() {
            let (question_id, cluster_id) = (question_id.clone(), id(CLUSTER, &service));
            request_animation_frame(move || {
                if let Some(question) = document().get_element_by_id(&question_id) {
                    browser::scroll_to(&question);
                }
                browser::focus_id(&cluster_id);
            });
        }
    };
    view! {
        <button
            type="button"
            class="link"
            id=button_id
            aria-controls=controls
            title="Scale it to zero in one cluster and observe the failover"
            aria-expanded=move || is_open.get().to_string()
            on:click=toggle
        >
            "Drill…"
            <span class="unseen">{spoken}</span>
        </button>
    }
}

/// The row with the confirmation, `width` columns wide.
#[component]
pub(crate) fn DrillQuestion(
    drillable: Drillable,
    is_open: RwSignal<bool>,
    width: usize,
) -> impl IntoView {
    let row_id = id(QUESTION, &drillable.service);
    let service = drillable.service.clone();
    let close_on_escape = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            close(is_open, &service);
        }
    };
    view! {
        <tr class="question" id=row_id hidden=move || !is_open.get()>
            <td colspan=width on:keydown=close_on_escape>
                <Show when=move || is_open.get()>
                    <Question drillable=drillable.clone() is_open />
                </Show>
            </td>
        </tr>
    }
}

/// Closes the confirmation, and focuses the button that opened it.
fn close(is_open: RwSignal<bool>, service: &str) {
    is_open.set(false);
    browser::focus_id(&id(BUTTON, service));
}

#[component]
fn Question(drillable: Drillable, is_open: RwSignal<bool>) -> impl IntoView {
    let review = expect_context::<Review>();
    let Drillable { service, clusters } = drillable;
    let chosen = RwSignal::new(clusters.first().cloned().unwrap_or_default());
    let options = clusters.into_iter().map(|name| {
        let value = name.clone();
        view! { <option value=value>{name}</option> }
    });
    let (cluster_id, begin_id) = (id(CLUSTER, &service), id(BEGIN, &service));
    let label = format!("Take {service} out of service in");
    let words = "If all calls pass, its Deployments in this cluster are scaled to zero, and the traffic of every \
                 client is observed for up to two minutes until it fails over. Then the replicas are restored, in any \
                 case, and the traffic is observed until it returns.";
    let begin = {
        let service = service.clone();
        move |_| review.order_drill(&service, &chosen.get_untracked())
    };
    view! {
        <div>
            <p class="place">
                <label for=cluster_id.clone()>{label}</label>
                <select id=cluster_id on:change=move |event| chosen.set(event_target_value(&event))>
                    {options.collect_view()}
                </select>
            </p>
            <p class="muted">{words}</p>
            <p class="buttons">
                <button type="button" class="danger" id=begin_id on:click=begin>
                    "Start the drill"
                </button>
                <button type="button" on:click=move |_| close(is_open, &service)>
                    "Cancel"
                </button>
            </p>
        </div>
    }
}

/// The result of a drill; nothing if none was requested.
#[component]
pub(crate) fn DrillResult(report: Arc<Report>, ids: Arc<CauseIds>) -> impl IntoView {
    let checks = report
        .checks
        .iter()
        .filter(|check| check.family == Family::Drill);
    let checks: Vec<&Check> = checks.collect();
    let (title, content) = match (&report.drill, checks.first()) {
        (Some(drill), _) => (
            format!(
                "Drill: {} out of service in {}",
                drill.service, drill.cluster
            ),
            clients(drill, &checks, &ids),
        ),
        (None, Some(check)) => (format!("Drill of {}", check.service), not_begun(check)),
        (None, None) => return None,
    };
    Some(view! {
        <section class="cluster-plan" id="drilled">
            <div class="cluster-head">
                <h2>{title}</h2>
            </div>
            {content}
        </section>
    })
}

/// Why the drill did not begin.
fn not_begun(check: &Check) -> AnyView {
    let (class, picture) = look(check.outcome);
    let why = check.cause.as_ref().map(|cause| cause.message.clone());
    view! {
        <p class="current">
            <span class=class><Icon name=picture /></span>
            <span>{why}</span>
        </p>
    }
    .into_any()
}

const COLUMNS: [&str; 6] = [
    "Client",
    "Traffic",
    "Lost",
    "Failover after",
    "Returned after",
    "Answered meanwhile by",
];

/// The results by client.
fn clients(drill: &Drill, checks: &[&Check], ids: &CauseIds) -> AnyView {
    let heads = COLUMNS
        .into_iter()
        .map(|words| view! { <th scope="col">{words}</th> });
    // One check for each client, in the same order.
    let rows = drill
        .clients
        .iter()
        .zip(checks)
        .map(|(client, check)| row(client, check, ids));
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label="Results of the drill by client">
            <table class="checks drill">
                <thead>
                    <tr>{heads.collect_view()}</tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(client: &DrillClient, check: &Check, ids: &CauseIds) -> AnyView {
    let cause = ids.of_check(check);
    // The time has its own column.
    let mut check = check.clone();
    check.seen.milliseconds = None;
    let cells = [
        format!("{} of {}", client.lost, client.requests),
        time(client.moved_after),
        time(client.returned_after),
        client.answered_by.join(", "),
    ];
    let cells = cells.into_iter().map(|words| view! { <td>{words}</td> });
    view! {
        <tr>
            <th scope="row">{client.cluster.clone()}</th>
            <CheckCell check cause />
            {cells.collect_view()}
        </tr>
    }
    .into_any()
}

/// Seconds, to a tenth.
fn time(milliseconds: Option<u32>) -> String {
    milliseconds.map_or_else(
        || "–".to_owned(),
        |time| format!("{}.{} s", time / 1000, time % 1000 / 100),
    )
}
