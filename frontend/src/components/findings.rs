//! Everything that the checks found; a click goes to the field.

use shared::check::{Finding, Fix, Severity};

use crate::counts::is_gap;
use crate::dom::{El, button, el_in, icon, text};
use crate::signals::*;
use crate::state::Store;

pub(crate) fn findings(store: Store) -> El {
    el_in("div", "fill").one(move || {
        let findings = store.checked.with(|checked| checked.findings.clone());
        Some(if findings.is_empty() {
            el_in("div", "start")
                .add(text("h2", "Nothing to mend"))
                .add(text(
                    "p",
                    "The checks found no error, no warning and no hint.",
                ))
        } else {
            list(store, findings)
        })
    })
}

/// A list of findings, each with its way to the field and, where there is one, its fix.
pub(crate) fn list(store: Store, findings: Vec<Finding>) -> El {
    el_in("ul", "findings").all(findings.into_iter().map(|finding| one(store, finding)))
}

fn one(store: Store, finding: Finding) -> El {
    let (class, picture, word) = match finding.severity {
        Severity::Error if is_gap(&finding) => ("gap", "gap", "to fill in"),
        Severity::Error => ("error", "error", "error"),
        Severity::Warning => ("warning", "warning", "warning"),
        Severity::Hint => ("hint", "hint", "hint"),
    };
    let path = finding.path.clone();
    let fix = finding.fix.map(|fix| {
        let words = format!("Change to {}", fix.value);
        button("fix", move || apply(store, &fix)).text(&words)
    });
    let span = |class: &str, words: &str| text("span", words).class(class);
    let button = button("finding", move || store.go_to(&path))
        .add(el_in("span", "severity").add(icon(picture)).text(word))
        .add(span("message", &finding.message))
        .add(span("code", &finding.code))
        .add(span("advice", &finding.hint))
        .add(text("code", &finding.path).class("where"));
    el_in("li", class).add(button).maybe(fix)
}

fn apply(store: Store, fix: &Fix) {
    match fix.apply(&store.now()) {
        Some(mended) => store.edit(|mesh| *mesh = mended),
        None => store.fail(
            format!("{} has changed meanwhile", fix.path),
            "Look at the finding again.",
        ),
    }
}
