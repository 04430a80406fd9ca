//! Errors, with their hints.

use super::findings::{self, Acts};
use crate::agent::api::Failure;
use crate::browser::dom::{El, el, el_in, icon, text};

pub(crate) fn failure_box(failure: Failure, acts: &Acts) -> El {
    let findings = (!failure.findings.is_empty()).then(|| findings::list(failure.findings, acts));
    let words = el("div")
        .add(el("p").add(text("strong", &failure.message)))
        .add(text("p", &failure.hint).class("muted"))
        .maybe(findings);
    el_in("div", "failure-box")
        .attr("role", "alert")
        .add(icon("error"))
        .add(words)
}

/// A line with a reason; the picture is `error`, `warning` or `skip`.
pub(crate) fn reason(picture: &str, words: El) -> El {
    el_in("div", &format!("reason {picture}"))
        .add(icon(picture))
        .add(words)
}
