//! The checks of a family as a table: a row for each name, a column for each client.

use std::rc::Rc;
use std::sync::Arc;

use shared::verify::{Check, Family, Outcome, Report, Row, ServiceRows, Table};

use super::causes::CauseIds;
use super::drill;
use super::families::{fold, is_well};
use super::state::Review;
use super::verify::look;
use crate::browser;
use crate::browser::dom::{El, at, button, el, el_in, icon, text};

/// With more rows than this, services that passed are folded.
const ROWS: usize = 60;

/// The state for buttons of drills, and the report that lists the services that allow them.
type Drills = (Review, Arc<Report>);

/// A table in a box that scrolls; `None` without checks. With a review, services that allow a drill have a button
/// for it.
pub(crate) fn table(
    report: &Arc<Report>,
    family: Family,
    caption: &'static str,
    ids: &Rc<CauseIds>,
    drills: Option<Review>,
) -> Option<El> {
    let drills = drills.map(|review| (review, report.clone()));
    let Table { columns, services } = Table::of(family, &report.checks);
    if services.is_empty() {
        return None;
    }
    let rows: usize = services.iter().map(|service| service.rows.len()).sum();
    if rows <= ROWS {
        return Some(grid(&columns, &services, caption, ids, drills.as_ref()));
    }
    let (well, off): (Vec<ServiceRows<'_>>, Vec<ServiceRows<'_>>) =
        services.into_iter().partition(is_service_well);
    let folded = (!well.is_empty()).then(|| {
        let words = match well.len() {
            1 => "1 service passed".to_owned(),
            count => format!("{count} services passed"),
        };
        let (report, ids, drills) = (report.clone(), ids.clone(), drills.clone());
        fold(&words, move || {
            let Table { columns, services } = Table::of(family, &report.checks);
            let well: Vec<ServiceRows<'_>> = services.into_iter().filter(is_service_well).collect();
            grid(&columns, &well, caption, &ids, drills.as_ref())
        })
    });
    let shown = (!off.is_empty()).then(|| grid(&columns, &off, caption, ids, drills.as_ref()));
    Some(el("div").maybe(shown).maybe(folded))
}

fn is_service_well(service: &ServiceRows<'_>) -> bool {
    let cells = service.rows.iter().flat_map(|row| &row.cells);
    is_well(cells.flatten().copied())
}

fn grid(
    columns: &[String],
    services: &[ServiceRows<'_>],
    caption: &str,
    ids: &CauseIds,
    drills: Option<&Drills>,
) -> El {
    let heads = columns.iter().map(|column| head("col").text(column));
    let first = head("col").add(text("span", "Name").class("unseen"));
    let bodies = services
        .iter()
        .map(|service| body(columns.len(), service, ids, drills));
    let table = el_in("table", "checks")
        .add(text("caption", caption).class("unseen"))
        .add(el("thead").add(el("tr").add(first).all(heads)))
        .all(bodies);
    // It scrolls, so it has to be reachable by keyboard.
    el_in("div", "table-box")
        .attr("tabindex", "0")
        .attr("role", "region")
        .attr("aria-label", caption)
        .add(table)
}

fn body(columns: usize, service: &ServiceRows<'_>, ids: &CauseIds, drills: Option<&Drills>) -> El {
    let width = (columns + 1).to_string();
    let offer = drills.and_then(|(review, report)| {
        let mut all = report.drillable.iter();
        let drillable = all.find(|one| one.service == service.service)?;
        Some(drill::offer(*review, drillable, &width))
    });
    let (way, question) = offer.unzip();
    let name = text("span", service.service).maybe(way);
    let title = head("rowgroup").attr("colspan", &width).add(name);
    let rows = service.rows.iter().map(|one| row(one, ids));
    el("tbody")
        .add(el_in("tr", "service-row").add(title))
        .maybe(question)
        .all(rows)
}

fn row(row: &Row<'_>, ids: &CauseIds) -> El {
    let host = (row.host != row.name).then(|| text("code", row.host));
    let name = head("row")
        .attr("title", row.host)
        .add(text("span", &row.name))
        .maybe(host);
    let cells = row.cells.iter().map(|cell| match cell {
        Some(check) => checked(check, ids),
        None => el("td").add(text("span", "–").class("muted")),
    });
    el("tr").add(name).all(cells)
}

fn head(scope: &str) -> El {
    el("th").attr("scope", scope)
}

/// A cell: outcome, time, and the cluster that answered; if the check did not pass, a link to the cause.
pub(crate) fn checked(check: &Check, ids: &CauseIds) -> El {
    let (class, picture) = if check.advisory && check.outcome != Outcome::Passed {
        ("muted", "hint")
    } else {
        look(check.outcome)
    };
    let span = |class: &str, words: String| text("span", &words).class(class);
    let time = check.seen.milliseconds.map(|time| format!("{time} ms"));
    let by = check.seen.answered_by.as_ref();
    let by = by.map(|by| span("by", format!("by {by}")));
    let verdict = el_in("span", class).add(icon(picture));
    let cell = el("td");
    if check.outcome == Outcome::Passed {
        let time = time.map(|time| span("time", time));
        return cell.add(verdict.text("ok")).maybe(time).maybe(by);
    }
    let word = match check.cause.as_ref().and_then(|cause| ids.id(cause)) {
        Some(id) => {
            let go = move || {
                if let Some(cause) = at(&id) {
                    browser::focus(cause.element());
                }
            };
            button("link", go).text(&check.cell())
        }
        None => text("span", &check.cell()),
    };
    let said = text("span", &format!("{}: ", check.verdict())).class("unseen");
    cell.add(verdict.add(said).add(word)).maybe(by)
}
