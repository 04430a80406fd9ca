//! The checks that did not pass, grouped by cause, with hints.

use std::collections::BTreeMap;

use shared::verify::{Check, Explanation, Family, Fault, Outcome, faults};

use super::families::fold;
use super::verify::look;
use crate::browser::dom::{El, el, el_in, icon, text};
use crate::components::explanation::explanation;

/// Checks that are shown for a cause; the others are folded.
const SHOWN: usize = 5;

/// The ids of the causes on the page, for links from the cells of tables.
#[derive(Debug, Default)]
pub(crate) struct CauseIds(BTreeMap<String, usize>);

impl CauseIds {
    /// The ids of all causes of a report.
    pub(crate) fn of(checks: &[Check]) -> Self {
        let all = faults(checks).into_iter().enumerate();
        Self(
            all.map(|(at, fault)| (fault.cause.message.clone(), at))
                .collect(),
        )
    }

    /// The id of a cause.
    pub(crate) fn id(&self, cause: &Explanation) -> Option<String> {
        let at = self.0.get(&cause.message)?;
        Some(format!("cause-{at}"))
    }
}

/// Failed checks first, then those that could not be made; those for information are folded.
pub(crate) fn causes(checks: &[Check], ids: &CauseIds) -> Option<El> {
    let mut faults = faults(checks);
    if faults.is_empty() {
        return None;
    }
    faults.sort_by_key(|fault| match fault.checks.first() {
        Some(check) if !check.advisory => usize::from(check.outcome != Outcome::Failed),
        _ => 2,
    });
    let is_advisory = |fault: &Fault<'_>| fault.checks.iter().all(|check| check.advisory);
    let (aside, counted): (Vec<Fault<'_>>, Vec<Fault<'_>>) =
        faults.into_iter().partition(is_advisory);
    let list = |faults: &[Fault<'_>]| {
        el_in("ul", "causes").all(faults.iter().map(|fault| one(fault, ids)))
    };
    let title = text(
        "h2",
        if counted.is_empty() {
            "For information"
        } else {
            "Checks that did not pass"
        },
    );
    let section = el_in("section", "cluster-plan")
        .id("causes")
        .add(el_in("div", "cluster-head").add(title));
    Some(if counted.is_empty() {
        section.add(list(&aside))
    } else if aside.is_empty() {
        section.add(list(&counted))
    } else {
        let words = format!("For information: {}", aside.len());
        let folded = el_in("details", "fold")
            .add(text("summary", &words))
            .add(list(&aside));
        section.add(list(&counted)).add(folded)
    })
}

fn one(fault: &Fault<'_>, ids: &CauseIds) -> El {
    let Fault { cause, checks } = fault;
    let (class, picture, word) = match checks.first() {
        Some(check) if !check.advisory => {
            let (class, picture) = look(check.outcome);
            (class, picture, check.verdict())
        }
        _ => ("muted", "hint", "for information"),
    };
    let head = el_in("p", "cause-head")
        .add(
            el_in("span", class)
                .add(icon(picture))
                .add(text("strong", word)),
        )
        .add(text("code", &cause.code).class("muted"));
    let lines: Vec<Line> = checks.iter().map(|check| Line::of(check)).collect();
    let (shown, rest) = lines.split_at(lines.len().min(SHOWN));
    let list = |lines: &[Line]| el_in("ul", "cause-checks").all(lines.iter().map(Line::show));
    let rest = (!rest.is_empty()).then(|| {
        let words = format!("{} more", rest.len());
        let rest = rest.to_vec();
        fold(&words, move || list(&rest))
    });
    let hint = el_in("p", "remedy")
        .add(text("strong", "Fix: "))
        .all(with_code(&cause.hint));
    el("li")
        .id(&ids.id(cause).unwrap_or_default())
        .attr("tabindex", "-1")
        .add(head)
        .add(el_in("p", "message").all(with_code(&cause.message)))
        .add(hint)
        .add(explanation(&cause.code))
        .add(list(shown))
        .maybe(rest)
}

/// A text whose parts in backquotes are code.
pub(crate) fn with_code(words: &str) -> impl Iterator<Item = El> {
    words.split('`').enumerate().map(|(at, part)| {
        let tag = if at % 2 == 1 { "code" } else { "span" };
        text(tag, part)
    })
}

/// A check, as shown below its cause.
#[derive(Clone)]
struct Line {
    subject: String,
    seen: String,
}

impl Line {
    fn of(check: &Check) -> Self {
        let asked = match check.family {
            Family::Record | Family::Gateway => format!(" at {}", check.asked),
            Family::Objects | Family::Call | Family::Drill => String::new(),
        };
        let subject = check.subject();
        Self {
            subject: format!("{}: {subject}{asked}", check.family.as_str()),
            seen: format!(
                "observed {}; expected {}",
                check.seen_in_words(),
                check.expected
            ),
        }
    }

    fn show(&self) -> El {
        el("li")
            .add(text("code", &self.subject))
            .add(text("span", &self.seen).class("muted"))
    }
}
