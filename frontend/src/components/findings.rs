//! The list of findings; a click focuses the field, if the form has one.

use std::rc::Rc;

use shared::check::{Finding, Fix, Severity};

use super::explanation::explanation;
use crate::browser::dom::{El, button, el_in, icon, text};
use crate::form::field::has_field;
use crate::result::counts::is_gap;
use crate::state::Store;

pub(crate) fn findings(store: Store) -> El {
    el_in("div", "fill").one(move || {
        let findings = store.findings();
        Some(if findings.is_empty() {
            el_in("div", "start")
                .add(text("h2", "No findings"))
                .add(text("p", "The document has no errors, warnings or hints."))
        } else {
            list(findings, &acts(store))
        })
    })
}

/// What the user does about a finding.
pub(crate) enum Act {
    /// Focus its field.
    GoTo(String),
    /// Apply its fix.
    Fix(Fix),
}

/// Handles acts. The list of findings does not know the document.
#[derive(Clone)]
pub(crate) struct Acts(Rc<dyn Fn(Act)>);

impl Acts {
    pub(crate) fn new(act: impl Fn(Act) + 'static) -> Self {
        Self(Rc::new(act))
    }
}

/// Handles acts in the page that has the document.
pub(crate) fn acts(store: Store) -> Acts {
    Acts::new(move |act| match act {
        Act::GoTo(path) => store.go_to(&path),
        Act::Fix(fix) => store.fix(&fix),
    })
}

/// A list of findings, each with a link to its field and its fix, if any.
pub(crate) fn list(findings: Vec<Finding>, acts: &Acts) -> El {
    el_in("ul", "findings").all(findings.into_iter().map(|finding| one(finding, acts)))
}

fn one(finding: Finding, acts: &Acts) -> El {
    let (class, picture, word) = match finding.severity {
        Severity::Error if is_gap(&finding) => ("gap", "gap", "to fill in"),
        Severity::Error => ("error", "error", "error"),
        Severity::Warning => ("warning", "warning", "warning"),
        Severity::Hint => ("hint", "hint", "hint"),
    };
    let path = finding.path.clone();
    let Acts(act) = acts.clone();
    let fix = finding.fix.map(|fix| {
        let words = format!("Change to {}", fix.value);
        let act = act.clone();
        button("fix", move || act(Act::Fix(fix.clone()))).text(&words)
    });
    let span = |class: &str, words: &str| text("span", words).class(class);
    // A finding about an imported file, or about a path that the form does not show, is no link.
    let row = if has_field(&finding.path) {
        button("finding", move || act(Act::GoTo(path.clone())))
    } else {
        el_in("div", "finding")
    };
    let row = row
        .add(el_in("span", "severity").add(icon(picture)).text(word))
        .add(span("message", &finding.message))
        .add(span("code", &finding.code))
        .add(span("advice", &finding.hint))
        .add(text("code", &finding.path).class("where"));
    el_in("li", class)
        .add(row)
        .maybe(fix)
        .add(explanation(&finding.code))
}
