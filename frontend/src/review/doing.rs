//! A run of the agent, and its form in the tab's storage.

use serde_json::json;

use crate::json;

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Apply,
    Remove,
    Verify,
    /// Verifies with a drill, which takes a service out of service.
    Drill,
}

const DOINGS: [(Doing, &str); 4] = [
    (Doing::Apply, "apply"),
    (Doing::Remove, "remove"),
    (Doing::Verify, "verify"),
    (Doing::Drill, "drill"),
];

/// A run that the agent has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) doing: Doing,
    /// When it was started, in milliseconds since 1970.
    pub(crate) started: u64,
}

impl Run {
    /// The run as stored for the tab.
    pub(crate) fn to_text(&self) -> String {
        let word = DOINGS.iter().find(|(doing, _)| *doing == self.doing);
        let word = word.map(|(_, word)| *word);
        json!({ "id": self.id, "doing": word, "started": self.started }).to_string()
    }

    /// Parses a stored run.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let value = json::value(text).ok()?;
        let word = value["doing"].as_str()?;
        Some(Self {
            id: value["id"].as_str()?.to_owned(),
            doing: DOINGS.iter().find(|(_, known)| *known == word)?.0,
            started: value["started"].as_u64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_survives_a_reload() {
        for (doing, _) in DOINGS {
            let run = Run {
                id: "a b".to_owned(),
                doing,
                started: 1_700_000_000_000,
            };
            assert_eq!(Run::from_text(&run.to_text()), Some(run));
        }
        assert_eq!(Run::from_text("{}"), None);
    }
}
