//! The clusters that answer each name in an outage, as the worker sends them to the page.

use serde::Serialize;
use serde_json::Value;
use shared::resolved::Resolved;
use shared::traffic::outage::Outage;
use shared::traffic::simulate::{AnswerRow, Summary, rows};

use crate::answers::{Read, list, text, texts, unknown};

/// The result of a simulation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Simulated {
    /// The clusters of callers, in the order of the document.
    pub clients: Vec<String>,
    /// Every name of every service.
    pub names: Vec<Name>,
    /// `9 of 15 answers change, 3 unanswered`.
    pub summary: String,
}

/// A name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Name {
    /// The name itself.
    pub host: String,
    /// The answers to callers in each of the clusters, and to clients that only use DNS.
    pub cells: Vec<Cell>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// How it is displayed.
    pub look: Look,
    /// The clusters that answer, see [`AnswerRow::words`].
    pub words: String,
}

/// How an answer is displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Look {
    /// The same as without the outage.
    Same,
    /// By other clusters, or only by some of them.
    Changed,
    /// By no cluster.
    Unanswered,
    /// The caller's cluster is down.
    Gone,
}

impl Simulated {
    /// Simulates an outage, given as texts that [`Outage::add`] parses. Texts that the document does not have are
    /// ignored: they were chosen before the document was changed.
    pub fn new(resolved: &Resolved, down: &[String]) -> Self {
        let mut outage = Outage::default();
        for what in down {
            _ = outage.add(what, resolved);
        }
        let rows = rows(resolved, &outage);
        let clusters = resolved.clusters.iter();
        Self {
            clients: clusters.map(|cluster| cluster.name.to_string()).collect(),
            summary: Summary::of(&rows).to_string(),
            names: rows
                .chunk_by(|one, next| one.host == next.host)
                .map(|rows| Name {
                    host: rows[0].host.clone(),
                    cells: rows.iter().map(Cell::from).collect(),
                })
                .collect(),
        }
    }

    /// Parses a response of the worker; the error names what is missing.
    pub(crate) fn from_value(value: &Value) -> Read<Self> {
        Ok(Self {
            clients: texts(value, "clients")?,
            names: list(value, "names", name)?,
            summary: text(value, "summary")?,
        })
    }

    /// The answers for a name.
    pub(crate) fn cells(&self, host: &str) -> &[Cell] {
        let name = self.names.iter().find(|name| name.host == host);
        name.map_or(&[], |name| &name.cells)
    }
}

impl From<&AnswerRow> for Cell {
    fn from(row: &AnswerRow) -> Self {
        let look = if row.is_gone() {
            Look::Gone
        } else if row.is_unanswered() {
            Look::Unanswered
        } else if row.is_changed() {
            Look::Changed
        } else {
            Look::Same
        };
        Self {
            look,
            words: row.words(),
        }
    }
}

fn name(value: &Value) -> Read<Name> {
    Ok(Name {
        host: text(value, "host")?,
        cells: list(value, "cells", cell)?,
    })
}

fn cell(value: &Value) -> Read<Cell> {
    let look = match &*text(value, "look")? {
        "Same" => Look::Same,
        "Changed" => Look::Changed,
        "Unanswered" => Look::Unanswered,
        "Gone" => Look::Gone,
        other => return Err(unknown(other)),
    };
    Ok(Cell {
        look,
        words: text(value, "words")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template;

    #[test]
    fn simulations_survive_json() {
        let mesh = template::walkthrough();
        let resolved = shared::check(&mesh, &shared::facts::Facts::default());
        let down = ["cluster1", "gateway:cluster2", "service:gone.default"];
        let down = down.map(str::to_owned);
        let all = Simulated::new(&resolved.resolved.unwrap(), &down);
        assert_eq!(all.clients, ["cluster1", "cluster2"]);
        let looks: Vec<Look> = all.names[0].cells.iter().map(|cell| cell.look).collect();
        assert_eq!(looks, [Look::Gone, Look::Unanswered, Look::Unanswered]);
        assert!(all.summary.ends_with("10 unanswered"), "{}", all.summary);
        let sent = serde_json::to_value(&all).unwrap();
        assert_eq!(Simulated::from_value(&sent), Ok(all));
    }
}
