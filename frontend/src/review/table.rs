//! The checks of a family as a table: a row for each name, a column for each client.

use std::sync::Arc;

use leptos::prelude::*;
use shared::verify::{Check, Drillable, Family, Outcome, Report, Row, ServiceRows, Table};

use super::causes::CauseIds;
use super::drill::{DrillButton, DrillQuestion};
use super::families::Fold;
use super::verify::look;
use crate::browser;
use crate::components::icon::Icon;

/// With more rows than this, services that passed are folded.
const ROWS: usize = 60;

/// The table of a family; empty without checks.
#[component]
pub(crate) fn CheckTable(
    report: Arc<Report>,
    ids: Arc<CauseIds>,
    family: Family,
    caption: &'static str,
    /// Whether services that allow a drill have a button for it.
    #[prop(optional)]
    with_drills: bool,
) -> impl IntoView {
    let (rows, passed, others) = {
        let services = Table::of(family, &report.checks).services;
        let rows: usize = services.iter().map(|service| service.rows.len()).sum();
        let passed = services
            .iter()
            .filter(|service| has_passed(service))
            .count();
        (rows, passed, services.len() - passed)
    };
    let grid = move |keep: fn(&ServiceRows<'_>) -> bool| {
        let (report, ids) = (report.clone(), ids.clone());
        view! { <Grid report ids family caption with_drills keep /> }
    };
    if rows == 0 {
        return ().into_any();
    }
    if rows <= ROWS {
        return grid(|_| true).into_any();
    }
    let others = (others > 0).then(|| grid(|service| !has_passed(service)));
    let passed = (passed > 0).then(|| {
        let words = match passed {
            1 => "1 service passed".to_owned(),
            count => format!("{count} services passed"),
        };
        view! { <Fold summary=words.into_any()>{grid(has_passed)}</Fold> }
    });
    view! { <div>{others}{passed}</div> }.into_any()
}

fn has_passed(service: &ServiceRows<'_>) -> bool {
    let mut cells = service.rows.iter().flat_map(|row| &row.cells).flatten();
    cells.all(|check| check.outcome == Outcome::Passed)
}

/// The table of some services, in a box that scrolls.
#[component]
fn Grid(
    report: Arc<Report>,
    ids: Arc<CauseIds>,
    family: Family,
    caption: &'static str,
    with_drills: bool,
    /// Whether a service is in the table.
    keep: fn(&ServiceRows<'_>) -> bool,
) -> impl IntoView {
    let Table { columns, services } = Table::of(family, &report.checks);
    let width = columns.len() + 1;
    let bodies = services
        .iter()
        .filter(|service| keep(service))
        .map(|service| {
            let is_it = |one: &&Drillable| with_drills && one.service == service.service;
            body(service, width, report.drillable.iter().find(is_it), &ids)
        });
    let bodies = bodies.collect_view();
    let heads = columns
        .into_iter()
        .map(|column| view! { <th scope="col">{column}</th> });
    // It scrolls, so it has to be reachable by keyboard.
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label=caption>
            <table class="checks">
                <caption class="unseen">{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col">
                            <span class="unseen">"Name"</span>
                        </th>
                        {heads.collect_view()}
                    </tr>
                </thead>
                {bodies}
            </table>
        </div>
    }
}

/// The rows of a service, with the button for a drill if it allows one.
fn body(
    service: &ServiceRows<'_>,
    width: usize,
    drillable: Option<&Drillable>,
    ids: &CauseIds,
) -> AnyView {
    let drill = drillable.map(|drillable| {
        let is_open = RwSignal::new(false);
        let (service, drillable) = (drillable.service.clone(), drillable.clone());
        let button = view! { <DrillButton service is_open /> };
        let question = view! { <DrillQuestion drillable is_open width /> };
        (button, question)
    });
    let (button, question) = drill.unzip();
    let rows = service.rows.iter().map(|one| row(one, ids));
    view! {
        <tbody>
            <tr class="service-row">
                <th scope="rowgroup" colspan=width>
                    <span>{service.service.to_owned()}{button}</span>
                </th>
            </tr>
            {question}
            {rows.collect_view()}
        </tbody>
    }
    .into_any()
}

fn row(row: &Row<'_>, ids: &CauseIds) -> AnyView {
    let host = row.host.to_owned();
    let code = (row.host != row.name).then(|| {
        let host = host.clone();
        view! { <code>{host}</code> }
    });
    let cells = row.cells.iter().map(|cell| match *cell {
        Some(check) => {
            view! { <CheckCell cause=ids.of_check(check) check=check.clone() /> }.into_any()
        }
        None => view! { <td><span class="muted">"–"</span></td> }.into_any(),
    });
    view! {
        <tr>
            <th scope="row" title=host>
                <span>{row.name.clone()}</span>
                {code}
            </th>
            {cells.collect_view()}
        </tr>
    }
    .into_any()
}

/// A cell: outcome, time, and the cluster that answered; if the check did not pass, a link to the cause.
#[component]
pub(crate) fn CheckCell(
    check: Check,
    /// The id of the cause on the page.
    cause: Option<String>,
) -> impl IntoView {
    let has_passed = check.outcome == Outcome::Passed;
    let (class, picture) = if check.advisory && !has_passed {
        ("muted", "hint")
    } else {
        look(check.outcome)
    };
    let words = if has_passed {
        "ok".into_any()
    } else {
        let cell = check.cell();
        let cell = match cause {
            Some(id) => {
                let go = move |_| browser::focus_id(&id);
                view! { <button type="button" class="link" on:click=go>{cell}</button> }.into_any()
            }
            None => view! { <span>{cell}</span> }.into_any(),
        };
        view! {
            <span class="unseen">{format!("{}: ", check.verdict())}</span>
            {cell}
        }
        .into_any()
    };
    let time = check.seen.milliseconds.filter(|_| has_passed);
    let time = time.map(|time| view! { <span class="time">{format!("{time} ms")}</span> });
    let by = check.seen.answered_by;
    let by = by.map(|by| view! { <span class="by">{format!("by {by}")}</span> });
    view! {
        <td>
            <span class=class>
                <Icon name=picture />
                {words}
            </span>
            {time}
            {by}
        </td>
    }
}
