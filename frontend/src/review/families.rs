//! The checks other than calls, one folded group for each family.

use std::rc::Rc;
use std::sync::Arc;

use shared::verify::{Check, Counts, Family, Outcome, Report};
use wasm_bindgen::JsCast;
use web_sys::HtmlDetailsElement;

use super::causes::CauseIds;
use super::table::{checked, table};
use super::verify::look;
use crate::browser::dom::{El, el, el_in, icon, text};
use crate::browser::signals::*;

const GROUPS: [(Family, &str, &str); 3] = [
    (Family::Objects, "Objects", "objects"),
    (Family::Record, "DNS records", "records"),
    (Family::Gateway, "Gateways", "gateways"),
];

pub(crate) fn families(report: &Arc<Report>, ids: &Rc<CauseIds>) -> Vec<El> {
    let groups = GROUPS
        .into_iter()
        .filter_map(|(family, words, id)| group(report, ids, family, words, id));
    groups.collect()
}

fn group(
    report: &Arc<Report>,
    ids: &Rc<CauseIds>,
    family: Family,
    words: &'static str,
    id: &str,
) -> Option<El> {
    let own = report.checks.iter().filter(|check| check.family == family);
    let counts = Counts::of(own);
    if counts == Counts::default() {
        return None;
    }
    let (class, picture) = look(counts.outcome());
    let summary = el("summary")
        .add(el_in("span", class).add(icon(picture)))
        .add(text("strong", words))
        .add(text("span", &counts.summary()).class("muted"));
    let (report, ids) = (report.clone(), ids.clone());
    let inside = move || match family {
        Family::Objects => objects(&report.checks, &ids),
        _ => table(&report, family, words, &ids, None).unwrap_or_else(|| el("div")),
    };
    let group = opened_late(summary, inside).class("fold group");
    Some(el_in("section", "cluster-plan").id(id).add(group))
}

/// The objects of a cluster that did not pass.
fn objects(checks: &[Check], ids: &CauseIds) -> El {
    let own = checks
        .iter()
        .filter(|check| check.family == Family::Objects);
    let rows = own.map(|check| {
        let what = if check.host.is_empty() {
            &check.seen.text
        } else {
            &check.host
        };
        el("tr")
            .add(text("th", &check.cluster).attr("scope", "row"))
            .add(el("td").add(text("code", what)))
            .add(checked(check, ids))
    });
    let table = el_in("table", "checks").add(el("tbody").all(rows));
    el_in("div", "table-box")
        .attr("tabindex", "0")
        .attr("role", "region")
        .attr("aria-label", "Objects")
        .add(table)
}

/// Folded content that is built when it is opened, because it may be large.
pub(crate) fn fold(words: &str, inside: impl Fn() -> El + 'static) -> El {
    opened_late(text("summary", words), inside).class("fold")
}

fn opened_late(summary: El, inside: impl Fn() -> El + 'static) -> El {
    let open = RwSignal::new(false);
    let shown = el("div").one(move || open.get().then(&inside));
    let details = el("details").add(summary).add(shown);
    let element: HtmlDetailsElement = details.element().clone().unchecked_into();
    details.on("toggle", move |_| open.set(element.open()))
}

/// Whether all checks passed.
pub(crate) fn is_well<'a>(checks: impl IntoIterator<Item = &'a Check>) -> bool {
    let mut checks = checks.into_iter();
    checks.all(|check| check.outcome == Outcome::Passed)
}
