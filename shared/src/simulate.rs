//! Who answers with something down, beside who answers with nothing down, as people and programs are
//! shown it.

use std::fmt;

use serde::Serialize;

use crate::answers::{Answers, Reason, by_dns, in_mesh, percentages};
use crate::outage::Outage;
use crate::resolved::Resolved;

/// Who answers one name for one caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerRow {
    /// The caller's cluster; absent for a caller that only goes by DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// `<name>.<namespace>` of the service.
    pub service: String,
    /// The name.
    pub host: String,
    /// `vanity`, `global`, `region` or `zone`.
    pub level: &'static str,
    /// The clusters that answer, in the order of the document.
    pub answered_by: Vec<String>,
    /// The clusters that calls reach and that do not answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// Why nobody answers: `clientDown`, `noRecord` or `down`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The clusters that answer with nothing down.
    pub before: Vec<String>,
    /// Where places take shares of the calls (`locality.distribute`), what reaches each cluster; else empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Share>,
    /// The same with nothing down.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shares_before: Vec<Share>,
}

/// What reaches a cluster of the calls for a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// The cluster.
    pub cluster: String,
    /// A whole percentage; those of a row come to 100.
    pub percent: u8,
}

impl AnswerRow {
    /// Whether it is otherwise than with nothing down.
    pub fn is_changed(&self) -> bool {
        self.answered_by != self.before || !self.lost.is_empty()
    }

    /// Whether the caller's own cluster is down, so that nobody asks.
    pub fn is_gone(&self) -> bool {
        self.reason == Some(word(Reason::ClientDown))
    }

    /// Whether somebody asks and nobody answers.
    pub fn is_unanswered(&self) -> bool {
        self.answered_by.is_empty() && !self.is_gone()
    }

    /// Who answers, such as `east`, `east 80%,west 20%` or `east → west, not south`; `-` where nobody asks.
    pub fn words(&self) -> String {
        let list = |names: &[String], shares: &[Share]| -> String {
            if names.is_empty() {
                return "nobody".to_owned();
            }
            let mut text = String::new();
            for name in names {
                if !text.is_empty() {
                    text.push(',');
                }
                text.push_str(name);
                if let Some(share) = shares.iter().find(|share| share.cluster == *name) {
                    text.extend([" ", &share.percent.to_string(), "%"]);
                }
            }
            text
        };
        if self.is_gone() {
            return "-".to_owned();
        }
        let mut now = list(&self.answered_by, &self.shares);
        if self.reason == Some(word(Reason::NoRecord)) {
            now.push_str(" (no record)");
        }
        if !self.lost.is_empty() {
            now = format!("{now}, not {}", list(&self.lost, &self.shares));
        }
        if self.is_changed() {
            format!("{} → {now}", list(&self.before, &self.shares_before))
        } else {
            now
        }
    }
}

/// How many answers there are, without callers whose own cluster is down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    answers: usize,
    changed: usize,
    unanswered: usize,
}

impl Summary {
    /// Of rows.
    pub fn of(rows: &[AnswerRow]) -> Self {
        let mut all = Self::default();
        for row in rows.iter().filter(|row| !row.is_gone()) {
            all.answers += 1;
            all.changed += usize::from(row.is_changed());
            all.unanswered += usize::from(row.is_unanswered());
        }
        all
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            answers,
            changed,
            unanswered,
        } = self;
        let s = if *answers == 1 { "" } else { "s" };
        write!(
            to,
            "{changed} of {answers} answer{s} change, {unanswered} unanswered"
        )
    }
}

/// Every name of every service for the clusters that call it: for each name the clusters in their order, then
/// whoever goes by DNS.
pub fn rows(resolved: &Resolved, outage: &Outage) -> Vec<AnswerRow> {
    let nothing = Outage::default();
    let names = |indices: &[usize]| -> Vec<String> {
        let names = indices.iter().map(|&index| &resolved.clusters[index].name);
        names.map(ToString::to_string).collect()
    };
    let callers: Vec<Option<usize>> = (0..resolved.clusters.len())
        .map(Some)
        .chain([None])
        .collect();
    let mut rows = Vec::new();
    for (index, service) in resolved.services.iter().enumerate() {
        for name in &service.names {
            // Where nobody calls the service, no mesh has its names.
            let calls =
                |caller: &Option<usize>| caller.is_none_or(|one| service.is_called_from(one));
            for caller in callers.iter().copied().filter(calls) {
                let ask = |outage: &Outage| match caller {
                    Some(client) => in_mesh(resolved, client, index, name, outage),
                    None => by_dns(resolved, index, name, outage),
                };
                let shares = |outage: &Outage| -> Vec<Share> {
                    let shares = caller
                        .and_then(|client| percentages(resolved, client, index, name, outage));
                    let shares = shares.unwrap_or_default().into_iter();
                    shares
                        .map(|(cluster, percent)| Share {
                            cluster: resolved.clusters[cluster].name.to_string(),
                            percent,
                        })
                        .collect()
                };
                let answers = ask(outage);
                let (lost, reason) = match &answers {
                    Answers::By(_) => (Vec::new(), None),
                    Answers::Partly { lost, .. } => (names(lost), None),
                    Answers::Nobody(reason) => (Vec::new(), Some(word(*reason))),
                };
                rows.push(AnswerRow {
                    client: caller.map(|client| resolved.clusters[client].name.to_string()),
                    service: service.id(),
                    host: name.host.to_string(),
                    level: name.level.as_str(),
                    answered_by: names(answers.by()),
                    lost,
                    reason,
                    before: names(ask(&nothing).by()),
                    shares: shares(outage),
                    shares_before: shares(&nothing),
                });
            }
        }
    }
    rows
}

const fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::ClientDown => "clientDown",
        Reason::NoRecord => "noRecord",
        Reason::Down => "down",
    }
}
