//! The clusters that answer each name in an outage, as the worker sends them to the page.

use serde::{Deserialize, Serialize};
use shared::resolved::Resolved;
use shared::traffic::outage::Outage;
use shared::traffic::simulate::{AnswerRow, Summary, rows};

/// The result of a simulation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulated {
    /// The clusters of callers, in the order of the document.
    pub clients: Vec<String>,
    /// Every name of every service.
    pub names: Vec<Name>,
    /// `9 of 15 answers change, 3 unanswered`.
    pub summary: String,
}

/// A name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// The name itself.
    pub host: String,
    /// The answers to callers in each of the clusters, and to clients that only use DNS.
    pub cells: Vec<Cell>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// How it is displayed.
    pub look: Look,
    /// The clusters that answer, see [`AnswerRow::words`].
    pub words: String,
}

/// How an answer is displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
        let rows = rows(resolved, &outage(resolved, down));
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

    /// The answers for a name.
    pub(crate) fn cells(&self, host: &str) -> &[Cell] {
        let name = self.names.iter().find(|name| name.host == host);
        name.map_or(&[], |name| &name.cells)
    }
}

/// The outage of some texts.
pub(super) fn outage(resolved: &Resolved, down: &[String]) -> Outage {
    let mut outage = Outage::default();
    for what in down {
        _ = outage.add(what, resolved);
    }
    outage
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulations_survive_json() {
        let mesh = shared::Mesh::read(include_str!("../../../examples/walkthrough.yaml")).unwrap();
        let resolved = shared::check(&mesh, &shared::facts::Facts::default());
        let down = ["cluster1", "gateway:cluster2", "service:gone.default"];
        let down = down.map(str::to_owned);
        let all = Simulated::new(&resolved.resolved.unwrap(), &down);
        assert_eq!(all.clients, ["cluster1", "cluster2"]);
        let looks: Vec<Look> = all.names[0].cells.iter().map(|cell| cell.look).collect();
        assert_eq!(looks, [Look::Gone, Look::Unanswered, Look::Unanswered]);
        assert!(all.summary.ends_with("10 unanswered"), "{}", all.summary);
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Simulated>(&json).unwrap(), all);
    }
}
