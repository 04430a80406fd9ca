//! Answers during an outage compared with those without, for display and JSON.

use std::fmt;

use serde::Serialize;

use crate::resolved::Resolved;
use crate::traffic::answers::{Answers, Reason, by_dns, in_mesh, percentages};
use crate::traffic::outage::Outage;

/// The clusters that answer one name for one caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerRow {
    /// The caller's cluster; absent for a caller that uses DNS only.
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
    /// The clusters that calls reach but that do not answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// The reason why no cluster answers: `clientDown`, `noRecord` or `down`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The clusters that answer without an outage.
    pub before: Vec<String>,
    /// The share of each cluster with `locality.distribute`; else empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Share>,
    /// The shares without an outage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shares_before: Vec<Share>,
}

/// The share of a cluster in the calls for a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// The cluster.
    pub cluster: String,
    /// A whole percentage; those of a row add up to 100.
    pub percent: u8,
}

impl AnswerRow {
    /// Whether it differs from the answer without an outage.
    pub fn is_changed(&self) -> bool {
        self.answered_by != self.before || !self.lost.is_empty()
    }

    /// Whether the caller's own cluster is down, so that there are no calls.
    pub fn is_gone(&self) -> bool {
        self.reason == Some(word(Reason::ClientDown))
    }

    /// Whether there are calls that no cluster answers.
    pub fn is_unanswered(&self) -> bool {
        self.answered_by.is_empty() && !self.is_gone()
    }

    /// The clusters that answer, such as `east`, `east 80%,west 20%` or `east → west, not south`; `-` without a caller.
    pub fn words(&self) -> String {
        let list = |names: &[String], shares: &[Share]| -> String {
            if names.is_empty() {
                return "none".to_owned();
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

/// Number of answers, without callers whose own cluster is down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    answers: usize,
    changed: usize,
    unanswered: usize,
}

impl Summary {
    /// Counts rows.
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

/// Every name of every service for the clusters that call it: for each name the clusters in order, then callers that
/// use DNS only.
pub fn rows(resolved: &Resolved, outage: &Outage) -> Vec<AnswerRow> {
    let services = 0..resolved.services.len();
    services
        .flat_map(|service| rows_of(resolved, service, outage))
        .collect()
}

/// The [`rows`] of one service, given by its index.
pub fn rows_of(resolved: &Resolved, index: usize, outage: &Outage) -> Vec<AnswerRow> {
    let service = &resolved.services[index];
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
    for name in &service.names {
        // Without callers in a mesh, the mesh does not have the names.
        let calls = |caller: &Option<usize>| caller.is_none_or(|one| service.is_called_from(one));
        for caller in callers.iter().copied().filter(calls) {
            let ask = |outage: &Outage| match caller {
                Some(client) => in_mesh(resolved, client, index, name, outage),
                None => by_dns(resolved, index, name, outage),
            };
            let shares = |outage: &Outage| -> Vec<Share> {
                let shares =
                    caller.and_then(|client| percentages(resolved, client, index, name, outage));
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
    rows
}

const fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::ClientDown => "clientDown",
        Reason::NoRecord => "noRecord",
        Reason::Down => "down",
    }
}
