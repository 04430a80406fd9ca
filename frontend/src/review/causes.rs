//! The checks that did not pass, grouped by cause, with hints.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use shared::verify::{Check, Family, Fault, Outcome, Report, faults};

use super::families::Fold;
use super::verify::look;
use crate::components::explanation::{Explanation, with_code};
use crate::components::icon::Icon;

/// Checks that are shown for a cause; the others are folded.
const SHOWN: usize = 5;

/// The ids of the causes on the page, by their messages, for links from the cells of tables.
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

    /// The id of the cause with a message.
    fn id(&self, message: &str) -> Option<String> {
        self.0.get(message).map(|at| format!("cause-{at}"))
    }

    /// The id of the cause of a check.
    pub(crate) fn of_check(&self, check: &Check) -> Option<String> {
        self.id(&check.cause.as_ref()?.message)
    }
}

/// Failed checks first, then those that could not be made; those for information are folded. Nothing if all passed.
#[component]
pub(crate) fn Causes(report: Arc<Report>, ids: Arc<CauseIds>) -> impl IntoView {
    let mut faults = faults(&report.checks);
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
        let causes = faults.iter().map(|fault| cause(fault, &ids)).collect_view();
        view! { <ul class="causes">{causes}</ul> }
    };
    let (title, lists) = if counted.is_empty() {
        ("For information", list(&aside).into_any())
    } else {
        let aside = (!aside.is_empty()).then(|| {
            let words = format!("For information: {}", aside.len());
            view! {
                <details class="fold">
                    <summary>{words}</summary>
                    {list(&aside)}
                </details>
            }
        });
        let lists = view! { {list(&counted)} {aside} };
        ("Checks that did not pass", lists.into_any())
    };
    Some(view! {
        <section class="cluster-plan" id="causes">
            <div class="cluster-head">
                <h2>{title}</h2>
            </div>
            {lists}
        </section>
    })
}

fn cause(fault: &Fault<'_>, ids: &CauseIds) -> AnyView {
    let Fault { cause, checks } = fault;
    let (class, picture, word) = match checks.first() {
        Some(check) if !check.advisory => {
            let (class, picture) = look(check.outcome);
            (class, picture, check.verdict())
        }
        _ => ("muted", "hint", "for information"),
    };
    let mut shown: Vec<Line> = checks.iter().map(|check| Line::of(check)).collect();
    let rest = shown.split_off(shown.len().min(SHOWN));
    let rest = (!rest.is_empty()).then(|| {
        let words = format!("{} more", rest.len());
        view! { <Fold summary=words.into_any()>{list(&rest)}</Fold> }
    });
    view! {
        <li id=ids.id(&cause.message) tabindex="-1">
            <p class="cause-head">
                <span class=class>
                    <Icon name=picture />
                    <strong>{word}</strong>
                </span>
                <code class="muted">{cause.code.clone()}</code>
            </p>
            <p class="message">{with_code(&cause.message)}</p>
            <p class="remedy">
                <strong>"Fix: "</strong>
                {with_code(&cause.hint)}
            </p>
            <Explanation code=cause.code.clone() />
            {list(&shown)}
            {rest}
        </li>
    }
    .into_any()
}

/// A check, as shown below its cause.
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
        let (family, subject) = (check.family.as_str(), check.subject());
        let seen = check.seen_in_words();
        Self {
            subject: format!("{family}: {subject}{asked}"),
            seen: format!("observed {seen}; expected {}", check.expected),
        }
    }
}

fn list(lines: &[Line]) -> AnyView {
    let lines = lines.iter().map(|line| {
        let (subject, seen) = (line.subject.clone(), line.seen.clone());
        view! {
            <li>
                <code>{subject}</code>
                <span class="muted">{seen}</span>
            </li>
        }
    });
    view! { <ul class="cause-checks">{lines.collect_view()}</ul> }.into_any()
}
