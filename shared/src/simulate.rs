//! Who answers with something down, beside who answers with nothing down, as people and programs are
//! shown it.

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
}

/// Every name of every service for every caller: for each name the clusters in their order, then
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
            for &caller in &callers {
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
