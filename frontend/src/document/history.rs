//! The document with its undo history.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::change::{self, Change};

/// Steps that are kept; older ones are dropped.
const KEPT: usize = 200;

/// A document with undo and redo.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    present: Arc<Value>,
    past: Vec<Vec<Change>>,
    future: Vec<Vec<Change>>,
    /// The field that is being edited: the text that is typed into it is one step.
    #[serde(skip)]
    run: Option<Run>,
}

#[derive(Debug, Clone, PartialEq)]
struct Run {
    field: String,
    /// The document before the run.
    before: Arc<Value>,
}

impl History {
    pub(crate) fn new(present: Value) -> Self {
        Self {
            present: Arc::new(present),
            ..Self::default()
        }
    }

    pub(crate) fn present(&self) -> &Arc<Value> {
        &self.present
    }

    /// Changes the document, as one step.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        self.run = None;
        let before = self.present.clone();
        let mut after = Value::clone(&before);
        change(&mut after);
        self.step(&before, after, false);
    }

    /// Changes the document while the user types into a field. Consecutive changes of one field are one step, and each
    /// one starts from the document before the first, so that an incomplete text leaves no trace.
    pub(crate) fn type_into(&mut self, field: &str, change: impl FnOnce(&mut Value)) {
        let run = self.run.take().filter(|run| run.field == field);
        let continues = run.is_some();
        let before = run.map_or_else(|| self.present.clone(), |run| run.before);
        let mut after = Value::clone(&before);
        change(&mut after);
        self.step(&before, after, continues);
        self.run = Some(Run {
            field: field.to_owned(),
            before,
        });
    }

    fn step(&mut self, before: &Value, after: Value, continues: bool) {
        if after == *self.present {
            return;
        }
        if continues && before != &*self.present {
            self.past.pop();
        }
        let changes = change::between(before, &after);
        if !changes.is_empty() {
            self.past.push(changes);
        }
        if self.past.len() > KEPT {
            self.past.remove(0);
        }
        self.present = Arc::new(after);
        self.future.clear();
    }

    /// Ends a run: the next change is a step of its own.
    pub(crate) fn rest(&mut self) {
        self.run = None;
    }

    /// Reverts the last step, if there is one.
    pub(crate) fn undo(&mut self) {
        self.rest();
        if let Some(changes) = self.past.pop() {
            let present = Arc::make_mut(&mut self.present);
            for change in changes.iter().rev() {
                change.revert(present);
            }
            self.future.push(changes);
        }
    }

    pub(crate) fn redo(&mut self) {
        self.rest();
        if let Some(changes) = self.future.pop() {
            let present = Arc::make_mut(&mut self.present);
            for change in &changes {
                change.apply(present);
            }
            self.past.push(changes);
        }
    }

    pub(crate) fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    pub(crate) fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::History;
    use crate::document::value::{set, text};

    fn typed(history: &mut History, field: &str, words: &str) {
        for end in 1..=words.len() {
            history.type_into(field, |value| set(value, field, json!(words[..end])));
        }
    }

    fn history() -> History {
        History::new(json!({}))
    }

    #[test]
    fn typing_into_a_field_is_one_step() {
        let mut history = history();
        typed(&mut history, "a", "demo");
        history.rest();
        typed(&mut history, "a", "other");
        assert_eq!(text(history.present(), "a"), "other");
        history.undo();
        assert_eq!(text(history.present(), "a"), "demo");
        history.undo();
        assert_eq!(**history.present(), json!({}));
        assert!(!history.can_undo() && history.can_redo());
        history.redo();
        history.redo();
        assert_eq!(text(history.present(), "a"), "other");
        assert!(!history.can_redo());
    }

    #[test]
    fn a_text_that_is_typed_and_deleted_leaves_no_trace() {
        let mut history = history();
        history.edit(|value| set(value, "b", json!(1)));
        typed(&mut history, "a", "xy");
        history.type_into("a", |_| {});
        assert_eq!(**history.present(), json!({ "b": 1 }));
        typed(&mut history, "a", "z");
        history.undo();
        assert_eq!(**history.present(), json!({ "b": 1 }));
        history.undo();
        assert_eq!(**history.present(), json!({}));
        assert!(!history.can_undo());
    }

    #[test]
    fn a_change_after_undo_drops_redo() {
        let mut history = history();
        typed(&mut history, "a", "x");
        history.undo();
        typed(&mut history, "b", "y");
        assert!(!history.can_redo());
    }

    #[test]
    fn the_oldest_steps_are_forgotten() {
        let mut history = history();
        for number in 0..super::KEPT + 5 {
            history.edit(|value| set(value, "a", json!(number.to_string())));
        }
        let mut steps = 0;
        while history.can_undo() {
            history.undo();
            steps += 1;
        }
        assert_eq!(steps, super::KEPT);
        assert_eq!(text(history.present(), "a"), "4");
    }

    #[test]
    fn a_change_without_effect_is_not_a_step() {
        let mut history = history();
        history.edit(|_| {});
        assert!(!history.can_undo());
    }

    #[test]
    fn the_history_survives_json() {
        let mut history = history();
        typed(&mut history, "a", "x");
        typed(&mut history, "b", "y");
        history.undo();
        history.rest();
        let json = serde_json::to_string(&history).unwrap();
        assert_eq!(serde_json::from_str::<History>(&json).unwrap(), history);
    }
}
