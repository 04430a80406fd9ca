//! A drill: its button, its confirmation, and its result.

use shared::verify::{Check, Drill, DrillClient, Drillable, Family, Report};
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

use super::causes::CauseIds;
use super::state::Review;
use super::table::checked;
use super::verify::look;
use crate::browser;
use crate::browser::dom::{El, at, button, el, el_in, icon, text, value_of};
use crate::browser::signals::*;
use crate::components::field::option;

/// The button for a drill of a service, and the row that confirms it, `width` columns wide.
pub(crate) fn offer(review: Review, drillable: &Drillable, width: &str) -> (El, El) {
    let is_open = RwSignal::new(false);
    let service = drillable.service.clone();
    let id = |what: &str| format!("{what}-{service}");
    let (way_id, row_id, cluster_id) = (id("drill"), id("drill-question"), id("drill-cluster"));
    let (all_of_it, first) = (row_id.clone(), cluster_id.clone());
    let toggle = move || {
        is_open.update(|is_open| *is_open = !*is_open);
        if is_open.get_untracked() {
            let (all_of_it, first) = (all_of_it.clone(), first.clone());
            browser::next_frame(move || {
                if let Some(row) = at(&all_of_it) {
                    browser::scroll_to(row.element());
                }
                to(&first);
            });
        }
    };
    let way = button("link", toggle)
        .id(&way_id)
        .attr("aria-controls", &row_id)
        .attr(
            "title",
            "Scale it to zero in one cluster and observe the failover",
        )
        .state("aria-expanded", move || is_open.get())
        .text("Drill…")
        .add(text("span", &format!(" {service}")).class("unseen"));
    let drillable = drillable.clone();
    let close = move || {
        is_open.set(false);
        to(&way_id);
    };
    let shut = close.clone();
    let box_ = el("td")
        .attr("colspan", width)
        .one(move || {
            let question = || question(review, &drillable, &cluster_id, close.clone());
            is_open.get().then(question)
        })
        .on("keydown", move |event| {
            if event.unchecked_ref::<KeyboardEvent>().key() == "Escape" {
                shut();
            }
        });
    let row = el_in("tr", "question")
        .id(&row_id)
        .flag("hidden", move || !is_open.get())
        .add(box_);
    (way, row)
}

fn to(id: &str) {
    if let Some(element) = at(id) {
        browser::focus(element.element());
    }
}

fn question(
    review: Review,
    drillable: &Drillable,
    cluster_id: &str,
    close: impl Fn() + 'static,
) -> El {
    let Drillable { service, clusters } = drillable.clone();
    let chosen = RwSignal::new(clusters.first().cloned().unwrap_or_default());
    let options = clusters.iter().map(|name| option(name, name, false));
    let select = el("select")
        .id(cluster_id)
        .all(options)
        .on("change", move |event| chosen.set(value_of(&event)));
    let label = text("label", &format!("Take {service} out of service in")).attr("for", cluster_id);
    let words = "If all calls pass, its Deployments in this cluster are scaled to zero, and the traffic of every client \
                 is observed for up to two minutes until it fails over. Then the replicas are restored, in any \
                 case, and the traffic is observed until it returns.";
    let begin_id = format!("drill-begin-{service}");
    let begin = button("danger", move || {
        review.want_drill(&service, &chosen.get_untracked());
    })
    .id(&begin_id)
    .text("Start the drill");
    let cancel = button("", close).text("Cancel");
    el("div")
        .add(el_in("p", "place").add(label).add(select))
        .add(text("p", words).class("muted"))
        .add(el_in("p", "buttons").add(begin).add(cancel))
}

/// The result of a drill; `None` if none was requested.
pub(crate) fn result(report: &Report, ids: &CauseIds) -> Option<El> {
    let mut own = report
        .checks
        .iter()
        .filter(|check| check.family == Family::Drill);
    let (title, content) = match (&report.drill, own.clone().next()) {
        (Some(drill), _) => (
            format!(
                "Drill: {} out of service in {}",
                drill.service, drill.cluster
            ),
            seen(drill, &mut own, ids),
        ),
        (None, Some(check)) => (format!("Drill of {}", check.service), not_begun(check)),
        (None, None) => return None,
    };
    let head = el_in("div", "cluster-head").add(text("h2", &title));
    let section = el_in("section", "cluster-plan").id("drilled");
    Some(section.add(head).add(content))
}

/// Why the drill did not begin.
fn not_begun(check: &Check) -> El {
    let (class, picture) = look(check.outcome);
    let why = check
        .cause
        .as_ref()
        .map_or("", |cause| cause.message.as_str());
    let mark = el_in("span", class).add(icon(picture));
    el_in("p", "current").add(mark).add(text("span", why))
}

const COLUMNS: [&str; 6] = [
    "Client",
    "Traffic",
    "Lost",
    "Failover after",
    "Returned after",
    "Answered meanwhile by",
];

fn seen<'a>(drill: &Drill, checks: &mut impl Iterator<Item = &'a Check>, ids: &CauseIds) -> El {
    // One check for each client, in the same order.
    let rows = drill.clients.iter().zip(checks);
    let rows = rows.map(|(client, check)| row(client, check, ids));
    let heads = COLUMNS.map(|words| text("th", words).attr("scope", "col"));
    let table = el_in("table", "checks drill")
        .add(el("thead").add(el("tr").all(heads)))
        .add(el("tbody").all(rows));
    el_in("div", "table-box")
        .attr("tabindex", "0")
        .attr("role", "region")
        .attr("aria-label", "Results of the drill by client")
        .add(table)
}

fn row(client: &DrillClient, check: &Check, ids: &CauseIds) -> El {
    // The time has its own column.
    let mut check = check.clone();
    check.seen.milliseconds = None;
    let lost = format!("{} of {}", client.lost, client.requests);
    let cells = [
        lost,
        time(client.moved_after),
        time(client.returned_after),
        client.answered_by.join(", "),
    ];
    el("tr")
        .add(text("th", &client.cluster).attr("scope", "row"))
        .add(checked(&check, ids))
        .all(cells.map(|words| text("td", &words)))
}

/// Seconds, to a tenth.
fn time(milliseconds: Option<u32>) -> String {
    milliseconds.map_or_else(
        || "–".to_owned(),
        |time| format!("{}.{} s", time / 1000, time % 1000 / 100),
    )
}
